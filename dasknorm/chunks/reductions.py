"""Reduction: data still to be summarized; and its records by Dask's own tree, lazily."""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd

from dasknorm import blocks
from dasknorm.chunks.laziness import chunked_like, is_lazy, joined
from dasknorm.chunks.partitions import PartitionInfo, naming
from dasknorm.grouped import Grouped
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records
from dasknorm.tables import Table

__all__ = [
    "FAN_IN_BYTES",
    "Reduction",
    "frame_to_read",
    "in_memory",
    "lazy",
    "table_partition",
    "tree",
]

FAN_IN_BYTES = 1 << 25
"""A task merges 32 states if together they weigh at most this much, else two along each axis."""


@dataclass(frozen=True)
class Reduction:
    """Data to be summarized over some of their axes, and weights that broadcast to them.

    Parameters
    ----------
    data : array or Table
        In memory or lazy; a Dask frame is a Table of pandas, a partition at a time. What has
        `keys` is summarized in groups.
    statistic : Statistic
        What is to be remembered.
    axes : tuple of int
        The axes merged away.
    weights : array or Series, optional
        Of the rank of the data, or a Dask Series beside a Dask frame.
    dims : tuple of hashable
        A name for each axis of the data, for messages.
    before : tuple of tuple of float
        The sizes of the chunks of a larger array that stand before these data along each axis,
        for messages.
    is_grouped : bool
        Whether the rows belong to groups, which show only while they are read.
    """

    data: Any
    statistic: Statistic
    axes: tuple[int, ...]
    weights: Any = None
    dims: tuple[Hashable, ...] = ()
    before: tuple[tuple[float, ...], ...] = ()
    is_grouped: bool = False

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
        return da.asanyarray(self.data)

    @property
    def chunked_weights(self) -> Any:
        """The weights, cut where the data are."""
        return chunked_like(self.weights, self.array)

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
        """The bytes of the records."""
        kept = (n for axis, n in enumerate(self.data.shape) if axis not in self.axes)
        return float(math.prod(kept)) * self.statistic.dtype.itemsize

    def longest(self) -> int:
        """Return which of the axes merged away is cut in the most chunks."""
        return max(self.axes, key=lambda axis: len(self.sizes[axis]))

    def part(self, axis: int, first: int, last: int) -> "Reduction":
        """Return the reduction of the chunks from `first` to before `last` along an axis."""
        before = [sizes[:first] if i == axis else () for i, sizes in enumerate(self.sizes)]
        some = slice(first, last)
        if self.is_frame:
            data: Any = replace(self.data, frame=self.data.frame.partitions[some])
            weights = None if self.weights is None else self.weights.partitions[some]
        else:
            where = (slice(None),) * axis + (some,)
            data, weights = self.array.blocks[where], self.chunked_weights
            if weights is not None and weights.numblocks[axis] > 1:
                weights = weights.blocks[where]
        return replace(self, data=data, weights=weights, before=tuple(before))

    def nothing(self, shape: tuple[int, ...]) -> Callable[[], Any]:
        """Return what makes the records of nothing, in this shape; of groups there are none yet."""
        if self.is_grouped:
            return partial(Grouped.none, shape[1], self.statistic)
        return partial(np.zeros, shape, self.statistic.dtype)

    def finished(self, records: Any) -> Any:
        """Return records without the axes merged away, which have size 1."""
        if isinstance(records, Grouped):  # which stand along the axis of the rows
            merged = tuple(axis for axis in self.axes if axis)
            return Grouped(records.labels, records.records.squeeze(axis=merged))
        return records.squeeze(axis=self.axes) if self.axes else records


def lazy(reduction: Reduction) -> Any:
    """Return the records, lazily if there are chunks: a task a chunk, then a tree of merges.

    Dask's optimizations see all of it, so that what is computed together shares what it loads.
    """
    if reduction.is_grouped:
        raise ValueError(
            "by= needs compute=True: which groups there are is known only once data are read"
        )
    return reduction.finished(tree(reduction) if reduction.is_lazy else in_memory(reduction))


def tree(reduction: Reduction) -> Any:
    """Return the records of lazy data, still lazy, with size 1 along the axes merged away."""
    if reduction.is_grouped:
        parts = _partition_records(reduction).to_delayed().ravel().tolist()
        return dask.delayed(joined, pure=True)(reduction.statistic, parts)
    states = _of_partitions(reduction) if reduction.is_frame else _of_chunks(reduction)
    axes = (0,) if reduction.is_frame else reduction.axes
    return _tree(states, reduction.statistic, axes)


