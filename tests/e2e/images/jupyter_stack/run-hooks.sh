#!/bin/bash
# Sources the hooks in a folder, in the order of their names.
for hook in "$1"/*.sh; do
    echo "Sourcing shell script: $hook"
    # shellcheck source=/dev/null
    source "$hook"
done
