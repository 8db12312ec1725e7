"""Errors of the package. A class of its own has only what is caught by name or raised in several places."""

from __future__ import annotations

from collections.abc import Sequence

from terminal import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_WRONG_INPUT, ShrinkwrapError


class ImageBuildError(ShrinkwrapError):
    """Base of every error this package raises on purpose; most report work that failed."""

    exit_code = EXIT_FAILED


class ImageRequestError(ImageBuildError):
    """A malformed request, or one that cannot be carried out."""

    exit_code = EXIT_WRONG_INPUT


class EngineUnavailableError(ImageBuildError):
    """No Docker Engine answers, or the user may not use it."""

    def __init__(self, address: str, *, is_forbidden: bool = False) -> None:
        self.address = address
        if is_forbidden:
            text = (
                f"this user may not use the Docker Engine at {address}. Join its group with"
                " `sudo usermod -aG docker $USER`, log in again, and try `docker info`."
            )
        else:
            text = (
                f"no Docker Engine answers at {address}. Start it (Linux: `sudo systemctl start docker`; Mac and"
                " Windows: start Docker Desktop), or point DOCKER_HOST at one."
            )
        super().__init__(text)


class EngineRefusedError(ImageBuildError):
    """The Docker Engine reported an error."""

    def __init__(self, action: str, reason: str) -> None:
        super().__init__(f"the Docker Engine reported an error while {action}: {reason}")


class DiskFullError(ImageBuildError):
    """The engine's disk is full."""

    def __init__(self, action: str) -> None:
        super().__init__(
            f"no space is left on the Docker Engine's disk (while: {action}). `docker system df` shows what uses it;"
            " free some with `invoke image.clean` or `docker builder prune`. Nothing was tagged."
        )


class RegistryError(ImageBuildError):
    """A registry that cannot be reached or denies access."""

    def __init__(self, registry: str, reason: str, *, is_denied: bool = False) -> None:
        if is_denied:
            text = (
                f"the registry {registry} refused: {reason}. Log in with `docker login {registry}`, as a user who may"
                " read the base and write the images."
            )
        else:
            text = (
                f"the registry {registry} cannot be reached: {reason}. Check its name in [tool.env-spec.images] and the"
                " network; to build on a local image, name it with --base."
            )
        super().__init__(text)


class UnknownReferenceError(ImageRequestError):
    """An image that neither the engine nor its registry has."""

    def __init__(self, reference: str, *, advice: str) -> None:
        super().__init__(f"the image {reference} does not exist; {advice}")


class PlatformError(ImageRequestError):
    """Platforms whose programs the builder of this machine cannot run."""

    def __init__(self, platforms: Sequence[str], *, supported: Sequence[str]) -> None:
        emulators = ",".join(dict.fromkeys(platform.split("/")[1] for platform in platforms))
        supported_text = f" (it runs {', '.join(supported)})" if supported else ""
        super().__init__(
            f"this machine's builder cannot run {', '.join(platforms)}{supported_text}. Build on a machine of that"
            " kind, or emulate it with QEMU, which is slow but builds the same image:"
            f" `docker run --privileged --rm tonistiigi/binfmt --install {emulators}`, or on Debian and Ubuntu the"
            " packages qemu-user-static and binfmt-support."
        )


class StaleLockError(ImageRequestError):
    """poetry.lock is older than pyproject.toml."""

    def __init__(self) -> None:
        super().__init__(
            "poetry.lock is older than pyproject.toml, so it does not have the packages that are declared now."
            " Run `./run invoke env.lock` and commit both files."
        )


class NoWheelError(ImageRequestError):
    """A package that would have to be compiled, so that the same slice would not always build the same image."""

    def __init__(self, package: str, *, images: Sequence[str], platform: str, files: Sequence[str] = ()) -> None:
        files_text = f" (only {', '.join(files)})" if files else ""
        advice = "Lock a version that has one, or use a base with another version of Python"
        if any(name.endswith((".tar.gz", ".zip")) for name in files):
            advice += f', or compile it: build = ["{package.split()[0]}"] in [tool.env-spec.images.{images[0]}]'
        super().__init__(
            f"{package}, which {', '.join(images)} needs, has no wheel for {platform}{files_text}. {advice}."
        )


class IndexDeniedError(ImageRequestError):
    """A package index that a build may not read."""

    def __init__(self, url: str, status: str, *, name: str | None) -> None:
        advice = "name it with user and password, as UV_DEFAULT_INDEX or in the configuration of pip."
        if name:
            variable = f"POETRY_HTTP_BASIC_{name.replace('-', '_').replace('.', '_').upper()}"
            advice = f"set {variable}_USERNAME and {variable}_PASSWORD, which Poetry reads, too."
        super().__init__(f"the package index {name or 'of this machine'} ({url}) answers {status}; {advice}")


class NotBuiltError(ImageRequestError):
    """An image that a command needs and that is not local."""

    def __init__(self, image: str, fingerprint: str, *, is_in_registry: bool | None = None) -> None:
        elsewhere = " and not in its registry" if is_in_registry is False else ""
        super().__init__(
            f"{image} is not local as env-{fingerprint}{elsewhere}; `invoke image.get {image}` pulls or builds it"
            " (with the same --base or SHRINKWRAP_BASE, if you use one)."
        )


class InterruptedBuildError(ImageBuildError):
    """Ctrl-C or SIGTERM during a step of the work; the message says what is left and how to continue."""

    exit_code = EXIT_INTERRUPTED

    def __init__(self, step: str, consequence: str) -> None:
        super().__init__(f"interrupted during {step}. {consequence}")
