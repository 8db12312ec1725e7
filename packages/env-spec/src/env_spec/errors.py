"""Errors of the package: mistakes in pyproject.toml or poetry.lock, and tools that failed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from terminal import EXIT_FAILED, ShrinkwrapError, count_text, unknown_name_text


class EnvSpecError(ShrinkwrapError):
    """Base of every error this package raises on purpose; most report wrong input."""


class FileError(EnvSpecError):
    """A file that cannot be read or parsed."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class LockError(FileError):
    """A poetry.lock that cannot be used."""


class SpecError(EnvSpecError):
    """One mistake in pyproject.toml, at a key path such as `tool.env-spec.images.eda.groups[1]`."""

    def __init__(self, key: str, problem: str) -> None:
        self.key = key
        self.problem = problem
        super().__init__(f"{key}: {problem}")


class SpecErrors(EnvSpecError):
    """All mistakes in one pyproject.toml."""

    def __init__(self, errors: Sequence[SpecError], *, source: str) -> None:
        self.errors = tuple(errors)
        self.source = source
        count = count_text(len(self.errors), "mistake")
        super().__init__("\n  ".join([f"{source}: {count}", *map(str, self.errors)]))


class UnknownNameError(EnvSpecError):
    """Requested images, groups or notebooks that pyproject.toml does not declare."""

    def __init__(self, kind: str, names: Sequence[str], *, known: Collection[str]) -> None:
        self.names = tuple(names)
        super().__init__("\n".join(unknown_name_text(kind, name, known) for name in self.names))


class InstalledError(EnvSpecError):
    """Text that is not the probe's list of installed packages."""

    def __init__(self, source: str, text: str) -> None:
        start = text.strip()[:200]
        found = f"printed {start!r}" if start else "printed nothing"
        super().__init__(f"{source} did not list its installed packages: it {found}; is Python 3.8 or newer there?")


class RevisionError(EnvSpecError):
    """A commit that git cannot read."""

    def __init__(self, revision: str, problem: str) -> None:
        super().__init__(f"revision '{revision}': {problem}")


class PoetryError(EnvSpecError):
    """Poetry is missing or failed."""

    exit_code = EXIT_FAILED
