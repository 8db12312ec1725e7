#!/bin/sh
# prepare-home.sh TARGET: writes to TARGET what a final image needs beside the venv: the start command and, where the
# base has no user of that number (a Jupyter stack has), user jovyan with a home.
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
find "$1" -exec touch -h -d @$epoch {} +
