"""`Reducer`: a statistic and the axes of a block that it is computed over.

Used by blocks, chunks, containers, fields and sklearn.
"""

import math
from dataclasses import dataclass

import numpy as np

from dasknorm.statistics.base import Records, Statistic

__all__ = ["Reducer"]


@dataclass(frozen=True)
class Reducer:
    """A statistic, and the axes of a block that it is computed over.

    Parameters
    ----------
    statistic : Statistic
    axes : tuple of int
        The axes to reduce; records keep the rank of a block, with size 1 along them.
    """

    statistic: Statistic
    axes: tuple[int, ...]

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the records of blocks of this shape."""
        return tuple(1 if axis in self.axes else size for axis, size in enumerate(shape))

    def kept(self, ndim: int) -> list[int]:
        """Return the axes of a block that are not reduced."""
        return [axis for axis in range(ndim) if axis not in self.axes]

    def where(self, slab: tuple[slice, ...]) -> tuple[slice, ...]:
        """Return the part of the records of a block that belongs to a slab of it."""
        return tuple(slice(None) if axis in self.axes else s for axis, s in enumerate(slab))

    def empty(self, shape: tuple[int, ...]) -> Records:
        """Return the records of no data, for blocks of this shape."""
        return np.zeros(self.shape(shape), self.statistic.dtype)

    def nbytes(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the records of blocks of this shape."""
        return math.prod(self.shape(shape)) * self.statistic.dtype.itemsize

    def summarize(self, block: np.ndarray, weights: np.ndarray | None = None) -> Records:
        """Summarize a block; the records have its rank."""
        return self.statistic.summarize(block, self.axes, weights)

    def add(self, total: Records, block: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Merge a block into `total`, in place; `total` has the shape that `summarize` gives."""
        self.statistic.add(total, block, self.axes, weights)

    def join(self, total: Records, part: Records) -> None:
        """Merge `part`, records of the same shape, into `total`, in place."""
        self.statistic.join(total, part)
