"""What only the `docker` command can do: build with buildx, run a container in the terminal, find credentials."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from image_build.engine.process import RunningCommand, output_of, run_in_terminal, running
from image_build.errors import ImageBuildError, ImageRequestError, PlatformError


@contextmanager
def running_bake(definition: Path, *, cwd: Path, environment: Mapping[str, str]) -> Iterator[RunningCommand]:
    """`docker buildx bake` with a definition, for the duration of the block."""
    command = ["docker", "buildx", "bake", "--builder", _own_builder(), "--progress", "plain", "--file"]
    settings = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "BUILDX_NO_DEFAULT_LOAD": "1", **environment}
    with running([*command, str(definition)], cwd=cwd, environment=settings) as process:
        yield process


def _own_builder() -> str:
    """The builder inside the engine, which has the name of the engine's context.

    A builder that `docker buildx create --use` made runs in a container: it does not see local base images, and the
    images that it builds are not local, so they could not be tested.
    """
    return (output_of(["docker", "context", "show"]) or "default").strip()


def require_buildx() -> None:
    """Check that images can be built.

    Raises:
        ImageBuildError: The `docker` command or its plugin buildx is missing.
    """
    has_command = shutil.which("docker") is not None
    if not has_command or output_of(["docker", "buildx", "version"]) is None:
        problem = "`docker buildx` does not work" if has_command else "the `docker` command is not on PATH"
        raise ImageBuildError(
            f"{problem}; it builds the images. Install the package docker-buildx-plugin (Debian: docker-buildx)"
            " in addition to Docker's command line."
        )


def require_platforms(platforms: Iterable[str]) -> None:
    """Check that the builder can run programs of these platforms, natively or by emulation.

    Raises:
        PlatformError: It cannot.
    """
    supported = builder_platforms(output_of(["docker", "buildx", "inspect", _own_builder()]) or "")
    # A builder that is not started yet lists no platforms; assume that it supports all.
    foreign = [platform for platform in dict.fromkeys(platforms) if supported and platform not in supported]
    if foreign:
        raise PlatformError(foreign, supported=supported)


def builder_platforms(inspected: str) -> tuple[str, ...]:
    """The platforms in the output of `docker buildx inspect`, without the variants of amd64."""
    lines = [line.partition(":")[2] for line in inspected.splitlines() if line.startswith("Platforms:")]
    names = (name.strip().rstrip("*") for line in lines for name in line.split(","))
    return tuple(dict.fromkeys(name for name in names if name and not name.startswith("linux/amd64/")))


def credentials(registry: str) -> str:
    """Base64 of `user:password` that `docker login` stored for a registry; empty if the user is not logged in."""
    from docker import auth
    from docker.errors import DockerException

    try:
        # Docker Hub's credentials are stored under another name.
        stored = auth.load_config().resolve_authconfig(None if registry == "docker.io" else registry) or {}
    except DockerException:
        return ""
    name, password = stored.get("username") or stored.get("Username"), stored.get("password") or stored.get("Secret")
    return base64.b64encode(f"{name}:{password}".encode()).decode() if name and password else ""


def run_attached(
    reference: str, command: Sequence[str], *, options: Sequence[str], environment: Mapping[str, str] | None = None
) -> int:
    """Run a container in this process's terminal and return its exit code; the container is always removed.

    Args:
        environment: For the container. Its values are not on the command line, which all users of a machine can read.

    Raises:
        ImageBuildError: The `docker` command is missing.
    """
    container = f"shrinkwrap-{os.getpid()}-{secrets.token_hex(4)}"
    names = [word for name in environment or {} for word in ("--env", name)]
    words = ["docker", "run", "--rm", "--name", container, *options, *names, reference, *command]
    exit_code = None
    try:
        exit_code = run_in_terminal(words, environment=environment or {})
        return exit_code
    except FileNotFoundError:
        raise ImageBuildError(
            "the `docker` command is not on PATH; it starts the containers. Install Docker's command line"
            " (package docker-ce-cli; Debian: docker-cli)."
        ) from None
    finally:
        # Ctrl-C or a closed pipe ends the `docker` command, but not its container.
        if exit_code != 0:
            output_of(["docker", "stop", "--time", "3", container])
            output_of(["docker", "rm", "--force", container])


def require_free_port(port: int) -> None:
    """Check that a program can listen on a port of 127.0.0.1.

    Raises:
        ImageRequestError: Another program uses the port, or its number is invalid.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            raise ImageRequestError(
                f"port {port} of 127.0.0.1 cannot be used; choose a free one from 1024 to 65535 with --port."
            ) from None
