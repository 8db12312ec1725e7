"""The cells of a run whose outputs differ from those that a capsule records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from notebook_run.capsule.record import Capsule, CellRecord, Rerun
from notebook_run.comparison.differences import Detail, OnlyHashesDiffer, kind_text, output_difference
from notebook_run.comparison.inputs import merged_cells
from notebook_run.outputs.cell_outputs import CellOutputs, Output

KeptOutputs: TypeAlias = Mapping[tuple[str, int], Output]


@dataclass(frozen=True, kw_only=True)
class OutputDifference:
    """An output that differs; `number` counts a cell's outputs from 1."""

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
    """A cell that was not compared, or only after replacements.

    Attributes:
        is_left_out: It was not compared.
        is_unstable: It is not tagged volatile; it differed between two runs when it was frozen.
        replaced: Number of replacements by rule.
    """

    id: str
    place: int
    is_left_out: bool
    is_unstable: bool
    replaced: Mapping[str, int]

    @property
    def why(self) -> str:
        """Why it was not compared, or the number of replacements by rule."""
        if self.is_left_out:
            return "different in each run when it was frozen" if self.is_unstable else "tagged volatile"
        return ", ".join(f"{count} × {rule}" for rule, count in self.replaced.items())


def cell_differences(recorded: Capsule, kept: KeptOutputs, rerun: Rerun) -> Iterator[CellDifference]:
    """The cells whose outputs differ.

    Args:
        kept: The outputs that are kept next to the capsule, by cell and place.
    """
    before = {cell.id: cell for cell in recorded.cells}
    after = {cell.id: cell for cell in rerun.capsule.cells}
    for place, cell in enumerate(merged_cells(recorded.cells, rerun.capsule.cells), start=1):
        pair = before.get(cell.id), after.get(cell.id)
        if cell.id in rerun.unreached or any(record and record.is_volatile for record in pair):
            continue
        found = rerun.outputs.get(cell.id, CellOutputs()).outputs
        differing = tuple(_output_differences(*pair, found, kept))
        if differing:
            source = rerun.sources.cells.get(cell.id, "").strip()
            yield CellDifference(id=cell.id, place=place, first_line=source.partition("\n")[0][:100], outputs=differing)


def volatile_cells(recorded: Capsule, rerun: Rerun) -> Iterator[VolatileCell]:
    """The cells that were not compared, or only after replacements."""
    unstable = {cell.id for cell in recorded.cells if cell.is_unstable}
    left_out = {cell.id for cell in (*recorded.cells, *rerun.capsule.cells) if cell.is_volatile}
    for place, cell in enumerate(merged_cells(recorded.cells, rerun.capsule.cells), start=1):
        replaced = rerun.outputs.get(cell.id, CellOutputs()).replaced
        if cell.id in left_out or replaced:
            is_left_out = cell.id in left_out
            yield VolatileCell(
                id=cell.id,
                place=place,
                is_left_out=is_left_out,
                is_unstable=cell.id in unstable,
                replaced={} if is_left_out else replaced,
            )


def _output_differences(
    before: CellRecord | None, after: CellRecord | None, outputs: tuple[Output, ...], kept: KeptOutputs
) -> Iterator[OutputDifference]:
    old_hashes, new_hashes = (record.outputs if record else () for record in (before, after))
    for number in range(max(len(old_hashes), len(new_hashes))):
        old = old_hashes[number] if number < len(old_hashes) else None
        new = new_hashes[number] if number < len(new_hashes) else None
        if old == new:
            continue
        original = kept.get((before.id, number)) if before else None
        found = outputs[number] if number < len(outputs) else None
        yield OutputDifference(
            number=number + 1, kind=(old or new or "").partition(" ")[0], detail=_detail(old, original, found)
        )


def _detail(old_hash: str | None, original: Output | None, found: Output | None) -> Detail:
    if old_hash is None:
        return OnlyHashesDiffer(why=f"{kind_text(found.kind) if found else 'an output'} is new")
    if found is None:
        return OnlyHashesDiffer(why=f"{kind_text(old_hash.partition(' ')[0])} is missing now")
    if original is None:
        return OnlyHashesDiffer(why="the hashes differ; the recorded output was not kept next to the capsule")
    return output_difference(original, found)
