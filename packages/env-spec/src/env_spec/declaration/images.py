"""Reads the images that a project declares in `[tool.env-spec.images.NAME]`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from env_spec.declaration.groups import DependencyGroup, expanded_groups
from env_spec.declaration.locks import report_several_locks
from env_spec.declaration.own import own_way, parse_own
from env_spec.declaration.system import snapshot_date, system_packages
from env_spec.declaration.tables import (
    Report,
    Table,
    key_path,
    normalized_name,
    report_unknown_keys,
    string_at,
    strings_in,
    table_at,
    tables_in,
    unknown_name_error,
)
from env_spec.errors import SpecError
from terminal import UnitError, parse_size

ENV_SPEC = ("tool", "env-spec")
IMAGES = (*ENV_SPEC, "images")
# In texts, for an image whose base is None.
DOCKERFILES_BASE: Final = "the Dockerfile's own base"
_INHERITED = (
    "dockerfile",
    "base",
    "platforms",
    "registry",
    "system",
    "snapshot",
    "skip_imports",
    "extras",
    "build",
    "own",
)
_KEYS = ("groups", "parent", "max_size", *_INHERITED)
# Names and references as in github.com/distribution/reference, regexp.go.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_IMAGE_NAME = re.compile(_COMPONENT)
_REFERENCE = re.compile(
    rf"(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*(?::[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
)
_REGISTRY = re.compile(rf"{_DOMAIN}(?:/{_COMPONENT})*")
# The platforms that BuildKit builds for and that have Python wheels.
PLATFORMS = (
    *("linux/386", "linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64"),
    *("linux/ppc64le", "linux/riscv64", "linux/s390x"),
)


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """One image.

    Attributes:
        groups: Normalised names of its groups as declared, without the groups that these include.
        dockerfile: The folder of its Dockerfile, relative to pyproject.toml.
        base: Reference of the image that its Dockerfile starts from, pinned if it has `@sha256:`; None for the
            Dockerfile's own.
        parent: The declared image whose layers it shares; `EnvSpec.parent` also finds one that is not declared.
        platforms: In Docker's notation.
        registry: Host and organisation that it is pushed to, without the image's name.
        extras: Extras of the project, whose packages it has too.
        build: Normalised names of packages that are compiled from their source distributions.
        own: How it has the project's own package: as a `wheel`, or by a `mount` of its folder in the containers of
            notebooks; None if it does not have it.
        max_size_bytes: A larger image fails its test; None for no limit.
        system: Debian packages, sorted: `libgomp1`, or `libgomp1=12.2.0-14` of one version.
        snapshot: The day of the archive that they come from, as YYYY-MM-DD; None for the current one, and without them.
        skip_imports: Normalised names of packages that its test does not import.
    """

    name: str
    groups: tuple[str, ...]
    dockerfile: str = "images/notebook"
    base: str | None = None
    parent: str | None = None
    platforms: tuple[str, ...] = ("linux/amd64",)
    registry: str | None = None
    extras: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    own: str | None = None
    max_size_bytes: int | None = None
    system: tuple[str, ...] = ()
    snapshot: str | None = None
    skip_imports: tuple[str, ...] = ()

    @property
    def repository(self) -> str:
        """The repository of its tags: its name, after its registry if it has one."""
        return f"{self.registry}/{self.name}" if self.registry else self.name

    def has_system_of(self, other: ImageSpec) -> bool:
        """Whether it has all Debian packages of another image, of the same day, so that it can share its layers."""
        return not other.system or (set(other.system) <= set(self.system) and other.snapshot == self.snapshot)


def parse_images(pyproject: Table, groups: Mapping[str, DependencyGroup], report: Report) -> dict[str, ImageSpec]:
    """The images; each inherits from its declared parent the settings that its own table omits, except max_size."""
    tables = dict(tables_in(pyproject, IMAGES, report))
    drafts = {name: _image(name, table, groups, report) for name, table in tables.items()}
    images = {name: _with_inherited(name, drafts, tables, report) for name in drafts}
    snapshot = snapshot_date(table_at(pyproject, ENV_SPEC, report), (*ENV_SPEC, "snapshot"), report)
    for name, image in images.items():
        images[name] = replace(image, snapshot=(image.snapshot or snapshot) if image.system else None)
    own = parse_own(pyproject)
    for image in images.values():
        if image.own == "wheel" and own is None:
            problem = "needs name and version in [project], and no `package-mode = false`, so that a wheel can be built"
            report(SpecError(key_path(*IMAGES, image.name, "own"), problem))
        _report_misfit_parent(image, images, groups, report)
    return images


def is_reference(text: str) -> bool:
    """Whether a text can refer to an image: `quay.io/jupyter/scipy-notebook:2026-10-20`, with or without a digest."""
    return _REFERENCE.fullmatch(text) is not None


def is_registry(text: str) -> bool:
    """Whether a text can be a registry with an organisation: `ghcr.io/organisation`."""
    return _REGISTRY.fullmatch(text) is not None


def size_at(table: Table, path: tuple[str, ...], example: str, report: Report) -> int | None:
    """The size in bytes at the last key of a path; None if it is missing, or not a size (which is reported)."""
    text = string_at(table, path, report)
    if text is None:
        return None
    try:
        return parse_size(text)
    except UnitError:
        report(SpecError(key_path(*path), f"'{text}' is not a size, like {example}"))
        return None


def _image(name: str, table: Table, groups: Mapping[str, DependencyGroup], report: Report) -> ImageSpec:
    path = (*IMAGES, name)
    if not _IMAGE_NAME.fullmatch(name):
        report(SpecError(key_path(*path), _bad_image_name(name)))
    report_unknown_keys(table, path, _KEYS, report)
    image = ImageSpec(name=name, groups=_groups(table, (*path, "groups"), groups, report))
    found: dict[str, Any] = {
        "dockerfile": _dockerfile(table, path, report),
        "base": _matching(
            table,
            (*path, "base"),
            _REFERENCE,
            "an image reference, like quay.io/jupyter/scipy-notebook:2026-10-20",
            report,
        ),
        "parent": string_at(table, (*path, "parent"), report),
        "platforms": _platforms(table, (*path, "platforms"), report),
        "registry": _matching(table, (*path, "registry"), _REGISTRY, "a registry, like ghcr.io/organisation", report),
        "extras": _names(table, (*path, "extras"), report),
        "build": _names(table, (*path, "build"), report),
        "own": own_way(table, (*path, "own"), report),
        "max_size_bytes": size_at(table, (*path, "max_size"), "2GB or 1.5GiB", report),
        "system": system_packages(table, (*path, "system"), report),
        "snapshot": snapshot_date(table, (*path, "snapshot"), report),
        "skip_imports": _skipped_imports(table, (*path, "skip_imports"), _packages(image, groups), report),
    }
    return replace(image, **{key: value for key, value in found.items() if value})


def _groups(table: Table, path: tuple[str, ...], known: Collection[str], report: Report) -> tuple[str, ...]:
    if not table.get("groups"):
        report(SpecError(key_path(*path), 'an image needs at least one group, like groups = ["main"]'))
        return ()
    groups: dict[str, str] = {}
    for key, spelling in strings_in(table["groups"], path, report):
        name = normalized_name(spelling)
        if name not in known:
            report(unknown_name_error(key, "group", spelling, known))
        elif name in groups:
            report(SpecError(key, f"repeats the group '{name}' at {groups[name]}"))
        groups.setdefault(name, key)
    report_several_locks(groups, key_path(*path), report)
    return tuple(groups)


def _dockerfile(table: Table, path: tuple[str, ...], report: Report) -> str | None:
    folder = string_at(table, (*path, "dockerfile"), report)
    if folder is None:
        return None
    parts = folder.rstrip("/").split("/")
    if "\\" in folder or not all(parts) or {".", ".."} & set(parts):
        report(SpecError(key_path(*path, "dockerfile"), f"'{folder}' is not a folder below pyproject.toml"))
    elif parts[-1] == "Dockerfile":
        fix = f"; write '{'/'.join(parts[:-1])}'" if parts[:-1] else ""
        report(SpecError(key_path(*path, "dockerfile"), f"'{folder}' names the file, not its folder{fix}"))
    return "/".join(parts)


def _platforms(table: Table, path: tuple[str, ...], report: Report) -> tuple[str, ...]:
    if "platforms" not in table:
        return ()
    if table["platforms"] == []:
        report(SpecError(key_path(*path), 'an image needs at least one platform, like platforms = ["linux/amd64"]'))
    platforms: dict[str, str] = {}
    for key, name in strings_in(table["platforms"], path, report):
        if name not in PLATFORMS:
            report(unknown_name_error(key, "platform", name, PLATFORMS))
        elif name in platforms:
            report(SpecError(key, f"repeats the platform '{name}' at {platforms[name]}"))
        platforms.setdefault(name, key)
    return tuple(platforms)


def _names(table: Table, path: tuple[str, ...], report: Report) -> tuple[str, ...]:
    """Normalised names of packages or extras, sorted."""
    if "build" in path and table.get("build") is True:
        report(SpecError(key_path(*path), 'name the packages to compile, like build = ["lightgbm"]'))
        return ()
    return tuple(sorted({normalized_name(name) for _, name in strings_in(table.get(path[-1], []), path, report)}))


def _skipped_imports(table: Table, path: tuple[str, ...], known: Collection[str], report: Report) -> tuple[str, ...]:
    names = []
    for key, spelling in strings_in(table.get("skip_imports", []), path, report):
        names.append(normalized_name(spelling))
        if names[-1] not in known:
            report(unknown_name_error(key, "declared package", spelling, known))
    return tuple(names)


def _packages(image: ImageSpec, groups: Mapping[str, DependencyGroup]) -> tuple[str, ...]:
    """The packages that the known groups of an image declare."""
    return tuple(dict.fromkeys(package for name in _expanded(image, groups) for package in groups[name].packages))


def _matching(table: Table, path: tuple[str, ...], form: re.Pattern[str], what: str, report: Report) -> str | None:
    text = string_at(table, path, report)
    if text is not None and not form.fullmatch(text):
        report(SpecError(key_path(*path), f"'{text}' is not {what}"))
    return text


def _with_inherited(
    name: str, images: Mapping[str, ImageSpec], tables: Mapping[str, Table], report: Report
) -> ImageSpec:
    """The image with the settings that it inherits: each comes from the nearest ancestor whose table has it."""
    chain = [name]
    while (parent := images[chain[-1]].parent) in images and parent is not None:
        if parent in chain:
            cycle = (*chain[chain.index(parent) :], parent)
            if parent == name:
                report(
                    SpecError(key_path(*IMAGES, name, "parent"), f"the image is its own parent: {' -> '.join(cycle)}")
                )
            break
        chain.append(parent)
    inherited = {}
    for key in _INHERITED:
        nearest = next((above for above in chain if key in tables[above]), name)
        inherited[key] = getattr(images[nearest], key)
    return replace(images[name], **inherited)


def _report_misfit_parent(
    image: ImageSpec, images: Mapping[str, ImageSpec], groups: Mapping[str, DependencyGroup], report: Report
) -> None:
    """Report a parent that cannot share its layers: it has other groups, another base or another Dockerfile."""
    if image.parent is None:
        return
    key = key_path(*IMAGES, image.name, "parent")
    if image.parent not in images:
        others = [name for name in images if name != image.name]
        report(unknown_name_error(key, "image", image.parent, others))
        return
    parent = images[image.parent]
    missing = set(_expanded(parent, groups)) - set(_expanded(image, groups))
    if missing:
        report(SpecError(key, f"'{parent.name}' has {_groups_text(missing)}, which '{image.name}' does not have"))
    if image.build != parent.build:
        problem = f"differs from that of its parent '{parent.name}', so they cannot share layers; remove it here"
        report(SpecError(key_path(*IMAGES, image.name, "build"), problem))
    if parent.own == "wheel" != image.own:
        problem = f"must be \"wheel\", as in its parent '{parent.name}', whose layers have it"
        report(SpecError(key_path(*IMAGES, image.name, "own"), problem))
    if not set(parent.extras) <= set(image.extras):
        problem = f"must have those of its parent '{parent.name}': {', '.join(parent.extras)}"
        report(SpecError(key_path(*IMAGES, image.name, "extras"), problem))
    if not image.has_system_of(parent):
        problem = f"lacks packages of its parent '{parent.name}', or has another snapshot: {', '.join(parent.system)}"
        report(SpecError(key_path(*IMAGES, image.name, "system"), problem))
    for what in ("base", "dockerfile"):
        own, other = getattr(image, what), getattr(parent, what)
        if own != other:
            theirs = f"'{other}'" if other else "the one in its Dockerfile"
            problem = f"'{own}' differs from {theirs} of its parent '{parent.name}', so they cannot share layers"
            report(SpecError(key_path(*IMAGES, image.name, what), problem))


def _expanded(image: ImageSpec, groups: Mapping[str, DependencyGroup]) -> tuple[str, ...]:
    return expanded_groups(groups, [name for name in image.groups if name in groups])


def _groups_text(names: Collection[str]) -> str:
    return ("group " if len(names) == 1 else "groups ") + ", ".join(f"'{name}'" for name in sorted(names))


def _bad_image_name(name: str) -> str:
    return f"'{name}' cannot name an image: use lower-case letters and digits, separated by '.', '_', '__' or '-'"
