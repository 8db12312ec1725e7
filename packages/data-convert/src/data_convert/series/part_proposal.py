"""Proposes fewer, larger parts for datasets of many small files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from data_convert.series.completeness import FileFacts
from data_convert.series.file_dates import date_pattern
from terminal import count_text, size_text

_FEWEST_FILES: Final = 100
_FEWEST_FOOTER_BYTES: Final = 250_000
_LARGE_SHARE: Final = 0.3
"""Footers are worth a proposal if there are so many of them, and if they are this share of the Parquet."""

_LARGEST_PART_BYTES: Final = 256 << 20
"""Text per part: a larger part would have to be converted completely for each new file."""

_SMALLEST_PART_BYTES: Final = 8 << 20
_FILES_PER_PART: Final = 5


@dataclass(frozen=True, kw_only=True)
class PartsProposal:
    """Values of `parts` and `pattern` for a dataset, and the reason."""

    parts: str
    pattern: str
    reason: str


def parts_proposal(files: Sequence[FileFacts], *, pages_bytes: int, footer_bytes: int) -> PartsProposal | None:
    """Parts by month, year or folder, as the names of the files allow; None if one part per file is fine.

    Args:
        pages_bytes: Parquet of all files without footers.
        footer_bytes: The footers, if each file becomes a part.
    """
    share = footer_bytes / max(1, footer_bytes + pages_bytes)
    if len(files) < _FEWEST_FILES or footer_bytes < _FEWEST_FOOTER_BYTES or share < _LARGE_SHARE:
        return None
    choices = [(choice, _part_bytes(choice, files)) for choice in _choices([file.name for file in files])]
    fitting = [
        (choice, sizes)
        for choice, sizes in choices
        if sizes and len(files) >= _FILES_PER_PART * len(sizes) and max(sizes.values()) <= _LARGEST_PART_BYTES
    ]
    if not fitting:
        return None
    # The finest parts that are not small themselves, so that a new file changes little; else the coarsest.
    large = [one for one in fitting if sum(one[1].values()) >= _SMALLEST_PART_BYTES * len(one[1])]
    (parts, pattern), sizes = max(large, key=lambda one: len(one[1])) if large else fitting[-1]
    reason = (
        f"one part per file would have {size_text(footer_bytes)} of footers, {share:.0%} of the Parquet;"
        f' parts = "{parts}" makes {count_text(len(sizes), "part")} of {len(files):,} files'
    )
    return PartsProposal(parts=parts, pattern=pattern, reason=reason)


def _choices(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs of `parts` and `pattern`, the finest first."""
    if all("/" in name for name in names):
        yield "{folder}", r"^(?P<folder>[^/]+)/"
    if (pattern := date_pattern(names)) is not None:
        if "(?P<month>" in pattern:
            yield "{year}-{month}", pattern
        yield "{year}", pattern


def _part_bytes(choice: tuple[str, str], files: Sequence[FileFacts]) -> Counter[str]:
    """The bytes of text of each part; empty if the pattern does not match all names."""
    sizes: Counter[str] = Counter()
    for file in files:
        match = re.search(choice[1], file.name)
        if match is None:
            return Counter()
        sizes[choice[0].format(**match.groupdict())] += file.text_bytes
    return sizes
