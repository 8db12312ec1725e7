#!/bin/bash
# Puts conda's Python first on PATH, whatever was first before.
eval "$(conda shell.bash hook)"
