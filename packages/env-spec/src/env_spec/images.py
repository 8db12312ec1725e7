"""Which images a project declares in `[tool.env-spec.images.NAME]`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from env_spec.errors import ParentCycleError, SpecError, UnknownNameError
from env_spec.groups import DependencyGroup, expanded_groups
from env_spec.tables import (
    Report,
    Table,
    key_path,
    normalized_name,
    report_unknown_keys,
    string_at,
    strings_in,
    tables_in,
)

IMAGES = ("tool", "env-spec", "images")
_KEYS = ("groups", "dockerfile", "base", "parent", "platforms", "registry", "max_size")
_INHERITED = ("dockerfile", "base", "platforms", "registry")
# Names and references as in github.com/distribution/reference, regexp.go.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_IMAGE_NAME = re.compile(_COMPONENT)
_REFERENCE = re.compile(
    rf"(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*(?::[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
)
_REGISTRY = re.compile(rf"{_DOMAIN}(?:/{_COMPONENT})*")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kMGT]i?)?B")
_FACTORS = {None: 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_FACTORS |= {"ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
# What BuildKit builds for and Python has wheels for.
PLATFORMS = (
    *("linux/386", "linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64"),
    *("linux/ppc64le", "linux/riscv64", "linux/s390x"),
)


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """One image.

    Attributes:
        groups: Normalised names of its groups as declared, without the groups these include.
        dockerfile: The folder of its Dockerfile, relative to pyproject.toml.
        base: Reference of the image it starts from, by digest if it has `@sha256:`; None for the Dockerfile's own.
        parent: The image whose layers it shares, as declared; `EnvSpec.parent` finds one where none is.
        platforms: As Docker names them.
        registry: Where it is pushed to, with the organisation, without the image's name.
        max_size_bytes: A larger image fails its test; None for any size.
    """

    name: str
    groups: tuple[str, ...]
    dockerfile: str = "images/notebook"
    base: str | None = None
    parent: str | None = None
    platforms: tuple[str, ...] = ("linux/amd64",)
    registry: str | None = None
    max_size_bytes: int | None = None

    @property
    def repository(self) -> str:
        """Where its tags stand: its name, below its registry if it has one."""
        return f"{self.registry}/{self.name}" if self.registry else self.name


def parse_images(pyproject: Table, groups: Mapping[str, DependencyGroup], report: Report) -> dict[str, ImageSpec]:
    """The images; one takes from its declared parent what its own table does not say, its size apart."""
    tables = dict(tables_in(pyproject, IMAGES, report))
    drafts = {name: _image(name, table, groups, report) for name, table in tables.items()}
    images = {name: _with_inherited(name, drafts, tables, report) for name in drafts}
    for image in images.values():
        _report_misfit_parent(image, images, groups, report)
    return images


def is_reference(text: str) -> bool:
    """It can name an image: `quay.io/jupyter/scipy-notebook:2026-10-20`, with a digest or without."""
    return _REFERENCE.fullmatch(text) is not None


def is_registry(text: str) -> bool:
    """Images can be pushed below it: `ghcr.io/organisation`."""
    return _REGISTRY.fullmatch(text) is not None


def size_bytes(text: str) -> int | None:
    """`2GB` and `1.5GiB` in bytes; None for what is not a size."""
    match = _SIZE.fullmatch(text)
    return int(float(match[1]) * _FACTORS[match[2]]) if match else None


def _image(name: str, table: Table, groups: Collection[str], report: Report) -> ImageSpec:
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
        "max_size_bytes": _max_size(table, (*path, "max_size"), report),
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
            report(UnknownNameError(key, kind="group", name=spelling, known=known))
        elif name in groups:
            report(SpecError(key, f"repeats the group '{name}' of {groups[name]}"))
        groups.setdefault(name, key)
    return tuple(groups)


def _dockerfile(table: Table, path: tuple[str, ...], report: Report) -> str | None:
    folder = string_at(table, (*path, "dockerfile"), report)
    if folder is None:
        return None
    parts = folder.rstrip("/").split("/")
    if "\\" in folder or not all(parts) or {".", ".."} & set(parts):
        report(SpecError(key_path(*path, "dockerfile"), f"'{folder}' is not a folder below pyproject.toml"))
    elif parts[-1] == "Dockerfile":
        here = f"; write '{'/'.join(parts[:-1])}'" if parts[:-1] else ""
        report(SpecError(key_path(*path, "dockerfile"), f"'{folder}' names the file, not its folder{here}"))
    return "/".join(parts)


def _platforms(table: Table, path: tuple[str, ...], report: Report) -> tuple[str, ...]:
    if "platforms" not in table:
        return ()
    if table["platforms"] == []:
        report(SpecError(key_path(*path), 'an image needs at least one platform, like platforms = ["linux/amd64"]'))
    platforms: dict[str, str] = {}
    for key, name in strings_in(table["platforms"], path, report):
        if name not in PLATFORMS:
            report(UnknownNameError(key, kind="platform", name=name, known=PLATFORMS))
        elif name in platforms:
            report(SpecError(key, f"repeats the platform '{name}' of {platforms[name]}"))
        platforms.setdefault(name, key)
    return tuple(platforms)


def _matching(table: Table, path: tuple[str, ...], form: re.Pattern[str], what: str, report: Report) -> str | None:
    text = string_at(table, path, report)
    if text is not None and not form.fullmatch(text):
        report(SpecError(key_path(*path), f"'{text}' is not {what}"))
    return text


def _max_size(table: Table, path: tuple[str, ...], report: Report) -> int | None:
    text = string_at(table, path, report)
    size = size_bytes(text) if text is not None else None
    if text is not None and not size:
        report(SpecError(key_path(*path), f"'{text}' is not a size, like 2GB or 1.5GiB"))
    return size


def _with_inherited(
    name: str, images: Mapping[str, ImageSpec], tables: Mapping[str, Table], report: Report
) -> ImageSpec:
    """The image with what the nearest image above it says, for each key its own table does not have."""
    chain = [name]
    while (parent := images[chain[-1]].parent) in images and parent is not None:
        if parent in chain:
            cycle = (*chain[chain.index(parent) :], parent)
            if parent == name:
                report(ParentCycleError(key_path(*IMAGES, name, "parent"), cycle))
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
    """Layers can be shared only if all of the parent is in the image and both start from the same base."""
    if image.parent is None:
        return
    key = key_path(*IMAGES, image.name, "parent")
    if image.parent not in images:
        report(
            UnknownNameError(
                key, kind="image", name=image.parent, known=[name for name in images if name != image.name]
            )
        )
        return
    parent = images[image.parent]
    missing = _expanded(parent, groups) - _expanded(image, groups)
    if missing:
        report(SpecError(key, f"'{parent.name}' has {_groups_named(missing)}, which '{image.name}' has not"))
    for what in ("base", "dockerfile"):
        own, other = getattr(image, what), getattr(parent, what)
        if own != other:
            problem = f"'{own}' is not '{other}' of its parent '{parent.name}', so they can share no layer"
            report(SpecError(key_path(*IMAGES, image.name, what), problem))


def _expanded(image: ImageSpec, groups: Mapping[str, DependencyGroup]) -> set[str]:
    return set(expanded_groups(groups, [name for name in image.groups if name in groups]))


def _groups_named(names: Collection[str]) -> str:
    return ("group " if len(names) == 1 else "groups ") + ", ".join(f"'{name}'" for name in sorted(names))


def _bad_image_name(name: str) -> str:
    return (
        f"'{name}' cannot name an image: use lower-case letters and digits, "
        "with '.', '_', '__' or '-' only between them"
    )
