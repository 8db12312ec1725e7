"""Every error of the package, written for the person who edits pyproject.toml or the lock."""

from __future__ import annotations

from collections.abc import Collection, Sequence


class EnvSpecError(Exception):
    """Base of every error this package raises on purpose.

    Attributes:
        exit_code: 2 for wrong input, 1 for work that failed.
    """

    exit_code = 2


class FileError(EnvSpecError):
    """A file that cannot be read as TOML."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class LockError(FileError):
    """A lock that no slice can be cut from."""


class SpecError(EnvSpecError):
    """One mistake in pyproject.toml, at a key path such as `tool.env-spec.images.eda.groups[1]`."""

    def __init__(self, key: str, problem: str) -> None:
        self.key = key
        self.problem = problem
        super().__init__(f"{key}: {problem}")


class UnknownNameError(SpecError):
    """A name that refers to nothing: a group no table declares, a key no table takes."""

    def __init__(self, key: str, *, kind: str, name: str, known: Collection[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(known)
        super().__init__(key, unknown_name(kind, name, self.known))


class IncludeCycleError(SpecError):
    """Groups that include each other in a ring; `cycle` starts and ends with the same group."""

    def __init__(self, key: str, cycle: Sequence[str]) -> None:
        self.cycle = tuple(cycle)
        super().__init__(key, f"the group includes itself: {' -> '.join(self.cycle)}")


class ParentCycleError(SpecError):
    """Images that are each other's parent in a ring; `cycle` starts and ends with the same image."""

    def __init__(self, key: str, cycle: Sequence[str]) -> None:
        self.cycle = tuple(cycle)
        super().__init__(key, f"the image is its own parent: {' -> '.join(self.cycle)}")


class SpecErrors(EnvSpecError):
    """All mistakes of one pyproject.toml, told at once."""

    def __init__(self, errors: Sequence[SpecError], *, source: str) -> None:
        self.errors = tuple(errors)
        self.source = source
        count = "1 mistake" if len(self.errors) == 1 else f"{len(self.errors)} mistakes"
        super().__init__("\n  ".join([f"{source}: {count}", *map(str, self.errors)]))


class UnknownImagesError(EnvSpecError):
    """Images that were asked for but are declared nowhere."""

    def __init__(self, names: Sequence[str], *, known: Collection[str]) -> None:
        self.names = tuple(names)
        self.known = tuple(known)
        super().__init__("\n".join(unknown_name("image", name, self.known) for name in self.names))


class UnknownNotebooksError(EnvSpecError):
    """Notebooks that were asked for but are declared nowhere."""

    def __init__(self, names: Sequence[str], *, known: Collection[str]) -> None:
        self.names = tuple(names)
        self.known = tuple(known)
        super().__init__("\n".join(unknown_name("notebook", name, self.known) for name in self.names))


class UnknownGroupsError(EnvSpecError):
    """Groups that were asked for but are declared nowhere."""

    def __init__(self, names: Sequence[str], *, known: Collection[str]) -> None:
        self.names = tuple(names)
        self.known = tuple(known)
        super().__init__("\n".join(unknown_name("group", name, self.known) for name in self.names))


class InstalledError(EnvSpecError):
    """A list of what is installed that is none."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.text = text
        start = text.strip()[:200]
        got = f"printed {start!r}" if start else "printed nothing"
        super().__init__(f"{source} did not say what is installed there: it {got}; is there a Python 3.8 or newer?")


class NotBuiltError(EnvSpecError):
    """An image that was asked for but is not here."""

    def __init__(self, image: str) -> None:
        self.image = image
        super().__init__(f"image '{image}' is not here; build it with `invoke image.build --image {image}`")


class RevisionError(EnvSpecError):
    """A commit that git does not give."""

    def __init__(self, revision: str, problem: str) -> None:
        self.revision = revision
        self.problem = problem
        super().__init__(f"revision '{revision}': {problem}")


class PoetryError(EnvSpecError):
    """Poetry is not there, or did not do what it was asked."""

    exit_code = 1


def unknown_name(kind: str, name: str, known: Collection[str]) -> str:
    """The sentence for an unknown name: what was asked, the nearest known name, what there is."""
    import difflib  # only a wrong input pays for it

    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else "."
    return f"there is no {kind} '{name}'{hint} {kind.capitalize()}s: {', '.join(sorted(known)) or 'none'}"
