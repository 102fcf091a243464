"""`LaggedArray`: an array and its tendencies, the differences between positions along an axis.

Used by chunks.execute, chunks.lazy and fields.lags. Differences are computed where both ends are
available: within a block, and between blocks when their states are joined. A state therefore keeps
the first and the last positions it has read. Every chunk is read once, and each pair across the
border of two chunks is counted once.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from dasknorm.blocks import slabs
from dasknorm.blocks.arrays import add, summarize
from dasknorm.blocks.groups import GroupRecords
from dasknorm.blocks.positioned import PositionedArray, Rows
from dasknorm.kernels import Weights, part_of
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records, Reducer


@dataclass(frozen=True)
class LaggedArray(PositionedArray):
    """An array, and the position that comes a lag later than each position, for some lags."""

    is_ordered: ClassVar[bool] = True

    array: Any  # NumPy, masked or Dask; None for the positions of a chunk without its data
    axis: int
    partners: np.ndarray  # (lags, positions): the later position in the whole array; -1 for none
    labels: pd.Index | None = None  # the lags, after a first label 0 for the values themselves
    first: int = 0  # the index of the first position in the whole array
    reach: int = 0  # the largest distance of a partner

    @classmethod
    def of(cls, array: object, axis: int, partners: np.ndarray, labels: pd.Index) -> "LaggedArray":
        """Return a whole array with its partners."""
        distances = partners - np.arange(partners.shape[1])
        return cls(array, axis, partners, labels, 0, int(max(distances[partners >= 0], default=0)))

    def __len__(self) -> int:
        return self.partners.shape[1]

    def cut(self, array: object, positions: slice) -> "LaggedArray":
        first = self.first + positions.indices(self.partners.shape[1])[0]
        return replace(self, array=array, partners=self.partners[:, positions], first=first)

    def order(self) -> int:
        return self.first

    def empty(
        self, shape: tuple[int, ...], statistic: Statistic, parts: Sequence[Self] = ()
    ) -> "Stretch":
        return Stretch(np.zeros((self.record_count(), *shape), statistic.dtype))

    def record_count(self) -> int:
        return 1 + len(self.partners)

    def edge_positions(self) -> int:
        return 2 * self.reach

    def ends(self) -> tuple["LaggedArray", "LaggedArray"]:
        """Return copies of the first and the last positions, as many as `reach`."""
        before = (slice(None),) * self.axis
        ends = slice(0, self.reach), slice(max(len(self) - self.reach, 0), len(self))
        head, tail = (self.cut(self.array[(*before, end)].copy(), end) for end in ends)
        return head, tail

    def append(self, after: "LaggedArray") -> "LaggedArray":
        """Return these positions together with the positions after them."""
        array = np.concatenate([self.array, after.array], self.axis)
        return replace(self, array=array, partners=np.hstack([self.partners, after.partners]))

    def to_records(self, state: "Stretch") -> GroupRecords:
        return GroupRecords(self.labels, state.records)


@dataclass
class Stretch:
    """The state of a run of positions; two adjacent stretches are joined to one."""

    records: Records  # of the values, then of the differences for each lag
    weights: Weights = None  # of the rank of the data, and the same for all positions
    head: LaggedArray | None = None  # at most `reach` positions; None if no data were read yet
    tail: LaggedArray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the records of the values."""
        return self.records.shape[1:]

    def copy(self) -> "Stretch":
        """Return a copy with its own records; the ends are shared, as they are only read."""
        return replace(self, records=self.records.copy())

    def join(self, after: "Stretch", statistic: Statistic) -> None:
        """Join the stretch that comes after this one, in place."""
        if after.head is None or after.tail is None:
            return
        statistic.join(self.records, after.records)
        self.weights = after.weights
        if self.tail is not None:
            _add_differences(self, self.tail, after.head, statistic)
        self._move_ends(after.head, after.tail)

    def _move_ends(self, head: LaggedArray, tail: LaggedArray) -> None:
        """Update the ends with those of the stretch that comes after."""
        if self.head is None or self.tail is None:
            self.head, self.tail = head, tail
            return
        if len(self.head) < head.reach:
            self.head = self.head.append(head).ends()[0]
        self.tail = tail if len(tail) >= tail.reach else self.tail.append(tail).ends()[1]


