"""What a build would do and why, before it does any of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from env_spec import (
    PLATFORMS,
    ImageEnvironment,
    ImageSpec,
    LockedPackage,
    ProjectFiles,
    image_environment,
    is_reference,
    is_registry,
)
from image_build.errors import (
    BadBaseError,
    BadRegistryError,
    NoRegistryError,
    NoWheelError,
    StaleLockError,
    UnknownPlatformError,
)
from image_build.revision import Revision, image_labels, image_tags

Where = Literal["here", "registry", "nowhere"]
DEFAULT_BASE = "the Dockerfile's own base"


@dataclass(frozen=True, kw_only=True)
class ImagePlan:
    """One image.

    Attributes:
        repository: With the registry, without a tag.
        base: Reference that the build starts from; None for the Dockerfile's own.
        parent: The image whose layers it shares.
        found: Where its fingerprint was found.
        is_asked: It is one of the asked images; others are planned because those share their layers.
        is_needed: It will be built.
        why: The reason for either.
        tags: All it will have.
        clone: Who builds it: two clones on one engine may build the same at once.
    """

    name: str
    groups: tuple[str, ...]
    repository: str
    dockerfile: str
    base: str | None
    parent: str | None
    platforms: tuple[str, ...]
    fingerprint: str
    found: Where
    is_asked: bool
    is_needed: bool
    why: str
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    packages: tuple[LockedPackage, ...]
    max_size_bytes: int | None
    clone: str

    @property
    def reference(self) -> str:
        """The one name that stands for exactly this content."""
        return f"{self.repository}:env-{self.fingerprint}"

    @property
    def candidate(self) -> str:
        """Its name between build and test: one for each clone, so that the next build takes what a killed one left."""
        return f"{self.repository}:building-{self.clone}"

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        facts = {name: value for name, value in asdict(self).items() if name != "clone"}
        return {**facts, "packages": len(self.packages), "reference": self.reference}


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What was asked for.

    Attributes:
        names: Images; empty for all.
        base: Instead of the bases of the tables.
        registry: Instead of the registries of the tables.
        default_registry: For images whose table names none.
        is_forced: Build what is there already, too.
        has_registry_cache: Steps of the build are kept in the registry.
        needs_current_lock: A lock that is older than pyproject.toml is refused, before anything is said of images.
    """

    names: tuple[str, ...] = ()
    base: str | None = None
    registry: str | None = None
    default_registry: str | None = None
    platforms: tuple[str, ...] = ()
    is_forced: bool = False
    is_pushed: bool = False
    has_registry_cache: bool = False
    needs_current_lock: bool = False


def plan_images(
    files: ProjectFiles,
    wishes: Wishes,
    revision: Revision,
    *,
    project: str,
    clone: str,
    find: Callable[[str], Where],
    base_digest: Callable[[str], str | None],
) -> tuple[ImagePlan, ...]:
    """The asked images and those whose layers they share, each after its parent.

    Args:
        clone: What tells this checkout from others that use the same engine.
        find: Where there is an image of this reference.
        base_digest: The digest of a reference that has none, if the engine knows.

    Raises:
        EnvSpecError: An image or group that is not there.
        BadBaseError, BadRegistryError, UnknownPlatformError: What was asked for cannot be one.
        StaleLockError: The lock is older than pyproject.toml.
        NoRegistryError: A push or a cache in the registry is asked and an image has none.
        NoWheelError: A package has no wheel at all.
    """
    _refuse_bad_names(wishes)
    if wishes.needs_current_lock and not files.is_lock_current:
        raise StaleLockError
    names = wishes.names or tuple(files.spec.images)
    without = [name for name in names if not _registry(files.spec.image(name), wishes)]
    if without and (wishes.is_pushed or wishes.has_registry_cache):
        raise NoRegistryError(without, is_pushed=wishes.is_pushed)
    plans = [
        _image_plan(files, name, wishes, revision, project, clone, find, base_digest, is_asked=name in names)
        for name in with_parents(files, names)
    ]
    return tuple(plans)


def _refuse_bad_names(wishes: Wishes) -> None:
    """What comes from the command line or the environment; the tables were checked when they were read."""
    if wishes.base and not is_reference(wishes.base):
        raise BadBaseError(wishes.base)
    for registry in (wishes.registry, wishes.default_registry):
        if registry and not is_registry(registry):
            raise BadRegistryError(registry)
    for platform in wishes.platforms:
        if platform not in PLATFORMS:
            raise UnknownPlatformError(platform)


