"""Groups of a block value by value: many groups of little each, and few positions to keep."""

from collections.abc import Callable

import numpy as np

from dasknorm import kernels
from dasknorm.blocks.arrays import Kernel
from dasknorm.statistics.base import Records
from dasknorm.statistics.reducer import Reducer

__all__ = ["add_groups", "map_groups"]


def add_groups(
    array: np.ndarray,
    axis: int,
    codes: np.ndarray,
    records: Records,
    reducer: Reducer,
    weights: np.ndarray | None,
) -> None:
    """Merge what belongs to each group into its records, in place; codes below 0 are no group's."""
    if np.ma.isMA(array):
        array = np.ma.filled(array.astype("f8"), np.nan)
    columns, groups = _columns(array, axis, codes, reducer.axes)
    flat = records.reshape(len(records), -1)
    beside = None if weights is None else columns(weights)
    for feature, column in enumerate(columns(array)):
        own = flat[:, feature].copy()
        weight = None if beside is None else beside[feature]
        reducer.statistic.add_by_group(own, column, groups, weight)
        flat[:, feature] = own


def map_groups(
    array: np.ndarray,
    axis: int,
    codes: np.ndarray,
    affine: Records,
    kernel: Kernel,
    out: np.ndarray,
) -> None:
    """Map what belongs to each group by its maps; what belongs to none becomes NaN."""
    alike = tuple(i for i, size in enumerate(affine.shape[1:]) if size == 1)
    columns, groups = _columns(array, axis, codes, alike)
    maps = np.full((len(affine) + 1, affine[:1].size), np.nan, affine.dtype)
    maps[:-1] = affine.reshape(len(affine), -1)
    found = np.empty(columns(array).shape, out.dtype)
    for feature, column in enumerate(columns(array)):
        own = np.ascontiguousarray(maps[:, feature])
        kernels.map_by_group(kernel, column, own, groups, found[feature])
    order = [i for i in range(out.ndim) if i not in alike] + list(alike)
    out.transpose(order)[...] = found.reshape([out.shape[i] for i in order])


def _columns(
    array: np.ndarray, axis: int, codes: np.ndarray, axes: tuple[int, ...]
) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """Return what lays an array out, a column for each kept position, and the codes beside it."""
    kept = [i for i in range(array.ndim) if i not in axes]
    along = [-1 if i == axis else 1 for i in range(array.ndim)]
    sizes = [1 if i in kept else size for i, size in enumerate(array.shape)]
    groups = np.broadcast_to(codes.reshape(along), sizes).transpose(*kept, *axes).reshape(-1)
    count = int(np.prod([array.shape[i] for i in kept]))
    return lambda x: x.transpose(*kept, *axes).reshape(count, -1), groups
