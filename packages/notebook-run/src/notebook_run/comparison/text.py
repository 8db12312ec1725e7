"""A comparison as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from notebook_run.comparison.cells import CellDifference
from notebook_run.comparison.compare import Comparison
from notebook_run.comparison.differences import (
    Detail,
    LinesDiffer,
    NumberChange,
    NumbersDiffer,
    OnlyHashesDiffer,
    PicturesDiffer,
    kind_text,
)
from terminal import count_text

_MOST_CHANGES: Final = 5
_MOST_LINES: Final = 12
_MOST_INPUTS: Final = 12


def comparison_text(comparison: Comparison) -> str:
    """The text, which begins with the verdict and the culprit."""
    return "".join(f"{line}\n" for line in _lines(comparison))


def difference_text(value: float) -> str:
    """A difference with its sign."""
    return f"{value:+.6g}"


def percent_text(relative: float) -> str:
    """A relative difference in percent with its sign; a tiny one has a power of ten."""
    percent = 100 * relative
    return f"{percent:+.3g} %" if abs(percent) >= 0.001 or not percent else f"{percent:+.1e} %"


def picture_text(detail: PicturesDiffer) -> str:
    """What differs between two pictures, in a sentence."""
    if detail.changed is not None and detail.total:
        return (
            f"{detail.changed:,} of {detail.total:,} pixels differ ({percent_text(detail.changed / detail.total)[1:]})"
        )
    first, second = ("unreadable" if size is None else f"{size[0]} × {size[1]}" for size in detail.sizes)
    return f"{first} pixels became {second}" if first != second else "the files differ, and their pixels cannot be read"


def _lines(comparison: Comparison) -> Iterator[str]:
    yield comparison.verdict
    if not comparison.is_equal:
        yield f"  {comparison.advice}"
    if comparison.failure is not None:
        yield ""
        yield from (f"  {line}" for line in comparison.failure.splitlines())
    yield from _inputs(comparison)
    for difference in comparison.cells:
        yield ""
        yield from _cell(difference)
    for file in comparison.files:
        yield ""
        yield f"File {file.path}: {_headline(file.detail)}"
        yield from (f"  {line}" for line in _details(file.detail))
    if comparison.volatile or comparison.volatile_files:
        yield ""
        yield "Not compared, or only after replacements, because it differs from run to run:"
        for cell in comparison.volatile:
            yield f"  cell {cell.place} ({cell.id}): {cell.why}"
        yield from (f"  file {path}: different in each run when it was frozen" for path in comparison.volatile_files)
    if comparison.notes:
        yield ""
        yield from comparison.notes


def _inputs(comparison: Comparison) -> Iterator[str]:
    inputs = comparison.inputs
    if not inputs:
        return
    yield ""
    yield "Inputs that differ, the most likely cause first:" if not comparison.is_equal else "Inputs that differ:"
    for difference in inputs[:_MOST_INPUTS]:
        yield f"  {difference.sentence}{', after the first difference' if difference.is_after else ''}"
        yield from (f"    {line}" for line in difference.lines[:_MOST_LINES])
    if len(inputs) > _MOST_INPUTS:
        yield f"  and {len(inputs) - _MOST_INPUTS} more"


def _cell(cell: CellDifference) -> Iterator[str]:
    yield f"Cell {cell.place} ({cell.id}): {cell.first_line}"
    for output in cell.outputs:
        yield f"  output {output.number}, {kind_text(output.kind)}: {_headline(output.detail)}"
        yield from (f"    {line}" for line in _details(output.detail))


def _headline(detail: Detail) -> str:
    if isinstance(detail, NumbersDiffer):
        return f"{count_text(len(detail.changes) + detail.more, 'value')} changed"
    if isinstance(detail, LinesDiffer):
        return "lines differ"
    return picture_text(detail) if isinstance(detail, PicturesDiffer) else detail.why


def _details(detail: Detail) -> Iterator[str]:
    if isinstance(detail, NumbersDiffer):
        yield from (_change(change) for change in detail.changes[:_MOST_CHANGES])
        rest = len(detail.changes) + detail.more - _MOST_CHANGES
        if rest > 0:
            yield f"and {rest:,} more"
    elif isinstance(detail, LinesDiffer):
        yield from detail.lines[:_MOST_LINES]
        if len(detail.lines) > _MOST_LINES:
            yield f"and {len(detail.lines) - _MOST_LINES} more lines"
    elif isinstance(detail, (PicturesDiffer, OnlyHashesDiffer)):
        return


def _change(change: NumberChange) -> str:
    size = "" if change.absolute is None else f"  {difference_text(change.absolute)}"
    if change.relative is not None:
        size += f" ({percent_text(change.relative)})"
    return f"{change.place}: {change.recorded} → {change.found}{size}"
