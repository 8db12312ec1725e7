"""The plan of a build: for each image what would be done and why. Making it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias

from env_spec import (
    ImageSpec,
    LockedPackage,
    ProjectFiles,
    image_environment,
    images_with_groups,
    report,
    with_base,
)
from env_spec.declaration.images import DOCKERFILES_BASE
from image_build.errors import ImageRequestError, StaleLockError
from image_build.planning.kinds import refuse_unsupported
from image_build.planning.request import BuildRequest
from image_build.planning.revision import BASE_DIGEST_LABEL, LabelFacts, Revision, image_labels, image_tags
from image_build.planning.wheels import refuse_without_wheel
from terminal import count_text

# `moved`: local, but the tag of the base that the machine names is another image now.
Location: TypeAlias = Literal["local", "moved", "registry", "nowhere"]


@dataclass(frozen=True, kw_only=True)
class ImagePlan:
    """The plan for one image.

    Attributes:
        has_own: Whether it has a wheel of the project's own package.
        lock_folder: The folder of its lock, relative to the root; None for the project's own lock.
        repository: With the registry, without a tag.
        base: Reference that the build starts from; None for the Dockerfile's own.
        parent: The image whose layers it shares.
        unshared: Why it shares no layers with images that have groups in common with it; empty if it shares some.
        found: Where an image with its fingerprint was found.
        is_requested: It was requested; other images are planned because requested ones share their layers.
        needs_build: It will be built.
        why: The reason why it will be built or not.
        extras: Extras of the project.
        build: Packages that are compiled.
        tags: All tags it will have.
        declared: Packages that its groups declare, without those in `skip_imports`: each must be importable.
        system: Debian packages, as declared.
        snapshot: The day of the archive that they come from; None for the current one.
        without: Packages that the project itself depends on, which the image does not have.
        clone: The name of this checkout: two checkouts can build the same image on one engine at the same time.
    """

    name: str
    groups: tuple[str, ...]
    lock_folder: str | None
    has_own: bool
    repository: str
    dockerfile: str
    base: str | None
    parent: str | None
    unshared: tuple[str, ...]
    platforms: tuple[str, ...]
    fingerprint: str
    found: Location
    is_requested: bool
    needs_build: bool
    why: str
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    packages: tuple[LockedPackage, ...]
    declared: tuple[str, ...]
    system: tuple[str, ...]
    snapshot: str | None
    without: tuple[str, ...]
    extras: tuple[str, ...]
    build: tuple[str, ...]
    max_size_bytes: int | None
    clone: str

    @property
    def reference(self) -> str:
        """The image's name for exactly this content."""
        return f"{self.repository}:env-{self.fingerprint}"

    @property
    def candidate(self) -> str:
        """The image's name between its build and its test.

        Each checkout has one, so the next build overwrites what an interrupted one left.
        """
        return f"{self.repository}:building-{self.clone}"

    @property
    def paths(self) -> tuple[str, ...]:
        """Its packages in this repository that are in other folders than `packages`, which each build reads."""
        paths = {package.path for package in self.packages if package.path}
        if self.has_own:
            paths.add("pyproject.toml")
        return tuple(sorted(path for path in paths if not path.startswith("packages/")))

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        facts = {name: value for name, value in asdict(self).items() if name != "clone"}
        return {**facts, "packages": len(self.packages), "reference": self.reference}


@dataclass(frozen=True, kw_only=True)
class PlanningInputs:
    """What a plan depends on, in addition to the request.

    Attributes:
        project: The project's name, for labels.
        repositories: The ids of its repository; the first one is for labels.
        clone: The name of this checkout.
        locate: Where an image of this reference exists; on this base, if it is not None.
        base_digest: The digest of a reference without one, if the engine knows it.
    """

    files: ProjectFiles
    revision: Revision
    project: str
    repositories: tuple[str, ...]
    clone: str
    locate: Callable[[str, str | None], Location]
    base_digest: Callable[[str], str | None]


def plan_images(request: BuildRequest, inputs: PlanningInputs) -> tuple[ImagePlan, ...]:
    """The requested images and those whose layers they share, each after its parent.

    Raises:
        EnvSpecError: An image or group is not declared.
        ImageRequestError: A name in the request is malformed, or a push or a cache needs a registry and has none.
        StaleLockError: The lock is older than pyproject.toml.
        NoWheelError: A package is not published as a wheel, and its image does not compile it.
    """
    request.check()
    files = with_base(inputs.files, request.base)
    inputs = replace(inputs, files=files)
    if request.needs_current_lock and not files.is_lock_current:
        raise StaleLockError
    names = requested_names(files, request)
    without = [name for name in names if not _registry(files.spec.image(name), request)]
    if without and (request.is_pushed or request.cache == "registry"):
        _refuse_without_registry(without, request)
    return tuple(_image_plan(name, request, inputs, is_requested=name in names) for name in with_parents(files, names))


def requested_names(files: ProjectFiles, request: BuildRequest) -> tuple[str, ...]:
    """Names of the requested images.

    Raises:
        UnknownNameError: An image or group is not declared.
        ImageRequestError: No image contains all the groups.
    """
    for name in request.images:
        files.spec.image(name)
    if not request.images and not request.groups:
        return tuple(files.spec.images)
    by_group = images_with_groups(files, request.groups) if request.groups else ()
    if not request.images and not by_group:
        groups = ", ".join(request.groups)
        raise ImageRequestError(
            f"no image contains all the groups {groups}; `invoke env.list` shows what images contain"
        )
    return tuple(dict.fromkeys([*request.images, *by_group]))


