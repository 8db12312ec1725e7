"""Every failure of an engine becomes an error with a complete message."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from image_build.engine import Engine, engine_failures
from image_build.engine.command import run_attached
from image_build.errors import EngineRefusedError, EngineUnavailableError, ImageBuildError


class FailingEngine(BaseHTTPRequestHandler):
    """An engine that accepts connections, but answers requests about images with an error or not at all."""

    def do_GET(self) -> None:
        if self.path.endswith(("/version", "/_ping")):
            return self._answer(200, {"ApiVersion": "1.45"})
        if "refuse" in self.path:
            return self._answer(500, {"message": "the store is damaged"})
        self.close_connection = True
        return None

    def _answer(self, code: int, document: dict[str, str]) -> None:
        content = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), FailingEngine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_lost_connection(address: str, tmp_path: Path) -> None:
    """A lost connection is reported as an engine that does not answer."""
    with (
        pytest.raises(EngineUnavailableError, match=f"no Docker Engine answers at {address}. Start it"),
        engine_failures(),
    ):
        Engine(tmp_path).has("gone")


def test_an_engine_that_refuses(address: str, tmp_path: Path) -> None:
    """The error contains the engine's own message."""
    with pytest.raises(EngineRefusedError) as found, engine_failures():
        Engine(tmp_path).has("refuse")
    assert str(found.value) == "the Docker Engine reported an error while processing a request: the store is damaged"


def test_other_failures_are_left_alone() -> None:
    """An error that is not the engine's is not changed."""
    with pytest.raises(KeyError), engine_failures():
        raise KeyError


def test_the_engine_of_the_context_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """DOCKER_CONTEXT selects the engine as it does for the docker command; an unknown context is an error."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    folder = tmp_path / "contexts/meta" / hashlib.sha256(b"far").hexdigest()
    folder.mkdir(parents=True)
    far = {"Name": "far", "Metadata": {}, "Endpoints": {"docker": {"Host": "tcp://127.0.0.1:1"}}}
    (folder / "meta.json").write_text(json.dumps(far))
    for name, address in (("far", "tcp://127.0.0.1:1"), ("nope", "the context 'nope'")):
        monkeypatch.setenv("DOCKER_CONTEXT", name)
        with pytest.raises(EngineUnavailableError) as found:
            Engine(tmp_path)
        assert found.value.address == address


def test_no_docker_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the docker command, running a container in the terminal reports what to install."""

    def missing(*_: object, **__: object) -> NoReturn:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(ImageBuildError, match="the `docker` command is not on PATH"):
        run_attached("eda", ["true"], options=[])


def test_changes_in_a_container_have_kinds() -> None:
    """The engine numbers the kinds of changes."""

    class Changes:
        api = SimpleNamespace(
            diff=lambda container: [{"Path": f"/{kind}", "Kind": kind} for kind in (0, 1, 2)],
        )

    engine = Engine.__new__(Engine)
    engine._client = Changes()
    assert engine.changed_paths("c") == {"/0": "modified", "/1": "added", "/2": "deleted"}
