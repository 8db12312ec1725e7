"""A registry's own HTTP interface, for what moves no layer: the digest that a tag stands for, and more tags for it.

https://distribution.github.io/distribution/spec/api/ and its spec/auth/token/.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

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

Login: TypeAlias = Callable[[str], str]
"""Gives base64 of `user:password` for a registry, or nothing."""


def resolve_digest(reference: str, *, login: Login) -> str:
    """The digest that a reference by tag stands for now: of the index, where there is one for several platforms.

    Raises:
        UnknownReferenceError: The registry has no such tag.
        RegistryDeniedError: It wants a login.
        RegistryUnreachableError: It does not answer.
    """
    _, headers = _asked("HEAD", reference, login)
    digest = str(headers.get("Docker-Content-Digest") or "")
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise RegistryUnreachableError(registry_of(reference), "it answers, but names no digest")
    return digest


def add_tags(reference: str, names: Iterable[str], *, login: Login) -> None:
    """Give an image in a registry more names in the same repository; no layer is moved, the digest stays.

    Raises:
        UnknownReferenceError: The registry has no such tag.
        RegistryDeniedError: It wants a login.
        RegistryUnreachableError: It does not answer.
    """
    content, headers = _asked("GET", reference, login)
    for name in names:
        _asked("PUT", name, login, content=content, kind=headers["Content-Type"])


def _asked(
    method: str, reference: str, login: Login, *, content: bytes | None = None, kind: str | None = None
) -> tuple[bytes, Mapping[str, str]]:
    """The manifest of a reference, or the answer to a new one."""
    registry, repository, tag = _parts(reference)
    url = f"{_scheme(registry)}://{registry}/v2/{repository}/manifests/{tag}"
    headers = {"Accept": _KINDS} | ({"Content-Type": kind} if kind else {})
    try:
        try:
            return _answer(urllib.request.Request(url, method=method, data=content, headers=headers))
        except urllib.error.HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate", "")
            if error.code != 401 or not challenge:
                raise
            headers["Authorization"] = _authorization(challenge, login(registry_of(reference)))
            return _answer(urllib.request.Request(url, method=method, data=content, headers=headers))
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise UnknownReferenceError(reference, advice="correct the name in its table.") from None
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


def _answer(request: urllib.request.Request) -> tuple[bytes, Mapping[str, str]]:
    # A proxy of the company knows nothing of a registry on this machine.
    is_local = urllib.parse.urlsplit(request.full_url).scheme == "http"
    opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if is_local else []))
    with opener.open(request, timeout=_TIMEOUT_S) as answer:
        return answer.read(), answer.headers


def _authorization(challenge: str, login: str) -> str:
    """A token for anyone, or for whoever logged in."""
    kind, _, rest = challenge.partition(" ")
    if kind.lower() == "basic":
        return f"Basic {login}"
    fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    query = urllib.parse.urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
    headers = {"Authorization": f"Basic {login}"} if login else {}
    content, _ = _answer(urllib.request.Request(f"{fields['realm']}?{query}", headers=headers))
    document = json.loads(content)
    return f"Bearer {document.get('token') or document['access_token']}"
