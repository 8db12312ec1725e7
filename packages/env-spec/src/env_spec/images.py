"""Which images a project declares in `[tool.env-spec.images.NAME]`."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from env_spec.errors import SpecError, UnknownNameError
from env_spec.tables import (
    Report,
    Table,
    key_path,
    normalized_name,
    report_unknown_keys,
    strings_in,
    tables_in,
)

_IMAGES = ("tool", "env-spec", "images")
_KEYS = ("groups",)
# One path component of a repository name: github.com/distribution/reference, regexp.go.
_IMAGE_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """One image.

    Attributes:
        groups: Normalised names of its groups as declared, without the groups these include.
    """

    name: str
    groups: tuple[str, ...]


def parse_images(pyproject: Table, known_groups: Collection[str], report: Report) -> dict[str, ImageSpec]:
    images = {}
    for name, table in tables_in(pyproject, _IMAGES, report):
        path = (*_IMAGES, name)
        if not _IMAGE_NAME.fullmatch(name):
            report(SpecError(key_path(*path), _bad_image_name(name)))
        report_unknown_keys(table, path, _KEYS, report)
        groups = _image_groups(table, (*path, "groups"), known_groups, report)
        images[name] = ImageSpec(name=name, groups=groups)
    return images


def _image_groups(table: Table, path: tuple[str, ...], known: Collection[str], report: Report) -> tuple[str, ...]:
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


def _bad_image_name(name: str) -> str:
    return (
        f"'{name}' cannot name an image: use lower-case letters and digits, "
        "with '.', '_', '__' or '-' only between them"
    )
