"""Compute the records of lazy data with Dask's own reductions, so that the result is lazy.

Used by chunks. The functions that run in a task are at the end; they are stored in graphs by name.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd

from dasknorm import blocks
from dasknorm.blocks.positioned import PositionedArray
from dasknorm.blocks.tables import Table
from dasknorm.chunks.lazy import (
    Block,
    BlockState,
    PartitionInfo,
    at_position,
    merge_states,
    name_partition,
)
from dasknorm.chunks.reductions import Index, Reduction, in_memory
from dasknorm.kernels import Axes, Weights
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records, Reducer

FAN_IN = 32  # states that a task merges, if together they are small
FAN_IN_BYTES = 1 << 25  # the size of small states; of large states a task merges two along an axis


def to_dask(reduction: Reduction) -> Records:
    """Return the records, lazily if there are chunks: one task per chunk, then a tree of merges."""
    if reduction.is_grouped:
        raise ValueError("by= and lag= need compute=True: their states grow while data are read")
    return reduction.to_records(tree(reduction) if reduction.is_lazy else in_memory(reduction))


def tree(reduction: Reduction) -> Any:
    """Return lazy records, with size 1 along reduced axes; for a `PositionedArray`, a dict."""
    if reduction.is_positioned:
        return _positioned_states(reduction)
    if reduction.is_grouped:
        parts = _partition_records(reduction).to_delayed().ravel().tolist()
        return dask.delayed(merge_states, pure=True)(reduction.statistic, parts)
    if not reduction.is_frame:
        return _merge_tree(_chunk_states(reduction), reduction.reducer)
    return _merge_tree(_partition_states(reduction), replace(reduction.reducer, axes=(0,)))


def table_partition(
    frame: pd.DataFrame, weights: pd.Series | None = None, *, table: Table
) -> tuple[Table, np.ndarray | None]:
    """Return a partition as a block like `table`, and its weights; columns are found by name."""
    column = None if weights is None else weights.to_numpy("f8", na_value=np.nan)[:, None]
    return table.with_frame(frame), column


def frame_to_read(*reductions: Reduction) -> Any:
    """Return the Dask DataFrame of reductions, with only the columns that they summarize."""
    frame = reductions[0].data.frame
    columns = dict.fromkeys(
        name for reduction in reductions for name in reduction.data.read_columns
    )
    return frame[list(columns)] if len(columns) < len(frame.columns) else frame


def _chunk_states(reduction: Reduction) -> da.Array:
    data, weights = reduction.array, reduction.chunked_weights
    return da.map_blocks(
        partial(_summarize_chunk, reducer=reduction.reducer),
        *([data] if weights is None else [data, weights]),
        chunks=tuple(
            (1,) * len(sizes) if axis in reduction.axes else sizes
            for axis, sizes in enumerate(data.chunks)
        ),
        dtype=reduction.statistic.dtype,
        meta=np.empty((0,) * data.ndim, reduction.statistic.dtype),
    )


def _partition_records(reduction: Reduction) -> Any:
    """Return the records of each partition, in a collection that Dask treats as a DataFrame."""
    function = partial(
        _summarize_partition, reducer=reduction.reducer, table=reduction.data.with_frame(None)
    )
    return frame_to_read(reduction).map_partitions(
        function,
        *([] if reduction.weights is None else [reduction.weights]),
        meta=np.empty((0, 0), reduction.statistic.dtype),
        enforce_metadata=False,
    )


def _partition_states(reduction: Reduction) -> da.Array:
    table = reduction.data
    columns = 1 if 1 in reduction.axes else len(table.columns)
    chunks = ((1,) * table.frame.npartitions, (columns,))
    return _partition_records(reduction).map_blocks(_keep, chunks=chunks)


def _positioned_states(reduction: Reduction) -> Mapping[Index, object]:
    """Return the lazy state for each index among the kept chunks."""
    chunks, positions = reduction.array.to_delayed(), reduction.positions()
    weights = reduction.chunked_weights
    weight_chunks = None if weights is None else weights.to_delayed()
    summarize = dask.delayed(_summarize_positioned, pure=True)
    states: dict[Index, list[object]] = {}
    for index in np.ndindex(*chunks.shape):
        weight = None
        if weight_chunks is not None:
            sizes = zip(index, weight_chunks.shape, strict=True)
            weight = weight_chunks[tuple(min(i, n - 1) for i, n in sizes)]
        position = positions[index[reduction.data.axis]]
        state = summarize(chunks[index], weight, position, reduction.reducer)
        kept_index = tuple(
            0 if axis in reduction.merged_axes else i for axis, i in enumerate(index)
        )
        states.setdefault(kept_index, []).append(state)
    merge = dask.delayed(merge_states, pure=True)
    return {index: merge(reduction.statistic, parts) for index, parts in states.items()}


def _merge_tree(states: da.Array, reducer: Reducer) -> da.Array:
    """Merge the states of chunks over the reduced axes, a few at a time, down to one."""
    if not reducer.axes:
        return states
    largest = tuple(max(sizes, default=0) for sizes in states.chunks)
    is_small = reducer.nbytes(largest) * FAN_IN <= FAN_IN_BYTES
    return da.reduction(
        states,
        chunk=_keep,
        aggregate=partial(_merge_chunks, statistic=reducer.statistic),
        axis=reducer.axes,
        keepdims=True,
        dtype=reducer.statistic.dtype,
        split_every=_split_every(states.numblocks, reducer.axes, is_small),
        meta=np.empty((0,) * states.ndim, reducer.statistic.dtype),
    )


def _split_every(numblocks: tuple[int, ...], axes: Axes, is_small: bool) -> dict[int, int]:
    """Return how many states a task merges along each axis; axes with few chunks come first."""
    # Dask would take a root of a single number, also for axes of one block: 5 for 32 over two axes.
    chunked = [
        axis for axis in sorted(axes, key=lambda axis: numblocks[axis]) if numblocks[axis] > 1
    ]
    fan_in = FAN_IN if is_small else 1 << len(chunked)
    split_every = dict.fromkeys(axes, 2)
    for axes_left, axis in zip(reversed(range(len(chunked))), chunked, strict=True):
        split_every[axis] = max(2, min(numblocks[axis], fan_in >> axes_left))
        fan_in //= split_every[axis]
    return split_every


# -- functions that run in a task ---------------------------------------------------------------


def _summarize_chunk(block: Block, weights: Weights = None, *, reducer: Reducer) -> BlockState:
    return blocks.summarize(block, reducer, weights)


def _summarize_positioned(
    block: Block, weights: Weights, position: PositionedArray, reducer: Reducer
) -> BlockState:
    return blocks.summarize(at_position(position, block), reducer, weights)


def _summarize_partition(
    frame: pd.DataFrame,
    weights: pd.Series | None = None,
    *,
    reducer: Reducer,
    table: Table,
    partition_info: PartitionInfo = None,
) -> BlockState:
    block, column = table_partition(frame, weights, table=table)
    with name_partition(partition_info):
        return blocks.summarize(block, reducer, column)


def _keep(records: Records, axis: tuple[int, ...] = (), keepdims: bool = True) -> Records:
    return records


def _merge_chunks(
    records: Records, *, statistic: Statistic, axis: tuple[int, ...], keepdims: bool
) -> Records:
    return statistic.merge(records, axis)
