"""Finds the quoted places of a text, 64 of them at once: one bit for each byte.

Nothing here calls the code that converts: a mistake shared by both readings would go unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint64]
"""Bit i of word n stands for place 64 n + i."""

_ONE: Final = np.uint64(1)
_LAST_BIT: Final = np.uint64(63)


@dataclass(frozen=True, kw_only=True)
class QuoteBits:
    """The quotes of a text, which are counted from its start.

    Attributes:
        quotes: Where a quote is.
        inside: Where an odd number of quotes stands up to this place.
        edges: Where a quote, a delimiter or a line end is.
        closing_edges: The same, with carriage returns.
    """

    size: int
    quotes: Bits
    inside: Bits
    edges: Bits
    closing_edges: Bits

    @staticmethod
    def of(
        is_quote: npt.NDArray[np.bool_], is_end: npt.NDArray[np.bool_], is_return: npt.NDArray[np.bool_] | None
    ) -> QuoteBits:
        """The quotes of a text.

        Args:
            is_end: Where a delimiter or a line end is, quoted or not.
            is_return: Where a carriage return is, if there is any.
        """
        quotes = _bits(is_quote)
        edges = _bits(is_end) | quotes
        return QuoteBits(
            size=len(is_quote),
            quotes=quotes,
            inside=_parities(quotes),
            edges=edges,
            closing_edges=edges if is_return is None else edges | _bits(is_return),
        )

    def is_outside(self) -> npt.NDArray[np.bool_]:
        """For each place whether an even number of quotes stands up to it."""
        return np.unpackbits((~self.inside).view(np.uint8), count=self.size, bitorder="little").view(np.bool_)

    def are_doubled(self) -> bool:
        """Whether a quote opens directly behind another one."""
        return bool((self.quotes & self.inside & _moved_up(self.quotes)).any())

    def are_regular(self, size: int) -> bool:
        """Whether, in the first `size` bytes, quotes open and close at the edges of cells."""
        is_wrong = self.quotes & self.inside & ~_moved_up(self.edges)
        # The first cell starts without an edge before it.
        is_wrong[0] &= ~_ONE
        is_wrong |= self.quotes & ~self.inside & ~_moved_down(self.closing_edges)
        words, rest = divmod(size, 64)
        return not is_wrong[:words].any() and not int(is_wrong[words : words + 1].sum()) & ((1 << rest) - 1)


def _bits(is_set: npt.NDArray[np.bool_]) -> Bits:
    packed = np.packbits(is_set, bitorder="little")
    padded = np.zeros(-(-len(packed) // 8) * 8, dtype=np.uint8)
    padded[: len(packed)] = packed
    return padded.view("<u8")


def _parities(bits: Bits) -> Bits:
    """For each place whether an odd number of places up to it is set."""
    odd = bits.copy()
    for distance in (1, 2, 4, 8, 16, 32):
        odd ^= odd << np.uint64(distance)
    odd_before = np.zeros_like(odd)
    odd_before[1:] = np.bitwise_xor.accumulate(odd >> _LAST_BIT)[:-1]
    # 0 - 1 wraps around to 64 set bits, which invert the word.
    return odd ^ (np.uint64(0) - odd_before)


def _moved_up(bits: Bits) -> Bits:
    """Each bit at the next place."""
    moved = bits << _ONE
    moved[1:] |= bits[:-1] >> _LAST_BIT
    return moved


def _moved_down(bits: Bits) -> Bits:
    """Each bit at the place before."""
    moved = bits >> _ONE
    moved[:-1] |= bits[1:] << _LAST_BIT
    return moved
