"""Extrema of one block: the least and the greatest value, each as two float64.

Used by kernels. Everything except the fields of `EXTREMA`, which files contain, may be changed
here.

The second number is the rest of a 64-bit integer beyond 2^53, and 0 for all other values.
"""

from math import prod
from typing import TypeAlias

import numpy as np

from dasknorm.kernels.inputs import (
    Array,
    Axes,
    Weights,
    as_numeric,
    as_weights,
    normalize_axes,
    reduced_shape,
)

#: Count, weight of missing values, and the two ends with their rests.
EXTREMA = np.dtype(
    [(name, "<f8") for name in ("count", "missing", "min", "min_rest", "max", "max_rest")]
)

JOINED_ROW = 2048  # values to which short rows are joined: 10 times as fast for rows of 3
ENDS = ((np.minimum, "min"), (np.maximum, "max"))

Mask: TypeAlias = Array | np.bool_


def extrema(x: Array, axes: Axes, weights: Weights = None) -> Array:
    """Compute the least and the greatest value of a block along some axes.

    Examples
    --------
    >>> import numpy as np
    >>> record = extrema(np.array([[1.0, 2.0], [3.0, np.nan]]), (0,))
    >>> record["min"].tolist(), record["max"].tolist(), record["missing"].tolist()
    ([[1.0, 2.0]], [[3.0, 2.0]], [[0.0, 1.0]])
    """
    x = as_numeric(x)
    axes = normalize_axes(axes, x.ndim)
    out = np.zeros(reduced_shape(x.shape, axes), EXTREMA)
    if not x.size:
        return out
    if weights is None and _fill_complete(x, axes, out):
        return out
    weights = np.ones(()) if weights is None else as_weights(weights, x.shape)
    missing = np.isnan(x) if x.dtype.kind == "f" else np.zeros((), bool)
    included = np.broadcast_to(~missing & (weights > 0), x.shape)
    missing, weights = np.broadcast_to(missing, x.shape), np.broadcast_to(weights, x.shape)
    out["count"] = np.sum(weights, axes, np.float64, keepdims=True, where=included)
    out["missing"] = np.sum(weights, axes, np.float64, keepdims=True, where=missing)
    has_values = np.any(included, axes, keepdims=True)
    for (end, name), start in zip(ENDS, reversed(_limits(x.dtype)), strict=True):
        values = end.reduce(x, axes, keepdims=True, where=included, initial=start)
        _write(out, name, values, has_values)
    return out


def merge_extrema(records: Array, axes: Axes) -> Array:
    """Merge records along some axes, exactly and in any order; zeros are the identity.

    Examples
    --------
    >>> import numpy as np
    >>> parts = extrema(np.array([[4.0], [-1.0], [2.0]]), ())
    >>> merged = merge_extrema(parts, (0,))
    >>> float(merged["min"][0, 0]), float(merged["max"][0, 0])
    (-1.0, 4.0)
    """
    axes = normalize_axes(axes, records.ndim)
    out = np.zeros(reduced_shape(records.shape, axes), EXTREMA)
    has_values = records["count"] != 0
    result_has_values = np.any(has_values, axes, keepdims=True)
    for name in ("count", "missing"):
        out[name] = records[name].sum(axis=axes, keepdims=True)
    for end, name in ENDS:
        start = np.inf if name == "min" else -np.inf
        values = end.reduce(records[name], axes, keepdims=True, where=has_values, initial=start)
        ties = has_values & (records[name] == values)
        rests = end.reduce(records[f"{name}_rest"], axes, keepdims=True, where=ties, initial=start)
        np.copyto(out[name], values, where=result_has_values)
        np.copyto(out[f"{name}_rest"], rests, where=result_has_values)
    return out


def _fill_complete(x: Array, axes: Axes, out: Array) -> bool:
    """Fill in the records of a block without missing values; False if there is one."""
    low, high = (_reduce(end, x, axes).reshape(out.shape) for end, _ in ENDS)
    if low.dtype.kind == "f" and np.isnan(low).any():  # one NaN is enough for the least to be NaN
        return False
    _write(out, "min", low, np.True_)
    _write(out, "max", high, np.True_)
    out["count"] = x.size / max(out.size, 1)
    return True


def _reduce(end: np.ufunc, x: Array, axes: Axes) -> Array:
    """Return the least or the greatest along some axes; short rows are joined to long ones."""
    width = prod(x.shape[len(axes) :])
    if not axes or sorted(axes) != list(range(len(axes))) or not x.flags.c_contiguous:
        return np.asarray(end.reduce(x, axes))
    if width == 1:
        return np.asarray(end.reduce(x.reshape(-1)))
    joined = max(1, JOINED_ROW // width)
    rows = x.reshape(-1, width)
    even = len(rows) // joined * joined
    if joined == 1 or not even:
        return np.asarray(end.reduce(rows, 0))
    ends = end.reduce(rows[:even].reshape(-1, joined * width), 0).reshape(-1, width)
    return np.asarray(end.reduce(np.concatenate([ends, rows[even:]]), 0))


def _write(out: Array, name: str, values: Array, where: Mask) -> None:
    """Write values as two float64, where there are any."""
    first = values.astype(np.float64)
    np.copyto(out[name], first + 0.0, where=where)  # of the two zeros the positive one
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
        rests = np.zeros(values.shape)
        large = np.abs(first) >= 2.0**53  # all other values are a float64 as they are
        pairs = zip(values[large].tolist(), first[large].tolist(), strict=True)
        rests[large] = [value - int(rounded) for value, rounded in pairs]
        np.copyto(out[f"{name}_rest"], rests, where=where)


def _limits(dtype: np.dtype) -> tuple[float, float]:
    """Return the least and the greatest number of a dtype."""
    if dtype.kind == "f":
        return -np.inf, np.inf
    if dtype.kind == "b":
        return False, True
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
