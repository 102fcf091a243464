"""Moments by group of one column of values, each with the number of its group."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dasknorm.kernels import in_numpy
from dasknorm.kernels.block_moments import SMALL, checked_weights, numeric
from dasknorm.kernels.layout import slabs
from dasknorm.kernels.merging import record_target
from dasknorm.kernels.records import Array

__all__ = ["moments_by_group"]


def moments_by_group(out: Array, x: Array, codes: Array, weights: Array | None = None) -> Array:
    """Merge the moments of values into the records of their groups, in place.

    Parameters
    ----------
    out : ndarray of RECORD, shape (groups,)
        Written to.
    x : ndarray of bool, integers, or float16 to float64, shape (n,)
        NaN is counted as missing.
    codes : ndarray of integers, shape (n,)
        For each value the position of its group in `out`; below 0 for none.
    weights : ndarray, shape (n,), optional
        Of at least 0.

    Returns
    -------
    ndarray of RECORD
        `out` itself. Whatever the order of values and however far from 0 their means, the mean is
        within 4 ulp of max(abs(mean), std) and the variance within 16 ulp (weighted: 1e-13).

    Raises
    ------
    IndexError
        If a code is that of no record.
    ValueError
        If shapes differ, or a weight is negative or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import RECORD
    >>> records = np.zeros(2, RECORD)
    >>> _ = moments_by_group(records, np.array([1.0, 5.0, 3.0]), np.array([1, 0, 1]))
    >>> records["count"].tolist(), records["mean"].tolist(), records["m2"].tolist()
    ([1.0, 2.0], [5.0, 2.0], [0.0, 2.0])
    """
    x, codes = numeric(x), np.asarray(codes)
    for beside in (codes, *(() if weights is None else (np.asarray(weights),))):
        if x.ndim != 1 or beside.shape != x.shape:
            raise ValueError(f"values, codes and weights differ: {x.shape} and {beside.shape}")
    weights = None if weights is None else checked_weights(weights, x.shape)
    if codes.size and codes.max() >= len(out):
        raise IndexError(f"group {codes.max()} of only {len(out)}")
    records = np.array(record_target(out, "out"))
    if x.size < SMALL:
        in_numpy.moments_by_group(records, x.astype(x.dtype.newbyteorder("=")), codes, weights)
    else:
        _large(records, x, codes, weights)
    out[...] = records
    return out


def _large(records: Array, x: Array, codes: Array, weights: Array | None) -> None:
    from dasknorm.kernels.compiled import groups  # Numba, half a second, as in block_moments

    sums = np.zeros((len(records), groups.SUMS))
    if weights is not None:
        for values, own, beside in _converted(x, codes, weights):
            groups.anchor(sums, values, own, beside)
        sums[:, groups.N] = 0.0
    for values, own, beside in _converted(x, codes, weights):
        groups.add(sums, values, own, beside)
    groups.settle(records.view("f8").reshape(len(records), -1), sums, _kind(x).type(0))


def _kind(x: Array) -> Any:
    """The dtype that values are converted to: two serve all, and loops compile for no more."""
    wide = x.dtype.kind in "iu" and x.dtype.itemsize == 8
    return x.dtype.newbyteorder("=") if wide else np.dtype("f8")


def _converted(
    x: Array, codes: Array, weights: Array | None
) -> Iterator[tuple[Array, Array, Array | None]]:
    for (rows,) in slabs(x.shape):
        yield (
            np.ascontiguousarray(x[rows], _kind(x)),
            np.ascontiguousarray(codes[rows], np.intp),
            None if weights is None else np.ascontiguousarray(weights[rows], "f8"),
        )