@summarize.register(LaggedArray)
def _(block: LaggedArray, reducer: Reducer, weights: Weights = None) -> Stretch:
    """Summarize an array in memory on all cores, cut along an axis that has no lags."""
    shape = reducer.shape(block.shape)
    total = block.empty(shape, reducer.statistic)
    axes = [axis for axis in range(block.array.ndim) if axis != block.axis]
    axis = max(axes, key=lambda axis: block.shape[axis], default=None)
    if axis is None or block.nbytes < 2 * slabs.SLAB_BYTES:
        add(block, total, reducer, weights)
        return total
    block_weights = None if weights is None else np.broadcast_to(weights, block.shape)

    def summarize_slab(slab: slice) -> Stretch:
        where = (slice(None),) * axis + (slab,)
        part = replace(block, array=block.array[where])
        state = block.empty(reducer.shape(part.shape), reducer.statistic)
        add(part, state, reducer, part_of(block_weights, where))
        return state

    cuts = slabs.cut_axis(block.shape[axis], block.nbytes)
    for slab, state in zip(cuts, slabs.map_slabs(summarize_slab, cuts), strict=True):
        where = reducer.where((slice(None),) * axis + (slab,))
        reducer.join(total.records[(slice(None), *where)], state.records)
    return total


@add.register(LaggedArray)
def _(block: LaggedArray, total: Stretch, reducer: Reducer, weights: Weights = None) -> None:
    """Add the block that comes next along the axis of the lags."""
    if np.ma.isMA(block.array):
        block = replace(block, array=np.ma.filled(block.array.astype("f8"), np.nan))
    if weights is not None:  # they do not vary along the axis, or differences would have no weight
        total.weights = weights[(slice(None),) * block.axis + (slice(0, 1),)]
    add(block.array, total.records[0], reducer, weights)
    if total.tail is not None:
        _add_differences(total, total.tail, block, reducer.statistic)
    _add_differences(total, block, block, reducer.statistic)
    total._move_ends(*block.ends())


def _add_differences(
    total: Stretch, start_array: LaggedArray, end_array: LaggedArray, statistic: Statistic
) -> None:
    """Add the differences from positions of one array to their partners in another or the same."""
    axes = tuple(axis for axis, size in enumerate(total.shape) if size == 1)
    reducer, is_wide = Reducer(statistic, axes), total.records[0].nbytes > slabs.LARGE_RECORD_BYTES
    before = (slice(None),) * start_array.axis
    buffer = np.empty(min(start_array.array.size, slabs.CACHED_ELEMENTS))
    for lag, partners in enumerate(start_array.partners):
        for i, j in _runs(partners - end_array.first, len(end_array)):
            old, new = start_array.array[(*before, i)], end_array.array[(*before, j)]
            order = sorted(range(old.ndim), key=lambda axis: -abs(old.strides[axis]))
            if is_wide:  # so that each record is merged once
                order.sort(key=lambda axis: axis in axes)
            for slab in slabs.cut_block(old.shape, order, slabs.CACHED_ELEMENTS):
                shape = old[slab].shape
                change = buffer[: math.prod(shape)].reshape(shape)
                _subtract(new[slab], old[slab], change)
                weights = None
                if total.weights is not None:
                    weights = np.broadcast_to(total.weights, old.shape)[slab]
                add(change, total.records[lag + 1][reducer.where(slab)], reducer, weights)


def _subtract(new: np.ndarray, old: np.ndarray, out: np.ndarray) -> None:
    """Subtract in float64; 64-bit integers as integers, because float64 would round them."""
    if new.dtype == old.dtype and new.dtype.kind in "iu" and new.dtype.itemsize == 8:
        out[...] = np.subtract(new, old).astype(new.dtype.newbyteorder("="), copy=False).view("i8")
        return
    with np.errstate(invalid="ignore"):  # an infinity spoils the values' own record
        np.subtract(new, old, out=out, dtype="f8")


def _runs(partners: np.ndarray, size: int) -> Iterator[tuple[Rows, Rows]]:
    """Yield positions, and those of partners below `size`: as slices if runs are long."""
    positions = np.flatnonzero((partners >= 0) & (partners < size))
    if not len(positions):
        return
    ends = np.flatnonzero((np.diff(positions) != 1) | (np.diff(partners[positions]) != 1)) + 1
    if len(positions) < slabs.SHORT_RUN_POSITIONS * (len(ends) + 1):
        yield positions, partners[positions]
        return
    for run in np.split(positions, ends):
        first = int(partners[run[0]])
        yield slice(int(run[0]), int(run[-1]) + 1), slice(first, first + len(run))
