#!/bin/sh
# cut-slice.sh GROUPS TARGET: writes what poetry.lock (in the working directory) says for GROUPS (as in main,notebook):
# TARGET/locked, requirements with hashes and markers, and TARGET/own, wheels of this repository's own packages.
set -eu
mkdir -p "$2/own"
# Refuses a lock that is older than pyproject.toml, and groups that are not there.
poetry export --only "$1" --output /tmp/slice
grep -v '^-e ' /tmp/slice >"$2/locked" || true
sed -n 's/^-e file:\/\/\([^ ;]*\).*/\1/p' /tmp/slice | while read -r folder; do
    # The context may not be written to.
    cp -r "$folder" /tmp/own
    poetry build --quiet --directory /tmp/own --format wheel
    mv /tmp/own/dist/*.whl "$2/own/"
    rm -rf /tmp/own
done
