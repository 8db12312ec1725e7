"""The inputs of a run that differ from those that a capsule records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import unified_diff
from typing import Final, Literal, TypeAlias

from notebook_run.capsule.record import Capsule, CellRecord, Rerun, Sources

InputKind: TypeAlias = Literal[
    "cell", "code", "parameter", "data", "package", "platform", "place", "image", "environment"
]

_WORDS: Final[Mapping[InputKind, str]] = {"code": "shared code"}


@dataclass(frozen=True, kw_only=True)
class InputDifference:
    """An input that differs from the recorded one.

    Attributes:
        recorded: None if it is new.
        found: None if it was removed.
        is_after: It is a cell after the first output that differs, or after the cell that failed, so it cannot be the
            cause.
        is_consequence: It follows from another input that differs, such as a fingerprint from a package.
        lines: What changed in its text, as a unified diff, if both texts are known.
    """

    kind: InputKind
    name: str
    recorded: str | None
    found: str | None
    is_after: bool = False
    is_consequence: bool = False
    lines: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The difference in words."""
        what = f"{_WORDS.get(self.kind, self.kind)} {self.name}"
        if self.recorded is None:
            return f"{what} is new"
        if self.found is None:
            return f"{what} was removed"
        if self.kind in ("cell", "code", "data"):
            return f"{what} was changed"
        return f"{what}: {_short(self.recorded)} → {_short(self.found)}"


def input_differences(
    recorded: Capsule, rerun: Rerun, sources: Sources, *, first_cell: int | None
) -> tuple[InputDifference, ...]:
    """The inputs that differ, the most likely cause first.

    First comes what a user edits, then data, then installed packages; cells that cannot be the cause come last.

    Args:
        sources: The code of the capsule's commit, as far as it is known.
        first_cell: Place of the first cell with an output that differs; None if none does.
    """
    found = rerun.capsule
    cells = list(_changed_cells(recorded, rerun, first_cell))
    differences = [
        *(cell for cell in cells if not cell.is_after),
        *_changed("code", recorded.code, found.code),
        *_changed("parameter", _parameters(recorded), _parameters(found)),
        *_data_differences(recorded, found),
        *_installed_differences(recorded, found),
        *(cell for cell in cells if cell.is_after),
    ]
    return tuple(_with_lines(difference, sources, rerun.sources) for difference in differences)


def _installed_differences(recorded: Capsule, found: Capsule) -> list[InputDifference]:
    """Packages, platform and place, then what follows from them."""
    differences = [
        *_changed("package", recorded.versions, found.versions),
        *(_changed("platform", _platform(recorded), _platform(found)) if recorded.platform and found.platform else ()),
        *_changed("place", _place(recorded), _place(found)),
    ]
    if recorded.place == found.place:
        for kind, facts in _FACTS.items():
            for difference in _changed(kind, facts(recorded), facts(found)):
                follows = bool(differences) and difference.name in ("fingerprint", "digest")
                differences.append(replace(difference, is_consequence=follows))
    return differences


def merged_cells(recorded: tuple[CellRecord, ...], found: tuple[CellRecord, ...]) -> list[CellRecord]:
    """The cells of the rerun in their order, and then those that were removed."""
    ids = {cell.id for cell in found}
    return [*found, *(cell for cell in recorded if cell.id not in ids)]


def _changed_cells(recorded: Capsule, rerun: Rerun, first_cell: int | None) -> Iterator[InputDifference]:
    found = rerun.capsule
    before = {cell.id: cell.source for cell in recorded.cells}
    after = {cell.id: cell.source for cell in found.cells}
    for place, cell in enumerate(merged_cells(recorded.cells, found.cells), start=1):
        old, new = before.get(cell.id), after.get(cell.id)
        if old != new:
            is_after = cell.id in rerun.unreached or (first_cell is not None and place > first_cell)
            yield InputDifference(kind="cell", name=f"{place} ({cell.id})", recorded=old, found=new, is_after=is_after)


def _changed(kind: InputKind, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[InputDifference]:
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield InputDifference(kind=kind, name=name, recorded=before.get(name), found=after.get(name))


def _parts(capsule: Capsule) -> dict[str, str]:
    # The table determines how data are read (types, time zone, order), so a change of it explains a change of a part.
    tables = {f"{name} (its table in data/datasets.toml)": data.table for name, data in capsule.data.items()}
    return tables | {f"{name}/{part}": md5 for name, data in capsule.data.items() for part, md5 in data.parts.items()}


def _data_differences(recorded: Capsule, found: Capsule) -> Iterator[InputDifference]:
    """The tables and parts that differ. The parts of a dataset that is new or was removed follow from that."""
    both = recorded.data.keys() & found.data.keys()
    for difference in _changed("data", _parts(recorded), _parts(found)):
        dataset, slash, _ = difference.name.partition("/")
        is_part = bool(slash) and " " not in dataset
        yield replace(difference, is_consequence=is_part and dataset not in both)


def _parameters(capsule: Capsule) -> dict[str, str]:
    return {name: repr(value) for name, value in capsule.parameters.items()}


def _platform(capsule: Capsule) -> dict[str, str]:
    return {"of the run": capsule.platform or ""}


def _place(capsule: Capsule) -> dict[str, str]:
    words = {"docker": "a container of its image", "local": "a local environment"}
    return {"of the run": words[capsule.place]}


def _image_facts(capsule: Capsule) -> dict[str, str]:
    """Facts about the image. Each of the last two depends on those before it."""
    image = capsule.image
    if image is None:
        return {}
    return {"base": image.base, "name": image.name, "fingerprint": image.fingerprint, "digest": image.digest}


def _environment_facts(capsule: Capsule) -> dict[str, str]:
    return vars(capsule.environment) if capsule.environment else {}


_FACTS: Final[Mapping[InputKind, Callable[[Capsule], dict[str, str]]]] = {
    "image": _image_facts,
    "environment": _environment_facts,
}


def _with_lines(difference: InputDifference, before: Sources, after: Sources) -> InputDifference:
    if difference.kind == "cell":
        cell = difference.name.partition("(")[2].removesuffix(")")
        old, new = before.cells.get(cell), after.cells.get(cell)
    elif difference.kind == "code":
        old, new = before.code.get(difference.name), after.code.get(difference.name)
    else:
        return difference
    if old is None or new is None:
        return difference
    lines = unified_diff(old.splitlines(), new.splitlines(), n=1, lineterm="")
    return replace(difference, lines=tuple(lines)[2:])


def _short(text: str) -> str:
    """A digest, shortened for reading."""
    return text[:19] if text.startswith("sha256:") else text
