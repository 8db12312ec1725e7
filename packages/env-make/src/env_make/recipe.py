"""What an environment is made from, and whether an existing one is current."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

# `run` compares the same files in the same order: see `sources` there.
_SOURCES = (
    "tools-requirements.txt",
    "pyproject.toml",
    "poetry.lock",
    "packages/*/pyproject.toml",
    "notebooks/lib/pyproject.toml",
    "packages/env-make/src/env_make/*.py",
)
_HEADER_LINES = 4


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A complete environment.

    Attributes:
        folder: The virtual environment.
    """

    folder: Path

    @property
    def bin(self) -> Path:
        """The folder of its programs."""
        return self.folder / "bin"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.bin / "python"

    @property
    def slice_file(self) -> Path:
        """Its packages as Poetry exported them: a requirements file with hashes, markers and our own packages."""
        return self.folder / "slice"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A requested environment.

    Attributes:
        root: The root of the repository, without symbolic links.
        groups: Poetry groups.
        folder: Absolute path of the virtual environment.
        python: Path or name of an interpreter; None for the one that runs this.
        with_pip: Whether pip is installed in it.
        lock_folder: The folder of the lock, relative to the root.
    """

    root: Path
    groups: tuple[str, ...]
    folder: Path
    python: str | None
    with_pip: bool
    lock_folder: str = "."

    @property
    def lock(self) -> Path:
        """The lock that it is made from."""
        return self.root / self.lock_folder / "poetry.lock"

    @property
    def environment(self) -> Environment:
        """The environment, which may be missing or stale."""
        return Environment(folder=self.folder)

    @property
    def made_from_file(self) -> Path:
        """The record of what the environment was made from."""
        return self.folder / "made-from"

    @property
    def folder_text(self) -> str:
        """The folder, relative to the root if it is inside."""
        return str(self.folder.relative_to(self.root) if self.folder.is_relative_to(self.root) else self.folder)

    def made_from(self) -> bytes:
        """Everything that the environment is made from: four lines on the request, then the source files.

        The root is part of it, because the scripts of an environment name its absolute path.
        """
        header = [str(self.root), self.python or "", ",".join(self.groups), "pip" if self.with_pip else ""]
        sources = [path for pattern in _SOURCES for path in sorted(self.root.glob(pattern))]
        if self.lock_folder != ".":
            sources += [self.lock.with_name("pyproject.toml"), self.lock]
        return b"".join(["\n".join([*header, ""]).encode(), *(source.read_bytes() for source in sources)])

    def is_current(self) -> bool:
        """True if the environment was made from exactly what it would be made from now."""
        return self._has_interpreter() and self._recorded() == self.made_from()

    def can_be_updated(self) -> bool:
        """True if the environment was completed for the same request, from older sources."""
        return self._has_interpreter() and _header(self._recorded()) == _header(self.made_from())

    def _recorded(self) -> bytes:
        return self.made_from_file.read_bytes() if self.made_from_file.is_file() else b""

    def _has_interpreter(self) -> bool:
        """True if an interpreter exists and, where none is named, has the version of the one that runs this."""
        library = self.folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        return os.access(self.environment.python, os.X_OK) and (self.python is not None or library.is_dir())


def _header(made_from: bytes) -> list[bytes]:
    return made_from.split(b"\n", _HEADER_LINES)[:_HEADER_LINES]
