"""`Reduction`: data to summarize, their weights, the statistic and the axes to reduce.

Used by chunks. It only describes work; the other modules here carry it out.
"""

import itertools
import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import dask.array as da
import numpy as np

from dasknorm import blocks
from dasknorm.blocks.groups import GroupRecords
from dasknorm.blocks.positioned import PositionedArray
from dasknorm.blocks.tables import Table
from dasknorm.chunks.lazy import BlockState, chunk_like, is_lazy
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records, Reducer

Index = tuple[int, ...]  # the position of a chunk among the chunks along each axis


@dataclass(frozen=True)
class Reduction:
    """Data to summarize over some of their axes, with weights that broadcast to them.

    The data are an array, a `PositionedArray` or a `Table`, in memory or lazy. A Dask DataFrame is
    a `Table` that is summarized by partition. A block with `keys` is summarized by group.
    """

    data: Any
    reducer: Reducer
    weights: Any = None  # an array with the rank of the data; a Dask Series for a Dask DataFrame
    dims: tuple[Hashable, ...] = ()  # a name for each axis, for messages
    # For a part of a larger array: sizes of the chunks before it along each axis, for messages.
    sizes_before: tuple[tuple[float, ...], ...] = ()
    is_grouped: bool = False  # whether records are; groups of rows are found while rows are read

    @property
    def statistic(self) -> Statistic:
        """The statistic to compute."""
        return self.reducer.statistic

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes to reduce."""
        return self.reducer.axes

    @property
    def is_lazy(self) -> bool:
        """Whether there are chunks to load."""
        return is_lazy(self.data) or is_lazy(self.weights)

    @property
    def is_frame(self) -> bool:
        """Whether the chunks are partitions of a Dask DataFrame."""
        return isinstance(self.data, Table) and is_lazy(self.data)

    @property
    def is_positioned(self) -> bool:
        """Whether the result depends on the positions of chunks along an axis."""
        return isinstance(self.data, PositionedArray)

    @property
    def is_ordered(self) -> bool:
        """Whether the states of chunks are merged in their order along an axis."""
        return self.is_positioned and self.data.is_ordered

    @property
    def array(self) -> da.Array:
        """The data as a Dask array."""
        return da.asanyarray(self.data.array if self.is_positioned else self.data)

    @property
    def chunked_weights(self) -> da.Array | None:
        """The weights, in the chunks of the data."""
        return None if self.weights is None else chunk_like(self.weights, self.array)

    @property
    def sizes(self) -> tuple[tuple[float, ...], ...]:
        """The sizes of the chunks along each axis; NaN if unknown."""
        if self.is_frame:
            return ((math.nan,) * self.data.frame.npartitions, (len(self.data.columns),))
        chunk_sizes: tuple[tuple[float, ...], ...] = self.array.chunks
        return chunk_sizes

    @property
    def chunk_count(self) -> int:
        """The number of chunks to load; 0 for data in memory."""
        return math.prod(map(len, self.sizes)) if self.is_lazy else 0

    @property
    def nbytes(self) -> float:
        """The size of the data in memory; NaN if unknown, as for a Dask DataFrame."""
        if not self.is_lazy:
            return float(self.data.nbytes)
        elements = math.prod(sum(sizes) for sizes in self.sizes)
        return float(elements) * self.data.dtype.itemsize

    @property
    def record_bytes(self) -> float:
        """The size of the records; for groups that are not known yet, the size for one group."""
        count = self.data.record_count() if self.is_positioned else 1
        return float(self.reducer.nbytes(self.data.shape)) * count

    @property
    def state_bytes(self) -> int:
        """The size of the largest state of a chunk."""
        kept = (
            max(sizes, default=0) for axis, sizes in enumerate(self.sizes) if axis not in self.axes
        )
        records = max((position.record_count() for position in self.positions()), default=1)
        return int(math.prod(kept)) * self.statistic.dtype.itemsize * records + self._edge_bytes

    @property
    def _edge_bytes(self) -> int:
        """The size of the rows at both ends of the data, which are a part of some states."""
        if not self.is_positioned:
            return 0
        axis = self.data.axis
        row = (max(sizes, default=0) for i, sizes in enumerate(self.sizes) if i != axis)
        return int(math.prod(row)) * self.data.edge_positions() * self.data.dtype.itemsize

    @property
    def merged_axes(self) -> tuple[int, ...]:
        """The reduced axes along which states of chunks are merged."""
        return (self.data.axis,) if self.is_ordered else self.axes

    def shard_axis(self) -> int | None:
        """Return the reduced axis with most chunks, without ordered merges; None if none is."""
        unsplit = self.merged_axes if self.is_ordered else ()
        axes = [axis for axis in self.axes if axis not in unsplit]
        return max(axes, key=lambda axis: len(self.sizes[axis]), default=None)

    def select_chunks(self, axis: int, start: int, stop: int) -> "Reduction":
        """Return the reduction of the chunks from `start` to before `stop` along an axis."""
        before = [sizes[:start] if i == axis else () for i, sizes in enumerate(self.sizes)]
        chunks = slice(start, stop)
        if self.is_frame:
            data: Any = self.data.with_frame(self.data.frame.partitions[chunks])
            weights = None if self.weights is None else self.weights.partitions[chunks]
        else:
            where = (slice(None),) * axis + (chunks,)
            data, weights = self.array.blocks[where], self.chunked_weights
            if self.is_positioned:
                span = slice(None)
                if axis == self.data.axis:
                    span = slice(*(int(sum(self.sizes[axis][:end])) for end in (start, stop)))
                data = self.data.cut(data, span)
            if weights is not None and weights.numblocks[axis] > 1:
                weights = weights.blocks[where]
        return replace(self, data=data, weights=weights, sizes_before=tuple(before))

    def positions(self) -> list[PositionedArray]:
        """Return the position of each chunk along the axis of a `PositionedArray`, or []."""
        if not self.is_positioned:
            return []
        ends = [0, *itertools.accumulate(map(int, self.sizes[self.data.axis]))]
        cuts = (self.data.cut(None, slice(*span)) for span in itertools.pairwise(ends))
        return [replace(cut, labels=None) for cut in cuts]

    def format_chunks(self, indices: Sequence[Index]) -> str:
        """Return the range of chunks in the array as text, as in ``time 40:50, lat 0:90``."""
        parts = []
        for axis, sizes in enumerate(self.sizes):
            sizes_before = self.sizes_before[axis] if self.sizes_before else ()
            numbers = [len(sizes_before) + index[axis] for index in indices]
            if self.is_frame:
                return f"partition {_format_range(numbers)}"
            ends = list(itertools.accumulate((*sizes_before, *sizes), initial=0.0))
            start, stop = ends[min(numbers)], ends[max(numbers) + 1]
            dim = self.dims[axis] if self.dims else axis - len(self.sizes)
            name = f"axis {dim}" if isinstance(dim, int) else str(dim)
            has_sizes = start == start and stop == stop  # unknown sizes are NaN
            where = f" {start:.0f}:{stop:.0f}" if has_sizes else f", chunk {_format_range(numbers)}"
            parts.append(name + where)
        return ", ".join(parts) or "the only chunk"

    def make_empty(
        self, shape: tuple[int, ...], positions: Sequence[PositionedArray] = ()
    ) -> Callable[[], BlockState]:
        """Return a function that returns the state of no data, in a shape, for some positions."""
        if self.is_positioned:
            data = replace(self.data.cut(None, slice(0, 0)), labels=None)
            return partial(data.empty, shape, self.statistic, positions)
        if self.is_grouped:
            return partial(GroupRecords.empty, shape, self.statistic)
        return partial(np.zeros, shape, self.statistic.dtype)

    def to_records(self, state: Any) -> Any:
        """Return the records of a state, without the reduced axes, which have size 1."""
        records = self.data.to_records(state) if self.is_positioned else state
        if isinstance(records, GroupRecords):
            axes = tuple(axis + 1 for axis in self.axes)  # the groups are the first axis
            return GroupRecords(records.labels, records.records.squeeze(axis=axes))
        return records.squeeze(axis=self.axes) if self.axes else records


def in_memory(reduction: Reduction) -> Records:
    """Return the records of data in memory."""
    return blocks.summarize(reduction.data, reduction.reducer, reduction.weights)


def _format_range(numbers: Sequence[int]) -> str:
    first, last = min(numbers), max(numbers)
    return str(first) if first == last else f"{first} to {last}"
