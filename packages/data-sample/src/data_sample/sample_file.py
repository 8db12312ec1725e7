"""A sample file before it is written: its name, and how to make its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class SampleFile:
    """A file whose content can be made any number of times, always with the same bytes.

    Attributes:
        name: File name without folder, as the publisher names it.
        blocks: Returns the content in order. Its argument is how many bytes the dataset still needs. Only the last
            file of a dataset may use it, to end near the requested size.
    """

    name: str
    blocks: Callable[[int], Iterator[bytes]]


FilePlan: TypeAlias = Callable[[int, int], list[SampleFile]]
"""From a size in bytes and a seed to the files of a dataset, in the order of writing."""
