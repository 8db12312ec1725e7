#!/bin/sh
# Starts the venv's Jupyter by the Jupyter stack's own start command, or on a plain base as that would. Options are Jupyter's.
export PATH="/opt/venv/bin:$PATH"
if command -v start-notebook.py >/dev/null; then exec start-notebook.py "$@"; fi
exec jupyter lab --ip=0.0.0.0 --port=8888 --no-browser "$@"
