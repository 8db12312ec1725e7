#!/bin/sh
# install-tools.sh REQUIREMENTS: creates /opt/tools with the versions and hashes that ./run uses; installs curl and compilers.
set -eu
# shellcheck source=images/base/network.sh
. "$(dirname "$0")/network.sh"
# BuildKit uses a local base of any platform. Its programs would run, but the image would claim the wrong platform.
case "${TARGETARCH:-}:$(uname -m)" in
:* | amd64:x86_64 | arm64:aarch64 | ppc64le:ppc64le | riscv64:riscv64 | s390x:s390x | 386:* | arm:*) ;;
*)
    echo "the base is for $(uname -m), but the image is for $TARGETARCH: choose another base" >&2
    exit 1
    ;;
esac
if ! { command -v curl && command -v cc && command -v make; } >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends curl gcc g++ libc6-dev make >/dev/null
    rm -rf /var/lib/apt/lists/*
fi
python3 -m venv /opt/tools
sed -n '/^uv==/,/[^\\]$/p' "$1" | /opt/tools/bin/python -m pip install -q --require-hashes -r /dev/stdin
/opt/tools/bin/uv pip install -q --python /opt/tools/bin/python --require-hashes -r "$1"
