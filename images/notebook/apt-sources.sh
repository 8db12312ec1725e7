#!/bin/sh
# apt-sources.sh DATE FOLDER TARGET: copies the apt sources in FOLDER (/etc/apt) to TARGET, with the archives of Debian and
# Ubuntu as they were on DATE (2026-11-01). Fails if a source is another mirror, which has no dated archives.
set -eu
day=$(echo "$1" | tr -d -)T000000Z
debian='s#https\?://\(deb\|security\|ftp[a-z0-9.]*\)\.debian\.org/\(debian[a-z-]*\)/\?#http://snapshot.debian.org/archive/\2/'$day'/#g'
ubuntu='s#https\?://\([a-z.]*archive\|security\|ports\)\.ubuntu\.com/ubuntu\(-ports\)\?/\?#https://snapshot.ubuntu.com/ubuntu/'$day'/#g'
mkdir -p "$3/sources.list.d"
touch "$3/sources.list"
for file in "$2"/sources.list "$2"/sources.list.d/*.list "$2"/sources.list.d/*.sources; do
    [ ! -f "$file" ] || sed -e "$debian" -e "$ubuntu" "$file" >"$3/${file#"$2/"}"
done
other=$(sed -n -e 's/^deb.*[[:space:]]\([a-z+]*:[^[:space:]]*\)[[:space:]].*/\1/p' -e 's/^URIs:[[:space:]]*//p' \
    "$3"/sources.list "$3"/sources.list.d/* 2>/dev/null | grep -v '//snapshot\.' || true)
if [ -n "$other" ]; then
    echo "snapshot = \"$1\": the mirror $other has no dated archives; use a base with Debian's or Ubuntu's own, or remove" \
        "\`snapshot\` and pin versions like libgomp1=12.2.0-14" >&2
    exit 1
fi
