#!/bin/sh
# prepare-home.sh TARGET: writes the files that a final image needs in addition to the venv: the start command and, unless
# the base has user 1000 (a Jupyter stack has), the user jovyan with a home.
set -eu
epoch=315532800
mkdir -p "$1/usr/local/bin"
cp /run/notebook/start-jupyter.sh "$1/usr/local/bin/start-jupyter"
chmod 755 "$1/usr/local/bin/start-jupyter"
if ! getent passwd 1000 >/dev/null; then
    mkdir -p "$1/etc" "$1/home/jovyan"
    cp -p /etc/passwd /etc/group "$1/etc/"
    echo 'jovyan:x:1000:100::/home/jovyan:/bin/bash' >>"$1/etc/passwd"
    chown 1000:100 "$1/home/jovyan"
fi
# A Jupyter stack activates conda's environment at every start and in every terminal; put the venv in front of it.
hooks=/usr/local/bin/before-notebook.d
# shellcheck disable=SC2016  # Expanded by the shell that sources it.
first='export PATH="/opt/venv/bin:$PATH"'
if [ -d $hooks ]; then
    mkdir -p "$1$hooks"
    echo "$first" >"$1$hooks/90-venv.sh"
fi
if [ -f /home/jovyan/.bashrc ]; then
    mkdir -p "$1/home/jovyan"
    cp -p /home/jovyan/.bashrc "$1/home/jovyan/"
    chown --reference=/home/jovyan "$1/home/jovyan"
    chmod --reference=/home/jovyan "$1/home/jovyan"
    echo "$first" >>"$1/home/jovyan/.bashrc"
fi
find "$1" -exec touch -h -d @$epoch {} +
