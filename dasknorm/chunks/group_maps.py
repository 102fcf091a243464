"""Maps by group: each chunk of an array through the maps of the groups that are in it."""

import itertools
from collections.abc import Hashable
from dataclasses import replace
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from dasknorm import blocks
from dasknorm.blocks import Kernel
from dasknorm.blocks.grouped_arrays import GroupedArray
from dasknorm.statistics.base import Records

__all__ = ["transform_groups"]


def transform_groups(
    data: GroupedArray, affine: Records, kernel: Kernel, dtype: np.dtype[Any] | None = None
) -> da.Array:
    """Map a Dask array by maps that have an axis of groups in front of its own.

    A chunk is sent the maps of no other groups than those from its first to its last: all maps of
    a grid may weigh more than any worker can hold.
    """
    array = da.asanyarray(data.array)
    out = dtype or blocks.float_dtype(array.dtype)
    maps = _Maps(affine, array)
    name = f"transform-{tokenize(array, affine, data.codes, data.axis, kernel, out)}"
    graph: dict[Hashable, Any] = {}
    for index in np.ndindex(*array.numblocks):
        place = data.cut(None, maps.span(data.axis, index))
        key, before = maps.of(place, index)
        own = np.where(place.codes < 0, -1, place.codes - before)
        place = GroupedArray(None, data.axis, own)
        function = partial(_transform, place=place, kernel=kernel, dtype=out)
        graph[name, *index] = (function, (array.name, *index), key)
    graph |= maps.graph
    whole = HighLevelGraph.from_collections(name, graph, dependencies=[array])
    return da.Array(whole, name, array.chunks, dtype=out, meta=array._meta.astype(out))


class _Maps:
    """The maps that chunks need, as nodes of a graph: views of all there are, and no copies."""

    def __init__(self, affine: Records, array: da.Array) -> None:
        self.graph: dict[Hashable, Any] = {}
        self._cut = [size > 1 for size in affine.shape[1:]]
        self._affine, self._name = affine, f"maps-{tokenize(affine)}"
        self._ends = [[0, *itertools.accumulate(map(int, sizes))] for sizes in array.chunks]

    def span(self, axis: int, index: tuple[int, ...]) -> slice:
        """Return where a chunk stands along an axis."""
        return slice(*self._ends[axis][index[axis] : index[axis] + 2])

    def of(self, place: GroupedArray, index: tuple[int, ...]) -> tuple[Hashable, int]:
        """Return the key of the maps for a chunk, and how many groups are before the first."""
        own = tuple(i if cut else 0 for i, cut in zip(index, self._cut, strict=True))
        there = place.groups_there
        first, last = (int(there[0]), int(there[-1])) if len(there) else (0, -1)
        key = (self._name, first, last, *own)
        if key not in self.graph:
            spans = (
                self.span(axis, index) if cut else slice(None) for axis, cut in enumerate(self._cut)
            )
            self.graph[key] = self._affine[(slice(first, last + 1), *spans)]
        return key, first


def _transform(
    block: Any, affine: Records, *, place: GroupedArray, kernel: Kernel, dtype: np.dtype[Any]
) -> Any:
    return blocks.transform(replace(place, array=block), affine, kernel, dtype)
