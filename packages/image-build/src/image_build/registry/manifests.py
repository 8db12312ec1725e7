"""A registry's HTTP interface, for requests that move no layers: the digest of a tag, and further tags for an image.

https://distribution.github.io/distribution/spec/api/ and its spec/auth/token/.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from image_build.errors import RegistryError, UnknownReferenceError
from image_build.registry.references import registry_of

_MEDIA_TYPES = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_TIMEOUT_S = 30

# Returns base64 of `user:password` for a registry, or an empty text.
Credentials: TypeAlias = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class _Response:
    content: bytes
    headers: Mapping[str, str]


def resolve_digest(reference: str, *, credentials: Credentials) -> str:
    """The digest that a tag refers to now; for an image of several platforms, that of its index.

    Raises:
        UnknownReferenceError: The registry does not have the tag.
        RegistryError: The registry cannot be reached or denies access.
    """
    response = _manifest_request("HEAD", reference, credentials)
    digest = str(response.headers.get("Docker-Content-Digest") or "")
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise RegistryError(registry_of(reference), "its response contains no digest")
    return digest


def add_tags(reference: str, names: Iterable[str], *, credentials: Credentials) -> None:
    """Add tags to an image in the same repository of a registry; moves no layers and keeps the digest.

    Raises:
        UnknownReferenceError: The registry does not have the tag.
        RegistryError: The registry cannot be reached or denies access.
    """
    manifest = _manifest_request("GET", reference, credentials)
    for name in names:
        _manifest_request("PUT", name, credentials, manifest=manifest)


def _manifest_request(
    method: str, reference: str, credentials: Credentials, *, manifest: _Response | None = None
) -> _Response:
    """Read or write the manifest of a reference; log in if the registry requests it."""
    url = _manifest_url(reference)
    headers = {"Accept": _MEDIA_TYPES} | ({"Content-Type": manifest.headers["Content-Type"]} if manifest else {})
    content = manifest.content if manifest else None
    registry = urllib.parse.urlsplit(url).netloc
    try:
        try:
            return _response(urllib.request.Request(url, method=method, data=content, headers=headers))
        except urllib.error.HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate", "")
            if error.code != 401 or not challenge:
                raise
            headers["Authorization"] = _authorization(challenge, credentials(registry_of(reference)))
            return _response(urllib.request.Request(url, method=method, data=content, headers=headers))
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise UnknownReferenceError(reference, advice="correct the name in its table.") from None
        raise RegistryError(registry, f"{error.code} {error.reason}", is_denied=True) from None
    except OSError as error:
        raise RegistryError(registry, str(getattr(error, "reason", error))) from None


def _manifest_url(reference: str) -> str:
    registry = registry_of(reference)
    path = reference.removeprefix(f"{registry}/")
    repository, _, tag = path.partition(":")
    if registry == "docker.io":
        registry, repository = "registry-1.docker.io", repository if "/" in repository else f"library/{repository}"
    return f"{_scheme(registry)}://{registry}/v2/{repository}/manifests/{tag or 'latest'}"


def _scheme(registry: str) -> str:
    """Like Docker, use plain HTTP only for a registry on this machine."""
    host = registry.partition(":")[0]
    return "http" if host == "localhost" or host.startswith("127.") else "https"


def _response(request: urllib.request.Request) -> _Response:
    # A proxy cannot reach a registry on this machine.
    is_local = urllib.parse.urlsplit(request.full_url).scheme == "http"
    opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if is_local else []))
    with opener.open(request, timeout=_TIMEOUT_S) as response:
        return _Response(content=response.read(), headers=response.headers)


def _authorization(challenge: str, credentials: str) -> str:
    """The header that a challenge requires: a token for the user, or an anonymous one without credentials."""
    kind, _, rest = challenge.partition(" ")
    if kind.lower() == "basic":
        return f"Basic {credentials}"
    fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    query = urllib.parse.urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
    headers = {"Authorization": f"Basic {credentials}"} if credentials else {}
    response = _response(urllib.request.Request(f"{fields['realm']}?{query}", headers=headers))
    document = json.loads(response.content)
    return f"Bearer {document.get('token') or document['access_token']}"
