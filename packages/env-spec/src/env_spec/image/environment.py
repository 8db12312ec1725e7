"""What an image contains, derived from the project's files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from env_spec.declaration.images import ImageSpec
from env_spec.declaration.locks import lock_of
from env_spec.declaration.own import OWN_FOLDER
from env_spec.declaration.spec import EnvSpec
from env_spec.declaration.tables import normalized_name
from env_spec.image.fingerprint import fingerprint
from env_spec.lock.lockfile import python_versions
from env_spec.lock.slice import LockedPackage, LockedSource, lock_slice
from env_spec.project.files import ProjectFiles


@dataclass(frozen=True, kw_only=True)
class ImageEnvironment:
    """One image with everything that follows from its table and the lock.

    Attributes:
        groups: Its groups and those that they include.
        parent: The image whose layers it shares, declared or derived.
        unshared: Why it shares no layers with images that have groups in common with it; empty if it shares some.
        packages: The slice of the lock.
        declared: Packages that its groups declare themselves; the others are there because these need them.
        python: Versions of Python that the lock supports.
        without: Packages that the project itself depends on, which no group of the image declares.
        fingerprints: By platform.
    """

    image: ImageSpec
    groups: tuple[str, ...]
    parent: str | None
    unshared: tuple[str, ...]
    packages: tuple[LockedPackage, ...]
    declared: tuple[str, ...]
    python: str
    without: tuple[str, ...]
    fingerprints: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of its platform; for several platforms, a hash of all their fingerprints."""
        if len(self.fingerprints) == 1:
            return next(iter(self.fingerprints.values()))
        of_each = "\n".join(f"{platform} {hash}" for platform, hash in sorted(self.fingerprints.items()))
        return hashlib.sha256(of_each.encode()).hexdigest()[:16]

    @property
    def reference(self) -> str:
        """The image's name for exactly this content."""
        return f"{self.image.repository}:env-{self.fingerprint}"


def image_environment(files: ProjectFiles, name: str, *, platforms: Iterable[str] = ()) -> ImageEnvironment:
    """What the image of that name contains.

    Args:
        platforms: Override those in its table.

    Raises:
        UnknownNameError: The image is not declared.
        LockError: The lock has a malformed entry.
    """
    image = files.spec.image(name)
    groups = files.spec.expanded(image.groups)
    lock = files.lock_for(groups)
    packages = lock_slice(lock, groups, extras=image.extras, source=files.lock_source)
    own = _own(files.spec) if image.own == "wheel" else ()
    packages = tuple(sorted((*packages, *own), key=lambda package: package.name))
    python = python_versions(lock)
    fingerprints = {
        platform: fingerprint(
            packages,
            folders=files.folders,
            dockerfile=image.dockerfile,
            base=image.base,
            python=python,
            platform=platform,
            build=image.build,
            system=image.system,
            snapshot=image.snapshot,
        )
        for platform in tuple(platforms) or image.platforms
    }
    return ImageEnvironment(
        image=image,
        groups=groups,
        parent=files.spec.parent(name),
        unshared=files.spec.unshared(name),
        packages=packages,
        declared=(*_declared(files.spec, groups), *(package.name for package in own)),
        python=python,
        without=_without(files.spec, groups),
        fingerprints=fingerprints,
    )


def _own(spec: EnvSpec) -> tuple[LockedPackage, ...]:
    """The project's own package, as if it were locked."""
    if spec.own is None:
        return ()
    source = LockedSource(type="directory", url=OWN_FOLDER, reference=spec.own.tables)
    return (LockedPackage(name=spec.own.name, version=spec.own.version, source=source),)


def _declared(spec: EnvSpec, groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(package for group in groups for package in spec.groups[group].packages))


def _without(spec: EnvSpec, groups: Sequence[str]) -> tuple[str, ...]:
    declared = _declared(spec, groups)
    lock = next(map(lock_of, groups), "")
    main = f"{lock}:main" if lock else "main"
    own = spec.groups[main].own_packages if main in spec.groups else ()
    return tuple(package for package in own if package not in declared)


def images_with_groups(files: ProjectFiles, groups: Iterable[str]) -> tuple[str, ...]:
    """Names of the images that contain all the groups, directly or by inclusion; all images if no group is given.

    Raises:
        UnknownNameError: Some groups are not declared; the message lists all of them.
    """
    spec = files.spec
    requested = list(groups)
    spec.expanded(requested)
    names = {normalized_name(group) for group in requested}
    return tuple(name for name, image in spec.images.items() if names <= set(spec.expanded(image.groups)))
