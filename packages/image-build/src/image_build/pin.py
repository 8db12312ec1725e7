"""Pins base images: writes the digests of their tags into the image tables of pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from image_build.engine.command import credentials
from image_build.registry.manifests import resolve_digest


@dataclass(frozen=True, kw_only=True)
class PinnedBases:
    """The result of pinning.

    Attributes:
        pyproject: The text of pyproject.toml; only digests differ from before.
        lines: One line for each image.
    """

    pyproject: str
    lines: tuple[str, ...]


def pin_bases(root: Path, *, is_updated: bool = False) -> tuple[str, ...]:
    """Write the digests of the bases' tags into pyproject.toml, and return one line for each image.

    Args:
        is_updated: Also resolve tags again that have a digest.

    Raises:
        UnknownReferenceError: A registry does not have a tag.
        RegistryError: A registry cannot be reached or denies access.
    """
    path = root / "pyproject.toml"
    resolve = partial(resolve_digest, credentials=credentials)
    pinned = pinned_bases(path.read_text("utf-8"), is_updated=is_updated, resolve=resolve)
    path.write_text(pinned.pyproject, "utf-8")
    return pinned.lines


def pinned_bases(pyproject: str, *, is_updated: bool, resolve: Callable[[str], str]) -> PinnedBases:
    """The text of a pyproject.toml with the digests that `resolve` returns for the bases' tags.

    Args:
        is_updated: Also resolve tags again that have a digest.
    """
    images = tomllib.loads(pyproject).get("tool", {}).get("env-spec", {}).get("images", {})
    bases = {name: table["base"] for name, table in images.items() if "base" in table}
    digests: dict[str, str] = {}
    lines = [
        f'{name}: its table has no base to pin; add one like base = "quay.io/jupyter/scipy-notebook:TAG"'
        for name in images
        if name not in bases and not images[name].get("parent")
    ]
    for name, base in bases.items():
        tag, _, old = base.partition("@")
        if old and not is_updated:
            lines.append(f"{name}: {tag} is pinned; --update resolves it again")
            continue
        digest = digests.setdefault(tag, "") or resolve(tag)
        digests[tag] = digest
        change = ", unchanged" if old == digest else f", was {old}" if old else ""
        lines.append(f"{name}: {tag} is {digest}{change}")
        pyproject = re.sub(rf"""(["']){re.escape(base)}\1""", f'"{tag}@{digest}"', pyproject)
    return PinnedBases(pyproject=pyproject, lines=tuple(lines) or ("no image is declared",))
