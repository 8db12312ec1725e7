#!/bin/sh
# build-git.sh REQUIREMENTS TARGET: builds a wheel in TARGET of each line NAME @ git+URL@COMMIT of REQUIREMENTS, and writes
# TARGET/requirements with the names and markers. The caller has configured the network.
set -eu
if ! command -v git >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends git ca-certificates >/dev/null
fi
[ ! -s /run/secrets/ca ] || export GIT_SSL_CAINFO=/run/secrets/ca
# Otherwise git would ask for a user, which ends without a reason.
export GIT_TERMINAL_PROMPT=0 SOURCE_DATE_EPOCH=315532800
mkdir -p "$2"
# From `NAME[EXTRA] @ git+URL@COMMIT#subdirectory=FOLDER ; MARKER` to words; a part that is missing is a dash.
pattern='^([^ []+)[^@]* @ git\+([^ ;#]*)@([0-9a-f]{40})(#[^ ;]*)?( ; (.*))?$'
sed -E -n "s/$pattern/\1 \2 \3 -\4 \6/p" "$1" | while read -r name url commit fragment marker; do
    checkout=$(mktemp -d)
    # With tags, from which some packages derive their version.
    git clone --quiet --no-checkout "$url" "$checkout"
    git -C "$checkout" cat-file -e "$commit" 2>/dev/null || git -C "$checkout" fetch --quiet origin "$commit"
    git -C "$checkout" -c advice.detachedHead=false checkout --quiet "$commit"
    git -C "$checkout" submodule --quiet update --init --recursive
    uv build --quiet --wheel --python python3 --out-dir "$2" "$checkout/$(echo "$fragment" | sed -n 's/.*subdirectory=\([^&]*\).*/\1/p')"
    echo "$name${marker:+ ; $marker}" >>"$2/requirements"
    rm -rf "$checkout"
done
