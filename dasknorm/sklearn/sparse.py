"""Sparse matrices of scipy: moments of the values stored, merged with the count of the zeros."""

from typing import Any

import numpy as np
from scipy.sparse import csc_array

from dasknorm import kernels
from dasknorm.api.stats import Stats
from dasknorm.blocks import float_dtype, is_numeric
from dasknorm.fields import State, checks
from dasknorm.statistics import Moments

__all__ = ["inverse", "moments", "normalize"]


def moments(X: Any, weights: np.ndarray | None) -> Stats:
    """Learn the moments of each column, implicit zeros included, without making them."""
    _refuse_others(X)
    stored = csc_array(X)
    if not stored.has_canonical_format:
        stored = stored.copy()  # it may share its memory with X
        stored.sum_duplicates()
    beside = None if weights is None else weights[stored.indices]
    records = _of_columns(stored.data, stored.indptr, beside)
    records = kernels.merge(records, _of_zeros(stored, weights, beside))
    state = State(records, (-1,), {}, (-1,), statistic=Moments())
    checks.check_valid({None: state})
    attrs = {"runs": [{"dtypes": {"None": str(X.dtype)}, "over": ["-2"], "range": {}}]}
    return Stats({None: state}, "numpy.ndarray", attrs)


def normalize(X: Any, scale: np.ndarray, *, copy: bool) -> Any:
    """Return a sparse matrix whose columns are divided by their scales."""
    return _mapped(X, scale, np.divide, copy)


def inverse(X: Any, scale: np.ndarray, *, copy: bool) -> Any:
    """Return a sparse matrix whose columns are multiplied by their scales."""
    return _mapped(X, scale, np.multiply, copy)


def _mapped(X: Any, scale: np.ndarray, operation: np.ufunc, copy: bool) -> Any:
    _refuse_others(X)
    X = X if X.format in ("csr", "csc") else X.tocsr()
    dtype = float_dtype(X.dtype)
    if copy or X.dtype != dtype or not X.data.flags.writeable:
        X = X.astype(dtype, copy=True)
    columns = X.indices if X.format == "csr" else np.repeat(np.arange(X.shape[1]), _counts(X))
    X.data[...] = operation(X.data, scale[columns])
    return X


def _of_columns(values: np.ndarray, starts: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Summarize runs of values, those of about the same length side by side in one block."""
    lengths = np.diff(starts)
    records = np.zeros(len(lengths), kernels.RECORD)
    wide = np.ceil(np.log2(np.maximum(lengths, 1))).astype(int)  # a block is at least half full
    for power in np.unique(wide[lengths > 0]):
        columns = np.flatnonzero((wide == power) & (lengths > 0))
        places = np.arange(lengths[columns].max())
        inside = places < lengths[columns, None]
        at = np.where(inside, starts[columns, None] + places, 0)
        block = np.where(inside, values[at], np.nan)
        beside = None if weights is None else np.where(inside, weights[at], 0.0)
        records[columns] = kernels.moments(block, (1,), beside)[:, 0]
        records["missing"][columns] = _missing(values[at], inside, beside)
    return records


def _missing(values: np.ndarray, inside: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    gaps = np.isnan(values) & inside
    return (gaps if weights is None else gaps * weights).sum(axis=1)


def _of_zeros(stored: Any, weights: np.ndarray | None, beside: np.ndarray | None) -> np.ndarray:
    """Return a record for the zeros of each column: how many there are, or what they weigh."""
    counts = _counts(stored)
    zeros = np.zeros(stored.shape[1], kernels.RECORD)
    if weights is None or beside is None:
        zeros["count"] = stored.shape[0] - counts
        return zeros
    columns = np.repeat(np.arange(stored.shape[1]), counts)
    counted = np.bincount(columns, beside > 0, stored.shape[1])
    weighed = np.bincount(columns, beside, stored.shape[1])
    # Where no zero weighs anything, a rounded difference must not say that one does.
    some = counted < np.count_nonzero(weights)
    zeros["count"] = np.where(some, np.maximum(weights.sum() - weighed, 0.0), 0.0)
    return zeros


def _counts(X: Any) -> np.ndarray:
    return np.diff(X.indptr)


def _refuse_others(X: Any) -> None:
    if not is_numeric(X.dtype):
        raise TypeError(f"dtype {X.dtype} is not one of real numbers; cast it with astype(float)")
