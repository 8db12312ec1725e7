"""Plans a build with the project's files, the state of the repository, and what the engine has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from env_spec import machine_base, read_project
from image_build.clone import clone_name
from image_build.engine import Engine, engine_failures
from image_build.errors import NotBuiltError
from image_build.planning.image_plan import ImagePlan, Location, PlanningInputs, has_moved, plan_images, requested_names
from image_build.planning.machine import machine_registry, read_revision
from image_build.planning.repository import project_name, repository_ids
from image_build.planning.request import BuildRequest


@dataclass(frozen=True, kw_only=True)
class BuildPlan:
    """The plan of a build, with the engine that will carry it out.

    Attributes:
        images: Each after its parent.
        epoch_s: The time that new images claim as their creation time.
    """

    engine: Engine
    request: BuildRequest
    images: tuple[ImagePlan, ...]
    epoch_s: int

    @property
    def requested(self) -> tuple[ImagePlan, ...]:
        """The images that were requested; the others are their parents."""
        return tuple(image for image in self.images if image.is_requested)

    @property
    def needed(self) -> tuple[ImagePlan, ...]:
        """The images that will be built."""
        return tuple(image for image in self.images if image.needs_build)


@engine_failures()
def plan_build(root: Path, request: BuildRequest) -> BuildPlan:
    """Plan a build; the base and the default registry come from the machine if the request names none.

    Raises:
        EnvSpecError: An image is not declared, or the project's files have mistakes.
        ImageBuildError: No engine answers, or the request cannot be planned.
    """
    request = replace(
        request,
        base=request.base or machine_base(),
        default_registry=request.default_registry or machine_registry(),
    )
    files, revision = read_project(root), read_revision(root)
    # Report an unknown name even if no engine answers.
    requested_names(files, request)
    engine = Engine(root)

    def locate(reference: str, base: str | None) -> Location:
        if request.is_pushed and engine.remote_digest(reference):
            return "registry"
        labels = engine.labels(reference)
        if labels is None:
            return "nowhere"
        return "moved" if base and has_moved(base, labels) else "local"

    inputs = PlanningInputs(
        files=files,
        revision=revision,
        project=project_name(root),
        repositories=repository_ids(root),
        clone=clone_name(root),
        locate=locate,
        base_digest=engine.local_digest,
    )
    return BuildPlan(engine=engine, request=request, images=plan_images(request, inputs), epoch_s=revision.epoch_s)


def plan_local_image(root: Path, name: str, *, base: str | None = None) -> BuildPlan:
    """The plan of one image, which must be local; it is the last of the plan's images.

    Raises:
        NotBuiltError: The image is not local in the version that the lock describes.
        EnvSpecError, ImageBuildError: As for `plan_build`.
    """
    plan = plan_build(root, BuildRequest(images=(name,), base=base))
    if plan.images[-1].found != "local":
        raise NotBuiltError(name, plan.images[-1].fingerprint)
    return plan


def local_images(root: Path, *, base: str | None = None) -> dict[str, bool]:
    """For each declared image, whether it is local in the version that the lock describes.

    Raises:
        EngineUnavailableError: No engine answers.
        EnvSpecError, ImageBuildError: As for `plan_build`.
    """
    return {image.name: image.found == "local" for image in plan_build(root, BuildRequest(base=base)).images}
