#!/bin/sh
# install-slice.sh SLICE PARENT TARGET: installs SLICE in /opt/venv, on top of PARENT's venv if it has one, and copies the
# added files to TARGET/opt/venv. The same slice has the same bytes: there are no .pyc files, and all times are equal.
set -eu
# shellcheck source=images/base/network.sh
. "$(dirname "$0")/../base/network.sh"
epoch=315532800 # 1980, the earliest time in a zip file; files with it come from the parent
venv=/opt/venv
if [ -d "$2$venv" ]; then cp -a "$2$venv" $venv; else uv venv -q --python python3 $venv; fi
export VIRTUAL_ENV=$venv
if [ "${WHEELS_ONLY:-1}" = 1 ]; then only="--only-binary :all:"; fi
for name in ${BUILD_PACKAGES:-}; do only="${only:-} --no-binary $name"; done
# A slice is complete, so nothing else is installed, and each index is asked only for the packages that the lock names.
# shellcheck disable=SC2086 # Several words.
install() { uv pip install --require-hashes --no-deps --no-compile ${only:-} -r "$1"; }
install "$1/locked"
for source in "$1"/sources/*; do
    [ -d "$source" ] || continue
    url=$(sed -n "s/^$(basename "$source") //p" /run/secrets/indexes 2>/dev/null || true)
    (UV_DEFAULT_INDEX=${url:-$(cat "$source/url")} && export UV_DEFAULT_INDEX && install "$source/locked")
done
wheels=/tmp/git-wheels
# The commit stands for the content, so there are no hashes.
if [ -e "$1/git" ]; then sh "$(dirname "$0")/build-git.sh" "$1/git" $wheels; fi
for wheels in "$1/own" $wheels; do
    [ -e "$wheels/requirements" ] || continue
    # By name from a folder, not by path: uv would record the path and time of the wheel. Without the cache, where uv finds
    # the wheel of an earlier build: an edit does not change the version.
    uv pip install --no-cache --no-compile --no-deps --no-index --find-links "$wheels" -r "$wheels/requirements"
done
# uv records when the file of such a wheel was written, which differs in each build.
find $venv -name uv_cache.json | while read -r file; do
    sed -i '/uv_cache\.json/d' "$(dirname "$file")/RECORD"
    rm "$file"
done
# Jupyter replaces "python" by its own interpreter, wherever it runs: the kernel must name this interpreter.
kernel=$venv/share/jupyter/kernels/python3/kernel.json
if grep -qs '^  "python",' $kernel; then sed -i "s|^  \"python\",|  \"$venv/bin/python\",|" $kernel; fi
find $venv -type d -name __pycache__ -prune -exec rm -rf {} +
mkdir -p "$3$venv"
(cd $venv && find . ! -type d -newermt @$epoch -print0 | tar -c --null --no-recursion -T -) | tar -x -C "$3$venv"
find "$3" -exec touch -h -d @$epoch {} +
