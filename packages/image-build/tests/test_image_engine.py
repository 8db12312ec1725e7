"""Whatever an engine does, who asked it gets a sentence."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

import pytest

from image_build.engine import Engine, engine_failures, run_attached
from image_build.errors import EngineRefusedError, NoDockerCommandError, NoDockerError


class FailingEngine(BaseHTTPRequestHandler):
    """It lets us in, and then does not do what it is asked: for any image, by an answer of its own or by none."""

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
        """Say nothing."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), FailingEngine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_engine_that_ends_meanwhile(address: str) -> None:
    """A connection that is lost is an engine that does not answer any more."""
    with pytest.raises(NoDockerError, match=f"no Docker Engine answers at {address}. Start it"), engine_failures():
        Engine().has("gone")


def test_an_engine_that_refuses(address: str) -> None:
    """Its own words are told."""
    with pytest.raises(EngineRefusedError) as found, engine_failures():
        Engine().has("refuse")
    assert str(found.value) == "the Docker Engine refused what it was asked: the store is damaged"


def test_other_failures_are_left_alone() -> None:
    """An error that has nothing to do with the engine is not taken for one of it."""
    with pytest.raises(KeyError), engine_failures():
        raise KeyError


def test_the_engine_of_the_context_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """DOCKER_CONTEXT leads us where it leads the docker command, if there is a context of that name."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    folder = tmp_path / "contexts/meta" / hashlib.sha256(b"far").hexdigest()
    folder.mkdir(parents=True)
    far = {"Name": "far", "Metadata": {}, "Endpoints": {"docker": {"Host": "tcp://127.0.0.1:1"}}}
    (folder / "meta.json").write_text(json.dumps(far))
    for name, address in (("far", "tcp://127.0.0.1:1"), ("nope", "the context 'nope'")):
        monkeypatch.setenv("DOCKER_CONTEXT", name)
        with pytest.raises(NoDockerError) as found:
            Engine()
        assert found.value.address == address


def test_no_docker_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine without the command: what starts a container on a terminal says what to install."""

    def missing(*_: object, **__: object) -> NoReturn:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(NoDockerCommandError, match="there is no `docker` command on PATH"):
        run_attached("eda", ["true"], options=[])
