"""Maps: every chunk through an affine map, one task a chunk, fused with whatever loads it."""

from dataclasses import replace
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd

from dasknorm import blocks
from dasknorm.blocks import Kernel
from dasknorm.blocks.grouped_arrays import GroupedArray
from dasknorm.blocks.groups import GroupMaps
from dasknorm.blocks.tables import Table, in_order
from dasknorm.chunks.group_maps import transform_groups
from dasknorm.chunks.lazy import chunked_like, is_lazy
from dasknorm.chunks.partitions import PartitionInfo, naming
from dasknorm.errors import MismatchError
from dasknorm.statistics.base import Records

__all__ = ["transform"]

EMBEDDED_BYTES = 1 << 12
"""A map of at most this size travels inside of its tasks, not beside them."""


def transform(data: Any, affine: Any, kernel: Kernel, dtype: np.dtype[Any] | None = None) -> Any:
    """Map data through `affine`, which has their rank: the whole size or 1 along each axis."""
    if isinstance(data, Table) and is_lazy(data):
        return _transform_partitions(data, affine, kernel, dtype)
    if not is_lazy(data) and not is_lazy(affine):
        return blocks.transform(data, affine, kernel, dtype)
    if isinstance(data, GroupedArray):
        return transform_groups(data, affine, kernel, dtype)
    data = da.asanyarray(data)
    out = dtype or blocks.float_dtype(data.dtype)
    function = partial(_transform_chunk, kernel=kernel, dtype=out)
    beside = [chunked_like(affine, data)]
    if _fits_a_task(affine, data):
        function, beside = partial(function, affine=affine), []
    return da.map_blocks(
        function,
        data,
        *beside,
        dtype=out,
    )


def _transform_partitions(
    table: Table, affine: Any, kernel: Kernel, dtype: np.dtype[Any] | None
) -> Table:
    function = partial(
        _transform_partition,
        order=pd.Index(table.frame.columns),
        affine=affine,
        table=replace(table, frame=None),
        kernel=kernel,
        dtype=dtype,
    )
    # Not by Dask, which would try the function on rows it makes up, of groups never seen.
    meta = function(table.frame._meta)
    return replace(table, frame=table.frame.map_partitions(function, meta=meta))


def _fits_a_task(affine: Any, data: da.Array) -> bool:
    """Whether a map may be part of each task: Dask then fuses loading and mapping in any graph."""
    whole = all(n == 1 or len(c) == 1 for n, c in zip(affine.shape, data.chunks, strict=True))
    return whole and not is_lazy(affine) and affine.nbytes <= EMBEDDED_BYTES


# -- what runs in a task ------------------------------------------------------------------------


def _transform_chunk(block: Any, affine: Records, *, kernel: Kernel, dtype: np.dtype[Any]) -> Any:
    if any(size not in (1, n) for size, n in zip(affine.shape, block.shape, strict=True)):
        raise MismatchError(
            f"a chunk has shape {block.shape} when computed, and its statistics {affine.shape}: "
            "the Dask array was declared with other chunks than its data have"
        )
    return blocks.transform(block, affine, kernel, dtype)


def _transform_partition(
    frame: pd.DataFrame,
    *,
    order: pd.Index,
    affine: Records | GroupMaps,
    table: Table,
    kernel: Kernel,
    dtype: np.dtype[Any] | None,
    partition_info: PartitionInfo = None,
) -> pd.DataFrame:
    with naming(partition_info):
        whole = replace(table, frame=in_order(frame, order))
    return blocks.transform(whole, affine, kernel, dtype).frame
