"""Summarize and map groups of an array that are too small for a call each.

Used by blocks.grouped_arrays. `Stacks` puts groups of equal size next to each other along one more
axis to keep: one call for hundreds of groups, such as the days of a year in some years of days.
`Values` handles values one by one: for many groups of a few values each, and few output elements.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dasknorm import kernels
from dasknorm.blocks import slabs
from dasknorm.blocks.arrays import add
from dasknorm.kernels import Axes, Kernel, Weights, part_of
from dasknorm.statistics.base import Records, Reducer


def small_groups(
    array: np.ndarray, axis: int, codes: np.ndarray, axes: Axes, group_count: int
) -> "Stacks | Values | None":
    """Return the faster way to work on groups of an array, over `axes`; None if they are large."""
    kept = np.prod([size for i, size in enumerate(array.shape) if i not in axes])
    if (
        kept <= slabs.SINGLE_VALUE_COLUMNS
        and group_count > kept
        and array.size < slabs.SMALL_GROUP_ELEMENTS * group_count
    ):
        return Values(array, axis, codes, axes)
    is_small = array.size < slabs.LARGE_GROUP_ELEMENTS * group_count
    return Stacks(array, axis, codes, axes) if is_small else None


@dataclass(frozen=True)
class _Groups:
    """An array, the group of each position along an axis, and the axes to reduce."""

    array: np.ndarray
    axis: int
    codes: np.ndarray
    axes: Axes


@dataclass(frozen=True)
class Stacks(_Groups):
    """Groups of equal size, gathered along one more axis."""

    def add(self, records: Records, reducer: Reducer, weights: Weights) -> None:
        """Merge each group into its records, in place; codes below 0 belong to no group."""
        rows = np.moveaxis(self.array, self.axis, 0)
        row_weights = None if weights is None else np.moveaxis(weights, self.axis, 0)
        inner = [i for i in range(self.array.ndim) if i != self.axis]
        axes = (1, *(at + 2 for at, i in enumerate(inner) if i in reducer.axes))
        stacked_reducer = Reducer(reducer.statistic, axes)
        for groups, positions in self._stacks(rows[:1].size):
            total = records[groups]
            stack_weights = part_of(row_weights, positions)
            add(
                rows[positions],
                np.moveaxis(total, self.axis + 1, 1),
                stacked_reducer,
                stack_weights,
            )
            records[groups] = total

    def transform(self, affine: Records, kernel: Kernel, out: np.ndarray) -> None:
        """Map each group through its maps; values of no group are left as they were."""
        rows, out_rows = np.moveaxis(self.array, self.axis, 0), np.moveaxis(out, self.axis, 0)
        maps = np.moveaxis(affine, self.axis + 1, 1)
        for groups, positions in self._stacks(rows[:1].size):
            out_rows[positions] = kernel(rows[positions], maps[groups], out.dtype)

    def _stacks(self, width: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield groups with equally many positions, and a row of positions for each."""
        order = np.argsort(self.codes, kind="stable")
        order = order[self.codes[order] >= 0]
        groups, starts, counts = np.unique(self.codes[order], return_index=True, return_counts=True)
        for count in np.unique(counts):
            equal = np.flatnonzero(counts == count)
            step = max(1, slabs.CACHED_ELEMENTS // (int(count) * max(width, 1)))
            for part in (equal[i : i + step] for i in range(0, len(equal), step)):
                yield groups[part], order[starts[part][:, None] + np.arange(count)]


@dataclass(frozen=True)
class Values(_Groups):
    """Values one by one, in a column for each output element."""

    def add(self, records: Records, reducer: Reducer, weights: Weights) -> None:
        """Merge each group into its records, in place; codes below 0 belong to no group."""
        array = self.array
        if np.ma.isMA(array):
            array = np.ma.filled(array.astype("f8"), np.nan)
        flat, codes = records.reshape(len(records), -1), self._column_codes()
        column_weights = None if weights is None else self._columns(weights)
        for feature, column in enumerate(self._columns(array)):
            total = flat[:, feature].copy()
            reducer.statistic.add_by_group(total, column, codes, part_of(column_weights, feature))
            flat[:, feature] = total

    def transform(self, affine: Records, kernel: Kernel, out: np.ndarray) -> None:
        """Map each group through its maps; values of no group become NaN."""
        columns, codes = self._columns(self.array), self._column_codes()
        maps = np.full((len(affine) + 1, affine[:1].size), np.nan, affine.dtype)
        maps[:-1] = affine.reshape(len(affine), -1)
        mapped = np.empty(columns.shape, out.dtype)
        for feature, column in enumerate(columns):
            column_maps = np.ascontiguousarray(maps[:, feature])
            kernels.map_by_group(kernel, column, column_maps, codes, mapped[feature])
        order = self._order
        out.transpose(order)[...] = mapped.reshape([out.shape[i] for i in order])

    @property
    def _order(self) -> tuple[int, ...]:
        return (*(i for i in range(self.array.ndim) if i not in self.axes), *self.axes)

    def _columns(self, array: np.ndarray) -> np.ndarray:
        """Return an array of the shape of the data as a matrix, a row for each output element."""
        kept = [array.shape[i] for i in range(array.ndim) if i not in self.axes]
        return array.transpose(self._order).reshape(int(np.prod(kept)), -1)

    def _column_codes(self) -> np.ndarray:
        """Return the codes next to each row of that matrix."""
        along = [-1 if i == self.axis else 1 for i in range(self.array.ndim)]
        sizes = [n if i in self.axes else 1 for i, n in enumerate(self.array.shape)]
        codes = np.broadcast_to(self.codes.reshape(along), sizes)
        return codes.transpose(self._order).reshape(-1)
