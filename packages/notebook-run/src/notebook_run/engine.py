"""The one door to Docker and processes: containers by the SDK; compose and sibling commands as processes."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from image_build import engine as image_engine
from notebook_run.errors import (
    NoComposeError,
    NoFreePortError,
    NotStartedError,
    NotStoppedError,
    PortBusyError,
    SiblingFailedError,
)
from notebook_run.needs import Mount

if TYPE_CHECKING:
    from docker.models.containers import Container


ROOT_LABEL: Final = "io.shrinkwrap.root"
KIND_LABEL: Final = "io.shrinkwrap.kind"
NOTEBOOK_LABEL: Final = "io.shrinkwrap.notebook"
OUT_LABEL: Final = "io.shrinkwrap.out"
FIRST_PORT: Final = 8888
LAST_PORT: Final = 8950
_COMPOSE_TIMEOUT_S: Final = 120


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a container ended."""

    exit_code: int
    is_out_of_memory: bool


@dataclass(frozen=True, kw_only=True)
class Upped:
    """A notebook's container that `up` made.

    Attributes:
        state: As Docker calls it: running, exited, ….
        health: starting, healthy or unhealthy, as the image's last check said.
        port: Of 127.0.0.1.
        image: Reference that it was made from.
        started: Time, as ISO 8601.
    """

    notebook: str
    container: str
    state: str
    health: str
    port: int | None
    image: str
    started: str

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


class Engine(image_engine.Engine):
    """A connection to the Docker Engine of this machine, for notebooks."""

    @property
    def is_rootless(self) -> bool:
        """It runs as an ordinary user."""
        return any("rootless" in option for option in self._client.info().get("SecurityOptions") or [])

    def run_lines(
        self,
        reference: str,
        command: Sequence[str],
        *,
        mounts: Iterable[Mount],
        environment: Mapping[str, str],
        user: str,
        memory_bytes: int | None,
        has_network: bool,
        labels: Mapping[str, str],
        hear: Callable[[str], None],
    ) -> Ended:
        """Run a command in a container of its own and hear each line that it says; the container is gone afterwards."""
        container: Container | None = None
        try:
            with image_engine.refusals(f"running {reference}"), _uninterrupted():
                container = self._client.containers.create(
                    reference,
                    command=list(command[1:]),
                    entrypoint=command[0],
                    environment=dict(environment),
                    user=user,
                    working_dir="/",
                    mounts=[_bind(mount) for mount in mounts],
                    # Without swap to fall back on, a limit is one.
                    **({"mem_limit": memory_bytes, "memswap_limit": memory_bytes} if memory_bytes else {}),
                    network_mode="bridge" if has_network else "none",
                    labels=dict(labels),
                )
            with image_engine.refusals(f"running {reference}"):
                chunks = container.attach(stream=True, stdout=True, stderr=True, demux=True)
                container.start()
            for line in _lines(chunks):
                hear(line)
            return _ended(container)
        finally:
            # A second Ctrl-C must not leave it running.
            with image_engine.refusals(f"removing the container of {reference}"), _uninterrupted():
                if container:
                    container.remove(force=True, v=True)

    def remove_runs(self, out: Path) -> int:
        """Remove the containers of runs that write to a folder, and say how many there were."""
        with image_engine.refusals("removing what a killed run left"):
            left = self._client.containers.list(
                all=True, filters={"label": [f"{OUT_LABEL}={out}", f"{KIND_LABEL}=run"]}
            )
            for container in left:
                container.remove(force=True, v=True)
        return len(left)

    def upped(self, root: Path) -> dict[str, Upped]:
        """The notebooks of a repository that were started with `up`, by name."""
        with image_engine.refusals("listing containers"):
            containers = self._client.containers.list(
                all=True, filters={"label": [f"{ROOT_LABEL}={root}", f"{KIND_LABEL}=up"]}
            )
        found = [_upped(container) for container in containers]
        return {each.notebook: each for each in sorted(found, key=lambda each: each.notebook)}

    def last_lines(self, container: str, count: int = 8) -> list[str]:
        """What a container said last."""
        with image_engine.refusals("reading what a container said"):
            said = self._client.containers.get(container).logs(tail=count)
        return [line.rstrip() for line in said.decode("utf-8", "replace").splitlines()]

    def follow(self, container: str, write: Callable[[str], None], *, is_followed: bool) -> None:
        """Hand on what a container said and, if it is followed, what it says until it ends."""
        with image_engine.refusals("reading what a container said"):
            found = self._client.containers.get(container)
            for chunk in found.logs(stream=True, follow=is_followed):
                write(chunk.decode("utf-8", "replace"))

    def wait(self, container: str) -> int:
        """The exit code of a container, when it ends."""
        with image_engine.refusals("waiting for a container"):
            return int(self._client.containers.get(container).wait()["StatusCode"])

    def port_owner(self, port: int) -> str | None:
        """The container that has a port of this machine."""
        for container in self._client.containers.list():
            bindings = [binding for bound in container.ports.values() for binding in bound or []]
            if any(binding["HostPort"] == str(port) for binding in bindings):
                notebook = container.labels.get(NOTEBOOK_LABEL)
                return f"the notebook {notebook}" if notebook else f"the container {container.name}"
        return None


