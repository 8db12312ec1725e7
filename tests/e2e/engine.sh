#!/usr/bin/env bash
# Provides what the end-to-end tests of images need: a Docker Engine with BuildKit, the base image named below, and the
# program docker-registry. Installs and starts only what is missing, as root on Debian 12. Elsewhere it reports what is
# missing and exits with 1, and those tests are skipped. `engine.sh stop` stops the engine if this script started it.
set -euo pipefail
base=localhost/debian-python:bookworm
note() { printf 'engine: %s\n' "$*" >&2; }
engine_answers() { docker info >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1; }
is_debian_root() { [[ $(id -u) = 0 ]] && command -v apt-get >/dev/null && grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; }
# shellcheck disable=SC2016  # $(SITE) is apt's.
mirror() { apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1; }
work=${TMPDIR:-$(dirname "$(mktemp -u)")}/shrinkwrap-engine
export DEBIAN_FRONTEND=noninteractive

# Debian 12's engine has no buildx. Debian 13's runs on Debian 12, except for its runc.
install_engine() {
    mkdir -p "$work"/{lists/partial,cache/archives/partial,debs,root} /usr/libexec/docker
    apt-get update -q && apt-get install -y -q --no-install-recommends runc iptables ca-certificates
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) trixie main" >"$work/sources.list"
    local options=(-q -oDir::Etc::sourcelist="$work/sources.list" -oDir::Etc::sourceparts=/dev/null
        -oDir::State::Lists="$work/lists" -oDir::Cache="$work/cache" -oAPT::Sandbox::User=root)
    apt-get "${options[@]}" update
    (cd "$work/debs" && apt-get "${options[@]}" download docker.io docker-cli docker-buildx docker-compose containerd)
    for package in "$work"/debs/*.deb; do dpkg -x "$package" "$work/root"; done
    cp "$work"/root/usr/bin/{docker,ctr,containerd*} "$work"/root/usr/sbin/{dockerd,docker-proxy} /usr/local/bin/
    cp -a "$work/root/usr/libexec/docker/cli-plugins" /usr/libexec/docker/
}

start_engine() {
    # With containerd's image store, the engine accepts any compression and images for several platforms.
    mkdir -p /etc/docker "$work"
    [[ -e /etc/docker/daemon.json ]] || echo '{"features": {"containerd-snapshotter": true}}' >/etc/docker/daemon.json
    setsid dockerd >"$work/dockerd.log" 2>&1 </dev/null &
    echo $! >"$work/dockerd.pid"
    for _ in $(seq 60); do docker info >/dev/null 2>&1 && return; sleep 1; done
    note "the engine did not start: $(tail -n 3 "$work/dockerd.log")"
    return 1
}

make_base() {
    command -v debootstrap >/dev/null || apt-get install -y -q debootstrap
    local root
    # It becomes the image's root folder, which every user must be able to enter. Debootstrap accepts no spaces in its path.
    root=$(mktemp -d --tmpdir=/var/tmp) && chmod 755 "$root"
    debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates bookworm "$root" "$(mirror)"
    # In a network that inspects TLS, builds need this machine's certificates.
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    tar -C "$root" -c . | docker import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "$base"
    rm -rf "$root"
}

if [[ ${1-} = stop ]]; then
    [[ ! -e $work/dockerd.pid ]] || kill "$(cat "$work/dockerd.pid")" 2>/dev/null || true
    rm -f "$work/dockerd.pid"
    exit 0
fi
if ! engine_answers; then
    is_debian_root || { note 'no Docker Engine with buildx answers, and this script installs one only as root on Debian 12'; exit 1; }
    if ! { command -v dockerd && docker buildx version; } >/dev/null 2>&1; then install_engine >&2; fi
    start_engine
fi
if ! docker image inspect "$base" >/dev/null 2>&1; then
    if is_debian_root; then make_base >&2; else docker pull -q python:3.12-slim-bookworm && docker tag python:3.12-slim-bookworm "$base"; fi
fi
if ! command -v docker-registry >/dev/null; then
    is_debian_root || { note 'docker-registry is missing, so tests that push are skipped'; exit 0; }
    apt-get install -y -q --no-install-recommends docker-registry >&2
fi
