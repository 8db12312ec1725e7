"""Ports of 127.0.0.1: choosing a free one, and requesting a page from one."""

from __future__ import annotations

import errno
import http.client
import socket
from collections.abc import Callable
from typing import Final

from notebook_run.errors import NotebookInputError, NotebookRunError

FIRST_PORT: Final = 8888
LAST_PORT: Final = 8950
_HIGHEST_PORT: Final = 2**16 - 1


def check_port(port: int | None) -> None:
    """Check that a requested number is a port; None requests no particular one.

    Raises:
        NotebookInputError: It is not.
    """
    if port is not None and not 0 < port <= _HIGHEST_PORT:
        raise NotebookInputError(f"--port must be from 1 to {_HIGHEST_PORT}, not {port}")


def chosen_port(requested: int | None, owner: Callable[[int], str | None]) -> int:
    """The requested port, or the first free one from 8888 on.

    Args:
        owner: Returns the container that publishes a port, in words.

    Raises:
        NotebookInputError: The requested port is in use.
        NotebookRunError: All ports that were tried are in use.
    """
    if requested is not None:
        container = owner(requested)
        if container or not _is_free(requested):
            raise NotebookInputError(
                f"port {requested} of 127.0.0.1 is in use by {container or 'another program'}. Choose another one with"
                f" --port, or omit --port to use the next free port from {FIRST_PORT} on."
            )
        return requested
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if _is_free(port) and not owner(port):
            return port
    raise NotebookRunError(
        f"the ports {FIRST_PORT} to {LAST_PORT} of 127.0.0.1 are all in use; name a free one with --port."
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # A connection that was just closed does not occupy the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            # The user may not listen on a low port, but the engine may.
            if error.errno != errno.EACCES:
                raise
    return True


def page_answers(port: int, path: str, token: str) -> bool:
    """Whether a page on 127.0.0.1 answers a request with the token."""
    # Without urllib: it would use a proxy of the environment.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"token {token}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
