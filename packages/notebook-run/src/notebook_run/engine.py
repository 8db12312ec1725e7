"""The Docker Engine of this machine, for containers of notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from image_build import engine as image_engine
from image_build.engine import engine_errors
from notebook_run.container import Mount
from notebook_run.errors import NotebookInputError
from notebook_run.lost_files import written_outside
from notebook_run.place import ProgramExit
from notebook_run.processes import signals_blocked
from notebook_run.project import missing_file

if TYPE_CHECKING:
    from docker.models.containers import Container

ROOT_LABEL: Final = "io.shrinkwrap.root"
KIND_LABEL: Final = "io.shrinkwrap.kind"
NOTEBOOK_LABEL: Final = "io.shrinkwrap.notebook"
OUT_LABEL: Final = "io.shrinkwrap.out"
# Of a change of a container's files, and of the mode of a file, in Docker's API.
_REMOVED: Final = 2
_FOLDER: Final = 1 << 31


@dataclass(frozen=True, kw_only=True)
class ContainerRequest:
    """A container for one command.

    Attributes:
        image: Reference of a local image.
        user: `UID:GID`.
        memory_bytes: Limit of its memory; None for no limit.
        has_selinux: Give the mounted files the label that SELinux demands of files in containers.
    """

    image: str
    command: Sequence[str]
    mounts: Sequence[Mount]
    environment: Mapping[str, str]
    user: str
    memory_bytes: int | None
    has_network: bool
    labels: Mapping[str, str]
    has_selinux: bool = False


@dataclass(frozen=True, kw_only=True)
class RunningNotebook:
    """The container that `notebook.up` started for a notebook; it may have stopped by itself.

    Attributes:
        state: Docker's word: running, exited, ….
        health: starting, healthy or unhealthy: the result of the image's last check.
        port: On 127.0.0.1.
        image: Reference of its image.
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
    """A connection to the Docker Engine."""

    @property
    def is_rootless(self) -> bool:
        """Whether the engine runs as an ordinary user."""
        return any("rootless" in option for option in self._client.info().get("SecurityOptions") or [])

    def run_lines(self, request: ContainerRequest, on_line: Callable[[str], None]) -> ProgramExit:
        """Run a command in a new container, pass on each line of its output, and remove the container."""
        container: Container | None = None
        try:
            with engine_errors(f"running {request.image}"), signals_blocked():
                container = self._created(request)
            with engine_errors(f"running {request.image}"):
                attached = container.attach(stream=True, stdout=True, stderr=True, demux=True)
            # The stream's own `close` does not close the connection, which an Engine in a test would leave open.
            with closing(attached._response):
                with engine_errors(f"running {request.image}"):
                    container.start()
                for line in joined_lines(attached):
                    on_line(line)
            return self._container_exit(container, [mount.target for mount in request.mounts])
        finally:
            # A second Ctrl-C must not leave the container running.
            with engine_errors(f"removing the container of {request.image}"), signals_blocked():
                if container:
                    container.remove(force=True, v=True)

    def _created(self, request: ContainerRequest) -> Container:
        limit = request.memory_bytes
        return self._client.containers.create(
            request.image,
            command=list(request.command[1:]),
            entrypoint=request.command[0],
            environment=dict(request.environment),
            user=request.user,
            working_dir="/",
            **mount_arguments(request),
            # Swap would raise the limit.
            **({"mem_limit": limit, "memswap_limit": limit} if limit else {}),
            network_mode="bridge" if request.has_network else "none",
            labels=dict(request.labels),
        )

    def _container_exit(self, container: Container, mounted: Sequence[str]) -> ProgramExit:
        exit_code = int(container.wait()["StatusCode"])
        container.reload()
        return ProgramExit(
            exit_code=exit_code,
            is_out_of_memory=bool(container.attrs["State"].get("OOMKilled")),
            lost_files=self._lost_files(container, mounted),
        )

    def lost_files(self, container: str) -> tuple[str, ...]:
        """The files of a notebook's container that are lost when it is removed, except temporary ones."""
        with engine_errors("listing the files of a container"):
            found = self._client.containers.get(container)
            mounts = found.attrs["Mounts"]
            in_memory = [mount["Destination"] for mount in mounts if mount["Type"] == "tmpfs"]
            lost = self._lost_files(found, [mount["Destination"] for mount in mounts])
            # Docker's list of changes does not have files in memory, and only a running container has them.
            if in_memory and found.status == "running":
                _, output = found.exec_run(["find", *in_memory, "-xdev", "-type", "f"], stderr=False)
                lost = (*output.decode("utf-8", "replace").splitlines(), *lost)
        return tuple(sorted(lost))

    def _lost_files(self, container: Container, mounted: Sequence[str]) -> tuple[str, ...]:
        # Removed files are not results.
        changed = [change["Path"] for change in container.diff() or [] if change["Kind"] != _REMOVED]
        outside = written_outside(changed, mounted)
        return tuple(path for path in outside if not self._is_folder(container, path))

    def _is_folder(self, container: Container, path: str) -> bool:
        from docker.utils import decode_json_header

        # The SDK's method for this would begin to send the file.
        api = self._client.api
        answer = api.head(f"{api.base_url}/v{api.api_version}/containers/{container.id}/archive", params={"path": path})
        answer.raise_for_status()
        return bool(decode_json_header(answer.headers["x-docker-container-path-stat"])["mode"] & _FOLDER)

    def remove_runs(self, out: Path) -> int:
        """Remove the containers of runs that write to a folder, and return their number."""
        with engine_errors("removing the container of a run that was killed"):
            containers = self._client.containers.list(
                all=True, filters={"label": [f"{OUT_LABEL}={out}", f"{KIND_LABEL}=run"]}
            )
            for container in containers:
                container.remove(force=True, v=True)
        return len(containers)

    def running_notebooks(self, root: Path) -> dict[str, RunningNotebook]:
        """The notebooks of a project that `notebook.up` started, by name."""
        with engine_errors("listing containers"):
            containers = self._client.containers.list(
                all=True, filters={"label": [f"{ROOT_LABEL}={root}", f"{KIND_LABEL}=up"]}
            )
        found = [_running_notebook(container) for container in containers]
        return {each.notebook: each for each in sorted(found, key=lambda each: each.notebook)}

    def last_lines(self, container: str, count: int = 8) -> list[str]:
        """The last lines of a container's output."""
        with engine_errors("reading the output of a container"):
            output = self._client.containers.get(container).logs(tail=count)
        return [line.rstrip() for line in output.decode("utf-8", "replace").splitlines()]

    def follow(self, container: str, write: Callable[[str], None], *, is_followed: bool) -> None:
        """Pass on the output of a container so far and, if it is followed, until the container ends."""
        with engine_errors("reading the output of a container"):
            found = self._client.containers.get(container)
            for chunk in found.logs(stream=True, follow=is_followed):
                write(chunk.decode("utf-8", "replace"))

    def wait(self, container: str) -> int:
        """Wait until a container ends; its exit code."""
        with engine_errors("waiting for a container"):
            return int(self._client.containers.get(container).wait()["StatusCode"])

    def port_owner(self, port: int) -> str | None:
        """The container that publishes a port on this machine, in words."""
        for container in self._client.containers.list():
            bindings = [binding for bound in container.ports.values() for binding in bound or []]
            if any(binding["HostPort"] == str(port) for binding in bindings):
                notebook = container.labels.get(NOTEBOOK_LABEL)
                return f"the notebook {notebook}" if notebook else f"the container {container.name}"
        return None


