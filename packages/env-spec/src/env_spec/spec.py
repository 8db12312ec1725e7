"""The spec of a project's environments: its groups, its images and its notebooks, read and checked as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from env_spec.conflicts import report_conflicts
from env_spec.errors import SpecError, SpecErrors, UnknownImagesError, UnknownNotebooksError
from env_spec.groups import DependencyGroup, expanded_groups, parse_groups
from env_spec.images import ImageSpec, parse_images
from env_spec.notebooks import NotebookSpec, notebook_mistakes, parse_notebooks
from env_spec.tables import Table, read_toml, report_unknown_keys, table_at

_TABLES = ("images", "notebooks")


@dataclass(frozen=True, kw_only=True)
class EnvSpec:
    """Groups, images and notebooks by normalised group name and by name, in the order of their declaration."""

    groups: Mapping[str, DependencyGroup]
    images: Mapping[str, ImageSpec]
    notebooks: Mapping[str, NotebookSpec] = field(default_factory=dict)

    def expanded(self, groups: Iterable[str]) -> tuple[str, ...]:
        """The named groups and every group they include.

        Raises:
            UnknownGroupsError: Names all that no table declares.
        """
        return expanded_groups(self.groups, groups)

    def image(self, name: str) -> ImageSpec:
        """The image of that name.

        Raises:
            UnknownImagesError: No table declares it.
        """
        if name not in self.images:
            raise UnknownImagesError([name], known=self.images)
        return self.images[name]

    def notebook(self, name: str) -> NotebookSpec:
        """The notebook of that name.

        Raises:
            UnknownNotebooksError: No table declares it.
        """
        if name not in self.notebooks:
            raise UnknownNotebooksError([name], known=self.notebooks)
        return self.notebooks[name]

    def parent(self, name: str) -> str | None:
        """The image whose layers it shares: the declared one, else that with most of its groups and as its base."""
        image = self.image(name)
        if image.parent:
            return image.parent
        groups = set(self.expanded(image.groups))
        best, most = None, 0
        for other in self.images.values():
            others = set(self.expanded(other.groups))
            fits = others < groups and (other.base, other.dockerfile) == (image.base, image.dockerfile)
            if fits and len(others) > most:
                best, most = other.name, len(others)
        return best


def load_spec(pyproject: Path) -> EnvSpec:
    """The spec in a pyproject.toml.

    Raises:
        FileError: The file is missing, not readable or not TOML.
        SpecErrors: Every mistake in it.
    """
    return parse_spec(read_toml(pyproject), source=str(pyproject))


def parse_spec(data: Table, *, source: str = "pyproject.toml") -> EnvSpec:
    """The spec in a parsed pyproject.toml.

    Raises:
        SpecErrors: Every mistake in it, under the name `source`.
    """
    mistakes: dict[str, SpecError] = {}  # by message: a broken table is met once per table inside it

    def report(mistake: SpecError) -> None:
        mistakes.setdefault(str(mistake), mistake)

    groups = parse_groups(data, report)
    report_conflicts(groups, report)
    report_unknown_keys(table_at(data, ("tool", "env-spec"), report), ("tool", "env-spec"), _TABLES, report)
    images = parse_images(data, groups, report)
    notebooks = parse_notebooks(data, images, report)
    if mistakes:
        raise SpecErrors(tuple(mistakes.values()), source=source)
    return EnvSpec(groups=groups, images=images, notebooks=notebooks)


def check_notebooks(spec: EnvSpec, root: Path, datasets: Iterable[str]) -> None:
    """See that the notebooks fit the rest of the project.

    Args:
        root: The folder of pyproject.toml.
        datasets: Names of all that are declared.

    Raises:
        SpecErrors: Every notebook whose file is missing, and every dataset that is not declared.
    """
    mistakes = notebook_mistakes(spec.notebooks, root, tuple(datasets))
    if mistakes:
        raise SpecErrors(mistakes, source=str(root / "pyproject.toml"))


def group_sets(spec: EnvSpec) -> tuple[tuple[str, ...], ...]:
    """The distinct sets of groups that images are made of, each as its first image spells it."""
    sets: dict[frozenset[str], tuple[str, ...]] = {}
    for image in spec.images.values():
        sets.setdefault(frozenset(image.groups), image.groups)
    return tuple(sets.values())
