#!/bin/bash
# Puts conda's Python first on PATH.
eval "$(conda shell.bash hook)"
