"""Tags become digests in pyproject.toml, by what the registry itself says; nothing else in the file changes."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from image_build.errors import RegistryDeniedError, RegistryUnreachableError, UnknownReferenceError
from image_build.pin import pin_bases
from image_build.registry import add_tags, resolve_digest

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
    """The tag stays beside the digest, for people; comments and order stay."""
    text, lines = pin_bases(TABLES, is_updated=False, resolve=lambda tag: DIGEST)
    assert text == TABLES.replace("'quay.io/jupyter/x:1'", f'"quay.io/jupyter/x:1@{DIGEST}"')
    assert lines == [f"eda: quay.io/jupyter/x:1 is {DIGEST}"]


def test_a_pinned_base_is_left_alone() -> None:
    """Without --update a registry is not asked for what has a digest."""
    pinned, _ = pin_bases(TABLES, is_updated=False, resolve=lambda tag: DIGEST)
    text, lines = pin_bases(pinned, is_updated=False, resolve=lambda tag: "sha256:2")
    assert (text, lines) == (pinned, ["eda: quay.io/jupyter/x:1 is pinned; --update asks again"])


def test_update_moves_to_what_the_tag_is_now() -> None:
    """With --update the digest is what the tag stands for today, and the old one is told."""
    pinned, _ = pin_bases(TABLES, is_updated=False, resolve=lambda tag: DIGEST)
    text, lines = pin_bases(pinned, is_updated=True, resolve=lambda tag: f"sha256:{'2' * 64}")
    assert f"x:1@sha256:{'2' * 64}" in text and DIGEST not in text
    assert lines == [f"eda: quay.io/jupyter/x:1 is sha256:{'2' * 64}, was {DIGEST}"]


class Registry(http.server.BaseHTTPRequestHandler):
    """A registry with one tag, which gives it to whoever has a token, and tokens to whoever asks."""

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


def nobody(registry: str) -> str:
    return ""


def test_a_registry_is_asked_as_its_challenge_says(registry: str) -> None:
    """A first answer of 401 names who gives tokens; with one, the tag's digest is told."""
    assert resolve_digest(f"{registry}/x/y:1", login=nobody) == DIGEST


def test_a_tag_is_added_beside_another(registry: str) -> None:
    """The manifest is written again under the new name."""
    add_tags(f"{registry}/x/y:1", [f"{registry}/x/y:2"], login=nobody)
    assert set(Registry.written) == {"/v2/x/y/manifests/2"}


def test_what_a_registry_can_say_no_to(registry: str) -> None:
    """An unknown tag, a refusal and a silence are three errors."""
    with pytest.raises(UnknownReferenceError, match=r"there is no image 127.*/missing/y:1"):
        resolve_digest(f"{registry}/missing/y:1", login=nobody)
    with pytest.raises(RegistryDeniedError, match="docker login 127"):
        resolve_digest(f"{registry}/closed/y:1", login=nobody)
    with pytest.raises(RegistryUnreachableError, match="Connection refused"):
        resolve_digest("127.0.0.1:1/x:1", login=nobody)
