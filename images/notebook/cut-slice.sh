#!/bin/sh
# cut-slice.sh GROUPS TARGET FOLDER: writes the slice that GROUPS (main,notebook) and the extras in POETRY_INSTALL_EXTRAS need
# of the poetry.lock in /run/lock. In the repository, which is the working directory, this lock is in FOLDER, where its
# relative paths start. It writes TARGET/locked, requirements with hashes and markers; TARGET/sources/NAME, the same for
# each other index that the lock names, with its URL; TARGET/git, requirements with commits; and TARGET/own, wheels of the
# packages in this repository, with TARGET/own/requirements.
set -eu
# shellcheck source=images/base/network.sh
. "$(dirname "$0")/../base/network.sh"
mkdir -p "$2/own"
mkdir -p "$3"
cp /run/lock/* "$3"
# Fails if the lock is older than pyproject.toml, and for unknown groups.
poetry export --directory "$3" --without-urls --only "$1" --extras "${POETRY_INSTALL_EXTRAS:-}" --output /tmp/slice
cp -r /run/paths/. .
python packages/env-make/src/env_make/slice_sources.py /tmp/slice "$3/poetry.lock" "$2"
if [ "${INSTALL_OWN:-}" = 1 ]; then
    # The project's own package.
    mkdir /tmp/project
    cp -r pyproject.toml src /tmp/project
    python "$(dirname "$0")/touch-described.py" /tmp/project
    printf '/tmp/project\t\n' >>"$2/paths"
fi
[ -e "$2/paths" ] || exit 0
tab=$(printf '\t')
while IFS="$tab" read -r path marker; do
    # The build context is read-only.
    mkdir -p /tmp/own/dist
    cp -r "$path" /tmp/own/
    copy=/tmp/own/$(basename "$path")
    case $path in
    *.whl) mv "$copy" /tmp/own/dist/ ;;
    *)
        # Poetry builds its own packages without an index; uv installs the build backend of others.
        if grep -qs 'poetry\.core' "$copy/pyproject.toml"; then
            poetry build --quiet --directory "$copy" --format wheel --output /tmp/own/dist
        else
            uv build --quiet --wheel --python python3 --out-dir /tmp/own/dist "$copy"
        fi
        ;;
    esac
    name=$(basename /tmp/own/dist/*.whl | cut -d- -f1)
    echo "$name${marker:+ ; $marker}" >>"$2/own/requirements"
    mv /tmp/own/dist/*.whl "$2/own/"
    rm -rf /tmp/own
done <"$2/paths"
rm "$2/paths"
