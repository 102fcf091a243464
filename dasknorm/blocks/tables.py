"""`Table`: columns of a frame of any library, as one two-dimensional block of mixed dtypes.

Used by blocks, chunks, containers and testing. To add a type of frame that is in memory, subclass
`MemorySource`. A frame that is read in batches is a subclass of `ColumnSource`.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from dasknorm import kernels
from dasknorm.blocks import slabs
from dasknorm.blocks.arrays import add, float_dtype, numpy_dtype, summarize, transform
from dasknorm.blocks.columns import (
    ColumnGroup,
    ColumnSlab,
    Numbers,
    add_by_group,
    add_slabs,
    transform_slabs,
    with_nan,
)
from dasknorm.blocks.group_labels import number_rows
from dasknorm.blocks.groups import GroupMaps, GroupRecords
from dasknorm.kernels import Kernel, Weights, part_of
from dasknorm.statistics.base import Records, Reducer

NewColumns = np.ndarray | Sequence[np.ndarray]
"""An array for each column: the rows of a matrix, or arrays with memory of their own."""

NewNumbers = Sequence[tuple[np.ndarray, NewColumns]]
"""Positions of columns in a table, and their new columns."""


@dataclass(frozen=True)
class Table:
    """Columns of a frame as one two-dimensional block of mixed dtypes, perhaps with keys of rows.

    The keys are columns, or levels of the index, whose values name the group of a row. A row with a
    missing key belongs to no group. Without keys, rows are not grouped.
    """

    source: "ColumnSource"
    columns: pd.Index
    keys: tuple[Hashable, ...] = ()

    @property
    def frame(self) -> Any:
        """The frame that holds the columns."""
        return self.source.frame

    def with_frame(self, frame: Any) -> "Table":
        """Return the same columns of another frame of this type."""
        return replace(self, source=replace(self.source, frame=frame))  # type: ignore[type-var]

    @property
    def shape(self) -> tuple[float, int]:
        """Rows and columns; the rows are NaN if they are not known before the frame is read."""
        return self.source.rows, len(self.columns)

    @property
    def ndim(self) -> int:
        return 2

    @property
    def dtypes(self) -> list[object]:
        """The NumPy or pandas dtype of each column."""
        return self.source.dtypes(self.columns)

    @property
    def dtype(self) -> np.dtype:
        """The dtype that holds every column."""
        kinds = {numpy_dtype(dtype) for dtype in set(self.dtypes)}
        return np.result_type(*kinds) if kinds else np.dtype("f8")

    @property
    def nbytes(self) -> float:
        """The bytes of the numbers in NumPy's dtypes; NaN if the rows are not known."""
        return self.source.rows * sum(numpy_dtype(dtype).itemsize for dtype in self.dtypes)

    @property
    def read_columns(self) -> list[Hashable]:
        """The columns that have to be read: selected columns, and keys that are columns."""
        return [*self.columns, *filter(self.source.has_column, self.keys)]

    def to_numpy(self) -> np.ndarray:
        """Return a copy as float64, with NaN for missing values."""
        return self.source.to_numpy(self.columns)


class ColumnSource(ABC):
    """A frame of one library; subclasses are frozen dataclasses with the field `frame`."""

    frame: Any

    @property
    @abstractmethod
    def rows(self) -> float:
        """The number of rows; NaN if it is not known."""

    @abstractmethod
    def dtypes(self, columns: pd.Index) -> list[object]:
        """Return the NumPy or pandas dtypes of columns."""

    @abstractmethod
    def to_numpy(self, columns: pd.Index) -> np.ndarray:
        """Return a copy of columns as float64, with NaN for missing values."""

    @abstractmethod
    def summarize(self, table: Table, reducer: Reducer, weights: Any) -> Records | GroupRecords:
        """Summarize a table of this source, with records of each group if it has keys."""

    @abstractmethod
    def transform(self, table: Table, affine: Any, kernel: Kernel, dtype: np.dtype | None) -> Table:
        """Map a table of this source: through the map of each row's group if it has keys."""

    def has_column(self, name: Hashable) -> bool:
        """Check whether a key is a column, and not a level of an index."""
        return True


class MemorySource(ColumnSource):
    """A frame in memory, read column by column as NumPy arrays."""

    @abstractmethod
    def groups(self, columns: pd.Index) -> list[ColumnGroup]:
        """Return the columns in groups of one dtype."""

    @abstractmethod
    def numbers(
        self, columns: pd.Index, feature: int, least_rows: int = 0
    ) -> Iterator[tuple[slice, Numbers]]:
        """Yield the numbers of one column: in place, or in slabs of at least so many rows."""

    @abstractmethod
    def key_frame(self, keys: tuple[Hashable, ...]) -> pd.DataFrame:
        """Return a frame with the keys among its columns or the levels of its index."""

    @abstractmethod
    def allocate(self, count: int, dtype: np.dtype) -> NewColumns:
        """Return that many new columns, uninitialized."""

    @abstractmethod
    def with_numbers(
        self, columns: pd.Index, numbers: NewNumbers, has_no_group: np.ndarray | None = None
    ) -> Self:
        """Return the frame with new numbers; `has_no_group` rows become NaN."""

    def to_numpy(self, columns: pd.Index) -> np.ndarray:
        out = np.empty((int(self.rows), len(columns)))
        for group in self.groups(columns):
            if group.matrix is not None:
                out[:, group.features] = group.matrix
            for slab in group.slabs:
                out[slab.rows, slab.features] = with_nan(*slab.read())
        return out

    def summarize(self, table: Table, reducer: Reducer, weights: Any) -> Records | GroupRecords:
        if table.keys:
            return _summarize_groups(self, table, reducer, weights)
        total = reducer.empty((0, len(table.columns)))
        groups = _groups(self, table, reducer)
        if len(groups) == 1 and groups[0].matrix is not None:
            return summarize(groups[0].matrix, reducer, weights)
        _add_groups(groups, total, reducer, weights)
        return total

    def transform(self, table: Table, affine: Any, kernel: Kernel, dtype: np.dtype | None) -> Table:
        if table.keys:
            return _transform_groups(self, table, affine, kernel, dtype)
        affine = np.broadcast_to(affine, (1, len(table.columns)))
        column_slabs: list[ColumnSlab] = []
        numbers: list[tuple[np.ndarray, NewColumns]] = []
        for group in self.groups(table.columns):
            out_dtype = dtype or float_dtype(group.dtype)
            if group.matrix is None:
                out = self.allocate(len(group.features), out_dtype)
                column_slabs += group.slabs
            else:
                out = transform(group.matrix, affine[:, group.features], kernel, out_dtype).T
            numbers.append((group.features, out))
        by_feature = {
            int(feature): column
            for features, out in numbers
            for feature, column in zip(features, out, strict=True)
        }
        transform_slabs(column_slabs, affine, kernel, by_feature)
        return replace(table, source=self.with_numbers(table.columns, numbers))


