#!/usr/bin/env bash
# Builds the Pulumi CLI and its Python language host from their Go modules, with the hashes in go.sum, and prints their
# folder. If they are up to date, it only prints the folder. If they cannot be built, it reports why and exits with 3.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
cannot() { printf 'pulumi engine: %s\n' "$*" >&2; exit 3; }

PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || cannot 'go is not on PATH; fix: install Go 1.26.6 or newer (https://go.dev/doc/install)'
version=$(sed -n 's|^require github.com/pulumi/pulumi/pkg/v3 v||p' "$here/cli/go.mod")
made_from=$(cat "$here"/build.sh "$here"/*/go.{mod,sum} && go version)
folder=$root/.shrinkwrap/pulumi-engine/$version
mkdir -p "$root/.shrinkwrap/pulumi-engine"
exec 9>"$root/.shrinkwrap/pulumi-engine/lock" && { ! command -v flock >/dev/null || flock 9; }
if ! [[ -e $folder/made-from && $(cat "$folder/made-from") = "$made_from" ]]; then
    printf 'pulumi engine: building Pulumi %s in %s (four to seven minutes the first time)\n' "$version" "$folder" >&2
    fresh=$(mktemp -d "$root/.shrinkwrap/pulumi-engine/XXXXXX")
    trap 'rm -rf "$fresh"' EXIT
    # Use exactly the versions of go.mod and the hashes of go.sum.
    export GOFLAGS='-mod=readonly -buildvcs=false -trimpath' GOTOOLCHAIN=local CGO_ENABLED=0
    build() { # MODULE-FOLDER PACKAGE VERSION
        (cd "$here/$1" && nice go build -ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$3" \
            -o "$fresh/" "$2") >&2 || cannot "$2 could not be built (see above); is the Go module proxy reachable?"
    }
    build cli github.com/pulumi/pulumi/pkg/v3/cmd/pulumi "$version"
    build python-host github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python "$version"
    # The language host starts each program through this script, whose version must be the CLI's.
    sdk=$(cd "$here/cli" && go list -m -f '{{.Dir}}' github.com/pulumi/pulumi/sdk/v3)
    install -m 755 "$sdk/python/cmd/pulumi-language-python-exec" "$fresh/"
    printf '%s\n' "$made_from" >"$fresh/made-from"
    rm -rf "$folder" && chmod 755 "$fresh" && mv "$fresh" "$folder"
fi
printf '%s\n' "$folder"
