"""One sample file before it is written: its name, and how to make its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SampleFile:
    """A file that can be made any number of times, always with the same bytes.

    Attributes:
        name: file name without folder, as the real publisher names it.
        blocks: gives the content in order; its argument is how many bytes the dataset still lacks, which
            only the last file of a dataset may use, to end near the size that was asked for.
    """

    name: str
    blocks: Callable[[int], Iterator[bytes]]


Maker = Callable[[int, int], list[SampleFile]]
"""From size in bytes and seed to the files of a dataset, in the order in which they are written."""
