"""The one door to Docker and processes: containers by the SDK; compose and sibling commands as processes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from image_build import engine as image_engine
from image_build.errors import DiskFullError, EngineRefusedError
from notebook_run.needs import Mount

if TYPE_CHECKING:
    from docker.models.containers import Container


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a container ended."""

    exit_code: int
    is_out_of_memory: bool


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
        with _refusals(f"running {reference}"):
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
        try:
            with _refusals(f"running {reference}"):
                chunks = container.attach(stream=True, stdout=True, stderr=True, demux=True)
                container.start()
            for line in _lines(chunks):
                hear(line)
            return _ended(container)
        finally:
            # A second Ctrl-C must not leave it running.
            with _refusals(f"removing the container of {reference}"):
                container.remove(force=True, v=True)


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
def _refusals(what: str) -> Iterator[None]:
    """Turns what the engine answers into an error."""
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        said = str(error.explanation or error)
        raise (DiskFullError(what) if "no space left" in said else EngineRefusedError(what, said)) from None
