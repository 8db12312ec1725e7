"""Turns errors of the Docker Engine and of docker-py into errors of this package."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image_build.errors import DiskFullError, EngineRefusedError, EngineUnavailableError


@contextmanager
def engine_errors(action: str) -> Iterator[None]:
    """Turn an error response of the engine into an error that names the action, such as "pulling x:1".

    Raises:
        DiskFullError: The engine's disk is full.
        EngineRefusedError: Any other error response.
    """
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        reason = str(error.explanation or error)
        if "no space left" in reason:
            raise DiskFullError(action) from None
        raise EngineRefusedError(action, reason) from None


@contextmanager
def engine_failures() -> Iterator[None]:
    """Turn failures that can happen in any request, such as a lost connection, into errors of this package.

    Also works as a decorator: `@engine_failures()`.

    Raises:
        EngineUnavailableError: The connection was lost.
        EngineRefusedError: An error response that no other code expected.
    """
    try:
        yield
    except Exception as error:
        # docker-py does not wrap the exceptions of its HTTP libraries.
        library = type(error).__module__.partition(".")[0]
        if library == "docker" and (reason := getattr(error, "explanation", None)):
            raise EngineRefusedError("processing a request", str(reason)) from None
        if library in ("docker", "requests", "urllib3"):
            raise EngineUnavailableError(engine_address()) from None
        raise


def engine_address() -> str:
    """The address that the `docker` command uses: DOCKER_HOST, then DOCKER_CONTEXT, then its current context.

    Raises:
        EngineUnavailableError: DOCKER_CONTEXT names a context that does not exist.
    """
    if host := os.environ.get("DOCKER_HOST"):
        return host
    default, name = "unix:///var/run/docker.sock", os.environ.get("DOCKER_CONTEXT")
    if not name and not (Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "contexts").is_dir():
        return default
    from docker.context import ContextAPI

    # docker-py ignores DOCKER_CONTEXT.
    context = ContextAPI.get_context(name) if name else ContextAPI.get_current_context()
    if name and context is None:
        raise EngineUnavailableError(f"the context '{name}'")
    return str(context.Host or default) if context else default
