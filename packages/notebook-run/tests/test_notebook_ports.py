"""Which port a notebook gets."""

from __future__ import annotations

import socket

import pytest

from notebook_run.__main__ import main
from notebook_run.engine import FIRST_PORT, LAST_PORT, chosen_port
from notebook_run.errors import NoFreePortError, PortBusyError


def test_the_first_free_one_is_taken() -> None:
    """What a container has is not free, even where nothing listens here."""
    port = chosen_port(None, lambda port: "the notebook a" if port < FIRST_PORT + 2 else None)
    assert FIRST_PORT + 2 <= port <= LAST_PORT


def test_all_may_be_taken() -> None:
    """Then one must be named."""
    with pytest.raises(NoFreePortError, match="name a free one with --port"):
        chosen_port(None, lambda port: "the container x")


def test_one_that_is_asked_for_is_not_replaced() -> None:
    """It says who has it, if that can be known."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortBusyError, match="is taken by another program"):
            chosen_port(port, lambda port: None)
        with pytest.raises(PortBusyError, match="is taken by the notebook a"):
            chosen_port(port, lambda port: "the notebook a")
    assert chosen_port(port, lambda port: None) == port


def test_one_that_only_root_may_listen_on_is_left_to_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken by anybody, and the engine may."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert chosen_port(80, lambda port: None) == 80


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_what_is_no_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is looked at."""
    with pytest.raises(SystemExit) as ended:
        main(argv=["up", "eda", f"--port={port}"])
    assert ended.value.code == 2
    assert f"must be a port from 1 to 65535, not '{port}'" in capsys.readouterr().err
