"""Bases by digest: what the tags of the image tables stand for, written into them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable


def pin_bases(pyproject: str, *, is_updated: bool, resolve: Callable[[str], str]) -> tuple[str, list[str]]:
    """The text of a pyproject.toml with digests, and one line per image about it; nothing else is changed.

    Args:
        is_updated: Ask again for bases that have a digest.

    Raises:
        ImageBuildError: A registry knows no such tag, or does not answer.
    """
    images = tomllib.loads(pyproject).get("tool", {}).get("env-spec", {}).get("images", {})
    bases = {name: table["base"] for name, table in images.items() if "base" in table}
    digests: dict[str, str] = {}
    lines = [
        f'{name}: its table names no base; one like base = "quay.io/jupyter/scipy-notebook:TAG" can be pinned'
        for name in images
        if name not in bases and not images[name].get("parent")
    ]
    for name, base in bases.items():
        tag, _, old = base.partition("@")
        if old and not is_updated:
            lines.append(f"{name}: {tag} is pinned; --update asks again")
            continue
        digest = digests.setdefault(tag, "") or resolve(tag)
        digests[tag] = digest
        lines.append(f"{name}: {tag} is {digest}" + (", as before" if old == digest else f", was {old}" if old else ""))
        pyproject = re.sub(rf"""(["']){re.escape(base)}\1""", f'"{tag}@{digest}"', pyproject)
    return pyproject, lines or ["there is no image"]
