"""What an image holds, worked out from the project's files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from env_spec.fingerprint import fingerprint
from env_spec.images import ImageSpec
from env_spec.lock import LockedPackage, lock_slice, python_versions
from env_spec.project import ProjectFiles
from env_spec.tables import normalized_name


@dataclass(frozen=True, kw_only=True)
class ImageEnvironment:
    """One image with all that follows from its table and the lock.

    Attributes:
        groups: Its groups and those they include.
        parent: The image whose layers it shares, declared or found.
        packages: The slice of the lock.
        python: Versions of Python the lock is for.
        fingerprints: By platform.
    """

    image: ImageSpec
    groups: tuple[str, ...]
    parent: str | None
    packages: tuple[LockedPackage, ...]
    python: str
    fingerprints: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """That of its platform; of an image for several platforms, one of all of theirs."""
        if len(self.fingerprints) == 1:
            return next(iter(self.fingerprints.values()))
        of_each = "\n".join(f"{platform} {hash}" for platform, hash in sorted(self.fingerprints.items()))
        return hashlib.sha256(of_each.encode()).hexdigest()[:16]

    @property
    def reference(self) -> str:
        """The image's name that stands for exactly this content."""
        return f"{self.image.repository}:env-{self.fingerprint}"


def image_environment(
    files: ProjectFiles, name: str, *, base: str | None = None, platforms: Iterable[str] = ()
) -> ImageEnvironment:
    """What the image of that name holds.

    Args:
        base: Instead of the base its table names.
        platforms: Instead of those its table names.

    Raises:
        UnknownImagesError: There is no such image.
        LockError: The lock has an entry that is not as Poetry writes it.
    """
    image = files.spec.image(name)
    groups = files.spec.expanded(image.groups)
    packages = lock_slice(files.lock, groups, source=files.lock_source)
    python = python_versions(files.lock)
    fingerprints = {
        platform: fingerprint(
            packages,
            folders=files.folders,
            dockerfile=image.dockerfile,
            base=base or image.base,
            python=python,
            platform=platform,
        )
        for platform in tuple(platforms) or image.platforms
    }
    return ImageEnvironment(
        image=image,
        groups=groups,
        parent=files.spec.parent(name),
        packages=packages,
        python=python,
        fingerprints=fingerprints,
    )


def images_with_groups(files: ProjectFiles, groups: Iterable[str]) -> tuple[str, ...]:
    """Names of the images that hold every one of the groups, included groups counted; all if none is named.

    Raises:
        UnknownGroupsError: Names all that no table declares.
    """
    spec = files.spec
    wanted = list(groups)
    spec.expanded(wanted)
    names = {normalized_name(group) for group in wanted}
    return tuple(name for name, image in spec.images.items() if names <= set(spec.expanded(image.groups)))
