"""The one door to Docker: the SDK for inspecting, running and pushing, buildx for building."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from image_build.bake import INDEX_VARIABLE
from image_build.build_log import BuildLog, builder_platforms, registry_failure, registry_of
from image_build.errors import (
    DiskFullError,
    DockerPermissionError,
    EngineRefusedError,
    NoBuildxError,
    NoDockerCommandError,
    NoDockerError,
    PlatformError,
    PortTakenError,
    RegistryDeniedError,
)
from image_build.machine import clone_name, output_of
from image_build.revision import PROJECT_LABEL
from image_build.sizes import base_bytes
from image_build.transfer_log import TransferLog

if TYPE_CHECKING:
    from docker.models.containers import Container

LOG = Path(".shrinkwrap/logs/image-build.log")
# On a container of a test: who runs it, so that the next one removes what a killed one left.
_TESTER_LABEL = "io.shrinkwrap.tester"

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class LocalImage:
    """An image that the engine has.

    Attributes:
        digest: Of the manifest, or of the configuration in an engine without containerd's store.
        size_bytes: Unpacked.
        base_bytes: Of that, what its base has; None for an image that is not from our Dockerfile.
    """

    digest: str
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    created: str
    size_bytes: int
    base_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a container that ended said."""

    exit_code: int
    output: str