@summarize.register(Table)
def _(block: Table, reducer: Reducer, weights: Weights = None) -> Records | GroupRecords:
    return block.source.summarize(block, reducer, weights)


@add.register(Table)
def _(
    block: Table, total: Records | GroupRecords, reducer: Reducer, weights: Weights = None
) -> None:
    if isinstance(total, GroupRecords):
        total.join(summarize(block, reducer, weights), reducer.statistic)
    elif isinstance(block.source, MemorySource):
        _add_groups(_groups(block.source, block, reducer), total, reducer, weights)
    else:
        reducer.join(total, summarize(block, reducer, weights))


@transform.register(Table)
def _(block: Table, affine: Any, kernel: Kernel, dtype: np.dtype | None) -> Table:
    return block.source.transform(block, affine, kernel, dtype)


# -- columns, reduced over all rows ---------------------------------------------------------------


def _groups(source: MemorySource, table: Table, reducer: Reducer) -> list[ColumnGroup]:
    if 0 not in reducer.axes:
        raise ValueError(
            "the rows of a frame cannot keep statistics of their own; adapt on an array of them, "
            "such as df.to_numpy()"
        )
    return source.groups(table.columns)


def _add_groups(
    groups: list[ColumnGroup], total: Records, reducer: Reducer, weights: Weights
) -> None:
    """Merge columns into the records of a table, in place: matrices first, then slabs."""
    for group in groups:
        if group.matrix is not None:
            where = slice(None) if 1 in reducer.axes else group.features
            records = total[:, where]
            reducer.join(records, summarize(group.matrix, reducer, weights))
            total[:, where] = records
    add_slabs([slab for group in groups for slab in group.slabs], total, reducer, weights)


# -- rows in groups: rows with equal keys are summarized together and mapped alike ----------------


def _summarize_groups(
    source: MemorySource, table: Table, reducer: Reducer, weights: Weights
) -> GroupRecords:
    codes, labels = number_rows(source.key_frame(table.keys), table.keys)
    statistic = reducer.statistic
    records = np.zeros((len(labels), len(table.columns)), statistic.dtype)
    weights = None if weights is None else np.reshape(weights, -1)

    def add_column(features: slice) -> None:
        (feature,) = range(*features.indices(len(table.columns)))
        total = np.zeros(len(labels), statistic.dtype)
        # Records are merged after each slab, which should be worth it if there are many groups.
        for rows, (values, missing) in source.numbers(table.columns, feature, 4 * len(labels)):
            row_weights = part_of(weights, rows)
            add_by_group(total, values, missing, codes[rows], statistic, row_weights)
        records[:, feature] = total

    slabs.map_slabs(add_column, slabs.cut_axis(len(table.columns)))
    merged = statistic.merge(records, (1,)) if 1 in reducer.axes else records
    return GroupRecords(labels, merged[:, None])


def _transform_groups(
    source: MemorySource, table: Table, affine: GroupMaps, kernel: Kernel, dtype: np.dtype | None
) -> Table:
    codes, labels = number_rows(source.key_frame(table.keys), table.keys)
    map_positions = np.append(affine.find(labels), -1)[codes]
    by_group, dtypes = affine.affine[:, 0], table.dtypes
    maps = np.full((len(by_group) + 1, len(table.columns)), np.nan, by_group.dtype)
    maps[:-1] = by_group  # and the last ones are of rows of no group

    def transform_column(features: slice) -> np.ndarray:
        (feature,) = range(*features.indices(len(table.columns)))
        column_maps = np.ascontiguousarray(maps[:, feature])
        out = np.empty(len(codes), dtype or float_dtype(dtypes[feature]))
        for rows, (values, missing) in source.numbers(table.columns, feature):
            where = (
                map_positions[rows]
                if missing is None
                else np.where(missing, -1, map_positions[rows])
            )
            kernels.map_by_group(kernel, values, column_maps, where, out[rows])
        return out

    features = np.arange(len(table.columns))
    columns = slabs.map_slabs(transform_column, slabs.cut_axis(len(features)))
    numbers = source.with_numbers(table.columns, [(features, columns)], map_positions < 0)
    return replace(table, source=numbers)
