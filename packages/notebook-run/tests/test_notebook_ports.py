"""The port that a notebook gets."""

from __future__ import annotations

import socket

import pytest

from notebook_run.errors import NotebookInputError, NotebookRunError
from notebook_run.session.ports import FIRST_PORT, LAST_PORT, chosen_port
from shrinkwrap.program import main


def test_the_first_free_port_is_chosen() -> None:
    """A port that a container publishes is not free, even if no process listens on it."""
    port = chosen_port(None, lambda port: "the notebook a" if port < FIRST_PORT + 2 else None)
    assert FIRST_PORT + 2 <= port <= LAST_PORT


def test_without_a_free_port_the_user_must_name_one() -> None:
    """All ports that are tried may be in use."""
    with pytest.raises(NotebookRunError, match="name a free one with --port"):
        chosen_port(None, lambda port: "the container x")


def test_a_requested_port_is_not_replaced() -> None:
    """The error names the program that uses it, if it is a notebook or another container."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(NotebookInputError, match="is in use by another program"):
            chosen_port(port, lambda port: None)
        with pytest.raises(NotebookInputError, match="is in use by the notebook a"):
            chosen_port(port, lambda port: "the notebook a")
    assert chosen_port(port, lambda port: None) == port


def test_a_port_that_only_root_may_use_is_left_to_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program uses it, and the engine may."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert chosen_port(80, lambda port: None) == 80


@pytest.mark.parametrize(
    ("port", "problem"),
    [
        ("0", "must be from 1 to 65535, not 0"),
        ("65536", "must be from 1 to 65535, not 65536"),
        ("-1", "must be from 1 to 65535, not -1"),
        ("http", "must be a whole number, not 'http'"),
    ],
)
def test_an_invalid_port_is_an_error(port: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The port is checked before anything else."""
    assert main(["notebook.up", "eda", f"--port={port}"]) == 2
    assert f"error: --port {problem}" in capsys.readouterr().err
