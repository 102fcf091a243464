"""`PandasSource`: the columns of a pandas frame, or of a Dask frame a partition at a time.

Used by chunks.maps and containers.pandas. To support another type of column, add a function to
`_reader`.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.blocks import slabs
from dasknorm.blocks.arrays import float_dtype, numpy_dtype
from dasknorm.blocks.columns import (
    ColumnGroup,
    ColumnSlab,
    Numbers,
    Reader,
    cut_columns,
    stack_columns,
)
from dasknorm.blocks.group_labels import is_column
from dasknorm.blocks.tables import MemorySource, NewColumns, NewNumbers
from dasknorm.errors import MismatchError

INTEGERS = (pd.arrays.IntegerArray, pd.arrays.BooleanArray)

_COPIES_ON_WRITE = int(pd.__version__.split(".")[0]) >= 3
"""Whether unchanged columns may be shared: pandas 2 would write to the columns of the input."""


@dataclass(frozen=True)
class PandasSource(MemorySource):
    """The columns of a pandas or Dask frame; a Dask frame is read a partition at a time."""

    frame: Any

    @property
    def rows(self) -> float:
        return len(self.frame) if isinstance(self.frame, pd.DataFrame) else float("nan")

    def dtypes(self, columns: pd.Index) -> list[object]:
        return list(self.frame.dtypes.to_numpy()[_positions(self.frame, columns)])

    def has_column(self, name: Hashable) -> bool:
        return is_column(self.frame.columns, name)

    def groups(self, columns: pd.Index) -> list[ColumnGroup]:
        positions = _positions(self.frame, columns)
        by_dtype: dict[object, list[int]] = {}
        for feature, dtype in enumerate(self.dtypes(columns)):
            by_dtype.setdefault(dtype, []).append(feature)
        return [
            self._group(dtype, np.array(features), positions[features])
            for dtype, features in by_dtype.items()
        ]

    def numbers(
        self, columns: pd.Index, feature: int, least_rows: int = 0
    ) -> Iterator[tuple[slice, Numbers]]:
        (position,) = _positions(self.frame, columns[[feature]])
        column = self.frame.iloc[:, position]
        read = _reader(column)
        step = max(slabs.CONVERTED_ELEMENTS, least_rows)
        if isinstance(column.dtype, np.dtype):
            step = max(len(column), 1)
        for start in range(0, len(column), step):
            part = slice(start, start + step)
            yield part, read(part)

    def key_frame(self, keys: tuple[Hashable, ...]) -> pd.DataFrame:
        return self.frame

    def allocate(self, count: int, dtype: np.dtype) -> NewColumns:
        return np.empty((count, len(self.frame)), dtype)

    def with_numbers(
        self, columns: pd.Index, numbers: NewNumbers, has_no_group: np.ndarray | None = None
    ) -> "PandasSource":
        positions, dtypes = _positions(self.frame, columns), self.frame.dtypes.array
        matrix = numbers[0][1] if len(numbers) == 1 else None
        if isinstance(matrix, np.ndarray) and self._is_whole(dtypes[0], positions):
            return replace(self, frame=self._like(matrix.T))
        result = self.frame.copy(deep=False)
        for features, new in numbers:
            for position, values in zip(positions[features], new, strict=True):
                # A Series is taken as it is; a bare array pandas would copy.
                column = _column(values, dtypes[position])
                result.isetitem(position, pd.Series(column, result.index, copy=False))
        if not _COPIES_ON_WRITE:
            for position in {*range(result.shape[1])} - {*positions.tolist()}:
                result.isetitem(position, result.iloc[:, position].copy())
        return replace(self, frame=result)

    def _group(self, dtype: object, features: np.ndarray, positions: np.ndarray) -> ColumnGroup:
        matrix = self._matrix(dtype, positions)
        if matrix is not None:
            return ColumnGroup(features, dtype, matrix)
        return ColumnGroup(features, dtype, slabs=list(self._slabs(dtype, features, positions)))

    def _is_whole(self, dtype: object, positions: np.ndarray) -> bool:
        """Check whether the frame is nothing but these columns of one NumPy dtype, in order."""
        return isinstance(dtype, np.dtype) and np.array_equal(
            positions, np.arange(self.frame.shape[1])
        )

    def _like(self, matrix: np.ndarray) -> pd.DataFrame:
        """Return a matrix as a frame with the labels of this one."""
        result = pd.DataFrame(matrix, self.frame.index, self.frame.columns, copy=False)
        result.attrs.update(self.frame.attrs)
        return result

    def _matrix(self, dtype: object, positions: np.ndarray) -> np.ndarray | None:
        """Return columns as the matrix that they are in memory, or a small copy, else None."""
        along = _along(positions)
        small = len(self.frame) * len(positions) <= slabs.CONVERTED_ELEMENTS
        if not isinstance(dtype, np.dtype) or (along is None and not small):
            return None
        if self._is_whole(dtype, positions):
            columns = self.frame
        else:
            columns = self.frame.iloc[:, positions if along is None else along]
        return columns.to_numpy() if small or _is_one(columns) else None

    def _slabs(
        self, dtype: object, features: np.ndarray, positions: np.ndarray
    ) -> Iterator[ColumnSlab]:
        """Cut columns of one dtype into slabs of rows; short columns share a slab."""
        rows, count = len(self.frame), len(features)
        step = slabs.CONVERTED_ELEMENTS
        width = max(1, step // max(rows, 1))
        if isinstance(dtype, np.dtype):
            # Contiguous columns are read in place, and contiguous rows with all their columns.
            column = self.frame.iloc[:2, positions[0]].to_numpy()
            if column.strides[0] == column.itemsize:
                step = slabs.COLUMN_ROWS
            else:
                width, step = count, max(1, step // count)
        for part in (slice(i, i + width) for i in range(0, count, width)):
            read = self._group_reader(dtype, positions[part])
            yield from cut_columns(features[part], rows, step, numpy_dtype(dtype).itemsize, read)

    def _group_reader(self, dtype: object, positions: np.ndarray) -> Reader:
        if isinstance(dtype, np.dtype) and len(positions) > 1:
            return lambda rows: (self.frame.iloc[rows, positions].to_numpy(), None)
        readers = [_reader(self.frame.iloc[:, i]) for i in positions]
        return lambda rows: stack_columns([read(rows) for read in readers])


def in_order(frame: pd.DataFrame, columns: pd.Index) -> pd.DataFrame:
    """Return a frame with these columns, found by name, in this order."""
    if frame.columns.equals(columns):
        return frame
    return frame.iloc[:, _positions(frame, columns)]


def _positions(frame: pd.DataFrame, columns: pd.Index) -> np.ndarray:
    """Return the positions of columns in a frame; MismatchError if one is missing."""
    if frame.columns is columns:
        return np.arange(len(columns))
    positions = np.asarray(frame.columns.get_indexer(columns))
    if (positions < 0).any():
        raise MismatchError(
            f"columns {list(columns[positions < 0])} are missing; found {list(frame.columns)}"
        )
    return positions


def _is_one(columns: pd.DataFrame) -> bool:
    """Return whether columns are one matrix in memory, which pandas returns without a copy."""
    first = columns.iloc[:1]
    return np.may_share_memory(first.to_numpy(), first.iloc[:, 0].to_numpy())


def _along(positions: np.ndarray) -> slice | None:
    """Return a slice that selects these positions, if they are evenly spaced."""
    steps = np.unique(np.diff(positions))
    if len(steps) > 1 or (steps <= 0).any():
        return None
    return slice(positions[0], positions[-1] + 1, *steps)


# -- kinds of columns -----------------------------------------------------------------------------


def _reader(column: pd.Series) -> Reader:
    """Return the function that reads rows of a column."""
    array = column.array
    if isinstance(column.dtype, np.dtype):
        return partial(_plain, column.to_numpy())
    if isinstance(column.dtype, pd.ArrowDtype):
        from dasknorm.blocks import arrow_tables  # needs pyarrow, which Arrow columns have

        return partial(arrow_tables.read_numbers, _chunked(array))
    if isinstance(array, INTEGERS):
        return partial(_masked, array, numpy_dtype(column.dtype))
    if isinstance(array, pd.arrays.SparseArray):
        return lambda rows: (np.asarray(array[rows]), None)
    return partial(_floats, array, float_dtype(column.dtype))


def _plain(values: np.ndarray, rows: slice) -> Numbers:
    return values[rows], None


def _masked(array: Any, dtype: np.dtype, rows: slice) -> Numbers:
    part = array[rows]
    missing = part.isna()
    return part.to_numpy(dtype, na_value=0), missing if missing.any() else None


def _floats(array: Any, dtype: np.dtype, rows: slice) -> Numbers:
    return array[rows].to_numpy(dtype, na_value=np.nan), None


def _chunked(array: Any) -> Any:
    import pyarrow

    arrow_array = pyarrow.array(array)  # without a copy, in one chunk or several
    if isinstance(arrow_array, pyarrow.ChunkedArray):
        return arrow_array
    return pyarrow.chunked_array([arrow_array])


def _column(values: np.ndarray, dtype: object) -> Any:
    """Return normalized values as the kind of column they came from; NaN is NA again."""
    if isinstance(dtype, (np.dtype, pd.SparseDtype)):
        return values
    if isinstance(dtype, pd.ArrowDtype):
        from dasknorm.blocks import arrow_tables  # needs pyarrow, which Arrow columns have

        missing = np.isnan(values)
        nulls = missing if missing.any() else None
        return pd.arrays.ArrowExtensionArray(arrow_tables.make_array(values, nulls))
    if values.dtype == np.float16:  # pandas has no nullable kind of it
        values = values.astype("f4")
    return pd.arrays.FloatingArray(values, np.isnan(values))
