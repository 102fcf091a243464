"""Reduction: data still to be summarized."""

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
from dasknorm.chunks.lazy import chunk_like, is_lazy
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records
from dasknorm.statistics.reducer import Reducer

__all__ = ["Reduction", "in_memory"]


@dataclass(frozen=True)
class Reduction:
    """Data to be summarized over some of their axes, and weights that broadcast to them.

    Parameters
    ----------
    data : array or Table
        In memory or lazy; a Dask frame is a Table of pandas, a partition at a time. What has
        `keys` is summarized in groups.
    reducer : Reducer
        The statistic, and the axes to reduce.
    weights : array or Series, optional
        Of the rank of the data, or a Dask Series beside a Dask frame.
    dims : tuple of hashable
        A name for each axis of the data, for messages.
    before : tuple of tuple of float
        The sizes of the chunks of a larger array that stand before these data along each axis,
        for messages.
    is_grouped : bool
        Whether there are records of groups: known beforehand, if the data are placed, or else
        showing while rows are read.
    """

    data: Any
    reducer: Reducer
    weights: Any = None
    dims: tuple[Hashable, ...] = ()
    before: tuple[tuple[float, ...], ...] = ()
    is_grouped: bool = False

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
        """Whether there are chunks to be loaded."""
        return is_lazy(self.data) or is_lazy(self.weights)

    @property
    def is_frame(self) -> bool:
        """Whether the chunks are partitions of a Dask frame."""
        return isinstance(self.data, Table) and is_lazy(self.data)

    @property
    def array(self) -> da.Array:
        """The data as a Dask array."""
        return da.asanyarray(self.data.array if self.is_placed else self.data)

    @property
    def is_placed(self) -> bool:
        """Whether it matters where along an axis a chunk stands."""
        return isinstance(self.data, PositionedArray)

    @property
    def chunked_weights(self) -> Any:
        """The weights, cut where the data are."""
        return None if self.weights is None else chunk_like(self.weights, self.array)

    @property
    def sizes(self) -> tuple[tuple[float, ...], ...]:
        """The sizes of the chunks along each axis; NaN where not known."""
        if self.is_frame:
            return ((math.nan,) * self.data.frame.npartitions, (len(self.data.columns),))
        return self.array.chunks

    @property
    def chunk_count(self) -> int:
        """How many chunks are to be loaded; of data in memory, 0."""
        return math.prod(map(len, self.sizes)) if self.is_lazy else 0

    @property
    def nbytes(self) -> float:
        """The bytes of the data as in memory; NaN where not known, as for a Dask frame."""
        if not self.is_lazy:
            return float(self.data.nbytes)
        elements = math.prod(sum(sizes) for sizes in self.sizes)
        return float(elements) * self.data.dtype.itemsize

    @property
    def record_bytes(self) -> float:
        """The bytes of the records; of groups that are not known yet, those of one."""
        several = self.data.record_count() if self.is_placed else 1
        return float(self.reducer.nbytes(self.data.shape)) * several

    def longest(self) -> int | None:
        """Return which axis is best cut in shards: of those merged away, the one of most chunks.

        None if none can be, as places that are joined in their order stay together.
        """
        kept_whole = self.streamed_axes if self.is_ordered else ()
        axes = [axis for axis in self.axes if axis not in kept_whole]
        return max(axes, key=lambda axis: len(self.sizes[axis]), default=None)

    def part(self, axis: int, first: int, last: int) -> "Reduction":
        """Return the reduction of the chunks from `first` to before `last` along an axis."""
        before = [sizes[:first] if i == axis else () for i, sizes in enumerate(self.sizes)]
        some = slice(first, last)
        if self.is_frame:
            data: Any = self.data.with_frame(self.data.frame.partitions[some])
            weights = None if self.weights is None else self.weights.partitions[some]
        else:
            where = (slice(None),) * axis + (some,)
            data, weights = self.array.blocks[where], self.chunked_weights
            if self.is_placed:
                span = self._span(first, last) if axis == self.data.axis else slice(None)
                data = self.data.cut(data, span)
            if weights is not None and weights.numblocks[axis] > 1:
                weights = weights.blocks[where]
        return replace(self, data=data, weights=weights, before=tuple(before))

    def places(self) -> list[Any]:
        """Return what is to be said of each chunk along the axis of placed data."""
        if not self.is_placed:
            return []
        ends = [0, *itertools.accumulate(map(int, self.sizes[self.data.axis]))]
        cuts = (self.data.cut(None, slice(*span)) for span in itertools.pairwise(ends))
        return [replace(cut, labels=None) for cut in cuts]

    @property
    def streamed_axes(self) -> tuple[int, ...]:
        """The axes, of those merged away, along which the states of chunks can be joined."""
        return (self.data.axis,) if self.is_ordered else self.axes

    @property
    def is_ordered(self) -> bool:
        """Whether states are joined only with those that come next along an axis."""
        return self.is_placed and self.data.is_ordered

    def _span(self, first: int, last: int) -> slice:
        sizes = self.sizes[self.data.axis]
        return slice(int(sum(sizes[:first])), int(sum(sizes[:last])))

    def empty(self, shape: tuple[int, ...], places: Sequence[Any] = ()) -> Callable[[], Any]:
        """Return what makes the state of nothing, in this shape; of placed data, of some places."""
        if self.is_placed:
            return partial(self._said().empty, shape, self.statistic, places)
        if self.is_grouped:
            return partial(GroupRecords.none, shape, self.statistic)
        return partial(np.zeros, shape, self.statistic.dtype)

    def _said(self) -> PositionedArray:
        """Return what is said of placed data that no chunk needs for itself."""
        return replace(self.data.cut(None, slice(0, 0)), labels=None)

    def to_records(self, records: Any) -> Any:
        """Return records without the axes merged away, which have size 1."""
        if self.is_placed:
            records = self.data.to_records(records)
        if isinstance(records, GroupRecords):
            merged = tuple(axis + 1 for axis in self.axes)  # groups come before all axes
            return GroupRecords(records.labels, records.records.squeeze(axis=merged))
        return records.squeeze(axis=self.axes) if self.axes else records


def in_memory(reduction: Reduction) -> Records:
    """Return the records of data in memory."""
    return blocks.summarize(reduction.data, reduction.reducer, reduction.weights)
