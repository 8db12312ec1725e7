"""Gets an image that is about to be used: it is local, or can be pulled, or is built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from image_build.building.build import build_images
from image_build.engine import Engine, OnLine, engine_failures
from image_build.errors import ImageBuildError, InterruptedBuildError, NotBuiltError, RegistryError
from image_build.planning.build_plan import plan_build
from image_build.planning.image_plan import ImagePlan
from image_build.planning.request import BuildRequest
from image_build.planning.revision import FINGERPRINT_LABEL
from terminal import note, warn

Origin: TypeAlias = Literal["local", "pulled", "built"]


@dataclass(frozen=True, kw_only=True)
class LocalImage:
    """An image that the engine has, with the content that the lock and its table describe now.

    Attributes:
        reference: The image's name for exactly this content.
        digest: The one that its registry uses, if it came from one.
        origin: How it became local.
    """

    name: str
    reference: str
    digest: str
    fingerprint: str
    origin: Origin


@engine_failures()
def get_image(
    root: Path,
    name: str,
    *,
    base: str | None = None,
    registry: str | None = None,
    may_build: bool = True,
    on_line: OnLine = note,
) -> LocalImage:
    """Make sure that an image is local: pull it if it is not, or else build and test it.

    Args:
        base: Overrides the base of its table and SHRINKWRAP_BASE.
        registry: Overrides the registry of its table; SHRINKWRAP_REGISTRY is for tables that name none.
        may_build: Build the image if it is neither local nor in its registry.
        on_line: Receives lines of progress.

    Raises:
        EnvSpecError: The image is not declared, or the project's files have mistakes.
        StaleLockError: poetry.lock is older than pyproject.toml.
        NotBuiltError: The image is not available and may not be built.
        RegistryError: The registry cannot be reached or denies access, and the image may not be built.
        ImageBuildError: The registry's image has other content than its name says, or a build failed.
    """
    plan = plan_build(root, BuildRequest(images=(name,), base=base, registry=registry, needs_current_lock=True))
    image = plan.images[-1]
    if image.found == "local":
        return _local_image(plan.engine, image, "local")
    # An image of the registry would be on the older base, too.
    if image.found != "moved" and image.repository != name and _pull(plan.engine, image, on_line, may_build=may_build):
        return _local_image(plan.engine, image, "pulled")
    if not may_build:
        raise NotBuiltError(name, image.fingerprint, is_in_registry=False)
    on_line(f"{name}: {image.why}; building it")
    build_images(plan, on_line=on_line)
    return _local_image(plan.engine, image, "built")


def _pull(engine: Engine, image: ImagePlan, on_line: OnLine, *, may_build: bool) -> bool:
    """Pull an image if its registry has it, and return whether it did.

    If this cannot be determined, return False; the caller then builds.
    """
    try:
        if engine.remote_digest(image.reference) is None:
            return False
        on_line(f"{image.name}: pulling {image.reference}")
        engine.pull(image.reference, on_line)
    except RegistryError as error:
        if not may_build:
            raise
        warn(str(error))
        return False
    except KeyboardInterrupt:
        raise InterruptedBuildError(
            "the pull", "Finished layers are kept; run the command again to continue."
        ) from None
    _check_content(engine, image)
    return True


def _check_content(engine: Engine, image: ImagePlan) -> None:
    """Remove a pulled image again if it was not built from what its name says."""
    pulled = engine.image(image.reference)
    found = pulled.labels.get(FINGERPRINT_LABEL, "") if pulled else ""
    if found == image.fingerprint:
        return
    engine.remove(image.reference)
    content = f"its label has the fingerprint {found}" if found else "it has no label with a fingerprint"
    raise ImageBuildError(
        f"{image.reference} in the registry does not have the content that its name says: {content}, not"
        f" {image.fingerprint}. The local copy was removed; a user who may write to the registry can replace it with"
        " `invoke image.build --push --force`."
    )


def _local_image(engine: Engine, image: ImagePlan, origin: Origin) -> LocalImage:
    digest = engine.local_digest(image.reference)
    if digest is None:
        raise NotBuiltError(image.name, image.fingerprint)
    return LocalImage(
        name=image.name, reference=image.reference, digest=digest, fingerprint=image.fingerprint, origin=origin
    )
