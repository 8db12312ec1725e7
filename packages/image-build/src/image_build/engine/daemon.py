"""A connection to the Docker Engine, by its SDK: inspecting, tagging, moving and running images."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

from image_build.clone import clone_name
from image_build.engine.containers import RunResult, ServedContainer
from image_build.engine.failures import engine_address, engine_errors
from image_build.engine.images import InspectedImage, base_bytes, placed_time, system_bytes
from image_build.engine.transfer_log import TransferLog
from image_build.errors import DiskFullError, EngineRefusedError, EngineUnavailableError, ImageBuildError, RegistryError
from image_build.registry.references import registry_failure, registry_of

OnLine: TypeAlias = Callable[[str], None]
ChangeKind: TypeAlias = Literal["modified", "added", "deleted"]

# By the engine's number.
_CHANGE_KINDS: tuple[ChangeKind, ...] = ("modified", "added", "deleted")

# A label of containers that tests start. It names the process, so that a later test can remove what a killed one left.
_TESTER_LABEL = "io.shrinkwrap.tester"


class Engine:
    """A connection to the Docker Engine of this machine, for one checkout of a repository.

    Raises:
        EngineUnavailableError: No engine answers, or the user may not use it.
    """

    def __init__(self, root: Path) -> None:
        import docker
        from docker.errors import DockerException

        self.root = root
        address = engine_address()
        try:
            self._client = docker.DockerClient(base_url=address, timeout=600)
            self._client.ping()
        except (DockerException, OSError) as error:
            is_forbidden = "PermissionError" in repr(error) or "Permission denied" in str(error)
            raise EngineUnavailableError(address, is_forbidden=is_forbidden) from None

    @property
    def has_image_store(self) -> bool:
        """Whether the engine keeps images in containerd's store."""
        status = self._client.info().get("DriverStatus") or []
        return any("containerd" in str(pair) for pair in status)

    def require_buildkit(self) -> None:
        """Check that the engine builds images with BuildKit.

        Raises:
            ImageBuildError: It is Podman, whose service has another builder.
        """
        components = self._client.version().get("Components") or []
        if any("Podman" in str(component.get("Name")) for component in components):
            raise ImageBuildError(
                "Podman cannot build these images: its service does not have BuildKit. Build them with Docker Engine,"
                " push them with `invoke image.build --push`, and get them here with `invoke image.get NAME`."
            )

    def image(self, reference: str) -> InspectedImage | None:
        """The local image of that name; None if there is none."""
        from docker.errors import ImageNotFound

        try:
            image = self._client.images.get(reference)
        except ImageNotFound:
            return None
        # The engine's own size includes the packed layers in containerd's store, but not in the older one.
        with engine_errors(f"inspecting {reference}"):
            layers = [(layer["CreatedBy"], layer["Size"]) for layer in reversed(image.history())]
        return InspectedImage(
            digest=str(image.id),
            tags=tuple(image.tags),
            labels=image.labels,
            placed=placed_time(image.attrs),
            size_bytes=sum(size for _, size in layers),
            base_bytes=base_bytes(layers),
            system_bytes=system_bytes(layers),
        )

    def has(self, reference: str) -> bool:
        """Whether the engine has an image of that name."""
        return self._inspect(reference) is not None

    def labels(self, reference: str) -> Mapping[str, str] | None:
        """The labels of a local image; None if there is no image of that name."""
        facts = self._inspect(reference)
        return None if facts is None else (facts["Config"] or {}).get("Labels") or {}

    def local_digest(self, reference: str) -> str | None:
        """The digest of a local image; the one that its registry uses if it came from one; None if it is missing."""
        facts = self._inspect(reference)
        if facts is None:
            return None
        known = [name.partition("@")[2] for name in facts.get("RepoDigests") or []]
        return str(known[0] if known else facts["Id"])

    def remote_digest(self, reference: str) -> str | None:
        """The digest of an image in its registry; None if the registry does not have it.

        Raises:
            RegistryError: The registry cannot be reached or denies access.
        """
        from docker.errors import APIError, NotFound

        try:
            return str(self._client.images.get_registry_data(reference).id)
        except NotFound:
            return None
        except APIError as error:
            reason = str(error.explanation or error)
            # For a repository that does not exist yet, some registries make the engine report that access is denied.
            if "manifest unknown" in reason or "not found" in reason:
                return None
            raise registry_failure(reference, reason) or EngineRefusedError(f"querying {reference}", reason) from None

    def images_with_label(self, label: str, value: str) -> dict[str, InspectedImage]:
        """The local images with a label, by name."""
        found = self._client.images.list(filters={"label": f"{label}={value}"})
        # An image whose names have all moved to newer builds has only its digest.
        images = {name: self.image(name) for image in found for name in image.tags or [str(image.id)]}
        return {name: image for name, image in images.items() if image}

    def references(self, repository: str) -> list[str]:
        """Names of the local, finished images in a repository, the newest first."""
        names = (tag for image in self._client.images.list(name=repository) for tag in image.tags)
        return [name for name in names if name.startswith(f"{repository}:") and ":building-" not in name]

    def tag(self, source: str, names: Iterable[str]) -> None:
        """Add names to an image."""
        with engine_errors(f"tagging {source}"):
            image = self._client.images.get(source)
            for name in names:
                repository, _, tag = name.rpartition(":")
                image.tag(repository, tag)

    def remove(self, reference: str) -> str | None:
        """Remove a name, and with its last name the image; return why the engine refused, or None."""
        from docker.errors import APIError, ImageNotFound

        try:
            self._client.images.remove(reference)
        except ImageNotFound:
            return None
        except APIError as error:
            return str(error.explanation)
        return None

    def push(self, reference: str, on_line: OnLine) -> None:
        """Upload an image to its registry.

        Raises:
            RegistryError: The registry cannot be reached or denies access.
        """
        repository, _, tag = reference.rpartition(":")
        if problem := _transfer(self._client.api.push(repository, tag=tag, stream=True, decode=True), on_line):
            # Without credentials, some registries answer as if the repository did not exist.
            denied = RegistryError(registry_of(reference), problem, is_denied=True)
            raise registry_failure(reference, problem) or denied
        on_line(f"pushed {reference}")

    def pull(self, reference: str, on_line: OnLine) -> None:
        """Download an image from its registry.

        Raises:
            RegistryError: The registry cannot be reached or denies access.
            DiskFullError: The engine's disk is full.
        """
        repository, _, tag = reference.rpartition(":")
        with engine_errors(f"pulling {reference}"):
            problem = _transfer(self._client.api.pull(repository, tag=tag, stream=True, decode=True), on_line)
        if problem and "no space left" in problem:
            raise DiskFullError(f"pulling {reference}")
        if problem:
            raise registry_failure(reference, problem) or EngineRefusedError(f"pulling {reference}", problem)

    def run(self, reference: str, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> RunResult:
        """Run a command in a new container without a network; it replaces the image's entry point."""
        with engine_errors(f"running {reference}"):
            container = self._client.containers.run(
                reference,
                command=list(command[1:]),
                entrypoint=command[0],
                environment=dict(environment or {}),
                network_disabled=True,
                labels=self._tester_labels(),
                detach=True,
            )
        try:
            exit_code = int(container.wait()["StatusCode"])
            return RunResult(exit_code=exit_code, output=container.logs().decode("utf-8", "replace"))
        finally:
            container.remove(force=True)

    @contextmanager
    def serving(self, reference: str, *, port: int, environment: Mapping[str, str]) -> Iterator[ServedContainer]:
        """Run an image's own program for the duration of the block, with one port published on 127.0.0.1."""
        with engine_errors(f"running {reference}"):
            container = self._client.containers.run(
                reference,
                environment=dict(environment),
                ports={f"{port}/tcp": ("127.0.0.1", None)},
                labels=self._tester_labels(),
                detach=True,
            )
        try:
            container.reload()
            (published,) = container.ports[f"{port}/tcp"]
            yield ServedContainer(f"http://127.0.0.1:{published['HostPort']}", container)
        finally:
            container.remove(force=True, v=True)

    def inspect_container(self, name: str) -> dict[str, Any]:
        """What `docker container inspect` prints of a container, as a document.

        Raises:
            EngineRefusedError: The container does not exist.
        """
        with engine_errors(f"inspecting the container {name}"):
            found: dict[str, Any] = self._client.api.inspect_container(name)
        return found

    def changed_paths(self, container: str) -> dict[str, ChangeKind]:
        """The files and folders that were modified, added or deleted in a container since it started."""
        with engine_errors(f"listing changes in the container {container}"):
            changes = self._client.api.diff(container) or []
        return {change["Path"]: _CHANGE_KINDS[change["Kind"]] for change in changes}

    def run_inside(self, container: str, command: Sequence[str]) -> RunResult:
        """Run a command in a running container.

        Raises:
            EngineRefusedError: The container does not run.
        """
        with engine_errors(f"running a command in the container {container}"):
            exec_id = self._client.api.exec_create(container, list(command))["Id"]
            output = self._client.api.exec_start(exec_id).decode("utf-8", "replace")
            exit_code = int(self._client.api.exec_inspect(exec_id)["ExitCode"])
        return RunResult(exit_code=exit_code, output=output)

    def remove_leftovers(self) -> None:
        """Remove containers of this checkout's tests whose process was killed before it could remove them."""
        for container in self._client.containers.list(all=True, filters={"label": _TESTER_LABEL}, ignore_removed=True):
            clone, _, process = container.labels[_TESTER_LABEL].partition("-")
            if clone == clone_name(self.root) and not _is_alive(int(process)):
                container.remove(force=True, v=True)

    def _inspect(self, reference: str) -> Mapping[str, Any] | None:
        from docker.errors import ImageNotFound

        try:
            facts: Mapping[str, Any] = self._client.api.inspect_image(reference)
        except ImageNotFound:
            return None
        return facts

    def _tester_labels(self) -> dict[str, str]:
        return {_TESTER_LABEL: f"{clone_name(self.root)}-{os.getpid()}"}


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _transfer(events: Iterable[Mapping[str, Any]], on_line: OnLine) -> str | None:
    """Follow a transfer to its end, reporting progress; return the error that ended it, or None."""
    log = TransferLog(start_s=time.monotonic())
    for event in events:
        if problem := event.get("error"):
            return str(problem)
        if line := log.add(event, now_s=time.monotonic()):
            on_line(line)
    return None
