"""Table: some columns of a frame, seen as one two-dimensional block of mixed dtypes."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.blocks.arrays import (
    Kernel,
    add,
    float_dtype,
    numpy_dtype,
    summarize,
    transform,
)
from dasknorm.blocks.columns import ColumnSlab, Numbers, add_pieces, map_pieces
from dasknorm.blocks.pandas_columns import Group, numbers
from dasknorm.errors import MismatchError
from dasknorm.statistics.base import Records
from dasknorm.statistics.reducer import Reducer

__all__ = ["Table", "column", "in_order", "with_columns"]

_COPIES_ON_WRITE = int(pd.__version__.split(".")[0]) >= 3
"""Whether columns that ride along may be shared: pandas 2 would write to those that were given."""


@dataclass(frozen=True)
class Table:
    """Some columns of a pandas or Dask frame, as one two-dimensional array of mixed dtypes."""

    frame: Any
    columns: pd.Index

    @property
    def shape(self) -> tuple[float, int]:
        """Rows and columns; the rows of a Dask frame are not known (NaN)."""
        rows = len(self.frame) if isinstance(self.frame, pd.DataFrame) else float("nan")
        return rows, len(self.columns)

    @property
    def dtypes(self) -> list[Any]:
        """The dtype of each column."""
        kinds = self.frame.dtypes.to_numpy()
        return list(kinds[_positions(self.frame, self.columns)])

    @property
    def nbytes(self) -> float:
        """The bytes of the numbers, as if of NumPy's dtypes; not known (NaN) of a Dask frame."""
        return self.shape[0] * sum(numpy_dtype(dtype).itemsize for dtype in self.dtypes)

    @property
    def read_columns(self) -> list[Hashable]:
        """The columns that have to be read."""
        return list(self.columns)

    @property
    def ndim(self) -> int:
        return 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that holds every column."""
        kinds = {numpy_dtype(dtype) for dtype in set(self.dtypes)}
        return np.result_type(*kinds) if kinds else np.dtype("f8")


def in_order(frame: pd.DataFrame, columns: pd.Index) -> pd.DataFrame:
    """Return a frame with these columns, found by name, in this order."""
    if frame.columns.equals(columns):
        return frame
    return frame.iloc[:, _positions(frame, columns)]


@summarize.register(Table)
def _(
    block: Table,
    reducer: Reducer,
    weights: np.ndarray | None = None,
) -> Records:
    if 0 in reducer.axes and len(groups := _groups(block)) == 1:
        matrix = groups[0].matrix()
        if matrix is not None:
            return summarize(matrix, reducer, weights)
    total = reducer.empty((len(block.frame), len(block.columns)))
    add(block, total, reducer, weights)
    return total


@add.register(Table)
def _(
    block: Table,
    total: Records,
    reducer: Reducer,
    weights: np.ndarray | None = None,
) -> None:
    if 0 not in reducer.axes:
        raise ValueError(
            "the rows of a frame cannot keep statistics of their own; adapt on df.to_numpy()"
        )
    cut: list[ColumnSlab] = []
    for group in _groups(block):
        matrix = group.matrix()
        if matrix is None:
            cut += group.pieces()
            continue
        where = slice(None) if 1 in reducer.axes else group.features
        own = total[:, where]
        reducer.join(own, summarize(matrix, reducer, weights))
        total[:, where] = own
    add_pieces(cut, total, reducer, weights)


@transform.register(Table)
def _(block: Table, affine: Records, kernel: Kernel, dtype: np.dtype[Any] | None) -> Table:
    affine = np.broadcast_to(affine, (1, len(block.columns)))
    groups = _groups(block)
    columns: dict[int, np.ndarray] = {}
    cut: list[ColumnSlab] = []
    for group in groups:
        matrix, kind = group.matrix(), dtype or float_dtype(group.dtype)
        if matrix is None:
            out = np.empty((len(group.features), len(block.frame)), kind).T
            cut += group.pieces()
        else:
            out = transform(matrix, affine[:, group.features], kernel, kind)
        columns |= dict(zip(group.features.tolist(), out.T, strict=True))
    map_pieces(cut, affine, kernel, columns)
    if len(groups) == 1 and groups[0].is_whole:
        return replace(block, frame=_like(block.frame, out))
    return with_columns(block, columns)


def with_columns(block: Table, columns: Mapping[int, np.ndarray]) -> Table:
    """Return the table with new numbers in its columns, each in the kind of column it was."""
    result = block.frame.copy(deep=False)
    positions, kinds = _positions(block.frame, block.columns), block.frame.dtypes.array
    for feature, values in columns.items():
        position = positions[feature]
        # A Series is taken as it is; a bare array pandas would copy.
        column = _column(values, kinds[position])
        result.isetitem(position, pd.Series(column, result.index, copy=False))
    if not _COPIES_ON_WRITE:
        for position in {*range(result.shape[1])} - {*positions.tolist()}:
            result.isetitem(position, result.iloc[:, position].copy())
    return replace(block, frame=result)


def column(block: Table, feature: int, rows: int) -> Iterator[tuple[slice, Numbers]]:
    """Yield the numbers of one column: at once as they lie in memory, or some rows at a time."""
    (position,) = _positions(block.frame, block.columns[[feature]])
    return numbers(block.frame.iloc[:, position], rows)


def _like(frame: pd.DataFrame, values: np.ndarray) -> pd.DataFrame:
    """Return a matrix as a frame like the one it was read of."""
    result = pd.DataFrame(values, frame.index, frame.columns, copy=False)
    result.attrs.update(frame.attrs)
    return result


def _groups(table: Table) -> list[Group]:
    """Split a table into columns of one dtype, found by name."""
    positions = _positions(table.frame, table.columns)
    by_dtype: dict[Any, list[int]] = {}
    for feature, dtype in enumerate(table.dtypes):
        by_dtype.setdefault(dtype, []).append(feature)
    return [
        Group(table.frame, dtype, np.array(features), positions[features])
        for dtype, features in by_dtype.items()
    ]


def _positions(frame: pd.DataFrame, columns: pd.Index) -> np.ndarray:
    """Return where columns stand in a frame; MismatchError if one is missing."""
    if frame.columns is columns:
        return np.arange(len(columns))
    positions = np.asarray(frame.columns.get_indexer(columns))
    if (positions < 0).any():
        raise MismatchError(
            f"columns {list(columns[positions < 0])} are missing; found {list(frame.columns)}"
        )
    return positions


def _column(values: np.ndarray, dtype: Any) -> Any:
    """Return normalized values as the kind of column they came from; NaN is NA again."""
    if isinstance(dtype, (np.dtype, pd.SparseDtype)):
        return values
    if isinstance(dtype, pd.ArrowDtype):
        from dasknorm.blocks import arrow_arrays  # which needs pyarrow: there is an Arrow column

        missing = np.isnan(values)
        nulls = missing if missing.any() else None
        return pd.arrays.ArrowExtensionArray(arrow_arrays.array_of(values, nulls))
    if values.dtype == np.float16:  # pandas has no nullable kind of it
        values = values.astype("f4")
    return pd.arrays.FloatingArray(values, np.isnan(values))
