"""The spec of a project's environments: its groups, images and notebooks, read and checked together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from env_spec.declaration.conflicts import report_conflicts
from env_spec.declaration.groups import DependencyGroup, expanded_groups, parse_groups
from env_spec.declaration.images import ImageSpec, parse_images
from env_spec.declaration.locks import groups_of_locks, lock_of, parse_lock_folders
from env_spec.declaration.notebooks import NotebookSpec, notebook_mistakes, parse_notebooks
from env_spec.declaration.own import OwnPackage, parse_own
from env_spec.declaration.parents import parent_of, unshared_reasons, with_derived_bases
from env_spec.declaration.tables import (
    Report,
    Table,
    bool_at,
    key_path,
    read_toml,
    report_unknown_keys,
    string_at,
    table_at,
)
from env_spec.errors import SpecError, SpecErrors, UnknownNameError

_KEYS = ("images", "locks", "notebook", "notebooks", "snapshot")
_NOTEBOOK = ("tool", "env-spec", "notebook")
_PLACES = ("docker", "local")


@dataclass(frozen=True, kw_only=True)
class EnvSpec:
    """Groups by normalised name, images and notebooks by name, in the order of their declaration.

    Attributes:
        groups: Those of another lock are called `LOCK:GROUP`.
        own: The project's own package.
        locks: The folders of further locks, relative to the project, by name.
        default_place: Where notebooks run if nothing else is requested: docker or local.
        has_selinux: Files that containers of notebooks mount get the label that SELinux demands.
    """

    groups: Mapping[str, DependencyGroup]
    images: Mapping[str, ImageSpec]
    notebooks: Mapping[str, NotebookSpec] = field(default_factory=dict)
    locks: Mapping[str, str] = field(default_factory=dict)
    own: OwnPackage | None = None
    default_place: str = "docker"
    has_selinux: bool = False

    def expanded(self, groups: Iterable[str]) -> tuple[str, ...]:
        """The named groups and every group that they include.

        Raises:
            UnknownNameError: Some groups are not declared; the message lists all of them.
        """
        return expanded_groups(self.groups, groups)

    def lock_folder(self, groups: Iterable[str]) -> str | None:
        """The folder of the lock that groups of one image are in, relative to the project; None for its own lock."""
        return self.locks.get(next(map(lock_of, groups), ""))

    def image(self, name: str) -> ImageSpec:
        """The image of that name.

        Raises:
            UnknownNameError: It is not declared.
        """
        if name not in self.images:
            raise UnknownNameError("image", [name], known=self.images)
        return self.images[name]

    def notebook(self, name: str) -> NotebookSpec:
        """The notebook of that name.

        Raises:
            UnknownNameError: It is not declared.
        """
        if name not in self.notebooks:
            raise UnknownNameError("notebook", [name], known=self.notebooks)
        return self.notebooks[name]

    def parent(self, name: str) -> str | None:
        """The image whose layers it shares; None if no image can share any.

        That is the declared parent, else the image on the same base that has most of its groups and no others.
        """
        return parent_of(self.image(name).name, self.images, self.groups)

    def unshared(self, name: str) -> tuple[str, ...]:
        """Why it shares no layers with images that have groups in common with it; empty if it shares some."""
        return unshared_reasons(self.image(name).name, self.images, self.groups)


def load_spec(pyproject: Path) -> EnvSpec:
    """The spec in a pyproject.toml file, with the groups of its further locks.

    Raises:
        FileError: The file, or that of a further lock, is missing, unreadable or not TOML.
        SpecErrors: It has mistakes; all are listed.
    """
    data = read_toml(pyproject)
    locks = {name: read_toml(pyproject.parent / folder / pyproject.name) for name, folder in lock_folders(data).items()}
    return parse_spec(data, source=str(pyproject), locks=locks)


def lock_folders(data: Table) -> dict[str, str]:
    """The folder of each further lock in a parsed pyproject.toml, by name; `parse_spec` reports mistakes."""
    return parse_lock_folders(data, lambda mistake: None)


def parse_spec(data: Table, *, source: str = "pyproject.toml", locks: Mapping[str, Table] | None = None) -> EnvSpec:
    """The spec in a parsed pyproject.toml.

    Args:
        locks: The parsed pyproject.toml of each further lock, by name.

    Raises:
        SpecErrors: It has mistakes; all are listed, with the file named `source`.
    """
    mistakes: dict[str, SpecError] = {}  # By message: a broken table is found once for each table inside it.

    def report(mistake: SpecError) -> None:
        mistakes.setdefault(str(mistake), mistake)

    groups = parse_groups(data, report)
    report_conflicts(groups, report)
    folders = parse_lock_folders(data, report)
    groups |= groups_of_locks(locks or {}, report)
    report_unknown_keys(table_at(data, ("tool", "env-spec"), report), ("tool", "env-spec"), _KEYS, report)
    images = with_derived_bases(parse_images(data, groups, report), groups)
    notebooks = parse_notebooks(data, images, report)
    place, has_selinux = _notebook_defaults(data, report)
    if mistakes:
        raise SpecErrors(tuple(mistakes.values()), source=source)
    return EnvSpec(
        groups=groups,
        images=images,
        notebooks=notebooks,
        locks=folders,
        own=parse_own(data),
        default_place=place,
        has_selinux=has_selinux,
    )


def _notebook_defaults(data: Table, report: Report) -> tuple[str, bool]:
    table = table_at(data, _NOTEBOOK, report)
    report_unknown_keys(table, _NOTEBOOK, ("default", "selinux"), report)
    place = string_at(table, (*_NOTEBOOK, "default"), report) or _PLACES[0]
    if place not in _PLACES:
        report(SpecError(key_path(*_NOTEBOOK, "default"), f"must be {' or '.join(_PLACES)}, not '{place}'"))
    return place, bool_at(table, (*_NOTEBOOK, "selinux"), report) or False


def check_notebooks(spec: EnvSpec, root: Path, datasets: Iterable[str]) -> None:
    """Check that the notebooks' files exist and their datasets are declared.

    Args:
        root: The folder of pyproject.toml.
        datasets: Names of all declared datasets.

    Raises:
        SpecErrors: Some files are missing or some datasets are not declared; all are listed.
    """
    mistakes = notebook_mistakes(spec.notebooks, root, tuple(datasets))
    if mistakes:
        raise SpecErrors(mistakes, source=str(root / "pyproject.toml"))


def group_sets(spec: EnvSpec) -> tuple[tuple[str, ...], ...]:
    """The distinct sets of groups that images consist of, each in the order of the first image that has it.

    Sets of a further lock are not among them: their packages need not fit the tests' own.
    """
    sets: dict[frozenset[str], tuple[str, ...]] = {}
    for image in spec.images.values():
        if not any(lock_of(group) for group in image.groups):
            sets.setdefault(frozenset(image.groups), image.groups)
    return tuple(sets.values())
