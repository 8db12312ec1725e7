"""What differs between the run a capsule recorded and a rerun, and which input is to blame."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from difflib import unified_diff
from typing import Any, Literal

from notebook_run.capsule import Capsule, CellRecord, Rerun, Sources
from notebook_run.differences import (
    Detail,
    OnlyHashesDiffer,
    named_kind,
    output_difference,
)
from notebook_run.outputs import CellOutputs, Output

InputKind = Literal["cell", "code", "parameter", "data", "package", "image"]


@dataclass(frozen=True, kw_only=True)
class InputDifference:
    """Something a result depends on that is not what it was.

    Attributes:
        recorded: None if it is new.
        found: None if it is gone.
        is_after: A cell that stands after the first output that differs, or that was not run since another one failed:
            it cannot be to blame.
        lines: What changed in its text, as a unified diff, where both texts are known.
    """

    kind: InputKind
    name: str
    recorded: str | None
    found: str | None
    is_after: bool = False
    lines: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """It in words."""
        what = {
            "cell": "cell",
            "code": "shared code",
            "parameter": "parameter",
            "data": "data",
            "package": "package",
            "image": "image",
        }[self.kind]
        if self.recorded is None:
            return f"{what} {self.name} is new"
        if self.found is None:
            return f"{what} {self.name} is gone"
        if self.kind in ("cell", "code", "data"):
            return f"{what} {self.name} was changed"
        return f"{what} {self.name}: {_short(self.recorded)} → {_short(self.found)}"


@dataclass(frozen=True, kw_only=True)
class OutputDifference:
    """An output that is not what it was; `number` counts a cell's outputs from 1."""

    number: int
    kind: str
    detail: Detail


@dataclass(frozen=True, kw_only=True)
class CellDifference:
    """A cell with outputs that differ; `place` counts the code cells from 1."""

    id: str
    place: int
    first_line: str
    outputs: tuple[OutputDifference, ...]


@dataclass(frozen=True, kw_only=True)
class VolatileCell:
    """What was not compared, or not as it is, in a cell; `replaced` counts by rule."""

    id: str
    place: int
    is_left_out: bool
    replaced: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A capsule against a rerun.

    Attributes:
        inputs: The likeliest culprit first.
        compared: Number of outputs that the capsule recorded and were compared.
    """

    recorded: Capsule
    found: Capsule
    inputs: tuple[InputDifference, ...]
    cells: tuple[CellDifference, ...]
    volatile: tuple[VolatileCell, ...]
    compared: int
    failure: str | None
    notes: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Every output is what it was."""
        return not self.cells and self.failure is None

    @property
    def culprit(self) -> InputDifference | None:
        """The input most likely to blame for what differs."""
        suspects = [difference for difference in self.inputs if not difference.is_after]
        return suspects[0] if suspects and not self.is_equal else None

    @property
    def verdict(self) -> str:
        """The whole in one sentence."""
        name = self.recorded.name
        if self.failure is not None:
            return f"{name} does not run to its end any more"
        if self.is_equal:
            return f"{name} gives the same: {counted(self.compared, 'output')} equal"
        total = counted(len(self.recorded.cells), "cell")
        differ = "differs" if len(self.cells) == 1 else "differ"
        return f"{name} gives something else: {len(self.cells)} of {total} {differ}"

    @property
    def blame(self) -> str:
        """What to look at first, in a sentence."""
        if culprit := self.culprit:
            return f"Culprit: {culprit.sentence}"
        return (
            "No input differs, so the notebook itself does not give the same twice: look for random numbers without"
            " a seed, times, the order of files or threads; tag a cell that must differ with `volatile`"
        )

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "notebook": self.recorded.name,
            "commit": self.recorded.commit,
            "equal": self.is_equal,
            "verdict": self.verdict,
            "culprit": {**asdict(self.culprit), "sentence": self.culprit.sentence} if self.culprit else None,
            "failure": self.failure,
            "inputs": [{**asdict(difference), "sentence": difference.sentence} for difference in self.inputs],
            "cells": [_plain(asdict(cell)) for cell in self.cells],
            "volatile": [asdict(cell) for cell in self.volatile],
            "compared": self.compared,
            "notes": list(self.notes),
        }


def compare(
    recorded: Capsule, kept: Mapping[tuple[str, int], Output], rerun: Rerun, *, sources: Sources | None = None
) -> Comparison:
    """What differs.

    Args:
        kept: The outputs that were kept beside the capsule, by cell and place.
        sources: What the capsule's commit holds, as far as it is known.
    """
    found = rerun.capsule
    cells = tuple(_cells(recorded, kept, rerun))
    first = min((cell.place for cell in cells), default=None)
    inputs = _inputs(recorded, found, first=first, unreached=rerun.unreached)
    return Comparison(
        recorded=recorded,
        found=found,
        inputs=tuple(_with_lines(difference, sources or Sources(), rerun.sources) for difference in inputs),
        cells=cells,
        volatile=tuple(_volatile(recorded, rerun)),
        compared=sum(len(cell.outputs) for cell in recorded.cells if not cell.is_volatile),
        failure=rerun.failure,
        notes=rerun.notes,
    )


