#!/bin/sh
# install-system.sh "PACKAGES" "DATE" TARGET: installs Debian packages and copies the files that this added or changed to
# TARGET. The same packages have the same bytes: logs, caches and byte code are omitted, and all times are equal.
# DATE (2026-11-01) selects the archive of that day; empty for the current one.
set -eu
epoch=315532800
mark=/tmp/mark
mkdir -p "$3"
[ -n "$1" ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "system = [...]: the base has no apt-get; use a base of Debian or Ubuntu, or add $1 to the base" >&2
    exit 1
fi
set -f
packages=$1
# shellcheck disable=SC2086  # Words.
set -- "$2" "$3" $packages
set +f
date=$1 target=$2
shift 2
if [ -s /run/secrets/ca ]; then ca=-oAcquire::https::CaInfo=/run/secrets/ca; fi
sources=
if [ -n "$date" ]; then
    sh "$(dirname "$0")/apt-sources.sh" "$date" /etc/apt /tmp/apt
    sources="-oDir::Etc::sourcelist=/tmp/apt/sources.list -oDir::Etc::sourceparts=/tmp/apt/sources.list.d"
    sources="$sources -oAcquire::Check-Valid-Until=false"
fi
# SOURCE_DATE_EPOCH is for users that packages create: /etc/shadow has the day.
export DEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH=$epoch
# shellcheck disable=SC2086
apt-get -qq ${ca:+"$ca"} $sources -oAPT::Update::Error-Mode=any update
touch $mark
sleep 0.1
# Without removals: a layer of files cannot remove files of the base.
# shellcheck disable=SC2086
apt-get -qq ${ca:+"$ca"} $sources -oDpkg::Use-Pty=0 install --no-install-recommends --no-remove "$@" >/tmp/apt.log || {
    cat /tmp/apt.log
    echo "system: apt cannot install $*; correct the names and versions in pyproject.toml" >&2
    exit 1
}
# New and changed files have a new ctime, also if their mtime is that of the package. Folders come with their owners.
find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /root \
    -o -path /var/lib/apt/lists -o -path /etc/apt -o -path "$target" -o -name __pycache__ \
    -o -path /etc/machine-id -o -path /etc/resolv.conf -o -path /etc/hosts -o -path /etc/hostname \
    -o -path /var/lib/dpkg/lock -o -path /var/lib/dpkg/lock-frontend -o -path /var/lib/dpkg/triggers/Lock \
    -o -path '/var/lib/dpkg/*-old' -o -path '/etc/*-' -o -path /var/lib/apt/periodic \
    -o -type f \( -path '/var/log/*' -o -path '/var/cache/*' \) \) -prune -o -cnewer $mark -print |
    awk -F/ '{ path = ""; for (i = 2; i < NF; i++) { path = path "/" $i; print path }; print }' | sort -u >/tmp/files
tar -c --no-recursion -C / -T /tmp/files 2>/tmp/tar.log | tar -x -p -C "$target" || { cat /tmp/tar.log >&2; exit 1; }
find "$target" -exec touch -h -d @$epoch {} +