def with_parents(files: ProjectFiles, names: Iterable[str]) -> tuple[str, ...]:
    """The named images, each after all images whose layers it shares."""
    found: dict[str, None] = {}
    for name in names:
        chain = [name]
        while parent := files.spec.parent(chain[-1]):
            chain.append(parent)
        found |= dict.fromkeys(reversed(chain))
    return tuple(found)


def with_digest(base: str | None, base_digest: Callable[[str], str | None]) -> str | None:
    """A base with its current digest, so that a tag that moved is another base."""
    if base is None or "@" in base:
        return base
    digest = base_digest(base)
    return f"{base}@{digest}" if digest else base


def has_moved(base: str, labels: Mapping[str, str]) -> bool:
    """Whether a base is not the image that an image with these labels was built on; False if a digest is unknown."""
    digest, now = labels.get(BASE_DIGEST_LABEL), base.partition("@")[2]
    return bool(digest and now and digest != now)


def plan_text(plans: Sequence[ImagePlan]) -> str:
    """The plan of the requested images, for the user."""
    return "\n".join(_plan_text(plan) for plan in plans if plan.is_requested)


def _image_plan(name: str, request: BuildRequest, inputs: PlanningInputs, *, is_requested: bool) -> ImagePlan:
    image = inputs.files.spec.image(name)
    base = image.base
    exact_base = with_digest(base, inputs.base_digest)
    # A base enters the fingerprint as it is written, because `env.list` and CI have no engine to resolve tags.
    environment = image_environment(inputs.files, name, platforms=request.platforms)
    registry = _registry(image, request)
    repository = f"{registry}/{name}" if registry else name
    # The base of a machine is its own, often local image. The bases of tables are pinned by `image.pin`.
    found = inputs.locate(f"{repository}:env-{environment.fingerprint}", exact_base if request.base else None)
    is_forced = request.is_forced or request.is_uncached
    needs_build = is_requested and (is_forced or found in ("nowhere", "moved"))
    if needs_build:
        refuse_unsupported(environment, inputs.files)
        refuse_without_wheel(environment)
    label_facts = LabelFacts(
        title=name,
        project=inputs.project,
        repository=inputs.repositories[0],
        groups=image.groups,
        fingerprint=environment.fingerprint,
        base=exact_base or "",
    )
    return ImagePlan(
        name=name,
        groups=image.groups,
        has_own=image.own == "wheel",
        lock_folder=inputs.files.spec.lock_folder(image.groups),
        repository=repository,
        dockerfile=image.dockerfile,
        base=base,
        parent=environment.parent,
        unshared=environment.unshared,
        platforms=tuple(environment.fingerprints),
        fingerprint=environment.fingerprint,
        found=found,
        is_requested=is_requested,
        needs_build=needs_build,
        why=_why(found, is_forced=is_forced, is_pushed=request.is_pushed),
        tags=image_tags(environment.fingerprint, inputs.revision),
        labels=image_labels(label_facts, inputs.revision),
        packages=environment.packages,
        declared=tuple(package for package in environment.declared if package not in image.skip_imports),
        system=image.system,
        snapshot=image.snapshot,
        without=environment.without,
        extras=image.extras,
        build=image.build,
        max_size_bytes=image.max_size_bytes,
        clone=inputs.clone,
    )


def _registry(image: ImageSpec, request: BuildRequest) -> str | None:
    return request.registry or image.registry or request.default_registry


def _plan_text(plan: ImagePlan) -> str:
    on_parent = f", on top of {plan.parent}" if plan.parent else ""
    lines = [
        f"{plan.name}: {'build' if plan.needs_build else 'nothing to build'}, {plan.why}",
        f"  groups    {', '.join(plan.groups)} ({count_text(len(plan.packages), 'package')})",
        f"  base      {plan.base or DOCKERFILES_BASE}{on_parent}",
    ]
    if plan.system:
        lines.append(f"  system    {', '.join(plan.system)}{f' of {plan.snapshot}' if plan.snapshot else ''}")
    if plan.unshared:
        lines.append(f"  layers    shared with no image: {'; '.join(plan.unshared)}")
    if plan.without:
        lines.append(f"  without   {report.without_text(plan.without)}")
    if plan.base and "@" not in plan.base and BASE_DIGEST_LABEL not in plan.labels:
        lines.append("            its tag can move: pin it with `invoke image.pin`")
    return "\n".join([*lines, f"  tags      {plan.repository}: {', '.join(plan.tags)}"])


def _why(found: Location, *, is_forced: bool, is_pushed: bool) -> str:
    if is_forced:
        return "because of --force or --no-cache"
    if found == "nowhere":
        return f"no image with its fingerprint is {'in the registry' if is_pushed else 'local'}"
    if found == "moved":
        return "the tag of its base is another image now"
    return f"its fingerprint is already {'local' if found == 'local' else 'in the registry'}"


def _refuse_without_registry(images: Sequence[str], request: BuildRequest) -> None:
    problem = "cannot be pushed" if request.is_pushed else "cannot have a cache in a registry"
    raise ImageRequestError(
        f'{", ".join(images)} {problem}: no registry is named. Add registry = "ghcr.io/ORGANISATION" to'
        f" [tool.env-spec.images.{images[0]}], or name one in SHRINKWRAP_REGISTRY."
    )
