"""How two outputs of the same cell differ: in numbers, cells of a table, lines, pixels."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from notebook_run.outputs.cell_outputs import Output
from notebook_run.outputs.pictures import picture_difference

_NUMBER: Final = re.compile(r"(?<![\w.])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])")
_MOST_CHANGES: Final = 200
_WORDS: Final = 3


@dataclass(frozen=True, kw_only=True)
class NumberChange:
    """A number before and after.

    Attributes:
        place: In words: a line, or a row and a column.
        relative: Relative to the size of the recorded number; None if that is zero.
    """

    place: str
    recorded: str
    found: str
    absolute: float | None = None
    relative: float | None = None


@dataclass(frozen=True, kw_only=True)
class NumbersDiffer:
    """Texts or tables that differ in some values only; `more` is the number of changes that are not listed."""

    changes: tuple[NumberChange, ...]
    more: int = 0


@dataclass(frozen=True, kw_only=True)
class LinesDiffer:
    """Texts that differ in words, as a unified diff of their lines."""

    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PicturesDiffer:
    """Two pictures.

    Attributes:
        sizes: Width and height of each; None if the file could not be read.
        changed: Number of pixels that differ; None if the sizes do.
        mask: A PNG file that shows these pixels; None if the sizes differ.
    """

    recorded: bytes
    found: bytes
    sizes: tuple[tuple[int, int] | None, tuple[int, int] | None]
    changed: int | None = None
    total: int | None = None
    mask: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class OnlyHashesDiffer:
    """Outputs that cannot be compared in detail, and the reason."""

    why: str


Detail: TypeAlias = NumbersDiffer | LinesDiffer | PicturesDiffer | OnlyHashesDiffer


def output_difference(recorded: Output, found: Output) -> Detail:
    """How two outputs that are not equal differ from each other."""
    if recorded.kind != found.kind:
        return OnlyHashesDiffer(why=f"it was {kind_text(recorded.kind)} and is {kind_text(found.kind)}")
    if recorded.kind == "picture":
        return _pictures(recorded, found)
    if recorded.kind == "table":
        return _table(recorded.text, found.text)
    return _text(recorded.text, found.text)


def kind_text(kind: str) -> str:
    """A kind of output, for a sentence."""
    names = {"stdout": "printed text", "stderr": "text on stderr", "html": "HTML", "error": "an error"}
    return names.get(kind, {"text": "text", "data": "data"}.get(kind, f"a {kind}"))


def number_change(place: str, recorded: str, found: str) -> NumberChange:
    """A change of value; with its size, if both are numbers."""
    before, after = _value(recorded), _value(found)
    if before is None or after is None:
        return NumberChange(place=place, recorded=recorded, found=found)
    absolute = after - before
    # Rounded, because the difference of two short decimals has many digits in binary.
    absolute = float(f"{absolute:.12g}")
    relative = absolute / abs(before) if before and math.isfinite(absolute) else None
    return NumberChange(place=place, recorded=recorded, found=found, absolute=absolute, relative=relative)


def _text(recorded: str, found: str) -> NumbersDiffer | LinesDiffer:
    if _NUMBER.sub("0", _squeezed(recorded)) != _NUMBER.sub("0", _squeezed(found)):
        lines = difflib.unified_diff(recorded.splitlines(), found.splitlines(), "recorded", "rerun", n=1, lineterm="")
        return LinesDiffer(lines=tuple(lines)[2:][:_MOST_CHANGES])
    changes = [
        number_change(f"line {line}{_after(before)}", before[0], after[0])
        for line, (old, new) in enumerate(zip(recorded.splitlines(), found.splitlines(), strict=False), start=1)
        for before, after in zip(_numbers(old), _numbers(new), strict=False)
        if before[0] != after[0]
    ]
    if not changes:
        return LinesDiffer(lines=("only spaces or line ends differ",))
    return NumbersDiffer(changes=tuple(changes[:_MOST_CHANGES]), more=max(0, len(changes) - _MOST_CHANGES))


def _table(recorded: str, found: str) -> NumbersDiffer | LinesDiffer:
    before, after = ([line.split("\t") for line in text.splitlines()] for text in (recorded, found))
    if [len(row) for row in before] != [len(row) for row in after]:
        return _text(recorded, found)
    changes = [
        number_change(_place(before, row, column), old, new)
        for row, (old_row, new_row) in enumerate(zip(before, after, strict=True))
        for column, (old, new) in enumerate(zip(old_row, new_row, strict=True))
        if old != new
    ]
    return NumbersDiffer(changes=tuple(changes[:_MOST_CHANGES]), more=max(0, len(changes) - _MOST_CHANGES))


def _place(rows: list[list[str]], row: int, column: int) -> str:
    """A cell of a table in words, by the names in the first row and the first column if these have any."""
    width = len(rows[row])
    head = next((candidate for candidate in rows if len(candidate) == width), rows[row])
    name = head[column] if head is not rows[row] and head[column] else f"column {column + 1}"
    label = rows[row][0] if column and rows[row][0] else f"row {row + 1}"
    return f"{label}, {name}"


def _pictures(recorded: Output, found: Output) -> PicturesDiffer:
    first, second = recorded.picture, found.picture
    difference = picture_difference(first, second) if first and second else None
    return PicturesDiffer(
        recorded=recorded.file,
        found=found.file,
        sizes=(
            (first.width, first.height) if first else None,
            (second.width, second.height) if second else None,
        ),
        changed=difference.changed if difference else None,
        total=difference.total if difference else None,
        mask=difference.mask if difference else None,
    )


def _numbers(line: str) -> list[re.Match[str]]:
    return [match for match in _NUMBER.finditer(line) if any(sign.isdigit() for sign in match[0])]


def _after(number: re.Match[str]) -> str:
    """The words before a number, so that the reader finds it."""
    words = [word.strip("*_`|#") for word in number.string[: number.start()].split()]
    found = [word for word in words if word][-_WORDS:]
    return f', after "{" ".join(found)}"' if found else ""


def _squeezed(text: str) -> str:
    """The text without the width of columns, which depends on the length of their numbers."""
    return "\n".join(re.sub(r"[ \t]+|-{3,}|─+|=+", " ", line).strip() for line in text.splitlines())


def _value(text: str) -> float | None:
    plain = text.strip().replace(",", "").replace("−", "-").removesuffix("%").strip()
    try:
        return float(plain)
    except ValueError:
        return None
