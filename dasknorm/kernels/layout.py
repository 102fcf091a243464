"""Memory seen for what it is: axes in the order of their strides, and as few as there can be.

A compiled loop takes a flat view and whole numbers of elements; this file turns any strided array
into these, so that a loop is written once and sees C, Fortran, strided and broadcast arrays alike.
"""

import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from dasknorm.kernels.records import Array, Axes

__all__ = [
    "Axis",
    "Target",
    "Walk",
    "by_stride",
    "flat_view",
    "has_whole_steps",
    "is_native",
    "native_dtype",
    "offsets",
    "positive",
    "slabs",
]

SLAB = 1 << 17  # elements converted at a time: 1 MB of float64


class Walk(NamedTuple):
    """Where a compiled loop reads: memory as one row, places in it, and the strides from there."""

    row: Array
    starts: Array
    strides: tuple[int, ...]


class Target(NamedTuple):
    """Where it writes: records as rows of six, places among them, and a stride from there."""

    records: Array
    places: Array
    apart: int


@dataclass(frozen=True)
class Axis:
    """One axis of arrays walked together: its size, its role, and a stride for each array."""

    size: int
    role: bool
    strides: tuple[int, ...]

    def holds(self, inner: "Axis") -> bool:
        """Whether this axis and the next inner one are one axis in every array."""
        strides = tuple(stride * inner.size for stride in inner.strides)
        return self.role == inner.role and self.strides == strides


def by_stride(axes: list[Axis]) -> list[Axis]:
    """Axes of more than one element, outermost in memory first, fused where they touch."""
    fused: list[Axis] = []
    for axis in sorted((a for a in axes if a.size != 1), key=lambda a: -abs(a.strides[0])):
        if fused and fused[-1].holds(axis):
            axis = replace(axis, size=axis.size * fused.pop().size)
        fused.append(axis)
    return fused


def is_native(x: Array) -> bool:
    """Whether a compiled loop can read the elements where they are."""
    return x.dtype.isnative and has_whole_steps(x)


def native_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype to convert to for compiled loops, which know no float16."""
    half = dtype.kind == "f" and dtype.itemsize == 2
    return np.dtype(np.float32) if half else dtype.newbyteorder("=")


def positive(axes: Axes, ndim: int) -> Axes:
    """Axes counted from the front, each once, or a ValueError."""
    counted = tuple(operator.index(axis) for axis in axes)
    if any(not -ndim <= axis < ndim for axis in counted):
        raise ValueError(f"axes must lie between {-ndim} and {ndim - 1}, got {axes}")
    counted = tuple(axis % ndim for axis in counted)
    if len(set(counted)) < len(counted):
        raise ValueError(f"axes must differ from one another, got {axes}")
    return counted


def has_whole_steps(x: Array) -> bool:
    """Whether the elements lie where an aligned row of such elements has some."""
    first = x if x.dtype.names is None else x[x.dtype.names[0]]  # packed records align anywhere
    return first.flags.aligned and all(stride % x.itemsize == 0 for stride in x.strides)


def flat_view(x: Array, *, writeable: bool = False) -> tuple[Array, int]:
    """All memory x spans as one row, and where in it the first element of x lies."""
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


def offsets(axes: list[Axis], array: int, first: int, stop: int) -> Array:
    """Distance, in elements of an array, of places first to stop on the grid of some axes."""
    total = np.zeros(stop - first, np.int64)
    place = np.arange(first, stop)
    for axis in reversed(axes):
        place, here = np.divmod(place, axis.size)
        total += here * axis.strides[array]
    return total


def slabs(shape: tuple[int, ...], most: int = SLAB) -> Iterator[tuple[slice, ...]]:
    """Cut a shape into pieces of so many elements, halving the longest axis until it fits."""
    whole = tuple(slice(0, size) for size in shape)
    waiting = [whole]
    while waiting:
        piece = waiting.pop()
        sizes = [s.stop - s.start for s in piece]
        if np.prod(sizes, dtype=np.int64) <= most:
            yield piece
            continue
        axis = int(np.argmax(sizes))
        middle = piece[axis].start + sizes[axis] // 2
        for part in (slice(middle, piece[axis].stop), slice(piece[axis].start, middle)):
            waiting.append((*piece[:axis], part, *piece[axis + 1 :]))