def in_memory(reduction: Reduction) -> Records:
    """Return the records of data in memory."""
    return blocks.summarize(reduction.data, reduction.statistic, reduction.axes, reduction.weights)


def table_partition(
    frame: pd.DataFrame, weights: pd.Series | None = None, *, table: Table
) -> tuple[Table, np.ndarray | None]:
    """Return a partition as a block like `table`, and its weights; columns are found by name."""
    beside = None if weights is None else weights.to_numpy("f8", na_value=np.nan)[:, None]
    return replace(table, frame=frame), beside


def frame_to_read(reduction: Reduction) -> Any:
    """Return the Dask frame, so that Parquet reads no other column than those summarized."""
    table = reduction.data
    wanted = table.read_columns
    return table.frame[wanted] if len(wanted) < len(table.frame.columns) else table.frame


def _of_chunks(reduction: Reduction) -> da.Array:
    data, axes, weights = reduction.array, reduction.axes, reduction.chunked_weights
    return da.map_blocks(
        partial(_summarize_chunk, statistic=reduction.statistic, axes=axes),
        *([data] if weights is None else [data, weights]),
        chunks=tuple((1,) * len(c) if i in axes else c for i, c in enumerate(data.chunks)),
        dtype=reduction.statistic.dtype,
        meta=np.empty((0,) * data.ndim, reduction.statistic.dtype),
    )


def _partition_records(reduction: Reduction) -> Any:
    """Return the records of each partition, as what Dask takes for a frame."""
    function = partial(
        _summarize_partition,
        statistic=reduction.statistic,
        table=replace(reduction.data, frame=None),
        axes=reduction.axes,
    )
    return frame_to_read(reduction).map_partitions(
        function,
        *([] if reduction.weights is None else [reduction.weights]),
        meta=np.empty((0, 0), reduction.statistic.dtype),
        enforce_metadata=False,
    )


def _of_partitions(reduction: Reduction) -> da.Array:
    table, axes = reduction.data, reduction.axes
    records = _partition_records(reduction)
    chunks = ((1,) * table.frame.npartitions, (1 if 1 in axes else len(table.columns),))
    return records.map_blocks(_keep, chunks=chunks)


def _tree(states: da.Array, statistic: Statistic, axes: tuple[int, ...]) -> da.Array:
    """Merge the states of chunks over `axes`, a few at a time, down to one."""
    if not axes:
        return states
    kept = math.prod(max(c, default=0) for i, c in enumerate(states.chunks) if i not in axes)
    small = kept * statistic.dtype.itemsize * 32 <= FAN_IN_BYTES
    return da.reduction(
        states,
        chunk=_keep,
        aggregate=partial(_merge_chunks, statistic=statistic),
        axis=axes,
        keepdims=True,
        dtype=statistic.dtype,
        split_every=_fan_in(states.numblocks, axes, small),
        meta=np.empty((0,) * states.ndim, statistic.dtype),
    )


def _fan_in(blocks: tuple[int, ...], axes: tuple[int, ...], small: bool) -> dict[int, int]:
    """Share out how many states a task merges over the axes that are cut, the least cut first."""
    # A bare number Dask would take the root of, axes of one block too: 5 for 32 over two axes.
    cut = [axis for axis in sorted(axes, key=lambda axis: blocks[axis]) if blocks[axis] > 1]
    most = 32 if small else 1 << len(cut)
    shares = dict.fromkeys(axes, 2)
    for others, axis in zip(reversed(range(len(cut))), cut, strict=True):
        shares[axis] = max(2, min(blocks[axis], most >> others))
        most //= shares[axis]
    return shares


# -- what runs in a task ------------------------------------------------------------------------


def _summarize_chunk(
    block: Any,
    weights: np.ndarray | None = None,
    *,
    statistic: Statistic,
    axes: tuple[int, ...],
) -> Records:
    return blocks.summarize(block, statistic, axes, weights)


def _summarize_partition(
    frame: pd.DataFrame,
    weights: pd.Series | None = None,
    *,
    statistic: Statistic,
    table: Table,
    axes: tuple[int, ...],
    partition_info: PartitionInfo = None,
) -> Records:
    block, beside = table_partition(frame, weights, table=table)
    with naming(partition_info):
        return blocks.summarize(block, statistic, axes, beside)


def _keep(records: Records, axis: tuple[int, ...] = (), keepdims: bool = True) -> Records:
    return records


def _merge_chunks(
    records: Records, *, statistic: Statistic, axis: tuple[int, ...], keepdims: bool
) -> Records:
    return statistic.merge(records, axis)
