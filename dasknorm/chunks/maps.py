"""Apply affine maps to every chunk, in one task per chunk that Dask fuses with the loading.

Used by chunks. The functions that run in a task are at the end; they are stored in graphs by name.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from dask.typing import Key

from dasknorm import blocks
from dasknorm.blocks.grouped_arrays import GroupedArray
from dasknorm.blocks.groups import GroupMaps
from dasknorm.blocks.pandas_columns import in_order
from dasknorm.blocks.positioned import PositionedArray
from dasknorm.blocks.tables import Table
from dasknorm.chunks.dask_internals import meta
from dasknorm.chunks.lazy import Block, PartitionInfo, chunk_like, is_lazy, name_partition
from dasknorm.errors import MismatchError
from dasknorm.kernels import Kernel
from dasknorm.statistics.base import Records

EMBEDDED_MAP_BYTES = 1 << 12  # a map of at most this size is a part of its tasks


def transform(data: Any, affine: Any, kernel: Kernel, dtype: np.dtype | None = None) -> Any:
    """Map data through `affine`, which has their rank: the whole size or 1 along each axis."""
    if isinstance(data, Table) and is_lazy(data.frame):
        return _transform_partitions(data, affine, kernel, dtype)
    if not is_lazy(data) and not is_lazy(affine):
        return blocks.transform(data, affine, kernel, dtype)
    if isinstance(data, GroupedArray):
        return _transform_groups(data, affine, kernel, dtype)
    data = da.asanyarray(data)
    out = dtype or blocks.float_dtype(data.dtype)
    function = partial(_transform_chunk, kernel=kernel, dtype=out)
    if _can_embed(affine, data):
        return da.map_blocks(partial(function, affine=affine), data, dtype=out)
    return da.map_blocks(function, data, chunk_like(affine, data), dtype=out)


def replace_values(data: Any, values: Sequence[float], replacement: float) -> Any:
    """Return an array in which numbers are replaced, block by block, when a block is read.

    The dtype is declared as before, so that the work and the result's dtype are the same whether or
    not the numbers occur; only the blocks that contain some become floats.
    """
    if not values:
        return data
    if isinstance(data, PositionedArray):
        array = replace_values(data.array, values, replacement)
        return replace(data, array=array)  # type: ignore[type-var]
    if not is_lazy(data):
        return blocks.replace_values(data, values, replacement)
    function = partial(blocks.replace_values, values=tuple(values), replacement=replacement)
    return da.map_blocks(function, data, dtype=data.dtype, meta=meta(data))


def _can_embed(affine: Records | da.Array, data: da.Array) -> bool:
    """Whether a map may be part of each task: Dask then fuses loading and mapping in any graph."""
    if is_lazy(affine):
        return False
    is_one_chunk = all(
        n == 1 or len(sizes) == 1 for n, sizes in zip(affine.shape, data.chunks, strict=True)
    )
    return is_one_chunk and affine.nbytes <= EMBEDDED_MAP_BYTES


def _transform_partitions(
    table: Table, affine: Records | GroupMaps, kernel: Kernel, dtype: np.dtype | None
) -> Table:
    function = partial(
        _transform_partition,
        order=pd.Index(table.frame.columns),
        affine=affine,
        table=table.with_frame(None),
        kernel=kernel,
        dtype=dtype,
    )
    # Not inferred by Dask, which would call the function with made-up rows of unknown groups.
    result_meta = function(meta(table.frame))
    return table.with_frame(table.frame.map_partitions(function, meta=result_meta))


def _transform_groups(
    data: GroupedArray, affine: Records, kernel: Kernel, dtype: np.dtype | None
) -> da.Array:
    """Map a Dask array through maps with an axis of groups in front."""
    # A chunk is sent only the maps from its first group to its last: all maps of a grid may be
    # larger than the memory of a worker.
    array = da.asanyarray(data.array)
    out = dtype or blocks.float_dtype(array.dtype)
    maps = _MapNodes(affine, array)
    name = f"transform-{tokenize(array, affine, data.codes, data.axis, kernel, out)}"
    graph: dict[Key, object] = {}
    for index in np.ndindex(*array.numblocks):
        position = data.cut(None, maps.span(data.axis, index))
        key, first = maps.key_for(position, index)
        codes = np.where(position.codes < 0, -1, position.codes - first)
        position = GroupedArray(None, data.axis, codes)
        function = partial(_transform_grouped_chunk, position=position, kernel=kernel, dtype=out)
        graph[name, *index] = (function, (array.name, *index), key)
    graph |= maps.graph
    layers = HighLevelGraph.from_collections(name, graph, dependencies=[array])
    return da.Array(layers, name, array.chunks, dtype=out, meta=meta(array).astype(out))


class _MapNodes:
    """The maps that chunks need, as nodes of a graph: views of one array of maps, not copies."""

    def __init__(self, affine: Records, array: da.Array) -> None:
        self.graph: dict[Key, object] = {}
        self._is_split = [size > 1 for size in affine.shape[1:]]
        self._affine, self._name = affine, f"maps-{tokenize(affine)}"
        self._ends = [[0, *itertools.accumulate(map(int, sizes))] for sizes in array.chunks]

    def span(self, axis: int, index: tuple[int, ...]) -> slice:
        """Return the positions of a chunk along an axis."""
        return slice(*self._ends[axis][index[axis] : index[axis] + 2])

    def key_for(self, position: GroupedArray, index: tuple[int, ...]) -> tuple[Key, int]:
        """Return the key of the maps for a chunk, and the number of the first group in them."""
        groups = position.group_numbers
        first, last = (int(groups[0]), int(groups[-1])) if len(groups) else (0, -1)
        map_index = (
            i if is_split else 0 for i, is_split in zip(index, self._is_split, strict=True)
        )
        key: Key = (self._name, first, last, *map_index)
        if key not in self.graph:
            spans = (
                self.span(axis, index) if is_split else slice(None)
                for axis, is_split in enumerate(self._is_split)
            )
            self.graph[key] = self._affine[(slice(first, last + 1), *spans)]
        return key, first


# -- functions that run in a task ---------------------------------------------------------------


def _transform_chunk(block: Block, affine: Records, *, kernel: Kernel, dtype: np.dtype) -> Any:
    if any(size not in (1, n) for size, n in zip(affine.shape, block.shape, strict=True)):
        raise MismatchError(
            f"a chunk has shape {block.shape} when computed, and its statistics {affine.shape}: "
            "the Dask array was declared with other chunks than its data have"
        )
    return blocks.transform(block, affine, kernel, dtype)


def _transform_grouped_chunk(
    block: np.ndarray, affine: Records, *, position: GroupedArray, kernel: Kernel, dtype: np.dtype
) -> Any:
    return blocks.transform(replace(position, array=block), affine, kernel, dtype)


def _transform_partition(
    frame: pd.DataFrame,
    *,
    order: pd.Index,
    affine: Records | GroupMaps,
    table: Table,
    kernel: Kernel,
    dtype: np.dtype | None,
    partition_info: PartitionInfo = None,
) -> pd.DataFrame:
    with name_partition(partition_info):
        ordered = table.with_frame(in_order(frame, order))
    return blocks.transform(ordered, affine, kernel, dtype).frame
