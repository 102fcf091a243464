"""Pieces: rows of columns of one dtype, as they are handed to a kernel, by all cores.

What stands in columns, in pandas or in Arrow, is read a piece at a time: its numbers, and where
there are none. A piece lies in memory as it is or is a copy of a slab, so that no more than that is
ever held beside the columns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dasknorm.blocks import threads
from dasknorm.blocks.arrays import Kernel, float_dtype
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records
from dasknorm.statistics.reducer import Reducer

__all__ = ["LONG", "ColumnSlab", "Numbers", "add_by_group", "add_pieces", "map_pieces", "with_nan"]

LONG = 1 << 20
"""Rows at a time of a column read where it lies: each call costs as much as 100,000 of them."""

EXACT = 1 << 53
"""Integers up to here are float64 too."""

Numbers = tuple[np.ndarray, np.ndarray | None]
"""An array of numbers, and one of True where there is none, whatever stands there; None if all."""


@dataclass(frozen=True)
class ColumnSlab:
    """Some rows of columns of one dtype.

    Parameters
    ----------
    features : ndarray of int
        Where the columns stand in their table.
    rows : slice
    nbytes : int
        Of the numbers.
    read : callable
        Returns the `Numbers`, in two dimensions.
    """

    features: np.ndarray
    rows: slice
    nbytes: int
    read: Callable[[], Numbers]


def add_pieces(
    every: Sequence[ColumnSlab],
    total: Records,
    reducer: Reducer,
    weights: np.ndarray | None = None,
) -> None:
    """Merge pieces of a table into its records, in place, each core a share of them."""

    def share(some: slice) -> tuple[np.ndarray, Records]:
        # Of the share's own columns only: of a wide table, each has few.
        features = np.unique(np.concatenate([piece.features for piece in every[some]]))
        part = reducer.empty((0, len(features)))
        for piece in every[some]:
            _add(piece, part, np.searchsorted(features, piece.features), reducer, weights)
        return features, part

    for features, part in threads.each(share, _shares(every)):
        where = slice(None) if 1 in reducer.axes else features
        own = total[:, where]
        reducer.join(own, part)
        total[:, where] = own


def map_pieces(
    every: Sequence[ColumnSlab],
    affine: Records,
    kernel: Kernel,
    out: Mapping[int, np.ndarray] | Sequence[np.ndarray],
) -> None:
    """Map pieces into columns, through the only row of `affine`; what is missing becomes NaN."""

    def share(some: slice) -> None:
        for piece in every[some]:
            _map(piece, affine[:, piece.features], kernel, [out[f] for f in piece.features])

    threads.each(share, _shares(every))


def add_by_group(
    total: Records,
    values: np.ndarray,
    missing: np.ndarray | None,
    codes: np.ndarray,
    statistic: Statistic,
    weights: np.ndarray | None = None,
) -> None:
    """Merge some rows of a column into the records of the groups that their codes name."""
    for rows, some in _apart(values, missing):
        statistic.add_by_group(total, some, codes[rows], None if weights is None else weights[rows])


def with_nan(values: np.ndarray, missing: np.ndarray | None) -> np.ndarray:
    """Return numbers as floats that have NaN where there is none, or as they are if all are."""
    if missing is None:
        return values
    values = values.astype(float_dtype(values.dtype))
    _blot(values, missing)
    return values


def _add(
    piece: ColumnSlab,
    total: Records,
    features: np.ndarray,
    reducer: Reducer,
    weights: np.ndarray | None = None,
) -> None:
    """Merge one piece into the records of a table, where its columns have theirs."""
    where = slice(None) if 1 in reducer.axes else features
    own = total[:, where]
    values, missing = piece.read()
    beside = None if weights is None else weights[piece.rows]
    if missing is None or not _rounds(values):
        reducer.add(own, with_nan(values, missing), beside)
    else:
        for i in range(values.shape[1]):
            column = own if 1 in reducer.axes else own[:, i : i + 1]
            for rows, some in _apart(values[:, i], missing[:, i]):
                reducer.add(column, some[:, None], None if beside is None else beside[rows])
    total[:, where] = own


def _apart(
    values: np.ndarray, missing: np.ndarray | None
) -> Iterator[tuple[slice | np.ndarray, np.ndarray]]:
    """Yield the numbers of a column, NaN where there are none, and the rows they are of.

    Integers that a float would round come as they are, and the NaN by themselves.
    """
    if missing is None or not _rounds(values):
        yield slice(None), with_nan(values, missing)
        return
    yield ~missing, values[~missing]
    yield missing, np.full(int(missing.sum()), np.nan)


def _map(piece: ColumnSlab, affine: Records, kernel: Kernel, out: list[np.ndarray]) -> None:
    values, missing = piece.read()
    into = out[0][piece.rows, None] if len(out) == 1 else None
    # What stands where there is no number is mapped too, whatever it is.
    with np.errstate(all="ignore"):
        result = kernel(values, affine, out[0].dtype, into)
    if missing is not None:
        _blot(result, missing)
    if into is None:
        for column, mapped in zip(out, result.T, strict=True):
            column[piece.rows] = mapped


def _blot(values: np.ndarray, missing: np.ndarray) -> None:
    """Make floats NaN where they are missing, in place."""
    # All bits set are a NaN, whatever stood there: a masked copy takes three times as long.
    bits = values.view(f"i{values.itemsize}")
    np.bitwise_or(bits, np.negative(missing.view("i1")), out=bits)


def _shares(some: Sequence[ColumnSlab]) -> list[slice]:
    """Share pieces out: each share is some that follow each other, of a thread's slab in bytes."""
    before = np.cumsum([0, *(piece.nbytes for piece in some)])[:-1]
    cuts = np.flatnonzero(np.diff(before // threads.SLAB_BYTES)) + 1
    ends = [0, *cuts.tolist(), len(some)]
    return [slice(first, last) for first, last in pairwise(ends) if first < last]


def _rounds(values: np.ndarray) -> bool:
    """Whether there are integers that a float, to have NaN among them, would round."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or not values.size:
        return False
    return int(values.max()) > EXACT or int(values.min()) < -EXACT
