#!/bin/bash
# Runs the hooks in its own shell, so that they can set variables, and then the command.
set -e
echo "Entered start.sh with args: $*"
[ -w /home/jovyan ] || echo "WARNING: no write access to /home/jovyan"
# shellcheck source=/dev/null
source /usr/local/bin/run-hooks.sh /usr/local/bin/before-notebook.d
echo "Executing the command: $*"
exec "$@"
