"""Every error of the package, written for the person who asked for an image."""

from __future__ import annotations

from collections.abc import Sequence

from env_spec import PLATFORMS, unknown_name


class ImageBuildError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code = 1


class NoDockerError(ImageBuildError):
    """No engine answers."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(
            f"no Docker Engine answers at {address}. Start it (Linux: `sudo systemctl start docker`; Mac and Windows:"
            " start Docker Desktop), or point DOCKER_HOST at one."
        )


class DockerPermissionError(ImageBuildError):
    """The engine is there, and this user may not use it."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(
            f"this user may not use the Docker Engine at {address}. Join its group with"
            " `sudo usermod -aG docker $USER`, log in again, and try `docker info`."
        )


class NoDockerCommandError(ImageBuildError):
    """The engine answers, but nothing that could start a container on a terminal is here."""

    def __init__(self) -> None:
        super().__init__(
            "there is no `docker` command on PATH; containers are started by it. Install Docker's command line"
            " (package docker-ce-cli; Debian: docker-cli)."
        )


class NoBuildxError(ImageBuildError):
    """There is a docker command, or none, but no buildx."""

    def __init__(self, *, has_docker_command: bool) -> None:
        self.has_docker_command = has_docker_command
        what = "`docker buildx` does not work" if has_docker_command else "there is no `docker` command on PATH"
        super().__init__(
            f"{what}; images are built by it. Install the package docker-buildx-plugin (Debian: docker-buildx)"
            " beside Docker's command line."
        )


class PlatformError(ImageBuildError):
    """A platform whose programs this machine cannot run, so that no step of its build can be."""

    exit_code = 2

    def __init__(self, platforms: Sequence[str], *, there_is: Sequence[str]) -> None:
        self.platforms = tuple(platforms)
        self.there_is = tuple(there_is)
        emulators = ",".join(dict.fromkeys(platform.split("/")[1] for platform in platforms))
        here = f" (it runs {', '.join(there_is)})" if there_is else ""
        super().__init__(
            f"this machine's builder cannot run {', '.join(platforms)}{here}. Build on a machine of that kind, or let"
            f" QEMU run it: `docker run --privileged --rm tonistiigi/binfmt --install {emulators}`, on Debian"
            " or Ubuntu the packages qemu-user-static and binfmt-support; slow, but the same image."
        )


class UnknownPlatformError(ImageBuildError):
    """A platform that no image can be for."""

    exit_code = 2

    def __init__(self, platform: str) -> None:
        self.platform = platform
        super().__init__(unknown_name("platform", platform, PLATFORMS))


class BadBaseError(ImageBuildError):
    """A base, from outside of the tables, that is not a name of an image."""

    exit_code = 2

    def __init__(self, base: str) -> None:
        self.base = base
        super().__init__(
            f"'{base}' is not an image reference, like quay.io/jupyter/scipy-notebook:2026-10-20;"
            " --base or SHRINKWRAP_BASE named it."
        )


class BadRegistryError(ImageBuildError):
    """A registry, from outside of the tables, that is none."""

    exit_code = 2

    def __init__(self, registry: str) -> None:
        self.registry = registry
        super().__init__(
            f"'{registry}' is not a registry, like ghcr.io/organisation: host and organisation in lower-case letters,"
            " without https://; --registry or SHRINKWRAP_REGISTRY named it."
        )


class StaleLockError(ImageBuildError):
    """poetry.lock is older than pyproject.toml."""

    exit_code = 2

    def __init__(self) -> None:
        super().__init__(
            "poetry.lock is older than pyproject.toml: what is asked there has not been locked yet."
            " Run `invoke env.lock` and commit both."
        )


class NoWheelError(ImageBuildError):
    """A package of a slice that could only be compiled, so that the same slice would not give the same image."""

    exit_code = 2

    def __init__(self, package: str, *, images: Sequence[str], platform: str, there_is: Sequence[str] = ()) -> None:
        self.package = package
        self.images = tuple(images)
        self.platform = platform
        self.there_is = tuple(there_is)
        files = f" (there is only {', '.join(there_is)})" if there_is else ""
        super().__init__(
            f"{package}, which {', '.join(images)} needs, has no wheel for {platform}{files}."
            " Lock a version that has one, or take a base with another version of Python."
        )


class StepFailedError(ImageBuildError):
    """A step of a build that ended with an error of its own."""

    def __init__(self, step: str, *, last_lines: Sequence[str], log: str) -> None:
        self.step = step
        self.last_lines = tuple(last_lines)
        self.log = log
        lines = [f"the build failed at {step}:", *(f"  {line}" for line in last_lines), f"All of it: {log}"]
        super().__init__("\n".join(lines))


class NoImageStoreError(ImageBuildError):
    """An engine whose store of images, the default of older ones, cannot do what containerd's can."""

    exit_code = 2

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(
            f"the image store of this Docker Engine cannot do this ({what}). Leave out --cache and further platforms,"
            " or let it keep images in containerd's store, which image.reproduce needs, too: write"
            ' {"features": {"containerd-snapshotter": true}} to /etc/docker/daemon.json'
            " (Docker Desktop: Settings, General), and restart it."
        )


