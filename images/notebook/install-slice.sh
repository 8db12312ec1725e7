#!/bin/sh
# install-slice.sh SLICE PARENT TARGET: installs SLICE in /opt/venv, on top of the venv in PARENT if there is one, and
# writes to TARGET/opt/venv what that added. Same slice, same bytes: no .pyc, and one time for every file.
set -eu
# shellcheck source=images/base/network.sh
. "$(dirname "$0")/../base/network.sh"
epoch=315532800 # 1980, the earliest that a zip can hold: also marks what came with the parent
venv=/opt/venv
if [ -d "$2$venv" ]; then cp -a "$2$venv" $venv; else uv venv -q --python python3 $venv; fi
export VIRTUAL_ENV=$venv
if [ "${WHEELS_ONLY:-1}" = 1 ]; then only=--no-build; fi
uv pip install --require-hashes --no-compile ${only:+"$only"} -r "$1/locked"
for wheel in "$1"/own/*.whl; do
    [ -e "$wheel" ] || continue
    # By name from a folder, not by path: uv would note where the wheel lay, and when.
    name=$(basename "$wheel" | cut -d- -f1)
    uv pip install --no-compile --no-deps --no-index --find-links "$1/own" "$name"
done
# Jupyter, wherever it runs from, starts "python" as its own interpreter: the kernel must name this one.
kernel=$venv/share/jupyter/kernels/python3/kernel.json
if grep -qs '^  "python",' $kernel; then sed -i "s|^  \"python\",|  \"$venv/bin/python\",|" $kernel; fi
find $venv -type d -name __pycache__ -prune -exec rm -rf {} +
mkdir -p "$3$venv"
(cd $venv && find . ! -type d -newermt @$epoch -print0 | tar -c --null --no-recursion -T -) | tar -x -C "$3$venv"
find "$3" -exec touch -h -d @$epoch {} +
