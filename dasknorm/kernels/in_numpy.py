"""The formulas in NumPy, for blocks so small that a compiler would cost more than the work."""

from math import prod
from typing import Any

import numpy as np

from dasknorm.kernels.doubledouble import merged
from dasknorm.kernels.records import RECORD, Array, Axes
from dasknorm.kernels.shifted import Narrow, Wide

__all__ = ["fold", "moments", "moments_by_group", "restore", "standardize"]

FEW = 32  # terms of a sum that are as good added one by one
ONE_BY_ONE = 8  # records merged as Python's floats
TINY = 5e-324  # in place of a count of 0, whose sums are 0 too


def _way(dtype: np.dtype[Any]) -> type[Narrow] | type[Wide]:
    return Wide if dtype.kind in "iu" and dtype.itemsize == 8 else Narrow


def _parts(x: Array) -> tuple[Array, Any]:
    """x as the two float64 that `shifts` works on."""
    if _way(x.dtype) is Narrow:
        return x.astype(np.float64), np.zeros((1,) * x.ndim)
    integer = x.dtype.type
    return (x >> integer(32)).astype(np.float64), (x & integer(0xFFFFFFFF)).astype(np.float64)


def moments(x: Array, axes: Axes, weights: Array | None) -> Array:
    """Records of x along axes, kept as axes of one; weights are float64, shaped like x."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    terms = prod(x.shape[axis] for axis in axes)
    # NumPy sums in pairs along the last axis only; a few terms need none, and go side by side.
    along = 0 if terms <= FEW else 1
    order, lines = ([*axes, *kept], (terms, -1)) if along == 0 else ([*kept, *axes], (-1, terms))
    flat = np.ascontiguousarray(x.transpose(order)).reshape(lines)
    beside = (
        None if weights is None else np.ascontiguousarray(weights.transpose(order)).reshape(lines)
    )
    with np.errstate(all="ignore"):
        records = _whole(flat, along) if beside is None else None
        if records is None:
            records = _weighted(flat, np.ones((1, 1)) if beside is None else beside, along)
    return records.reshape([1 if axis in axes else size for axis, size in enumerate(x.shape)])


def _whole(x: Array, along: int) -> Array | None:
    """One record for each line by the corrected two-pass formula; None if something is missing."""
    way, (high, low) = _way(x.dtype), _parts(x)
    shift, shift_low = (part[:, :1] if along else part[:1] for part in (high, low))
    s = way.difference(high, low, shift, shift_low).sum(axis=along, keepdims=True)
    if not np.isfinite(s).all():
        return None
    count = float(x.shape[along])
    shift, shift_low = way.moved(shift, shift_low, s / count)
    d = way.difference(high, low, shift, shift_low)
    e = d.sum(axis=along, keepdims=True)
    d *= d
    mean, mean_rest = way.mean(shift, shift_low, e / count)
    return _records(count, mean, mean_rest, d, e, along)


def _weighted(x: Array, weights: Array, along: int) -> Array:
    """The same with weights, of which 0 goes to what is missing; shifted by a value that counts."""
    weight = np.where(x == x, weights, 0.0)
    valid = weight > 0
    count = weight.sum(axis=along, keepdims=True)
    divisor = count + (count == 0)
    way, (high, low) = _way(x.dtype), _parts(x)
    first = np.expand_dims(valid.argmax(axis=along), along)
    shift = np.take_along_axis(high, first, along)
    shift_low = np.take_along_axis(np.broadcast_to(low, high.shape), first, along)
    d = np.where(valid, way.difference(high, low, shift, shift_low), 0.0)
    step = (weight * d).sum(axis=along, keepdims=True) / divisor
    shift, shift_low = way.moved(shift, shift_low, step)
    d = np.where(valid, way.difference(high, low, shift, shift_low), 0.0)
    wd = weight * d
    e = wd.sum(axis=along, keepdims=True)
    wd *= d
    mean, rest = (np.where(count > 0, m, 0.0) for m in way.mean(shift, shift_low, e / divisor))
    out = _records(count, mean, rest, wd, e, along)
    out["missing"] = np.where(x == x, 0.0, weights).sum(axis=along, keepdims=True)
    return out


def _records(
    count: Array | float, mean: Array, mean_rest: Array, squares: Array, e: Array, along: int
) -> Array:
    """Records of lines, given what deviates from their means: the squares, and the sum e."""
    out = np.zeros(e.shape, RECORD)
    out["count"] = count
    out["mean"] = mean
    out["mean_rest"] = mean_rest
    m2 = squares.sum(axis=along, keepdims=True) - e * e / np.maximum(count, TINY)
    out["m2"] = np.maximum(m2, 0.0)
    return out


def moments_by_group(out: Array, x: Array, codes: Array, weights: Array | None) -> None:
    """Merge values into the records of their groups: sorted by group, and summed group by group."""
    weights = np.ones(x.shape) if weights is None else weights
    order = np.argsort(codes, kind="stable")
    order = order[(codes[order] >= 0) & (weights[order] > 0)]
    lost = order[x[order] != x[order]]
    out["missing"] += np.bincount(codes[lost], weights[lost], len(out))
    order = order[x[order] == x[order]]
    if not len(order):
        return
    x, codes, weights = x[order], codes[order], weights[order]
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    sizes = np.diff(np.r_[starts, len(codes)])
    way, (high, low) = _way(x.dtype), _parts(x)
    low = np.broadcast_to(low, high.shape)
    with np.errstate(all="ignore"):
        count = np.add.reduceat(weights, starts)
        shift, shift_low = high[starts], low[starts]
        d = way.difference(high, low, np.repeat(shift, sizes), np.repeat(shift_low, sizes))
        step = np.add.reduceat(weights * d, starts) / count
        shift, shift_low = way.moved(shift, shift_low, step)
        d = way.difference(high, low, np.repeat(shift, sizes), np.repeat(shift_low, sizes))
        wd = weights * d
        e = np.add.reduceat(wd, starts)
        mean, mean_rest = way.mean(shift, shift_low, e / count)
        m2 = np.add.reduceat(wd * d, starts) - e * e / count
    part = np.zeros(len(starts), RECORD)
    part["count"], part["mean"], part["mean_rest"] = count, mean, mean_rest
    part["m2"] = np.maximum(m2, 0.0)
    into = out[codes[starts]]
    fold(into, part)
    out[codes[starts]] = into


def fold(into: Array, part: Array) -> None:
    """Merge the records of part into those of the same place; part broadcasts."""
    if into.size <= ONE_BY_ONE:
        _fold_numbers(into, np.broadcast_to(part, into.shape))
        return
    names = ("count", "mean", "mean_rest", "m2", "m2_rest")
    a = [into[name] for name in names]
    b = [part[name] for name in names]
    with np.errstate(all="ignore"):
        both = merged(*a, *b)
    into["missing"] += part["missing"]
    from_a, from_b = b[0] == 0, a[0] == 0
    for name, value, of_a, of_b in zip(names, both, a, b, strict=True):
        into[name] = np.where(from_a, of_a, np.where(from_b, of_b, value))


def _fold_numbers(into: Array, part: Array) -> None:
    """The same by Python's own floats, which for a few records take a tenth of the time."""
    for place in np.ndindex(into.shape):
        *a, a_missing = into[place].item()
        *b, b_missing = part[place].item()
        both = merged(*a, *b) if a[0] and b[0] else a if a[0] else b
        into[place] = (*both, a_missing + b_missing)


