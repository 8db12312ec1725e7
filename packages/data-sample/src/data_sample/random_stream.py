"""Random numbers that are the same on every machine and with every release of NumPy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Shape = int | tuple[int, ...]

# Irwin-Hall distribution: the sum of four uniform 16-bit numbers.
_BELL_MEAN = 4 * 65535 / 2
_BELL_DEVIATION = 65536 / 3**0.5


class RandomStream:
    """A stream of random numbers, identified by a key such as (seed, dataset, file).

    NumPy promises to keep the streams of its bit generators, but not the methods of `Generator`, and its normal
    distribution calls the platform's libm. So only raw 64-bit numbers are drawn here, and everything else is computed
    from them with whole numbers and single IEEE 754 operations.
    """

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def raw(self, shape: Shape) -> NDArray[np.uint64]:
        """Uniform 64-bit numbers."""
        count = shape if isinstance(shape, int) else math.prod(shape)
        return np.asarray(self._bits.random_raw(count), dtype=np.uint64).reshape(shape)

    def fraction(self, shape: Shape) -> Floats:
        """Uniform numbers from 0 to 1, without 1."""
        numbers: Floats = (self.raw(shape) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return numbers

    def integers(self, limit: int, shape: Shape) -> Integers:
        """Uniform whole numbers from 0 to `limit` (at most 2^31), without `limit`."""
        return (((self.raw(shape) >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32)).astype(np.int64)

    def normal(self, shape: Shape) -> Floats:
        """Approximately normal numbers with mean 0 and standard deviation 1, within 3.5 of the mean."""
        quarters = self.raw(shape)[..., np.newaxis].view(np.uint16)
        total = quarters[..., 0].astype(np.float64)
        for quarter in range(1, 4):
            total += quarters[..., quarter]
        total -= _BELL_MEAN
        total /= _BELL_DEVIATION
        return total

    def choice(self, weights: list[int], shape: Shape) -> Integers:
        """Positions in `weights`, a list of whole numbers, each with a frequency proportional to its weight."""
        edges = np.cumsum(np.array(weights, dtype=np.int64))
        return np.searchsorted(edges, self.integers(int(edges[-1]), shape), side="right").astype(np.int64)