def counted(number: int, noun: str) -> str:
    """`1 cell`, `2 cells`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _cells(recorded: Capsule, kept: Mapping[tuple[str, int], Output], rerun: Rerun) -> Iterator[CellDifference]:
    now = {cell.id: cell for cell in rerun.capsule.cells}
    for place, cell in enumerate(_merged(recorded.cells, rerun.capsule.cells), start=1):
        before = next((record for record in recorded.cells if record.id == cell.id), None)
        after = now.get(cell.id)
        if cell.id in rerun.unreached or any(record and record.is_volatile for record in (before, after)):
            continue
        outputs = rerun.outputs.get(cell.id, CellOutputs()).outputs
        differing = tuple(_outputs(before, after, outputs, kept))
        if differing:
            source = rerun.sources.cells.get(cell.id, "").strip()
            yield CellDifference(id=cell.id, place=place, first_line=source.partition("\n")[0][:100], outputs=differing)


def _outputs(
    before: CellRecord | None,
    after: CellRecord | None,
    outputs: tuple[Output, ...],
    kept: Mapping[tuple[str, int], Output],
) -> Iterator[OutputDifference]:
    was, is_now = (before.outputs if before else ()), (after.outputs if after else ())
    for number in range(max(len(was), len(is_now))):
        old = was[number] if number < len(was) else None
        new = is_now[number] if number < len(is_now) else None
        if old == new:
            continue
        kind = (old or new or "").partition(" ")[0]
        yield OutputDifference(
            number=number + 1,
            kind=kind,
            detail=_detail(before, number, old, outputs[number] if number < len(outputs) else None, kept),
        )


def _detail(
    before: CellRecord | None,
    number: int,
    old: str | None,
    new: Output | None,
    kept: Mapping[tuple[str, int], Output],
) -> Detail:
    if old is None or before is None:
        return OnlyHashesDiffer(why=f"{named_kind(new.kind) if new else 'an output'} is there that was not")
    if new is None:
        return OnlyHashesDiffer(why=f"{named_kind(old.partition(' ')[0])} is not there any more")
    original = kept.get((before.id, number))
    if original is None:
        return OnlyHashesDiffer(why="the hashes differ; the recorded output was not kept beside the capsule")
    return output_difference(original, new)


def _merged(recorded: tuple[CellRecord, ...], found: tuple[CellRecord, ...]) -> list[CellRecord]:
    """The cells of the rerun in their order, and then those that are gone."""
    ids = {cell.id for cell in found}
    return [*found, *(cell for cell in recorded if cell.id not in ids)]


def _inputs(
    recorded: Capsule, found: Capsule, *, first: int | None, unreached: frozenset[str]
) -> Iterator[InputDifference]:
    """The likeliest first: what people edit, then data, then what was installed; a cell after the first output
    that differs comes last."""
    cells = list(_changed_cells(recorded, found, first, unreached))
    yield from (cell for cell in cells if not cell.is_after)
    yield from _changed("code", recorded.code, found.code)
    yield from _changed("parameter", _shown(recorded.parameters), _shown(found.parameters))
    yield from _changed("data", _parts(recorded), _parts(found))
    yield from _changed("package", recorded.versions, found.versions)
    yield from _changed("image", _image_facts(recorded), _image_facts(found))
    yield from (cell for cell in cells if cell.is_after)


def _changed_cells(
    recorded: Capsule, found: Capsule, first: int | None, unreached: frozenset[str]
) -> Iterator[InputDifference]:
    before = {cell.id: cell.source for cell in recorded.cells}
    after = {cell.id: cell.source for cell in found.cells}
    for place, cell in enumerate(_merged(recorded.cells, found.cells), start=1):
        old, new = before.get(cell.id), after.get(cell.id)
        if old != new:
            is_after = cell.id in unreached or (first is not None and place > first)
            yield InputDifference(kind="cell", name=f"{place} ({cell.id})", recorded=old, found=new, is_after=is_after)


def _changed(kind: InputKind, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[InputDifference]:
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield InputDifference(kind=kind, name=name, recorded=before.get(name), found=after.get(name))


def _parts(capsule: Capsule) -> dict[str, str]:
    # What is read is read as the table says (types, zone, order), so a change of the table explains that of a part.
    tables = {f"{name} (its table in data/datasets.toml)": data.table for name, data in capsule.data.items()}
    return tables | {f"{name}/{part}": md5 for name, data in capsule.data.items() for part, md5 in data.parts.items()}


def _shown(parameters: Mapping[str, object]) -> dict[str, str]:
    return {name: repr(value) for name, value in parameters.items()}


def _image_facts(capsule: Capsule) -> dict[str, str]:
    """The digest last: it follows from the others, and may differ where no file in the image does."""
    image = capsule.image
    return {"base": image.base, "fingerprint": image.fingerprint, "name": image.name, "digest": image.digest}


def _plain(value: Any) -> Any:
    """Pictures as base64, for JSON."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value


def _volatile(recorded: Capsule, rerun: Rerun) -> Iterator[VolatileCell]:
    left_out = {cell.id for cell in (*recorded.cells, *rerun.capsule.cells) if cell.is_volatile}
    for place, cell in enumerate(_merged(recorded.cells, rerun.capsule.cells), start=1):
        replaced = rerun.outputs.get(cell.id, CellOutputs()).normalised
        if cell.id in left_out or replaced:
            is_left_out = cell.id in left_out
            yield VolatileCell(
                id=cell.id, place=place, is_left_out=is_left_out, replaced={} if is_left_out else replaced
            )


def _with_lines(difference: InputDifference, before: Sources, after: Sources) -> InputDifference:
    if difference.kind == "cell":
        id = difference.name.partition("(")[2].removesuffix(")")
        texts = before.cells.get(id), after.cells.get(id)
    elif difference.kind == "code":
        texts = before.code.get(difference.name), after.code.get(difference.name)
    else:
        return difference
    if texts[0] is None or texts[1] is None:
        return difference
    lines = unified_diff(texts[0].splitlines(), texts[1].splitlines(), n=1, lineterm="")
    return replace(difference, lines=tuple(lines)[2:])


def _short(text: str) -> str:
    """A digest as far as people read it."""
    return text[:19] if text.startswith("sha256:") else text
