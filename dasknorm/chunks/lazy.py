"""Detect and identify lazy data, and work on records that may be lazy, position by position.

Used by chunks. Records in memory and lazy ones go through the same functions here, so a change of
one kind must keep the results of the other.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeGuard

import dask.array as da
import numpy as np
from dask import is_dask_collection
from dask.base import tokenize

from dasknorm.blocks.groups import GroupRecords
from dasknorm.blocks.lagged_arrays import Stretch
from dasknorm.blocks.positioned import PositionedArray
from dasknorm.blocks.tables import Table
from dasknorm.chunks.dask_internals import expression_content
from dasknorm.errors import MismatchError
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records


class Block(Protocol):
    """A chunk in memory: an array or a table."""

    shape: tuple[int, ...]
    nbytes: int


BlockState = Records | GroupRecords | Stretch
"""The records of a block: plain, by group, or with both ends of the block for tendencies."""

CONVERTED_SIZE = 1 << 20  # weights of up to so many elements become float64 before they are cut


PartitionInfo = Mapping[str, object] | None
"""Dask's value for a function's argument `partition_info`; None for a partition that is meta."""


def is_lazy(data: object) -> TypeGuard[da.Array]:
    """Return True if data are a Dask collection, to be processed one chunk at a time."""
    if isinstance(data, Table):
        data = data.frame
    elif isinstance(data, PositionedArray):
        data = data.array
    return bool(is_dask_collection(data))


def is_array(data: object) -> bool:
    """Return True if data are an array without names, in memory or lazy."""
    return isinstance(data, (np.ndarray, da.Array))


def identity_token(data: object) -> str:
    """Return a token that is the same in every process that opens the same data.

    Arrays that Dask names differently each time, such as random arrays without a seed, have none.
    """
    if isinstance(data, Table):
        return str(tokenize(identity_token(data.frame), data.read_columns))
    content = expression_content(data) if is_lazy(data) else None
    return str(tokenize(data if content is None else content))


def merge(a: Records, b: Records, statistic: Statistic) -> Records:
    """Merge two arrays of records of one shape, position by position."""
    if not is_lazy(a) and not is_lazy(b):
        return _merge_pair(a, b, statistic)
    chunks = next(records.chunks for records in (a, b) if is_lazy(records))
    return da.map_blocks(
        partial(_merge_pair, statistic=statistic),
        *(da.asarray(records).rechunk(chunks) for records in (a, b)),
        dtype=statistic.dtype,
        meta=np.zeros((0,) * len(chunks), statistic.dtype),
    )


def apply(records: Records, function: Callable[..., np.ndarray], *args: object) -> np.ndarray:
    """Apply a function that works position by position to records, lazily if they are lazy."""
    if not is_lazy(records):
        return function(records, *args)
    meta = function(np.zeros((0,) * records.ndim, records.dtype), *args)
    return da.map_blocks(function, records, *args, dtype=meta.dtype, meta=meta)


def chunk_like(small: np.ndarray, data: da.Array) -> da.Array:
    """Return an array that broadcasts to `data`, in the chunks of the data."""
    chunks = tuple(
        (1,) if size == 1 else sizes for size, sizes in zip(small.shape, data.chunks, strict=True)
    )
    if is_lazy(small):
        return small.rechunk(chunks)
    return da.from_array(small, chunks=chunks, asarray=False)


def combine_weights(weights: Any, mask: Any, data: object) -> Any:
    """Return weights that are 0 where a mask is False; without either, the other one."""
    if mask is None or weights is None:
        combined = mask if weights is None else weights
    else:
        size = math.prod(np.broadcast_shapes(weights.shape, mask.shape))
        if is_lazy(data) and size > CONVERTED_SIZE:
            # Chunk by chunk: as float64 the whole may be larger than everything else in memory.
            weights, mask = chunk_like(weights, data), chunk_like(mask, data)
        combined = np.where(mask, weights, 0)  # for Dask arrays this is Dask's function
    if not isinstance(combined, np.ndarray) or combined.size > CONVERTED_SIZE:
        return combined
    return combined.astype("f8", copy=False) if combined.dtype.kind in "biuf" else combined


def at_position(position: PositionedArray, block: object) -> PositionedArray:
    """Return a block at its position in an array; every position is a dataclass."""
    positioned: PositionedArray = replace(position, array=block)  # type: ignore[type-var]
    return positioned


def join(statistic: Statistic, total: Any, part: Any) -> None:
    """Merge one state into another of the same type, in place; groups are matched by label."""
    if isinstance(total, (GroupRecords, Stretch)):
        total.join(part, statistic)
    else:
        statistic.join(total, part)


def merge_states(statistic: Statistic, states: Sequence[Any]) -> Any:
    """Merge states into a new one; none of them is changed, as a task may be run again."""
    if isinstance(states[0], GroupRecords):
        return GroupRecords.from_states(states, statistic)
    total = states[0].copy()
    for state in states[1:]:
        join(statistic, total, state)
    return total


def _merge_pair(a: Records, b: Records, statistic: Statistic) -> Records:
    return merge_states(statistic, [a, b])


@contextmanager
def name_partition(partition: PartitionInfo) -> Iterator[None]:
    """Add the number of the partition to errors about its columns."""
    try:
        yield
    except MismatchError as error:
        if partition is None:
            raise
        raise MismatchError(
            f"partition {partition['number']} of those computed: {error}"
        ) from error
