"""Memory layout of blocks: axes in the order of their strides, flat views, offsets and slabs.

Used by kernels. Sizes may be changed freely, but the order of slabs determines the last bits of
sums.

A compiled loop takes a flat view and whole numbers of elements. This file turns any strided array
into these, so that a loop is written once for C, Fortran, strided and broadcast arrays.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

import numpy as np

from dasknorm.kernels.inputs import Array

SLAB_SIZE = 1 << 17  # elements converted at a time: 1 MB of float64 stays in the cache
BLOCKS_PER_CALL = 1 << 16  # blocks listed for one call of a loop: 0.5 MB of offsets an array


class Walk(NamedTuple):
    """Where a compiled loop reads: memory as one row, starts of blocks in it, and strides."""

    row: Array
    starts: Array
    strides: tuple[int, ...]


class Target(NamedTuple):
    """Where a compiled loop writes: rows of six numbers, the first of each block, and a stride."""

    records: Array
    places: Array
    stride: int


@dataclass(frozen=True)
class Axis:
    """One axis of arrays that are walked together: its size, its role, and a stride per array."""

    size: int
    role: bool
    strides: tuple[int, ...]

    def continues(self, inner: "Axis") -> bool:
        """Return whether this axis and the next inner one are one axis in every array."""
        strides = tuple(stride * inner.size for stride in inner.strides)
        return self.role == inner.role and self.strides == strides


def fuse_axes(axes: list[Axis]) -> list[Axis]:
    """Return axes of more than one element, outermost in memory first, fused if they can be."""
    fused: list[Axis] = []
    for axis in sorted((a for a in axes if a.size != 1), key=lambda a: -abs(a.strides[0])):
        if fused and fused[-1].continues(axis):
            axis = replace(axis, size=axis.size * fused.pop().size)
        fused.append(axis)
    return fused


def make_walk(
    shape: tuple[int, ...], roles: Iterable[bool], *strides: tuple[int, ...]
) -> list[Axis]:
    """Return the fused axes of arrays of one shape, given roles, and strides in elements."""
    columns = zip(shape, roles, zip(*strides, strict=True), strict=True)
    return fuse_axes([Axis(size, role, steps) for size, role, steps in columns])


def element_strides(x: Array) -> tuple[int, ...]:
    """Return the strides of an array in elements, 0 along axes of size 1."""
    return tuple(0 if n == 1 else s // x.itemsize for n, s in zip(x.shape, x.strides, strict=True))


def is_native(x: Array) -> bool:
    """Return whether a compiled loop can read the elements in place."""
    return x.dtype.isnative and has_whole_strides(x)


def native_dtype(dtype: np.dtype) -> np.dtype:
    """Return the dtype to convert to for compiled loops, which have no float16."""
    half = dtype.kind == "f" and dtype.itemsize == 2
    return np.dtype(np.float32) if half else dtype.newbyteorder("=")


def exact_dtype(dtype: np.dtype) -> np.dtype:
    """Return float64, or the native dtype of 64-bit integers: loops compile for no others."""
    wide = dtype.kind in "iu" and dtype.itemsize == 8
    return dtype.newbyteorder("=") if wide else np.dtype(np.float64)


def has_whole_strides(x: Array) -> bool:
    """Return whether the elements are aligned, and whole numbers of elements apart."""
    first = x if x.dtype.names is None else x[x.dtype.names[0]]  # packed records align anywhere
    return first.flags.aligned and all(stride % x.itemsize == 0 for stride in x.strides)


def flat_view(x: Array, *, writeable: bool = False) -> tuple[Array, int]:
    """Return all memory that x spans as one row, and the position of its first element."""
    if x.flags.forc:
        row = x.ravel(order="K")
        row.flags.writeable = writeable
        return row, 0
    steps = [(n - 1) * (s // x.itemsize) for n, s in zip(x.shape, x.strides, strict=True)]
    start = -sum(step for step in steps if step < 0)
    lowest = x[tuple(slice(-1, None) if step < 0 else slice(0, 1) for step in steps)]
    # Read-only but for results, so that a loop compiles once whether or not the caller may write.
    row = np.lib.stride_tricks.as_strided(
        lowest, (sum(map(abs, steps)) + 1,), (x.itemsize,), writeable=writeable
    )
    return row, start


def offset_batches(axes: list[Axis], arrays: int) -> Iterator[list[Array]]:
    """Yield offsets in each array, in elements, of all blocks on a grid of outer axes."""
    blocks = prod(axis.size for axis in axes)
    for first in range(0, blocks, BLOCKS_PER_CALL):
        stop = min(first + BLOCKS_PER_CALL, blocks)
        yield [_offsets(axes, array, first, stop) for array in range(arrays)]


def _offsets(axes: list[Axis], array: int, first: int, stop: int) -> Array:
    total = np.zeros(stop - first, np.int64)
    number = np.arange(first, stop)
    for axis in reversed(axes):
        number, index = np.divmod(number, axis.size)
        total += index * axis.strides[array]
    return total


def slabs(shape: tuple[int, ...], limit: int = SLAB_SIZE) -> Iterator[tuple[slice, ...]]:
    """Split a shape into slabs of at most so many elements, halving the longest axis."""
    waiting = [tuple(slice(0, size) for size in shape)]
    while waiting:
        slab = waiting.pop()
        sizes = [s.stop - s.start for s in slab]
        if np.prod(sizes, dtype=np.int64) <= limit:
            yield slab
            continue
        axis = int(np.argmax(sizes))
        middle = slab[axis].start + sizes[axis] // 2
        for half in (slice(middle, slab[axis].stop), slice(slab[axis].start, middle)):
            waiting.append((*slab[:axis], half, *slab[axis + 1 :]))