def with_parents(files: ProjectFiles, names: Iterable[str]) -> tuple[str, ...]:
    """The named images, each after all whose layers it shares."""
    found: dict[str, None] = {}
    for name in names:
        chain = [name]
        while parent := files.spec.parent(chain[-1]):
            chain.append(parent)
        found |= dict.fromkeys(reversed(chain))
    return tuple(found)


def _image_plan(
    files: ProjectFiles,
    name: str,
    wishes: Wishes,
    revision: Revision,
    project: str,
    clone: str,
    find: Callable[[str], Where],
    base_digest: Callable[[str], str | None],
    *,
    is_asked: bool,
) -> ImagePlan:
    image = files.spec.image(name)
    base = wishes.base or image.base
    exact_base = with_digest(base, base_digest)
    # A table's base counts as it is written, for `env.list` and CI, which ask no engine; one by tag can be pinned.
    counted_base = exact_base if wishes.base else base
    environment = image_environment(files, name, base=counted_base, platforms=wishes.platforms)
    _refuse_without_wheel(environment)
    platforms = tuple(environment.fingerprints)
    fingerprint = environment.fingerprint
    registry = _registry(image, wishes)
    repository = f"{registry}/{name}" if registry else name
    found = find(f"{repository}:env-{fingerprint}")
    is_needed = is_asked and (wishes.is_forced or found == "nowhere")
    return ImagePlan(
        name=name,
        groups=image.groups,
        repository=repository,
        dockerfile=image.dockerfile,
        base=base,
        parent=environment.parent,
        platforms=platforms,
        fingerprint=fingerprint,
        found=found,
        is_asked=is_asked,
        is_needed=is_needed,
        why=_why(found, wishes),
        tags=image_tags(fingerprint, revision),
        labels=image_labels(
            title=name,
            project=project,
            groups=image.groups,
            fingerprint=fingerprint,
            base=exact_base or "",
            revision=revision,
        ),
        packages=environment.packages,
        max_size_bytes=image.max_size_bytes,
        clone=clone,
    )


def _registry(image: ImageSpec, wishes: Wishes) -> str | None:
    return wishes.registry or image.registry or wishes.default_registry


def with_digest(base: str | None, base_digest: Callable[[str], str | None]) -> str | None:
    """The reference with the digest it stands for now, so that a tag that moved is another base."""
    if base is None or "@" in base:
        return base
    digest = base_digest(base)
    return f"{base}@{digest}" if digest else base


def shown_plan(plans: Sequence[ImagePlan]) -> str:
    """The plan as a person reads it."""
    lines = []
    for plan in plans:
        if not plan.is_asked:
            continue
        lines.append(f"{plan.name}: {'build' if plan.is_needed else 'nothing to build'}, {plan.why}")
        count = "1 package" if len(plan.packages) == 1 else f"{len(plan.packages)} packages"
        lines.append(f"  groups    {', '.join(plan.groups)} ({count})")
        on_top = f", on top of {plan.parent}" if plan.parent else ""
        lines.append(f"  base      {plan.base or DEFAULT_BASE}{on_top}")
        if plan.base and "@" not in plan.base and "org.opencontainers.image.base.digest" not in plan.labels:
            lines.append("            its tag can move: pin it with `invoke image.pin`")
        lines.append(f"  tags      {plan.repository}: {', '.join(plan.tags)}")
    return "".join(f"{line}\n" for line in lines)


def _why(found: Where, wishes: Wishes) -> str:
    if wishes.is_forced:
        return "because you asked with --force or --no-cache"
    where = {"here": "here", "registry": "in the registry"}.get(found)
    if where:
        return f"its fingerprint is {where} already"
    return "nothing with its fingerprint is " + ("in the registry" if wishes.is_pushed else "here")


def _refuse_without_wheel(environment: ImageEnvironment) -> None:
    """What can be known before a build: a package that is not published as a wheel at all."""
    for package in environment.packages:
        names = [file.name for file in package.files]
        if names and package.source is None and not any(name.endswith(".whl") for name in names):
            label = f"{package.name} {package.version}"
            platform = ", ".join(environment.fingerprints)
            raise NoWheelError(label, images=[environment.image.name], platform=platform, there_is=names)
