"""The graphs: a tree that summarizes chunks, and a map over them. No other file knows Dask graphs.

What goes into a graph is a module-level function, or a ``functools.partial`` of one with frozen
values: it pickles by name, and equal calls make equal graph names.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
from dask import is_dask_collection

from dasknorm import blocks
from dasknorm.blocks import Kernel
from dasknorm.errors import MismatchError
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records
from dasknorm.tables import Table, in_order

__all__ = ["apply", "is_lazy", "merge", "summarize", "transform"]

FAN_IN_BYTES = 1 << 25
"""A task merges 32 states if together they weigh at most this much, else two along each axis."""

EMBEDDED_BYTES = 1 << 12
"""A map of at most this size travels inside of its tasks, not beside them."""


def is_lazy(data: Any) -> bool:
    """Tell whether data are a Dask collection, to be worked on a chunk at a time."""
    return is_dask_collection(data.frame if isinstance(data, Table) else data)


def summarize(
    data: Any, statistic: Statistic, axes: tuple[int, ...], weights: Any | None = None
) -> Any:
    """Summarize data over `axes`: one task a chunk, then a tree of merges.

    The records have the rank of the data, with size 1 along `axes`; they are lazy if the data
    (or the weights) are. `weights` broadcast to the data.
    """
    if isinstance(data, Table) and is_lazy(data):
        return _summarize_partitions(data, statistic, axes, weights)
    if not is_lazy(data) and not is_lazy(weights):
        return blocks.summarize(data, statistic, axes, weights)
    data = da.asanyarray(data)
    states = da.map_blocks(
        partial(_summarize_chunk, statistic=statistic, axes=axes),
        *([data] if weights is None else [data, _chunked_like(weights, data)]),
        chunks=tuple((1,) * len(c) if i in axes else c for i, c in enumerate(data.chunks)),
        dtype=statistic.dtype,
        meta=np.empty((0,) * data.ndim, statistic.dtype),
    )
    return _tree(states, statistic, axes)


def merge(a: Any, b: Any, statistic: Statistic) -> Any:
    """Merge two arrays of records of one shape, position by position."""
    if not is_lazy(a) and not is_lazy(b):
        return blocks.merged(statistic, a, b)
    chunks = a.chunks if is_lazy(a) else b.chunks
    return da.map_blocks(
        partial(blocks.merged, statistic),
        *(da.asarray(each).rechunk(chunks) for each in (a, b)),
        dtype=statistic.dtype,
        meta=np.empty((0,) * len(chunks), statistic.dtype),
    )


def transform(data: Any, affine: Any, kernel: Kernel, dtype: np.dtype[Any] | None = None) -> Any:
    """Map data through `affine`, which has their rank: the whole size or 1 along each axis."""
    if isinstance(data, Table) and is_lazy(data):
        return _transform_partitions(data, affine, kernel, dtype)
    if not is_lazy(data) and not is_lazy(affine):
        return blocks.transform(data, affine, kernel, dtype)
    data = da.asanyarray(data)
    out = dtype or blocks.float_dtype(data.dtype)
    function = partial(_transform_chunk, kernel=kernel, dtype=out)
    beside = [_chunked_like(affine, data)]
    if _fits_a_task(affine, data):
        function, beside = partial(function, affine=affine), []
    return da.map_blocks(
        function,
        data,
        *beside,
        dtype=out,
    )


def apply(records: Any, function: Callable[..., np.ndarray], *args: Any) -> Any:
    """Apply a function that works position by position to records, lazily if they are lazy."""
    if not is_lazy(records):
        return function(records, *args)
    meta = function(np.empty((0,) * records.ndim, records.dtype), *args)
    return da.map_blocks(function, records, *args, dtype=meta.dtype, meta=meta)


# -- what runs in a task ------------------------------------------------------------------------


def _summarize_chunk(
    block: Any,
    weights: np.ndarray | None = None,
    *,
    statistic: Statistic,
    axes: tuple[int, ...],
) -> Records:
    return blocks.summarize(block, statistic, axes, weights)


def _keep(records: Records, axis: tuple[int, ...] = (), keepdims: bool = True) -> Records:
    return records


def _merge_chunks(
    records: Records, *, statistic: Statistic, axis: tuple[int, ...], keepdims: bool
) -> Records:
    return statistic.merge(records, axis)


def _transform_chunk(block: Any, affine: Records, *, kernel: Kernel, dtype: np.dtype[Any]) -> Any:
    if any(size not in (1, n) for size, n in zip(affine.shape, block.shape, strict=True)):
        raise MismatchError(
            f"a chunk has shape {block.shape} when computed, and its statistics {affine.shape}: "
            "the Dask array was declared with other chunks than its data have"
        )
    return blocks.transform(block, affine, kernel, dtype)


def _summarize_partition(
    frame: pd.DataFrame,
    weights: pd.Series | None = None,
    *,
    statistic: Statistic,
    columns: pd.Index,
    axes: tuple[int, ...],
) -> Records:
    beside = None if weights is None else weights.to_numpy("f8", na_value=np.nan)[:, None]
    return blocks.summarize(Table(frame, columns), statistic, axes, beside)


def _transform_partition(
    frame: pd.DataFrame,
    *,
    order: pd.Index,
    affine: Records,
    columns: pd.Index,
    kernel: Kernel,
    dtype: np.dtype[Any] | None,
) -> pd.DataFrame:
    whole = Table(in_order(frame, order), columns)
    return blocks.transform(whole, affine, kernel, dtype).frame


# -- how the graphs are laid out ----------------------------------------------------------------


def _summarize_partitions(
    table: Table, statistic: Statistic, axes: tuple[int, ...], weights: Any | None
) -> Any:
    """A Dask frame is pandas, a partition at a time: columns are matched by name in each."""
    frame = table.frame
    if len(table.columns) < len(frame.columns):
        frame = frame[list(table.columns)]  # so that Parquet reads no other column
    records = frame.map_partitions(
        partial(_summarize_partition, statistic=statistic, columns=table.columns, axes=axes),
        *([] if weights is None else [weights]),
        meta=np.empty((0, 0), statistic.dtype),
    )
    chunks = ((1,) * table.frame.npartitions, (1 if 1 in axes else len(table.columns),))
    return _tree(records.map_blocks(_keep, chunks=chunks), statistic, (0,))


def _transform_partitions(
    table: Table, affine: Any, kernel: Kernel, dtype: np.dtype[Any] | None
) -> Table:
    function = partial(
        _transform_partition,
        order=pd.Index(table.frame.columns),
        affine=affine,
        columns=table.columns,
        kernel=kernel,
        dtype=dtype,
    )
    return Table(table.frame.map_partitions(function), table.columns)


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


def _fits_a_task(affine: Any, data: da.Array) -> bool:
    """Whether a map may be part of each task: Dask then fuses loading and mapping in any graph."""
    whole = all(n == 1 or len(c) == 1 for n, c in zip(affine.shape, data.chunks, strict=True))
    return whole and not is_lazy(affine) and affine.nbytes <= EMBEDDED_BYTES


def _chunked_like(small: Any | None, data: da.Array) -> Any:
    """Cut an array that broadcasts to `data` where the data are cut."""
    if small is None:
        return None
    chunks = tuple(
        (1,) if size == 1 else c for size, c in zip(small.shape, data.chunks, strict=True)
    )
    if is_lazy(small):
        return small.rechunk(chunks)
    return da.from_array(small, chunks=chunks, asarray=False)
