#!/bin/sh
# Starts the venv's Jupyter with the Jupyter stack's start command, or directly on a plain base. The options are Jupyter's.
export PATH="/opt/venv/bin:$PATH"
if command -v start-notebook.py >/dev/null; then exec start-notebook.py "$@"; fi
exec jupyter lab --ip=0.0.0.0 --port=8888 --no-browser "$@"
