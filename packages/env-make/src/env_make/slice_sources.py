"""Splits an exported slice of the lock by where each package comes from: an index, git, or this repository.

A tool that gets several indexes asks one of them first for every package: names leak, and an old version there can end
the installation. So each part is installed from its own index, without dependencies: a slice is complete.

The build of an image starts this module as a program: `slice_sources.py EXPORTED LOCK TARGET`.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

_PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)")
_DIRECT = re.compile(
    r"(?P<editable>-e )?(?:[A-Za-z0-9._-]+(?:\[[^]]*\])? @ )?(?P<url>[a-z+]+://[^\s;]*)(?P<rest>.*)", re.S
)
_HASH = re.compile(r"--hash=(\w+):(\w+)")


@dataclass(frozen=True, kw_only=True)
class SlicePart:
    """The packages that come from one index.

    Attributes:
        name: The source's name in pyproject.toml; empty for the default index.
        url: As in the lock, without credentials; empty for the default index.
        requirements: A requirements file.
    """

    name: str
    url: str
    requirements: str


@dataclass(frozen=True, kw_only=True)
class OwnPackage:
    """A package or an archive in this repository.

    Attributes:
        path: Absolute.
        marker: PEP 508 marker; empty for always.
        is_editable: Poetry's `develop = true`.
        hashes: Pairs of algorithm and digest; an archive has one of them.
    """

    path: str
    marker: str
    is_editable: bool
    hashes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class ExportedSlice:
    """An exported slice, by what installs its packages.

    Attributes:
        locked: A requirements file with hashes, for indexes and URLs.
        git: A requirements file without hashes; each line names a commit.
        own: Packages in this repository.
    """

    locked: str
    git: str
    own: tuple[OwnPackage, ...]


def split_export(exported: str) -> ExportedSlice:
    """What `poetry export --without-urls` prints, by kind."""
    locked, git, own = [], [], []
    for requirement in _requirements(exported):
        direct = _DIRECT.match(requirement)
        if direct and direct["url"].startswith("file:"):
            own.append(_own_package(direct))
        elif direct and direct["url"].startswith("git+"):
            git.append(requirement)
        else:
            locked.append(requirement)
    return ExportedSlice(locked="".join(locked), git="".join(git), own=tuple(own))


def slice_parts(exported: str, lock: Mapping[str, Any]) -> list[SlicePart]:
    """The parts of an exported slice, the default index first, even if nothing comes from it.

    Args:
        exported: What `poetry export --without-urls` prints.
        lock: The parsed poetry.lock.
    """
    sources = {
        (_normalized(package["name"]), package["version"]): (package["source"]["reference"], package["source"]["url"])
        for package in lock.get("package", [])
        if package.get("source", {}).get("type") == "legacy"
    }
    texts: dict[tuple[str, str], list[str]] = {("", ""): []}
    for requirement in _requirements(exported):
        found = _PINNED.match(requirement)
        source = sources.get((_normalized(found["name"]), found["version"]), ("", "")) if found else ("", "")
        texts.setdefault(source, []).append(requirement)
    return [SlicePart(name=name, url=url, requirements="".join(lines)) for (name, url), lines in texts.items()]


def authenticated_url(name: str, url: str, environment: Mapping[str, str] = os.environ) -> str:
    """The URL of an index with the credentials that Poetry's own variables have for it, if there are any.

    Source: Poetry's documentation, "Configuring credentials": POETRY_HTTP_BASIC_NAME_USERNAME and …_PASSWORD.
    """
    variable = f"POETRY_HTTP_BASIC_{re.sub('[.-]', '_', name).upper()}"
    user, password = (environment.get(f"{variable}_{word}") for word in ("USERNAME", "PASSWORD"))
    if not user:
        return url
    parts = urlsplit(url)
    userinfo = ":".join(quote(text, safe="") for text in (user, password) if text)
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.netloc.rpartition('@')[2]}"))


def _requirements(exported: str) -> Iterator[str]:
    """Each requirement with its continuation lines, which have the hashes."""
    lines: list[str] = []
    for line in exported.splitlines(keepends=True):
        lines.append(line)
        if not line.rstrip().endswith("\\"):
            yield "".join(lines)
            lines = []
    if lines:
        yield "".join(lines)


def _own_package(direct: re.Match[str]) -> OwnPackage:
    marker = direct["rest"].partition("--hash")[0].strip(" ;\\\n")
    return OwnPackage(
        path=unquote(urlsplit(direct["url"]).path),
        marker=marker,
        is_editable=direct["editable"] is not None,
        hashes=tuple(_HASH.findall(direct["rest"])),
    )


def _check_hash(package: OwnPackage) -> None:
    content = Path(package.path).read_bytes() if package.hashes else b""
    if package.hashes and not any(hashlib.new(name, content).hexdigest() == value for name, value in package.hashes):
        raise SystemExit(f"{package.path} is another file than the one in poetry.lock; run `./run invoke env.lock`")


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(exported: str, lock: str, target: str) -> None:
    """Write TARGET/locked for the default index, and TARGET/sources/NAME/{locked,url} for each other one.

    TARGET/git has the requirements from git, and TARGET/paths a line for each package in this repository: its path, a
    tab and its marker.
    """
    split = split_export(Path(exported).read_text("utf-8"))
    for package in split.own:
        _check_hash(package)
    lines = {"git": split.git, "paths": "".join(f"{package.path}\t{package.marker}\n" for package in split.own)}
    for name, text in lines.items():
        if text:
            Path(target, name).write_text(text, "utf-8")
    for part in slice_parts(split.locked, tomllib.loads(Path(lock).read_text("utf-8"))):
        folder = Path(target, "sources", part.name) if part.name else Path(target)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "locked").write_text(part.requirements, "utf-8")
        if part.name:
            (folder / "url").write_text(part.url, "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