def joined_lines(chunks: Iterable[tuple[bytes | None, bytes | None]]) -> Iterator[str]:
    """Complete lines of standard output and standard error, which are joined separately."""
    rests = [b"", b""]
    for pair in chunks:
        for stream, chunk in enumerate(pair):
            *complete, rests[stream] = (rests[stream] + (chunk or b"")).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in complete)
    yield from (rest.decode("utf-8", "replace") for rest in rests if rest)


def _running_notebook(container: Container) -> RunningNotebook:
    state = container.attrs["State"]
    bound = (container.attrs["NetworkSettings"].get("Ports") or {}).get("8888/tcp") or [{}]
    port = bound[0].get("HostPort")
    return RunningNotebook(
        notebook=container.labels[NOTEBOOK_LABEL],
        container=str(container.name),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", "unknown"),
        port=int(port) if port else None,
        image=container.attrs["Config"]["Image"],
        started=state["StartedAt"],
    )


def mount_arguments(request: ContainerRequest) -> dict[str, Any]:
    """The arguments of docker-py: mounts, or volumes with SELinux, whose labels the API of mounts does not have."""
    if request.has_selinux:
        return {"volumes": _labelled(request.mounts)}
    return {"mounts": [_bind(mount) for mount in request.mounts]}


def _labelled(mounts: Iterable[Mount]) -> dict[str, dict[str, str]]:
    volumes: dict[str, dict[str, str]] = {}
    for mount in mounts:
        path = str(mount.source.resolve())
        if ":" in path:
            raise NotebookInputError(
                f"{path} cannot be mounted with `selinux = true`: its path has a colon. Rename it."
            )
        if not mount.source.exists():
            raise missing_file(mount.source, "a file or folder that a notebook needs", "Restore it.")
        # docker-py wants each source once, but two parts can be links to one file of DVC's cache: /./a is /a.
        while path in volumes:
            path = f"/.{path}"
        # `z` is the label that several containers may share: notebooks read the same data.
        volumes[path] = {"bind": mount.target, "mode": f"{'rw' if mount.is_writable else 'ro'},z"}
    return volumes


def _bind(mount: Mount) -> Any:
    from docker.types import Mount as Bind

    # A mount, not a volume: if the source does not exist, a mount fails; a volume makes a folder that belongs to root.
    return Bind(target=mount.target, source=str(mount.source.resolve()), type="bind", read_only=not mount.is_writable)