class RegistryUnreachableError(ImageBuildError):
    """A registry that does not answer."""

    def __init__(self, registry: str, problem: str) -> None:
        self.registry = registry
        self.problem = problem
        super().__init__(
            f"the registry {registry} cannot be reached: {problem}. Check the name in [tool.env-spec.images] and the"
            " network; to build on an image that is already here, name it with --base."
        )


class RegistryDeniedError(ImageBuildError):
    """A registry that wants to know who asks."""

    def __init__(self, registry: str, problem: str) -> None:
        self.registry = registry
        self.problem = problem
        super().__init__(
            f"the registry {registry} refused: {problem}. Log in with `docker login {registry}`, as someone who may"
            " read the base and write the images."
        )


class UnknownReferenceError(ImageBuildError):
    """An image that neither the engine nor its registry has."""

    exit_code = 2

    def __init__(self, reference: str, *, advice: str) -> None:
        self.reference = reference
        super().__init__(f"there is no image {reference}; {advice}")


class NoRegistryError(ImageBuildError):
    """A push, or a cache in a registry, of images for which no registry is named."""

    exit_code = 2

    def __init__(self, images: Sequence[str], *, is_pushed: bool) -> None:
        self.images = tuple(images)
        self.is_pushed = is_pushed
        what = "cannot be pushed" if is_pushed else "can have no cache in a registry"
        super().__init__(
            f'{", ".join(images)} {what}: no registry is named. Add registry = "ghcr.io/ORGANISATION" to'
            f" [tool.env-spec.images.{images[0]}], or name one in SHRINKWRAP_REGISTRY."
        )


class DiskFullError(ImageBuildError):
    """The engine's disk is full."""

    def __init__(self, where: str) -> None:
        self.where = where
        super().__init__(
            f"no space is left on the Docker Engine's disk (while: {where}). `docker system df` shows what takes it;"
            " free some with `invoke image.clean` or `docker builder prune`. Nothing was tagged."
        )


class EngineRefusedError(ImageBuildError):
    """The engine would not do something, for a reason of its own."""

    def __init__(self, what: str, said: str) -> None:
        self.what = what
        self.said = said
        super().__init__(f"the Docker Engine refused {what}: {said}")


class BuildRunningError(ImageBuildError):
    """Another build of this clone."""

    def __init__(self, owner: str, lock: str) -> None:
        self.owner = owner
        super().__init__(f"another build of this clone is running ({owner}); wait for it or end it. It holds {lock}.")


class ImageTestError(ImageBuildError):
    """An image that is not what it should be."""

    def __init__(self, image: str, failures: Sequence[str], *, is_new: bool) -> None:
        self.image = image
        self.failures = tuple(failures)
        end = ["It was not tagged."] if is_new else []
        super().__init__("\n".join([f"{image} fails its test:", *(f"  {failure}" for failure in failures), *end]))


class NotReproducibleError(ImageBuildError):
    """Two builds of the same commit that differ."""

    def __init__(self, image: str, differences: Sequence[str]) -> None:
        self.image = image
        self.differences = tuple(differences)
        super().__init__("\n".join([f"{image}: two builds differ:", *(f"  {line}" for line in differences)]))


class NotBuiltError(ImageBuildError):
    """An image that is not here, for a command that needs it."""

    exit_code = 2

    def __init__(self, image: str, fingerprint: str, *, is_asked_for: bool = False) -> None:
        self.image = image
        self.fingerprint = fingerprint
        nowhere = ", and its registry, if it has one, does not have it" if is_asked_for else ""
        super().__init__(
            f"{image} is not here as env-{fingerprint}{nowhere}; `invoke image.get {image}` pulls or builds it"
            " (with the same --base or SHRINKWRAP_BASE, if you use one)."
        )


class OtherContentError(ImageBuildError):
    """A registry's image that was not built from what its name says."""

    def __init__(self, reference: str, fingerprint: str, found: str) -> None:
        self.reference = reference
        self.fingerprint = fingerprint
        self.found = found
        what = f"says that it was built for {found}" if found else "does not say what it was built for"
        super().__init__(
            f"{reference} in the registry is not what its name says: it {what}, not for {fingerprint}. It was removed"
            " here; someone who may write there pushes it anew with `invoke image.build --push --force`."
        )


class PortTakenError(ImageBuildError):
    """A port for Jupyter that it cannot have."""

    exit_code = 2

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(
            f"port {port} of 127.0.0.1 cannot be used; name one from 1024 to 65535 that is free with --port."
        )


class InterruptedBuildError(ImageBuildError):
    """Ctrl-C, or a polite kill."""

    exit_code = 130

    def __init__(self, during: str) -> None:
        self.during = during
        super().__init__(f"interrupted during {during}. {_AFTER[during]}")


_AFTER = {
    "the build": "Nothing was tagged; the steps that were finished stay cached, so run it again to go on.",
    "the test": "Nothing was tagged; the build stays cached, so run it again to go on.",
    "the pull": "Finished layers stay; run it again to go on.",
    "the push": "`latest` was not moved in the registry; run it again to push the rest.",
    "the push of `latest`": "Every other tag is in the registry; run it again to move `latest` of the other images.",
    "the work": "Nothing was left half done.",
}
