"""Trees: the records of a reduction by Dask's own means, lazily."""

import math
from dataclasses import replace
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd

from dasknorm import blocks
from dasknorm.blocks.tables import Table
from dasknorm.chunks.chunk_names import PartitionInfo, name_partition
from dasknorm.chunks.lazy import merge_states
from dasknorm.chunks.reductions import Reduction, in_memory
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records
from dasknorm.statistics.reducer import Reducer

__all__ = ["FAN_IN_BYTES", "frame_to_read", "table_partition", "to_dask", "tree"]

FAN_IN_BYTES = 1 << 25
"""A task merges 32 states if together they weigh at most this much, else two along each axis."""


def to_dask(reduction: Reduction) -> Any:
    """Return the records, lazily if there are chunks: a task a chunk, then a tree of merges.

    Dask's optimizations see all of it, so that what is computed together shares what it loads.
    """
    if reduction.is_grouped:
        raise ValueError("by= and lag= need compute=True: their states grow while data are read")
    return reduction.to_records(tree(reduction) if reduction.is_lazy else in_memory(reduction))


def tree(reduction: Reduction) -> Any:
    """Return the records of lazy data, still lazy, with size 1 along the axes merged away."""
    if reduction.is_placed:
        return _of_places(reduction)
    if reduction.is_grouped:
        parts = _partition_records(reduction).to_delayed().ravel().tolist()
        return dask.delayed(merge_states, pure=True)(reduction.statistic, parts)
    states = _of_partitions(reduction) if reduction.is_frame else _of_chunks(reduction)
    axes = (0,) if reduction.is_frame else reduction.axes
    return _tree(states, Reducer(reduction.statistic, axes))


def table_partition(
    frame: pd.DataFrame, weights: pd.Series | None = None, *, table: Table
) -> tuple[Table, np.ndarray | None]:
    """Return a partition as a block like `table`, and its weights; columns are found by name."""
    beside = None if weights is None else weights.to_numpy("f8", na_value=np.nan)[:, None]
    return table.with_frame(frame), beside


def frame_to_read(reduction: Reduction, *others: Reduction) -> Any:
    """Return the Dask frame, so that Parquet reads no other column than those summarized.

    Others are of the same frame, and to read it together with this one.
    """
    frame = reduction.data.frame
    wanted = dict.fromkeys(name for r in (reduction, *others) for name in r.data.read_columns)
    return frame[list(wanted)] if len(wanted) < len(frame.columns) else frame


def _of_chunks(reduction: Reduction) -> da.Array:
    data, weights = reduction.array, reduction.chunked_weights
    axes = reduction.axes
    return da.map_blocks(
        partial(_summarize_chunk, reducer=reduction.reducer),
        *([data] if weights is None else [data, weights]),
        chunks=tuple((1,) * len(c) if i in axes else c for i, c in enumerate(data.chunks)),
        dtype=reduction.statistic.dtype,
        meta=np.empty((0,) * data.ndim, reduction.statistic.dtype),
    )


def _partition_records(reduction: Reduction) -> Any:
    """Return the records of each partition, as what Dask takes for a frame."""
    function = partial(
        _summarize_partition,
        reducer=reduction.reducer,
        table=reduction.data.with_frame(None),
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


def _of_places(reduction: Reduction) -> dict[tuple[int, ...], Any]:
    """Return the records for each place among the kept chunks, lazily."""
    blocks, said = reduction.array.to_delayed(), reduction.places()
    weights = reduction.chunked_weights
    beside = None if weights is None else weights.to_delayed()
    summarize = dask.delayed(_summarize_placed, pure=True)
    parts: dict[tuple[int, ...], list[Any]] = {}
    for index in np.ndindex(*blocks.shape):
        weight = None
        if beside is not None:
            weight = beside[tuple(min(i, n - 1) for i, n in zip(index, beside.shape, strict=True))]
        own = said[index[reduction.data.axis]]
        at = tuple(0 if i in reduction.streamed_axes else n for i, n in enumerate(index))
        part = summarize(blocks[index], weight, own, reduction.reducer)
        parts.setdefault(at, []).append(part)
    join = dask.delayed(merge_states, pure=True)
    return {at: join(reduction.statistic, several) for at, several in parts.items()}


def _tree(states: da.Array, reducer: Reducer) -> da.Array:
    """Merge the states of chunks over the reduced axes, a few at a time, down to one."""
    statistic, axes = reducer.statistic, reducer.axes
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
    reducer: Reducer,
) -> Records:
    return blocks.summarize(block, reducer, weights)


def _summarize_placed(block: Any, weights: Any, place: Any, reducer: Reducer) -> Any:
    return blocks.summarize(replace(place, array=block), reducer, weights)


def _summarize_partition(
    frame: pd.DataFrame,
    weights: pd.Series | None = None,
    *,
    reducer: Reducer,
    table: Table,
    partition_info: PartitionInfo = None,
) -> Records:
    block, beside = table_partition(frame, weights, table=table)
    with name_partition(partition_info):
        return blocks.summarize(block, reducer, beside)


def _keep(records: Records, axis: tuple[int, ...] = (), keepdims: bool = True) -> Records:
    return records


def _merge_chunks(
    records: Records, *, statistic: Statistic, axis: tuple[int, ...], keepdims: bool
) -> Records:
    return statistic.merge(records, axis)
