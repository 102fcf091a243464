"""`ColumnSlab`: rows of columns of one dtype, as kernels read them, on all cores.

Used by blocks.arrow_tables, blocks.pandas_columns and blocks.tables. Columns of pandas or Arrow are
read a slab at a time: the numbers, and a mask of the missing values. A slab is a view of the
columns or a copy, so that no more than a slab per core is ever copied.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from dasknorm.blocks import slabs
from dasknorm.blocks.arrays import float_dtype
from dasknorm.blocks.group_labels import EXACT_INTEGERS
from dasknorm.kernels import Kernel, Weights, part_of
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records, Reducer

Numbers = tuple[np.ndarray, np.ndarray | None]
"""An array of numbers, and a mask that is True for missing values; None if there are none."""

Reader = Callable[[slice], Numbers]


@dataclass(frozen=True)
class ColumnSlab:
    """Some rows of columns of one dtype."""

    features: np.ndarray  # the positions of the columns in their table
    rows: slice
    nbytes: int  # of the numbers
    read: Callable[[], Numbers]  # returns the numbers in two dimensions


@dataclass(frozen=True)
class ColumnGroup:
    """The columns of a table that have one dtype."""

    features: np.ndarray  # the positions of the columns in their table
    dtype: object  # of NumPy or pandas
    matrix: np.ndarray | None = None  # the numbers, if they are one matrix in memory, or few
    slabs: Sequence[ColumnSlab] = ()  # without a matrix, the numbers in slabs


def cut_columns(
    features: np.ndarray, rows: int, step: int, itemsize: int, read: Reader
) -> Iterator[ColumnSlab]:
    """Cut columns into slabs of `step` rows."""
    for start in range(0, rows, step):
        part = slice(start, min(start + step, rows))
        nbytes = (part.stop - start) * len(features) * itemsize
        yield ColumnSlab(features, part, nbytes, partial(read, part))


def stack_columns(columns: Sequence[Numbers]) -> Numbers:
    """Return columns of one dtype as a matrix, without a copy if there is only one."""
    if len(columns) == 1:
        ((values, missing),) = columns
        return values[:, None], None if missing is None else missing[:, None]
    matrix = np.stack([values for values, _ in columns]).T
    if all(missing is None for _, missing in columns):
        return matrix, None
    none = np.zeros(len(matrix), bool)
    return matrix, np.stack([none if missing is None else missing for _, missing in columns]).T


def add_slabs(
    column_slabs: Sequence[ColumnSlab], total: Records, reducer: Reducer, weights: Weights = None
) -> None:
    """Merge slabs of a table into its records, in place, on all cores."""

    def add_share(share: slice) -> tuple[np.ndarray, Records]:
        # Only with the columns of the share, which are few if the table is wide.
        features = np.unique(np.concatenate([slab.features for slab in column_slabs[share]]))
        part = reducer.empty((0, len(features)))
        for slab in column_slabs[share]:
            _add(slab, part, np.searchsorted(features, slab.features), reducer, weights)
        return features, part

    for features, part in slabs.map_slabs(add_share, _shares(column_slabs)):
        where = slice(None) if 1 in reducer.axes else features
        records = total[:, where]
        reducer.join(records, part)
        total[:, where] = records


def transform_slabs(
    column_slabs: Sequence[ColumnSlab],
    affine: Records,
    kernel: Kernel,
    out: Mapping[int, np.ndarray],
) -> None:
    """Map slabs into columns, through the only row of `affine`; missing values become NaN."""

    def transform_share(share: slice) -> None:
        for slab in column_slabs[share]:
            _map(slab, affine[:, slab.features], kernel, [out[f] for f in slab.features])

    slabs.map_slabs(transform_share, _shares(column_slabs))


def add_by_group(
    total: Records,
    values: np.ndarray,
    missing: np.ndarray | None,
    codes: np.ndarray,
    statistic: Statistic,
    weights: Weights = None,
) -> None:
    """Merge rows of a column into the records of the groups with their codes."""
    for rows, part in _exact_parts(values, missing):
        statistic.add_by_group(total, part, codes[rows], part_of(weights, rows))


def with_nan(values: np.ndarray, missing: np.ndarray | None) -> np.ndarray:
    """Return numbers as floats with NaN for missing values, or unchanged if none is missing."""
    if missing is None:
        return values
    values = values.astype(float_dtype(values.dtype))
    _set_nan(values, missing)
    return values


def _add(
    slab: ColumnSlab,
    total: Records,
    features: np.ndarray,
    reducer: Reducer,
    weights: Weights = None,
) -> None:
    """Merge one slab into the records of its columns."""
    where = slice(None) if 1 in reducer.axes else features
    records = total[:, where]
    values, missing = slab.read()
    row_weights = part_of(weights, slab.rows)
    if missing is None or not _has_unsafe_integers(values):
        reducer.add(records, with_nan(values, missing), row_weights)
    else:
        for i in range(values.shape[1]):
            column = records if 1 in reducer.axes else records[:, i : i + 1]
            for rows, part in _exact_parts(values[:, i], missing[:, i]):
                reducer.add(column, part[:, None], part_of(row_weights, rows))
    total[:, where] = records


def _exact_parts(
    values: np.ndarray, missing: np.ndarray | None
) -> Iterator[tuple[slice | np.ndarray, np.ndarray]]:
    """Yield rows and their numbers; large integers, which floats would round, without the NaN."""
    if missing is None or not _has_unsafe_integers(values):
        yield slice(None), with_nan(values, missing)
        return
    yield ~missing, values[~missing]
    yield missing, np.full(int(missing.sum()), np.nan)


def _map(slab: ColumnSlab, affine: Records, kernel: Kernel, out: list[np.ndarray]) -> None:
    values, missing = slab.read()
    into = out[0][slab.rows, None] if len(out) == 1 else None
    # The arbitrary numbers at missing values are mapped too.
    with np.errstate(all="ignore"):
        result = kernel(values, affine, out[0].dtype, into)
    if missing is not None:
        _set_nan(result, missing)
    if into is None:
        for column, mapped in zip(out, result.T, strict=True):
            column[slab.rows] = mapped


def _set_nan(values: np.ndarray, missing: np.ndarray) -> None:
    """Set missing floats to NaN, in place."""
    # A float with all bits set is NaN. A masked copy takes three times as long.
    bits = values.view(f"i{values.itemsize}")
    np.bitwise_or(bits, np.negative(missing.view("i1")), out=bits)


def _shares(column_slabs: Sequence[ColumnSlab]) -> list[slice]:
    """Divide slabs into shares: adjacent slabs, of about a thread's slab in bytes."""
    starts = np.cumsum([0, *(slab.nbytes for slab in column_slabs)])[:-1]
    inner = np.flatnonzero(np.diff(starts // slabs.SLAB_BYTES)) + 1
    ends = [0, *inner.tolist(), len(column_slabs)]
    return [slice(first, last) for first, last in pairwise(ends) if first < last]


def _has_unsafe_integers(values: np.ndarray) -> bool:
    """Check whether there are integers that a float would round."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or not values.size:
        return False
    return int(values.max()) > EXACT_INTEGERS or int(values.min()) < -EXACT_INTEGERS
