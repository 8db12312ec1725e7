"""A registry's own HTTP interface, as far as pinning needs it: the digest that a tag stands for.

https://distribution.github.io/distribution/spec/api/ and its spec/auth/token/.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from image_build.build_log import registry_of
from image_build.errors import RegistryDeniedError, RegistryUnreachableError, UnknownReferenceError

_KINDS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_TIMEOUT_S = 30


def resolve_digest(reference: str) -> str:
    """The digest that a reference by tag stands for now: of the index, where there is one for several platforms.

    Raises:
        UnknownReferenceError: The registry has no such tag.
        RegistryDeniedError: It wants a login.
        RegistryUnreachableError: It does not answer.
    """
    registry, repository, tag = _parts(reference)
    url = f"{_scheme(registry)}://{registry}/v2/{repository}/manifests/{tag}"
    try:
        try:
            return _digest(url, {})
        except urllib.error.HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate", "")
            if error.code != 401 or not challenge:
                raise
            return _digest(url, {"Authorization": _authorization(challenge, registry)})
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise UnknownReferenceError(reference, advice="correct the base in its table.") from None
        raise RegistryDeniedError(registry, f"{error.code} {error.reason}") from None
    except OSError as error:
        raise RegistryUnreachableError(registry, str(getattr(error, "reason", error))) from None


def _parts(reference: str) -> tuple[str, str, str]:
    registry = registry_of(reference)
    path = reference.removeprefix(f"{registry}/")
    repository, _, tag = path.partition(":")
    if registry == "docker.io":
        registry, repository = "registry-1.docker.io", repository if "/" in repository else f"library/{repository}"
    return registry, repository, tag or "latest"


def _scheme(registry: str) -> str:
    """As Docker does it: only a registry on this machine may speak without TLS."""
    host = registry.partition(":")[0]
    return "http" if host == "localhost" or host.startswith("127.") else "https"


def _digest(url: str, headers: Mapping[str, str]) -> str:
    request = urllib.request.Request(url, method="HEAD", headers={"Accept": _KINDS, **headers})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        digest = answer.headers.get("Docker-Content-Digest")
    if not digest or not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise OSError(f"it names no digest for {url}")
    return str(digest)


def _authorization(challenge: str, registry: str) -> str:
    """A token for anyone, or for whoever `docker login` wrote down."""
    kind, _, rest = challenge.partition(" ")
    login = _login(registry)
    if kind.lower() == "basic":
        return f"Basic {login}"
    fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    query = urllib.parse.urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
    headers = {"Authorization": f"Basic {login}"} if login else {}
    request = urllib.request.Request(f"{fields['realm']}?{query}", headers=headers)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        document = json.load(answer)
    return f"Bearer {document.get('token') or document['access_token']}"


def _login(registry: str) -> str:
    """Base64 of `user:password`, as Docker keeps it where there is no credential helper; empty for none."""
    try:
        entries = json.loads((Path.home() / ".docker/config.json").read_text("utf-8")).get("auths", {})
    except (OSError, ValueError):
        return ""
    encoded = str(entries.get(registry, {}).get("auth", ""))
    try:
        base64.b64decode(encoded, validate=True)
    except ValueError:
        return ""
    return encoded
