"""A comparison as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from notebook_run.comparison import CellDifference, Comparison, counted
from notebook_run.differences import (
    Detail,
    LinesDiffer,
    NumberChange,
    NumbersDiffer,
    OnlyHashesDiffer,
    PicturesDiffer,
    named_kind,
)

_MOST_CHANGES = 5
_MOST_LINES = 12
_MOST_INPUTS = 12


def comparison_text(comparison: Comparison) -> str:
    """All of it, the verdict and the culprit first."""
    return "".join(f"{line}\n" for line in _lines(comparison))


def amount(value: float) -> str:
    """A difference with its sign."""
    return f"{value:+.6g}"


def share(relative: float) -> str:
    """A relative difference with its sign; tiny ones with their power of ten."""
    percent = 100 * relative
    return f"{percent:+.3g} %" if abs(percent) >= 0.001 or not percent else f"{percent:+.1e} %"


def picture_sentence(detail: PicturesDiffer) -> str:
    """What differs between two pictures."""
    if detail.changed is not None and detail.total:
        return f"{detail.changed:,} of {detail.total:,} pixels differ ({share(detail.changed / detail.total)[1:]})"
    first, second = ("unreadable" if size is None else f"{size[0]} × {size[1]}" for size in detail.sizes)
    return f"{first} pixels became {second}" if first != second else "the files differ, and their pixels cannot be read"


def _lines(comparison: Comparison) -> Iterator[str]:
    yield comparison.verdict
    if not comparison.is_equal:
        yield f"  {comparison.blame}"
    if comparison.failure is not None:
        yield ""
        yield from (f"  {line}" for line in comparison.failure.splitlines())
    yield from _inputs(comparison)
    for cell in comparison.cells:
        yield ""
        yield from _cell(cell)
    if comparison.volatile:
        yield ""
        yield "Not compared as it is, because it differs from run to run:"
        for aside in comparison.volatile:
            what = [f"{count} × {rule}" for rule, count in aside.replaced.items()]
            yield f"  cell {aside.place} ({aside.id}): {'tagged volatile' if aside.is_left_out else ', '.join(what)}"
    if comparison.notes:
        yield ""
        yield from comparison.notes


def _inputs(comparison: Comparison) -> Iterator[str]:
    inputs = comparison.inputs
    if not inputs:
        return
    yield ""
    yield "Inputs that differ, the likeliest culprit first:" if not comparison.is_equal else "Inputs that differ:"
    for difference in inputs[:_MOST_INPUTS]:
        yield f"  {difference.sentence}{', after the first difference' if difference.is_after else ''}"
        yield from (f"    {line}" for line in difference.lines[:_MOST_LINES])
    if len(inputs) > _MOST_INPUTS:
        yield f"  and {len(inputs) - _MOST_INPUTS} more"


def _cell(cell: CellDifference) -> Iterator[str]:
    yield f"Cell {cell.place} ({cell.id}): {cell.first_line}"
    for output in cell.outputs:
        yield f"  output {output.number}, {named_kind(output.kind)}: {_headline(output.detail)}"
        yield from (f"    {line}" for line in _details(output.detail))


def _headline(detail: Detail) -> str:
    if isinstance(detail, NumbersDiffer):
        return f"{counted(len(detail.changes) + detail.more, 'value')} changed"
    if isinstance(detail, LinesDiffer):
        return "lines differ"
    return picture_sentence(detail) if isinstance(detail, PicturesDiffer) else detail.why


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
    size = "" if change.absolute is None else f"  {amount(change.absolute)}"
    if change.relative is not None:
        size += f" ({share(change.relative)})"
    return f"{change.place}: {change.recorded} → {change.found}{size}"
