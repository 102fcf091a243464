"""Sparse matrices of SciPy: moments of the stored values, merged with the number of zeros.

Used by `sklearn.states` and `sklearn.transforms`. The sizes of blocks can change without other
changes.

A matrix is not registered as a container, because centring it would store its zeros.
"""

from typing import Any

import numpy as np
from scipy.sparse import csc_array

from dasknorm import kernels
from dasknorm.blocks import float_dtype, is_numeric
from dasknorm.fields import State
from dasknorm.statistics import Moments


def summarize(matrix: Any, weights: np.ndarray | None = None) -> State:
    """Return the moments of each column, implicit zeros included, without storing the zeros."""
    _check_numeric(matrix)
    stored = csc_array(matrix)
    if not stored.has_canonical_format:
        stored = stored.copy()  # it may share its memory with the matrix
        stored.sum_duplicates()
    value_weights = None if weights is None else weights[stored.indices]
    records = _summarize_columns(stored.data, stored.indptr, value_weights)
    records = kernels.merge(records, _summarize_zeros(stored, weights, value_weights))
    return State(records, (-1,), {}, (-1,), statistic=Moments())


def scale_columns(matrix: Any, scale: np.ndarray, operation: np.ufunc, copy: bool) -> Any:
    """Return a sparse matrix whose columns are divided or multiplied by their scales."""
    _check_numeric(matrix)
    result = matrix if matrix.format in ("csr", "csc") else matrix.tocsr()
    dtype = float_dtype(result.dtype)
    if copy or result.dtype != dtype or not result.data.flags.writeable:
        result = result.astype(dtype, copy=True)
    if result.format == "csr":
        columns = result.indices
    else:
        columns = np.repeat(np.arange(result.shape[1]), np.diff(result.indptr))
    result.data[...] = operation(result.data, scale[columns])
    return result


def _summarize_columns(
    values: np.ndarray, starts: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:
    """Summarize columns of stored values; those of about the same length form one block."""
    lengths = np.diff(starts)
    records = np.zeros(len(lengths), kernels.RECORD)
    log_lengths = np.ceil(np.log2(np.maximum(lengths, 1))).astype(int)  # a block is half full
    for log_length in np.unique(log_lengths[lengths > 0]):
        columns = np.flatnonzero((log_lengths == log_length) & (lengths > 0))
        rows = np.arange(lengths[columns].max())
        is_stored = rows < lengths[columns, None]
        positions = np.where(is_stored, starts[columns, None] + rows, 0)
        block = np.where(is_stored, values[positions], np.nan)
        block_weights = None if weights is None else np.where(is_stored, weights[positions], 0.0)
        records[columns] = kernels.moments(block, (1,), block_weights)[:, 0]
        is_missing = np.isnan(values[positions]) & is_stored
        missing = is_missing if block_weights is None else is_missing * block_weights
        records["missing"][columns] = missing.sum(axis=1)
    return records


def _summarize_zeros(
    stored: Any, weights: np.ndarray | None, value_weights: np.ndarray | None
) -> np.ndarray:
    """Return a record for the zeros of each column: their number, or their total weight."""
    counts = np.diff(stored.indptr)
    zeros = np.zeros(stored.shape[1], kernels.RECORD)
    if weights is None or value_weights is None:
        zeros["count"] = stored.shape[0] - counts
        return zeros
    columns = np.repeat(np.arange(stored.shape[1]), counts)
    counts = np.bincount(columns, value_weights > 0, stored.shape[1])
    totals = np.bincount(columns, value_weights, stored.shape[1])
    # If no zero has a weight, a rounded difference must not give it one.
    has_zeros = counts < np.count_nonzero(weights)
    zeros["count"] = np.where(has_zeros, np.maximum(weights.sum() - totals, 0.0), 0.0)
    return zeros


def _check_numeric(matrix: Any) -> None:
    if not is_numeric(matrix.dtype):
        raise TypeError(
            f"dtype {matrix.dtype} is not one of real numbers; cast it with astype(float)"
        )