class Engine:
    """A connection to the Docker Engine of this machine.

    Raises:
        NoDockerError: None answers.
        DockerPermissionError: It does not answer this user.
    """

    def __init__(self) -> None:
        import docker
        from docker.errors import DockerException

        address = _address()
        try:
            self._client = docker.DockerClient(base_url=address, timeout=600)
            self._client.ping()
        except (DockerException, OSError) as error:
            if "PermissionError" in repr(error) or "Permission denied" in str(error):
                raise DockerPermissionError(address) from None
            raise NoDockerError(address) from None

    @property
    def has_image_store(self) -> bool:
        """Images are kept in containerd's store."""
        status = self._client.info().get("DriverStatus") or []
        return any("containerd" in str(pair) for pair in status)

    def image(self, reference: str) -> LocalImage | None:
        """The image of that name here, or None."""
        from docker.errors import ImageNotFound

        try:
            image = self._client.images.get(reference)
        except ImageNotFound:
            return None
        # The engine's own size counts packed and unpacked bytes in one store, and only unpacked in the other.
        with refusals(f"to look into {reference}"):
            layers = [(layer["CreatedBy"], layer["Size"]) for layer in reversed(image.history())]
        return LocalImage(
            digest=str(image.id),
            tags=tuple(image.tags),
            labels=image.labels,
            created=image.attrs["Created"],
            size_bytes=sum(size for _, size in layers),
            base_bytes=base_bytes(layers),
        )

    def has(self, reference: str) -> bool:
        """It is here."""
        from docker.errors import ImageNotFound

        try:
            self._client.api.inspect_image(reference)
        except ImageNotFound:
            return False
        return True

    def local_digest(self, reference: str) -> str | None:
        """The digest that a reference stands for here, as its registry knows it if it came from one."""
        from docker.errors import ImageNotFound

        try:
            facts = self._client.api.inspect_image(reference)
        except ImageNotFound:
            return None
        known = [name.partition("@")[2] for name in facts.get("RepoDigests") or []]
        return str(known[0] if known else facts["Id"])

    def remote_digest(self, reference: str) -> str | None:
        """The digest that the registry has for a reference; None if it has none.

        Raises:
            RegistryDeniedError: It wants a login.
            RegistryUnreachableError: It does not answer.
        """
        from docker.errors import APIError, NotFound

        try:
            return str(self._client.images.get_registry_data(reference).id)
        except NotFound:
            return None
        except APIError as error:
            problem = str(error.explanation or error)
            # An engine takes a repository that does not exist yet for a forbidden one in some registries.
            if "manifest unknown" in problem or "not found" in problem:
                return None
            raise registry_failure(reference, problem) or EngineRefusedError(
                f"to ask for {reference}", problem
            ) from None

    def project_images(self, project: str) -> list[tuple[str, LocalImage]]:
        """Names and images here that carry the label of a project."""
        found = self._client.images.list(filters={"label": f"{PROJECT_LABEL}={project}"})
        # One whose every name went to another build has only its digest.
        images = ((name, self.image(name)) for image in found for name in image.tags or [str(image.id)])
        return [(name, image) for name, image in images if image]

    def references(self, repository: str) -> list[str]:
        """Names of the finished images of a repository that are here, the newest first."""
        names = (tag for image in self._client.images.list(name=repository) for tag in image.tags)
        return [name for name in names if name.startswith(f"{repository}:") and ":building-" not in name]

    def tag(self, source: str, names: Iterable[str]) -> None:
        """Give an image more names."""
        with refusals(f"tagging {source}"):
            image = self._client.images.get(source)
            for name in names:
                repository, _, tag = name.rpartition(":")
                image.tag(repository, tag)

    def remove(self, reference: str) -> str | None:
        """Take a name away, and the image with its last; says why it could not, or None."""
        from docker.errors import APIError, ImageNotFound

        try:
            self._client.images.remove(reference)
        except ImageNotFound:
            return None
        except APIError as error:
            return str(error.explanation)
        return None

    def push(self, reference: str, say: Say) -> None:
        """Send an image to its registry.

        Raises:
            RegistryDeniedError: It wants a login.
            RegistryUnreachableError: It does not answer.
        """
        repository, _, tag = reference.rpartition(":")
        if problem := _followed(self._client.api.push(repository, tag=tag, stream=True, decode=True), say):
            # Where there are no credentials at all, some registries answer as if there was no such place.
            raise registry_failure(reference, problem) or RegistryDeniedError(registry_of(reference), problem)
        say(f"pushed {reference}")

    def pull(self, reference: str, say: Say) -> None:
        """Get an image from its registry.

        Raises:
            RegistryDeniedError: It wants a login.
            RegistryUnreachableError: It does not answer.
            DiskFullError: There is no room for it.
        """
        repository, _, tag = reference.rpartition(":")
        with refusals(f"pulling {reference}"):
            problem = _followed(self._client.api.pull(repository, tag=tag, stream=True, decode=True), say)
        if problem and "no space left" in problem:
            raise DiskFullError(f"pulling {reference}")
        if problem:
            raise registry_failure(reference, problem) or EngineRefusedError(f"to pull {reference}", problem)

    def run(self, reference: str, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> RunResult:
        """Run a command in a container without a network, instead of the image's own entry point."""
        with refusals(f"running {reference}"):
            container = self._client.containers.run(
                reference,
                command=list(command[1:]),
                entrypoint=command[0],
                environment=dict(environment or {}),
                network_disabled=True,
                labels=_tester(),
                detach=True,
            )
        try:
            exit_code = int(container.wait()["StatusCode"])
            return RunResult(exit_code=exit_code, output=container.logs().decode("utf-8", "replace"))
        finally:
            container.remove(force=True)

    @contextmanager
    def serving(self, reference: str, *, port: int, environment: Mapping[str, str]) -> Iterator[tuple[str, Container]]:
        """A container that runs what the image runs by itself; gives the address its port has on this machine."""
        with refusals(f"running {reference}"):
            container = self._client.containers.run(
                reference,
                environment=dict(environment),
                ports={f"{port}/tcp": ("127.0.0.1", None)},
                labels=_tester(),
                detach=True,
            )
        try:
            container.reload()
            (published,) = container.ports[f"{port}/tcp"]
            yield f"http://127.0.0.1:{published['HostPort']}", container
        finally:
            container.remove(force=True, v=True)

    def remove_leftovers(self) -> None:
        """Remove containers of this clone's tests whose process was killed before it could."""
        for container in self._client.containers.list(all=True, filters={"label": _TESTER_LABEL}, ignore_removed=True):
            clone, _, process = container.labels[_TESTER_LABEL].partition("-")
            if clone == clone_name() and not _is_alive(int(process)):
                container.remove(force=True, v=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _tester() -> dict[str, str]:
    return {_TESTER_LABEL: f"{clone_name()}-{os.getpid()}"}


def bake(definition: Mapping[str, Any], *, images: Sequence[str], say: Say, index: str | None = None) -> None:
    """Build what a definition says, and show each step as it starts and ends.

    Raises:
        ImageBuildError: What the build died of.
    """
    platforms = {name for target in definition["target"].values() for name in target["platforms"]}
    LOG.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "BUILDX_NO_DEFAULT_LOAD": "1"}
    if index:
        environment[INDEX_VARIABLE] = index
    log = BuildLog()
    with LOG.open("w", encoding="utf-8") as file, tempfile.NamedTemporaryFile("w", suffix=".json") as written:
        json.dump(definition, written)
        written.flush()
        command = ["docker", "buildx", "bake", "--builder", _own_builder()]
        command += ["--progress", "plain", "--file", written.name]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process:
            try:
                for line in process.stdout or ():
                    file.write(line)
                    if shown := log.add(line):
                        say(shown)
            except BaseException:
                process.terminate()
                raise
    if process.returncode:
        raise log.failure(log=str(LOG), images=images, platform=", ".join(sorted(platforms)))


def _own_builder() -> str:
    """The builder that is in the engine itself; it has the name of the engine's context.

    One that was made and chosen by `docker buildx create --use` lives in a container of its own: it sees no base that
    is here, and what it builds is not here to be tested.
    """
    return (output_of(["docker", "context", "show"]) or "default").strip()


def require_buildx() -> None:
    """See that images can be built.

    Raises:
        NoBuildxError: They cannot.
    """
    has_command = shutil.which("docker") is not None
    if not has_command or output_of(["docker", "buildx", "version"]) is None:
        raise NoBuildxError(has_docker_command=has_command)


def refuse_foreign_platforms(platforms: Iterable[str]) -> None:
    """See that the builder can run what is built for these platforms, by itself or by emulation.

    Raises:
        PlatformError: It cannot.
    """
    wanted = list(dict.fromkeys(platforms))
    found = builder_platforms(output_of(["docker", "buildx", "inspect", _own_builder()]) or "")
    # A builder that names none, as one that is not started yet, is believed to run everything.
    if foreign := [platform for platform in wanted if found and platform not in found]:
        raise PlatformError(foreign, there_is=found)


def login(registry: str) -> str:
    """Base64 of `user:password` as `docker login` or a credential helper keeps it; nothing if nobody logged in."""
    from docker import auth
    from docker.errors import DockerException

    try:
        # Docker Hub is kept under a name of its own.
        kept = auth.load_config().resolve_authconfig(None if registry == "docker.io" else registry) or {}
    except DockerException:
        return ""
    name, password = kept.get("username") or kept.get("Username"), kept.get("password") or kept.get("Secret")
    return base64.b64encode(f"{name}:{password}".encode()).decode() if name and password else ""


def run_attached(
    reference: str, command: Sequence[str], *, options: Sequence[str], environment: Mapping[str, str] | None = None
) -> int:
    """Run a container on our terminal; its exit code. However this ends, no container is left.

    Args:
        environment: For the container; the values are on no command line, which all users of a machine can read.
    """
    container = f"shrinkwrap-{os.getpid()}-{secrets.token_hex(4)}"
    names = [word for name in environment or {} for word in ("--env", name)]
    words = ["docker", "run", "--rm", "--name", container, *options, *names, reference, *command]
    exit_code = None
    try:
        exit_code = subprocess.run(words, check=False, env={**os.environ, **(environment or {})}).returncode
        return exit_code
    except FileNotFoundError:
        raise NoDockerCommandError from None
    finally:
        # The client is gone with our Ctrl-C, or with whatever read what it prints; its container is not.
        if exit_code != 0:
            output_of(["docker", "stop", "--time", "3", container])
            output_of(["docker", "rm", "--force", container])


def refuse_taken_port(port: int) -> None:
    """See that something may listen on a port of 127.0.0.1.

    Raises:
        PortTakenError: Something else does already, or there is no such port.
    """
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            raise PortTakenError(port) from None


def _followed(events: Iterable[Mapping[str, Any]], say: Say) -> str | None:
    """What a transfer failed with, or None; tells how far it is."""
    log = TransferLog(began_s=time.monotonic())
    for event in events:
        if problem := event.get("error"):
            return str(problem)
        if line := log.add(event, now_s=time.monotonic()):
            say(line)
    return None


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turns what the engine answers into an error of ours."""
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        said = str(error.explanation or error)
        raise (DiskFullError(what) if "no space left" in said else EngineRefusedError(what, said)) from None


@contextmanager
def engine_failures() -> Iterator[None]:
    """Turns what can go wrong with the engine at any moment, such as its end, into an error of ours."""
    try:
        yield
    except Exception as error:
        # docker-py lets the errors of its HTTP libraries through.
        library = type(error).__module__.partition(".")[0]
        if library == "docker" and (said := getattr(error, "explanation", None)):
            raise EngineRefusedError("what it was asked", str(said)) from None
        if library in ("docker", "requests", "urllib3"):
            raise NoDockerError(_address()) from None
        raise


def _address() -> str:
    """Where the docker command would look: DOCKER_HOST, then DOCKER_CONTEXT, then its current context."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    default, name = "unix:///var/run/docker.sock", os.environ.get("DOCKER_CONTEXT")
    if not name and not (Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "contexts").is_dir():
        return default
    from docker.context import ContextAPI

    # docker-py does not look at the variable itself.
    context = ContextAPI.get_context(name) if name else ContextAPI.get_current_context()
    if name and context is None:
        raise NoDockerError(f"the context '{name}'")
    return str(context.Host or default) if context else default
