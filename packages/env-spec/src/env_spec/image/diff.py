"""What changed in each image between two states of a project, and which images must be rebuilt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from env_spec.image.environment import ImageEnvironment, image_environment
from env_spec.lock.slice import LockedPackage
from env_spec.project.files import ProjectFiles


@dataclass(frozen=True, kw_only=True)
class Change:
    """The versions of a package before and after, separated by commas; None where the package is missing."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class ImageDiff:
    """What changed in one image.

    Attributes:
        status: `same`, `changed`, `new` (not declared before) or `gone` (no longer declared).
        repacked: Packages with the same version, but other files, another marker or source, or, for the project's own
            packages, other content.
        causes: Other changes: the Dockerfile's folder, `base`, `python`, `platforms`, `system`,
            `snapshot`.
        needs_build: The fingerprint of at least one platform is new.
    """

    image: str
    status: str
    added: tuple[Change, ...] = ()
    removed: tuple[Change, ...] = ()
    updated: tuple[Change, ...] = ()
    repacked: tuple[Change, ...] = ()
    causes: tuple[str, ...] = ()
    needs_build: bool = False


def image_diffs(before: ProjectFiles | None, now: ProjectFiles) -> tuple[ImageDiff, ...]:
    """One entry per image, in the order of declaration; images that are gone come last.

    Args:
        before: None if there is no earlier state; then every image is new.
    """
    old_names = before.spec.images if before else {}
    diffs = []
    for name in now.spec.images:
        environment = image_environment(now, name)
        if before and name in old_names:
            diffs.append(_image_diff(before, image_environment(before, name), now, environment))
        else:
            added = _changes({}, _versions(environment.packages))
            diffs.append(ImageDiff(image=name, status="new", added=added, needs_build=True))
    gone = [ImageDiff(image=name, status="gone") for name in old_names if name not in now.spec.images]
    return (*diffs, *gone)


def _image_diff(before: ProjectFiles, old: ImageEnvironment, now: ProjectFiles, new: ImageEnvironment) -> ImageDiff:
    changes = _changes(_versions(old.packages), _versions(new.packages))
    facts = {
        new.image.dockerfile: (before.folders.get(old.image.dockerfile), now.folders[new.image.dockerfile]),
        "base": (old.image.base, new.image.base),
        "python": (old.python, new.python),
        "system": (old.image.system, new.image.system),
        "snapshot": (old.image.snapshot, new.image.snapshot),
        "platforms": (set(old.image.platforms), set(new.image.platforms)),
    }
    needs_build = not set(new.fingerprints.items()) <= set(old.fingerprints.items())
    return ImageDiff(
        image=new.image.name,
        status="changed" if old.fingerprints != new.fingerprints else "same",
        added=tuple(change for change in changes if change.before is None),
        removed=tuple(change for change in changes if change.after is None),
        updated=tuple(change for change in changes if change.before and change.after),
        repacked=_repacked(before, old, now, new),
        causes=tuple(name for name, (was, is_now) in facts.items() if was != is_now),
        needs_build=needs_build,
    )


def _versions(packages: Iterable[LockedPackage]) -> dict[str, str]:
    versions: dict[str, list[str]] = {}
    for package in packages:
        versions.setdefault(package.name, []).append(package.version)
    return {name: ", ".join(found) for name, found in versions.items()}


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    return tuple(
        Change(name=name, before=before.get(name), after=after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def _repacked(
    before: ProjectFiles, old: ImageEnvironment, now: ProjectFiles, new: ImageEnvironment
) -> tuple[Change, ...]:
    facts_before, facts_now = _facts(before, old), _facts(now, new)
    common = sorted(set(facts_before) & set(facts_now))
    return tuple(
        Change(name=name, before=version, after=version)
        for name, version in common
        if facts_before[name, version] != facts_now[name, version]
    )


def _facts(files: ProjectFiles, environment: ImageEnvironment) -> dict[tuple[str, str], list[object]]:
    facts: dict[tuple[str, str], list[object]] = {}
    for package in environment.packages:
        known = (package.marker, sorted((file.name, file.hash) for file in package.files), package.source)
        content = files.folders.get(package.path) if package.path else None
        facts.setdefault((package.name, package.version), []).append((*known, content))
    return facts
