"""Tags in pyproject.toml get the digests that their registry returns; nothing else in the file changes."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from image_build.errors import RegistryError, UnknownReferenceError
from image_build.pin import pinned_bases
from image_build.registry.manifests import add_tags, resolve_digest

DIGEST = f"sha256:{'1' * 64}"
TABLES = """\
# A comment.
[tool.env-spec.images.eda]
groups = ["main"]
base = 'quay.io/jupyter/x:1'  # why
[tool.env-spec.images.models]
groups = ["main", "models"]
parent = "eda"
"""


def test_a_tag_becomes_a_digest() -> None:
    """The tag is kept in front of the digest; comments and order do not change."""
    pinned = pinned_bases(TABLES, is_updated=False, resolve=lambda tag: DIGEST)
    assert pinned.pyproject == TABLES.replace("'quay.io/jupyter/x:1'", f'"quay.io/jupyter/x:1@{DIGEST}"')
    assert pinned.lines == (f"eda: quay.io/jupyter/x:1 is {DIGEST}",)


def test_a_pinned_base_is_kept() -> None:
    """Without --update, a tag that has a digest is not resolved again."""
    first = pinned_bases(TABLES, is_updated=False, resolve=lambda tag: DIGEST).pyproject
    second = pinned_bases(first, is_updated=False, resolve=lambda tag: "sha256:2")
    assert second.pyproject == first
    assert second.lines == ("eda: quay.io/jupyter/x:1 is pinned; --update resolves it again",)


def test_update_resolves_the_tag_again() -> None:
    """With --update, the digest is the tag's current one; the line has the old one."""
    first = pinned_bases(TABLES, is_updated=False, resolve=lambda tag: DIGEST).pyproject
    second = pinned_bases(first, is_updated=True, resolve=lambda tag: f"sha256:{'2' * 64}")
    assert f"x:1@sha256:{'2' * 64}" in second.pyproject and DIGEST not in second.pyproject
    assert second.lines == (f"eda: quay.io/jupyter/x:1 is sha256:{'2' * 64}, was {DIGEST}",)


class Registry(http.server.BaseHTTPRequestHandler):
    """A registry with one tag. It requires a token, which any client can get."""

    written: list[str]

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        if self.path.startswith("/token"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"token": "T"}')
        else:
            self._answer()

    def do_PUT(self) -> None:
        self.written.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(code=201)

    def _answer(self, code: int = 200) -> None:
        host = self.headers["Host"]
        if "/closed/" in self.path:
            self.send_response(403)
        elif self.headers.get("Authorization") != "Bearer T":
            self.send_response(401)
            scope = 'service="s",scope="repository:x:pull"'
            self.send_header("WWW-Authenticate", f'Bearer realm="http://{host}/token",{scope}')
        elif "/missing/" in self.path:
            self.send_response(404)
        else:
            self.send_response(code)
            self.send_header("Docker-Content-Digest", DIGEST)
            self.send_header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    Registry.written = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def anonymous(registry: str) -> str:
    return ""


def test_a_token_is_requested_as_the_challenge_says(registry: str) -> None:
    """The first response, 401, has the URL for tokens; with one, the registry returns the tag's digest."""
    assert resolve_digest(f"{registry}/x/y:1", credentials=anonymous) == DIGEST


def test_a_tag_is_added(registry: str) -> None:
    """The manifest is written again with the new tag."""
    add_tags(f"{registry}/x/y:1", [f"{registry}/x/y:2"], credentials=anonymous)
    assert set(Registry.written) == {"/v2/x/y/manifests/2"}


def test_errors_of_a_registry(registry: str) -> None:
    """An unknown tag, a denied request and an unreachable registry are different errors."""
    with pytest.raises(UnknownReferenceError, match=r"the image 127.*/missing/y:1 does not exist"):
        resolve_digest(f"{registry}/missing/y:1", credentials=anonymous)
    with pytest.raises(RegistryError, match="docker login 127"):
        resolve_digest(f"{registry}/closed/y:1", credentials=anonymous)
    with pytest.raises(RegistryError, match="Connection refused"):
        resolve_digest("127.0.0.1:1/x:1", credentials=anonymous)
