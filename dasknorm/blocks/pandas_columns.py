"""Columns of a pandas frame as pieces of NumPy arrays, whatever kind of column they are.

To let in another kind of column, add a function to `_reader`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.blocks.arrays import SLAB, float_dtype, numpy_dtype
from dasknorm.blocks.columns import LONG, ColumnSlab, Numbers

__all__ = ["Group", "numbers"]

INTEGERS = (pd.arrays.IntegerArray, pd.arrays.BooleanArray)

Reader = Callable[[slice], Numbers]


@dataclass(frozen=True)
class Group:
    """The columns of a table that have one dtype.

    Parameters
    ----------
    frame : pandas.DataFrame
    dtype : numpy or pandas dtype
    features : ndarray of int
        Where the columns stand in the table.
    positions : ndarray of int
        Where they stand in the frame.
    """

    frame: pd.DataFrame
    dtype: Any
    features: np.ndarray
    positions: np.ndarray

    @property
    def is_whole(self) -> bool:
        """Whether the frame is nothing but these columns of NumPy's, in order."""
        every = np.arange(self.frame.shape[1])
        return isinstance(self.dtype, np.dtype) and np.array_equal(self.positions, every)

    def matrix(self) -> np.ndarray | None:
        """Return the columns as the matrix that they are in memory, or a small copy, else None."""
        along = _along(self.positions)
        small = len(self.frame) * len(self.positions) <= SLAB
        if not isinstance(self.dtype, np.dtype) or (along is None and not small):
            return None
        some = self.positions if along is None else along
        columns = self.frame if self.is_whole else self.frame.iloc[:, some]
        return columns.to_numpy() if small or _is_one(columns) else None

    def pieces(self) -> Iterator[ColumnSlab]:
        """Cut the columns into slabs of rows; of short ones, so many as make a slab."""
        rows, count = len(self.frame), len(self.features)
        many, step = max(1, SLAB // max(rows, 1)), SLAB
        if isinstance(self.dtype, np.dtype):
            # A column in one piece is read where it lies; of rows in one piece, all at once.
            many, step = (many, LONG) if self._lies_along() else (count, max(1, SLAB // count))
        size = numpy_dtype(self.dtype).itemsize
        for some in (slice(i, i + many) for i in range(0, count, many)):
            features, read = self.features[some], self._reader(self.positions[some])
            for start in range(0, rows, step):
                part = slice(start, min(start + step, rows))
                nbytes = (part.stop - start) * len(features) * size
                yield ColumnSlab(features, part, nbytes, partial(read, part))

    def _lies_along(self) -> bool:
        first = self.frame.iloc[:2, self.positions[0]].to_numpy()
        return bool(first.strides[0] == first.itemsize)

    def _reader(self, positions: np.ndarray) -> Reader:
        if isinstance(self.dtype, np.dtype) and len(positions) > 1:
            return lambda rows: (self.frame.iloc[rows, positions].to_numpy(), None)
        return partial(_stacked, [_reader(self.frame.iloc[:, i]) for i in positions])


def numbers(column: pd.Series, rows: int) -> Iterator[tuple[slice, Numbers]]:
    """Yield the numbers of one column: at once as they lie in memory, or some rows at a time."""
    read = _reader(column)
    step = max(len(column), 1) if isinstance(column.dtype, np.dtype) else rows
    for start in range(0, len(column), step):
        some = slice(start, start + step)
        yield some, read(some)


def _is_one(columns: pd.DataFrame) -> bool:
    """Whether columns lie in memory as one matrix, which pandas gives without a copy."""
    first = columns.iloc[:1]
    return np.may_share_memory(first.to_numpy(), first.iloc[:, 0].to_numpy())


def _along(positions: np.ndarray) -> slice | None:
    """Return a slice that selects these positions, if they are evenly spaced."""
    steps = np.unique(np.diff(positions))
    if len(steps) > 1 or (steps <= 0).any():
        return None
    return slice(positions[0], positions[-1] + 1, *steps)


def _stacked(readers: list[Reader], rows: slice) -> Numbers:
    """Read columns of one dtype as a matrix, without a copy if there is but one."""
    parts = [read(rows) for read in readers]
    if len(parts) == 1:
        ((values, missing),) = parts
        return values[:, None], None if missing is None else missing[:, None]
    matrix = np.stack([values for values, _ in parts]).T
    if all(missing is None for _, missing in parts):
        return matrix, None
    none = np.zeros(len(matrix), bool)
    return matrix, np.stack([none if missing is None else missing for _, missing in parts]).T


# -- kinds of columns -----------------------------------------------------------------------------


def _reader(column: pd.Series) -> Reader:
    """Return what reads rows of a column of this kind."""
    array = column.array
    if isinstance(column.dtype, np.dtype):
        return partial(_plain, column.to_numpy())
    if isinstance(column.dtype, pd.ArrowDtype):
        return partial(_arrow, _chunked(array))
    if isinstance(array, INTEGERS):
        return partial(_masked, array, numpy_dtype(column.dtype))
    if isinstance(array, pd.arrays.SparseArray):
        return lambda rows: (np.asarray(array[rows]), None)
    return partial(_floats, array, float_dtype(column.dtype))


def _plain(values: np.ndarray, rows: slice) -> Numbers:
    return values[rows], None


def _masked(array: Any, dtype: np.dtype[Any], rows: slice) -> Numbers:
    some = array[rows]
    missing = some.isna()
    return some.to_numpy(dtype, na_value=0), missing if missing.any() else None


def _floats(array: Any, dtype: np.dtype[Any], rows: slice) -> Numbers:
    return array[rows].to_numpy(dtype, na_value=np.nan), None


def _arrow(chunked: Any, rows: slice) -> Numbers:
    from dasknorm.blocks import arrow_arrays  # which needs pyarrow: there is an Arrow column

    some = arrow_arrays.joined(chunked[rows])
    return arrow_arrays.values(some), arrow_arrays.nulls(some) if some.null_count else None


def _chunked(array: Any) -> Any:
    import pyarrow

    whole = pyarrow.array(array)  # its own memory, in one chunk or several
    return whole if isinstance(whole, pyarrow.ChunkedArray) else pyarrow.chunked_array([whole])
