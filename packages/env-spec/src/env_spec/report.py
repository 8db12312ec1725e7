"""What the command line prints: lines and aligned columns for people, facts for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from env_spec.diff import Change, ImageDiff
from env_spec.drift import Drift
from env_spec.environment import ImageEnvironment
from env_spec.why import DependencyPath

_UNITS = ("B", "kB", "MB", "GB")


def image_list(environments: Iterable[ImageEnvironment]) -> str:
    rows = [("image", "groups", "packages", "fingerprint", "platforms", "parent", "base")]
    for environment in environments:
        image = environment.image
        rows.append(
            (
                image.name,
                ", ".join(environment.groups),
                str(len(environment.packages)),
                environment.fingerprint,
                ", ".join(image.platforms),
                environment.parent or "-",
                image.base or "as in its Dockerfile",
            )
        )
    return _columns(rows)


def image_page(environment: ImageEnvironment, paths: Mapping[str, DependencyPath], sizes: Mapping[str, int]) -> str:
    image = environment.image
    head = [
        f"{image.name}: {len(environment.packages)} packages of {_listed('group', environment.groups)}",
        *(f"fingerprint {hash} on {platform}" for platform, hash in environment.fingerprints.items()),
        f"base {image.base or 'as in its Dockerfile'}, Dockerfile in {image.dockerfile}, Python {environment.python}",
        f"shares the layers of {environment.parent}" if environment.parent else "shares no other image's layers",
    ]
    rows = [("package", "version", "size here", "why", "only where")]
    for package in environment.packages:
        size = sizes.get(package.name)
        rows.append(
            (
                package.name,
                package.version,
                size_text(size) if size is not None else "-",
                str(paths.get(package.name, "-")),
                package.marker or "",
            )
        )
    return "".join(f"{line}\n" for line in head) + "\n" + _columns(rows)


def image_facts(environment: ImageEnvironment) -> dict[str, object]:
    image = environment.image
    return {
        "groups": environment.groups,
        "fingerprint": environment.fingerprint,
        "fingerprints": environment.fingerprints,
        "package_count": len(environment.packages),
        "parent": environment.parent,
        "dockerfile": image.dockerfile,
        "base": image.base,
        "platforms": image.platforms,
        "repository": image.repository,
        "max_size_bytes": image.max_size_bytes,
        "python": environment.python,
    }


def diff_page(diffs: Iterable[ImageDiff], since: str) -> str:
    return "".join(_diff_lines(diff, since) for diff in diffs)


def drift_page(drift: Drift, what: str) -> str:
    if not drift:
        return f"{what}: all {drift.checked} packages are as locked, and nothing else is there\n"
    rows = [("missing", found.name, f"{found.locked} is locked", "") for found in drift.missing]
    rows += [
        ("other", found.name, f"{found.installed} is installed, {found.locked} is locked", found.path or "")
        for found in drift.changed
    ]
    rows += [("extra", found.name, f"{found.installed} is installed", found.path or "") for found in drift.extra]
    return f"{what}: not as locked ({_count(len(rows), 'package')})\n" + _columns(rows)


def size_text(size_bytes: float) -> str:
    """`1.4 MB`; powers of 1000."""
    unit = _UNITS[0]
    for unit in _UNITS:
        if size_bytes < 999.5 or unit == _UNITS[-1]:
            break
        size_bytes /= 1000
    return f"{size_bytes:.0f} {unit}" if unit == "B" or size_bytes >= 99.5 else f"{size_bytes:.1f} {unit}"


def _diff_lines(diff: ImageDiff, since: str) -> str:
    if diff.status == "gone":
        return f"{diff.image}: not declared any more\n"
    changes = {"+": diff.added, "-": diff.removed, "~": diff.updated, "*": diff.repacked}
    if diff.status == "new":
        return f"{diff.image}: must be built: new since {since} ({_count(len(diff.added), 'package')})\n"
    if diff.status == "same":
        return f"{diff.image}: as in {since}\n"
    verdict = "must be built" if diff.needs_build else "changed, but needs no build"
    lines = [f"{diff.image}: {verdict}", *(f"  {cause} is another than in {since}" for cause in diff.causes)]
    lines += [f"  {sign} {_change(change)}" for sign, found in changes.items() for change in found]
    return "".join(f"{line}\n" for line in lines)


def _change(change: Change) -> str:
    if change.before == change.after:
        return f"{change.name} {change.after} (other files, marker or source)"
    versions = [version for version in (change.before, change.after) if version]
    return f"{change.name} {' -> '.join(versions)}"


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _listed(kind: str, names: Sequence[str]) -> str:
    return f"{kind} {names[0]}" if len(names) == 1 else f"{kind}s {', '.join(names)}"


def _count(number: int, kind: str) -> str:
    return f"1 {kind}" if number == 1 else f"{number} {kind}s"