def standardize(x: Array, affine: Array, dtype: np.dtype[Any], out: Array) -> Array:
    """((x - shift) - shift_rest) / scale, cast once into out."""
    with np.errstate(all="ignore"):
        value, rest = _way(x.dtype).exact(*_parts(x))
        value = (value - affine["shift"]) + (rest - affine["shift_rest"])
        if by_reciprocal(x.dtype, dtype):
            out[...] = value * reciprocal(affine["scale"])
        else:
            out[...] = value / affine["scale"]
    return out


def by_reciprocal(dtype: np.dtype[Any], out_dtype: np.dtype[Any]) -> bool:
    """Whether dividing may be multiplying: for float32 the error stays at 0.5 + 2**-28 ulp."""
    return dtype.newbyteorder("=") == np.float32 and out_dtype == np.float32


def reciprocal(scale: Array) -> Array:
    """1 / scale, kept below 1e300, where any float32 but 0 overflows, unless scale is 0."""
    with np.errstate(all="ignore"):
        return np.where(scale == 0, 1 / scale, np.clip(1 / scale, -1e300, 1e300))


def restore(x: Array, affine: Array, dtype: np.dtype[Any], out: Array) -> Array:
    """(x * scale + shift_rest) + shift, cast once into out."""
    with np.errstate(all="ignore"):
        value, _ = _way(x.dtype).exact(*_parts(x))
        out[...] = (value * affine["scale"] + affine["shift_rest"]) + affine["shift"]
    return out
