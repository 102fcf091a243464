"""What is lazy, and records worked on position by position, lazily where they are."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from dask import is_dask_collection

from dasknorm.blocks.groups import GroupRecords
from dasknorm.blocks.lagged_arrays import Stretch
from dasknorm.blocks.positioned import PositionedArray
from dasknorm.blocks.tables import Table
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records

__all__ = ["apply", "chunked_like", "is_array", "is_lazy", "join", "joined", "merge", "weighing"]

CAST = 1 << 20
"""Weights in memory of up to so many elements are made float64 here, and not in each chunk."""


def is_lazy(data: Any) -> bool:
    """Tell whether data are a Dask collection, to be worked on a chunk at a time."""
    if isinstance(data, Table):
        return is_dask_collection(data.frame)
    return is_dask_collection(data.array if isinstance(data, PositionedArray) else data)


def is_array(data: Any) -> bool:
    """Tell whether data are a bare array, in memory or lazy."""
    return isinstance(data, (np.ndarray, da.Array))


def merge(a: Any, b: Any, statistic: Statistic) -> Any:
    """Merge two arrays of records of one shape, position by position."""
    if not is_lazy(a) and not is_lazy(b):
        return joined(statistic, [a, b])
    chunks = a.chunks if is_lazy(a) else b.chunks
    return da.map_blocks(
        partial(_joined_pair, statistic=statistic),
        *(da.asarray(each).rechunk(chunks) for each in (a, b)),
        dtype=statistic.dtype,
        meta=np.zeros((0,) * len(chunks), statistic.dtype),
    )


def apply(records: Any, function: Callable[..., np.ndarray], *args: Any) -> Any:
    """Apply a function that works position by position to records, lazily if they are lazy."""
    if not is_lazy(records):
        return function(records, *args)
    meta = function(np.zeros((0,) * records.ndim, records.dtype), *args)
    return da.map_blocks(function, records, *args, dtype=meta.dtype, meta=meta)


def chunked_like(small: Any | None, data: da.Array) -> Any:
    """Cut an array that broadcasts to `data` where the data are cut."""
    if small is None:
        return None
    chunks = tuple(
        (1,) if size == 1 else c for size, c in zip(small.shape, data.chunks, strict=True)
    )
    if is_lazy(small):
        return small.rechunk(chunks)
    return da.from_array(small, chunks=chunks, asarray=False)


def weighing(weights: Any, mask: Any, data: Any) -> Any:
    """Return weights of data that are 0 where a mask is False; either may be None, which is 1."""
    if mask is None or weights is None:
        both = mask if weights is None else weights
    else:
        if is_lazy(data) and math.prod(np.broadcast_shapes(weights.shape, mask.shape)) > CAST:
            # Chunk by chunk: as float64 the whole may be larger than all else in memory.
            weights, mask = chunked_like(weights, data), chunked_like(mask, data)
        both = np.where(mask, weights, 0)  # of Dask arrays Dask's own
    few = isinstance(both, np.ndarray) and both.dtype.kind in "biuf" and both.size <= CAST
    return both.astype(np.float64, copy=False) if few else both


def join(statistic: Statistic, total: Any, part: Any) -> None:
    """Merge one state into another, in place; states of groups are united."""
    if isinstance(total, (GroupRecords, Stretch)):
        total.join(part, statistic)
    else:
        statistic.join(total, part)


def joined(statistic: Statistic, states: Sequence[Any]) -> Any:
    """Return one state for several; none of them is changed, as a task may be run again."""
    if isinstance(states[0], GroupRecords):
        return GroupRecords.joined(states, statistic)
    total = states[0].copy()
    for state in states[1:]:
        join(statistic, total, state)
    return total


def _joined_pair(a: Records, b: Records, statistic: Statistic) -> Records:
    return joined(statistic, [a, b])