def compose_up(project: str, file: Path, *, notebook: str) -> None:
    """Start what a compose file says.

    Raises:
        NotStartedError: Compose says why not.
    """
    answer = _compose(project, "--file", str(file), "up", "--detach", "--quiet-pull")
    if answer.returncode:
        raise NotStartedError(notebook, "compose refused", last_lines=_said(answer))


def compose_down(project: str, *, notebook: str) -> None:
    """Stop and remove what was started under a project's name; its network too. There may be nothing.

    Raises:
        NotStoppedError: Compose says why not.
    """
    answer = _compose(project, "down", "--timeout", "5", "--remove-orphans")
    if answer.returncode:
        raise NotStoppedError(notebook, last_lines=_said(answer))


def _said(answer: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.strip() for line in answer.stderr.splitlines() if line.strip()][-6:]


def require_compose() -> None:
    """See that there is docker compose v2.

    Raises:
        NoComposeError: There is not.
    """
    if _compose("any", "version").returncode:
        raise NoComposeError


def _compose(project: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["docker", "compose", "--project-name", project, "--ansi", "never", "--progress", "quiet", *words]
    # A variable of the user's would name another file or project.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
    try:
        # It inherits what is blocked: ended half-way, it would leave what the engine was just making.
        with _uninterrupted():
            return subprocess.run(
                command, capture_output=True, text=True, check=False, env=kept, timeout=_COMPOSE_TIMEOUT_S
            )
    except OSError:
        raise NoComposeError from None
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"it was not done after {_COMPOSE_TIMEOUT_S} s")


def run_sibling(module: str, *words: str, cwd: Path, what: str) -> None:
    """Run a command of this repository on our terminal; its standard output goes to our standard error.

    Raises:
        SiblingFailedError: It failed.
    """
    command = [sys.executable, "-m", module, *words]
    exit_code = subprocess.run(command, cwd=cwd, stdout=sys.stderr, check=False).returncode
    if exit_code:
        raise SiblingFailedError(what, exit_code)


def chosen_port(wanted: int | None, owner: Callable[[int], str | None]) -> int:
    """The wanted port, or the first free one from 8888 on.

    Raises:
        PortBusyError: The wanted one is taken.
        NoFreePortError: So are all that were tried.
    """
    if wanted is not None:
        if not _is_free(wanted) or owner(wanted):
            raise PortBusyError(wanted, owner=owner(wanted))
        return wanted
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if _is_free(port) and not owner(port):
            return port
    raise NoFreePortError(FIRST_PORT, LAST_PORT)


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        # What was closed a moment ago is no listener.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            # A low one that only root may listen on, as the engine may.
            if error.errno != errno.EACCES:
                raise
    return True


def page_answers(port: int, path: str, token: str) -> bool:
    """A page on 127.0.0.1 answers whoever has the token."""
    # No proxy of the environment has a say in it.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"token {token}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _upped(container: Container) -> Upped:
    state = container.attrs["State"]
    bound = (container.attrs["NetworkSettings"].get("Ports") or {}).get("8888/tcp") or [{}]
    port = bound[0].get("HostPort")
    return Upped(
        notebook=container.labels[NOTEBOOK_LABEL],
        container=str(container.name),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", "unknown"),
        port=int(port) if port else None,
        image=container.attrs["Config"]["Image"],
        started=state["StartedAt"],
    )


def _ended(container: Container) -> Ended:
    exit_code = int(container.wait()["StatusCode"])
    container.reload()
    return Ended(exit_code=exit_code, is_out_of_memory=bool(container.attrs["State"].get("OOMKilled")))


def _bind(mount: Mount) -> Any:
    from docker.types import Mount as Bind

    # As a mount and not as a volume: what is missing on the host is then an error, not a new folder of root's.
    return Bind(target=mount.target, source=str(mount.source.resolve()), type="bind", read_only=not mount.is_writable)


def _lines(chunks: Iterable[tuple[bytes | None, bytes | None]]) -> Iterator[str]:
    """Whole lines of both streams, each stream put together for itself."""
    rests = [b"", b""]
    for pair in chunks:
        for which, chunk in enumerate(pair):
            *whole, rests[which] = (rests[which] + (chunk or b"")).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in whole)
    yield from (rest.decode("utf-8", "replace") for rest in rests if rest)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C and a polite kill wait until the end of the block: what it makes is then known, and can be removed."""
    waiting = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, waiting)
