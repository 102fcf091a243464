"""Groups of a block in stacks: those of which there is equally much are one more axis to keep.

As the days of a year in some years of days: one call for hundreds of them, instead of hundreds of
calls.
"""

from collections.abc import Iterator

import numpy as np

from dasknorm.blocks.arrays import Kernel, add
from dasknorm.statistics.base import Records
from dasknorm.statistics.reducer import Reducer

__all__ = ["add_groups", "map_groups"]

STACK = 1 << 19
"""Elements gathered at a time: 2 MB of float32."""


def add_groups(
    array: np.ndarray,
    axis: int,
    codes: np.ndarray,
    records: Records,
    reducer: Reducer,
    weights: np.ndarray | None,
) -> None:
    """Merge what belongs to each group into its records, in place; codes below 0 are no group's."""
    rows = np.moveaxis(array, axis, 0)
    beside = None if weights is None else np.moveaxis(weights, axis, 0)
    others = [i for i in range(array.ndim) if i != axis]
    axes = (1, *(at + 2 for at, i in enumerate(others) if i in reducer.axes))
    stacked = Reducer(reducer.statistic, axes)
    for groups, places in _stacks(codes, rows[:1].size):
        own = records[groups]
        weight = None if beside is None else beside[places]
        add(rows[places], np.moveaxis(own, axis + 1, 1), stacked, weight)
        records[groups] = own


def map_groups(
    array: np.ndarray,
    axis: int,
    codes: np.ndarray,
    affine: Records,
    kernel: Kernel,
    out: np.ndarray,
) -> None:
    """Map what belongs to each group by its maps; what belongs to none is left as it was."""
    rows, mapped = np.moveaxis(array, axis, 0), np.moveaxis(out, axis, 0)
    maps = np.moveaxis(affine, axis + 1, 1)
    for groups, places in _stacks(codes, rows[:1].size):
        mapped[places] = kernel(rows[places], maps[groups], out.dtype)


def _stacks(codes: np.ndarray, width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield groups that have equally many places, some at a time, and a row of places for each."""
    order = np.argsort(codes, kind="stable")
    order = order[codes[order] >= 0]
    groups, starts, counts = np.unique(codes[order], return_index=True, return_counts=True)
    for count in np.unique(counts):
        alike = np.flatnonzero(counts == count)
        most = max(1, STACK // (int(count) * max(width, 1)))
        for i in range(0, len(alike), most):
            some = alike[i : i + most]
            yield groups[some], order[starts[some][:, None] + np.arange(count)]
