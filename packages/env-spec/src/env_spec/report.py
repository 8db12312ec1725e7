"""What the `env` commands print: tables and lines for the user, documents for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from env_spec.declaration.images import DOCKERFILES_BASE, ImageSpec
from env_spec.image.diff import Change, ImageDiff
from env_spec.image.drift import DamagedFile
from env_spec.image.environment import ImageEnvironment
from env_spec.lock.why import DependencyPath
from env_spec.verification import Verification
from terminal import Column, count_text, size_text, table

if TYPE_CHECKING:
    from rich.table import Table

_UNKNOWN = "–"
# Of one package; a removed folder can have thousands.
_SHOWN_FILES = 5


def images_table(environments: Iterable[ImageEnvironment]) -> Table:
    """A row for each image; `bases_text` has the bases, which are too long for a column."""
    columns: list[Column | str] = [
        Column(heading="image", is_folded=False),
        "groups",
        Column(heading="packages", align="right"),
        Column(heading="fingerprint", is_folded=False),
        "parent",
    ]
    rows = [
        (
            environment.image.name,
            ", ".join(environment.groups),
            f"{len(environment.packages):,}",
            environment.fingerprint,
            environment.parent or _UNKNOWN,
        )
        for environment in environments
    ]
    return table(columns, rows)


def bases_text(environments: Iterable[ImageEnvironment]) -> str:
    """The base images and platforms, each with the images that have them; then what images lack."""
    environments = tuple(environments)
    images: dict[str, list[str]] = {}
    for environment in environments:
        image = environment.image
        images.setdefault(f"{_base_text(image.base)} on {', '.join(image.platforms)}", []).append(image.name)
    bases = [f"base of {', '.join(names)}:\n  {base}" for base, names in images.items()]
    without = [f"{each.image.name} is without {without_text(each.without)}" for each in environments if each.without]
    return "\n".join([*bases, *without])


def system_text(image: ImageSpec) -> str:
    """The Debian packages of an image, and the day of their archive."""
    return ", ".join(image.system) + (f" of {image.snapshot}" if image.snapshot else "")


def without_text(packages: Sequence[str]) -> str:
    """Dependencies of the project that an image does not have, and how to add them."""
    return f'{", ".join(packages)}, which the project depends on: add "main" to its groups if it needs them'


def environment_text(environment: ImageEnvironment) -> str:
    """The facts of an image that are not about single packages."""
    image = environment.image
    groups = f"{'group' if len(environment.groups) == 1 else 'groups'} {', '.join(environment.groups)}"
    lines = [
        f"{image.name}: {count_text(len(environment.packages), 'package')} of {groups}",
        *(f"fingerprint {hash} on {platform}" for platform, hash in environment.fingerprints.items()),
        f"base {_base_text(image.base)}",
        f"Dockerfile in {image.dockerfile}, Python {environment.python}",
        *([f"Debian packages {system_text(image)}"] if image.system else []),
        _sharing_text(environment),
        *([f"without {without_text(environment.without)}"] if environment.without else []),
    ]
    return "\n".join(lines)


def _sharing_text(environment: ImageEnvironment) -> str:
    if environment.parent:
        return f"shares the layers of {environment.parent}"
    if environment.unshared:
        return f"shares no layers with other images: {'; '.join(environment.unshared)}"
    return "has no parent"


def packages_table(
    environment: ImageEnvironment, paths: Mapping[str, DependencyPath], sizes: Mapping[str, int]
) -> Table:
    """The packages of an image: version, installed size, why each is needed, and under which marker.

    Args:
        sizes: Bytes of the packages that are installed in the running environment.
    """
    columns: list[Column | str] = ["package", "version", Column(heading="size", align="right"), "why", "only if"]
    rows = []
    for package in environment.packages:
        size_bytes = sizes.get(package.name)
        size = size_text(size_bytes) if size_bytes is not None else _UNKNOWN
        why = str(paths.get(package.name, _UNKNOWN))
        rows.append((package.name, package.version, size, why, package.marker or ""))
    return table(columns, rows)


def environment_json(environment: ImageEnvironment) -> dict[str, Any]:
    """The facts of an image that are not about single packages, for `--json`."""
    image = environment.image
    return {
        "groups": environment.groups,
        "fingerprint": environment.fingerprint,
        "fingerprints": environment.fingerprints,
        "package_count": len(environment.packages),
        "parent": environment.parent,
        "unshared": environment.unshared,
        "dockerfile": image.dockerfile,
        "base": image.base,
        "platforms": image.platforms,
        "repository": image.repository,
        "max_size_bytes": image.max_size_bytes,
        "python": environment.python,
        "system": image.system,
        "snapshot": image.snapshot,
        "without": environment.without,
    }


def packages_json(
    environment: ImageEnvironment, paths: Mapping[str, DependencyPath], sizes: Mapping[str, int]
) -> list[dict[str, Any]]:
    """The packages of an image, for `--json`; an unknown size is null."""
    return [
        {
            "name": package.name,
            "version": package.version,
            "marker": package.marker,
            "size_bytes": sizes.get(package.name),
            "why": paths.get(package.name),
        }
        for package in environment.packages
    ]


def diffs_text(diffs: Iterable[ImageDiff], since: str) -> str:
    """What changed in each image since a state of the project, and whether it must be built."""
    return "\n".join(_diff_text(diff, since) for diff in diffs)


def diffs_json(diffs: Sequence[ImageDiff], since: str) -> dict[str, Any]:
    """The same for `--json`."""
    return {"since": since, "must_build": [diff.image for diff in diffs if diff.needs_build], "images": diffs}


def verification_text(verification: Verification) -> str:
    """One sentence with the result."""
    found = verification.drift
    files = "" if found.intact is None else f"; {count_text(found.intact, 'file')} intact"
    if verification.is_as_locked:
        return f"{verification.what}: all {count_text(found.checked, 'package')} as locked, and no others{files}"
    count = len(found.missing) + len(found.changed) + len(found.extra)
    damaged = len({file.package for file in found.damaged})
    phrases = [f"{count_text(count, 'package')} not as locked"] if count else []
    phrases += [f"{count_text(damaged, 'package')} with missing or altered files"] if damaged else []
    return f"{verification.what}: {', '.join(phrases)}"


def differences_table(verification: Verification) -> Table | None:
    """A row for each package that is not as locked; None if there is none."""
    found = verification.drift
    rows = [("missing", one.name, _UNKNOWN, one.locked or "", "") for one in found.missing]
    rows += [("changed", one.name, one.installed or "", one.locked or "", one.path or "") for one in found.changed]
    rows += [("extra", one.name, one.installed or "", _UNKNOWN, one.path or "") for one in found.extra]
    return table(["problem", "package", "installed", "locked", "folder"], rows) if rows else None


def damaged_table(verification: Verification) -> Table | None:
    """A row for each missing or altered file, at most `_SHOWN_FILES` of each package; None if there is none."""
    by_package: dict[str, list[DamagedFile]] = {}
    for file in verification.drift.damaged:
        by_package.setdefault(file.package, []).append(file)
    rows = []
    for package, files in by_package.items():
        rows += [(package, file.path, file.problem) for file in files[:_SHOWN_FILES]]
        rest = len(files) - _SHOWN_FILES
        rows += [(package, f"and {count_text(rest, 'more file')}", "--json lists all")] if rest > 0 else []
    return table(["package", "file", "problem"], rows) if rows else None


def verification_json(verification: Verification) -> dict[str, Any]:
    """The result for `--json`."""
    found = verification.drift
    return {
        "what": verification.what,
        "is_as_locked": verification.is_as_locked,
        "missing": found.missing,
        "extra": found.extra,
        "changed": found.changed,
        "checked": found.checked,
        "damaged": found.damaged,
        "intact_files": found.intact,
    }


def _diff_text(diff: ImageDiff, since: str) -> str:
    if diff.status == "gone":
        return f"{diff.image}: no longer declared"
    if diff.status == "new":
        return f"{diff.image}: must be built: new since {since} ({count_text(len(diff.added), 'package')})"
    if diff.status == "same":
        return f"{diff.image}: same as in {since}"
    verdict = "must be built" if diff.needs_build else "changed, but needs no build"
    changes = {"+": diff.added, "-": diff.removed, "~": diff.updated, "*": diff.repacked}
    lines = [f"{diff.image}: {verdict}", *(f"  {cause} differs from {since}" for cause in diff.causes)]
    lines += [f"  {sign} {_change_text(change)}" for sign, found in changes.items() for change in found]
    return "\n".join(lines)


def _change_text(change: Change) -> str:
    if change.before == change.after:
        return f"{change.name} {change.after} (other files, marker or source)"
    versions = [version for version in (change.before, change.after) if version]
    return f"{change.name} {' -> '.join(versions)}"


def _base_text(base: str | None) -> str:
    """A base with a short digest, so that it fits a line."""
    if base is None:
        return DOCKERFILES_BASE
    name, _, digest = base.partition("@")
    return f"{name} ({digest[:19]})" if digest else name
