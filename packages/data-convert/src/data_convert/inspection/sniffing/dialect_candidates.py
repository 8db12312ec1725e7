"""Lists the dialects in which a sample may be written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from data_convert.inspection.sniffing.sample_rows import Sample
from data_convert.spec.dataset_spec import Dialect

COMMON_DELIMITERS: Final = (",", "\t", ";", "|")
_RARE_DELIMITERS: Final = ("^", "~", "§", "¦", "¬", "\x01", "\x1f", "\x1e", "\x14")
_COMMENT_PREFIXES: Final = ("#", "//", "%", "!", "--", "*")

_QUOTED_APOSTROPHES: Final = re.compile(r"(^|[,;\t|]) ?'[^'\r\n]*'([,;\t| \r\n]|$)", re.MULTILINE)
_PUNCTUATION: Final = re.compile(r"[^\w\s\"'\\.\-+$€£%()\[\]{}]{2,4}")
_SEP_LINE: Final = re.compile(r'"?sep=(.)"?[,;]*\s*', re.IGNORECASE)


def declared_delimiter(sample: Sample) -> str | None:
    """The delimiter in Excel's line `sep=;`, or None."""
    match = _SEP_LINE.fullmatch(sample.lines[0]) if sample.lines else None
    return match[1] if match else None


def comment_prefix(sample: Sample) -> str | None:
    """The prefix of some lines, but not of most of those behind the first of the others."""
    lines = [line for line in sample.lines if line.strip()]
    for prefix in _COMMENT_PREFIXES:
        # "#" alone is the name of a column.
        marked = [
            line.startswith(prefix) and line[len(prefix) :][:1] not in (*COMMON_DELIMITERS, '"') for line in lines
        ]
        if not any(marked) or all(marked):
            continue
        behind = marked[marked.index(False) :]
        if sum(behind) * 4 <= len(behind):
            return prefix
    return None


def _is_marked(line: str, prefix: str) -> bool:
    # "#" alone is the name of a column.
    return line.startswith(prefix) and not line.removeprefix(prefix).startswith((*COMMON_DELIMITERS, '"'))


def delimiters(sample: Sample) -> list[str]:
    """Delimiters that occur, likelier ones first. A space is not among them."""
    found = [delimiter for delimiter in COMMON_DELIMITERS if delimiter in sample.text]
    doubled = [
        mark * 2 for mark in (*COMMON_DELIMITERS, ":", "$", "#", "&", "~", "^") if _is_always_double(sample, mark)
    ]
    lines = [line for line in sample.lines if line.strip()]
    runs = Counter(run for line in lines for run in {*_PUNCTUATION.findall(line)})
    frequent = [run for run, count in runs.most_common(3) if count * 10 >= len(lines) * 8 and len({*run}) > 1]
    long = doubled + [run for run in frequent if not {*run} & {*sample.text.replace(run, "")}]
    rare = [delimiter for delimiter in (*_RARE_DELIMITERS, ":") if delimiter in sample.text]
    return long + [mark for mark in found + rare if not any(mark in run for run in long)]


def _is_always_double(sample: Sample, mark: str) -> bool:
    """Whether each line has equally many of the doubled mark, and the first and most others have no other one."""
    lines = [line for line in sample.lines if line.strip()]
    left = [mark in line.replace(mark * 2, "") for line in lines]
    counts = {line.count(mark * 2) for line in lines}
    return len(counts) == 1 and counts != {0} and not left[0] and sum(left) * 2 < len(lines)


def dialects(sample: Sample, delimiter: str, common: Dialect) -> Iterator[Dialect]:
    """The ways of quoting with one delimiter, the usual one first.

    Args:
        common: The keys that all of them share.
    """
    base = replace(common, delimiter=delimiter)
    yield base
    text, mark = sample.text, re.escape(delimiter)
    variants = [base]
    if delimiter.strip(" ") and sum(f"{delimiter} " in line for line in sample.lines) * 2 > len(sample.lines):
        variants.append(replace(base, skip_blanks=True))
        if len(delimiter) == 1:
            variants.append(replace(base, delimiter=f"{delimiter} "))
    for variant in variants:
        if variant is not base:
            yield variant
        if re.search(rf'\\["\'\\]|\\{mark}', text):
            yield replace(variant, escape="\\")
            yield replace(variant, escape="\\", quote=None)
        if '"' in text:
            yield replace(variant, quote=None)
        if _QUOTED_APOSTROPHES.search(text):
            yield replace(variant, quote="'")
