"""Moments, merges and affine maps in NumPy, for blocks too small to be worth a compiler.

Used by kernels.affine_maps, kernels.block_moments and kernels.merging. Its functions must agree
with those of `compiled`, to a few ulp.
"""

from math import prod

import numpy as np

from dasknorm.kernels.arithmetic import Form, OneFloat, TwoFloats, merge_moments
from dasknorm.kernels.inputs import RECORD, Array, Axes, Weights, reduced_shape

FEW_TERMS = 32  # a sum of so few is as exact one by one as in pairs
FEW_RECORDS = 8  # so few are merged ten times as fast as Python's floats
SMALLEST_COUNT = 5e-324  # replaces a count of 0, whose sums are 0 too


def _form_of(dtype: np.dtype) -> Form:
    return TwoFloats if dtype.kind in "iu" and dtype.itemsize == 8 else OneFloat


def _parts(x: Array) -> tuple[Array, Array]:
    """Return x as the two float64 that its form works on."""
    if _form_of(x.dtype) is OneFloat:
        return x.astype(np.float64), np.zeros((1,) * x.ndim)
    integer = x.dtype.type
    return (x >> integer(32)).astype(np.float64), (x & integer(0xFFFFFFFF)).astype(np.float64)


def moments(x: Array, axes: Axes, weights: Weights) -> Array:
    """Return records of x along axes, kept as axes of one; weights are float64, shaped like x."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    terms = prod(x.shape[axis] for axis in axes)
    # NumPy sums in pairs along the last axis only; a few terms need no pairs.
    along = 0 if terms <= FEW_TERMS else 1
    order, lines = ([*axes, *kept], (terms, -1)) if along == 0 else ([*kept, *axes], (-1, terms))
    flat = np.ascontiguousarray(x.transpose(order)).reshape(lines)
    with np.errstate(all="ignore"):
        if weights is not None:
            flat_weights = np.ascontiguousarray(weights.transpose(order)).reshape(lines)
            records = _sum_weighted(flat, flat_weights, along)
        elif (complete := _sum_complete(flat, along)) is not None:
            records = complete
        else:
            records = _sum_weighted(flat, np.ones((1, 1)), along)
    return records.reshape(reduced_shape(x.shape, axes))


def _sum_complete(x: Array, along: int) -> Array | None:
    """Return a record per line by the corrected two-pass formula; None if a value is missing."""
    form, (high, low) = _form_of(x.dtype), _parts(x)
    shift, shift_low = (part[:, :1] if along else part[:1] for part in (high, low))
    s = form.difference(high, low, shift, shift_low).sum(axis=along, keepdims=True)
    if not np.isfinite(s).all():
        return None
    count = float(x.shape[along])
    shift, shift_low = form.move_shift(shift, shift_low, s / count)
    d = form.difference(high, low, shift, shift_low)
    e = d.sum(axis=along, keepdims=True)
    d *= d
    mean, mean_rest = form.mean(shift, shift_low, e / count)
    return _records(count, mean, mean_rest, d, e, along)


def _sum_weighted(x: Array, weights: Array, along: int) -> Array:
    """Return a record per line with weights; the shift is a value of weight above 0."""
    weight = np.where(x == x, weights, 0.0)
    valid = weight > 0
    count = weight.sum(axis=along, keepdims=True)
    divisor = count + (count == 0)
    form, (high, low) = _form_of(x.dtype), _parts(x)
    first = np.expand_dims(valid.argmax(axis=along), along)
    shift = np.take_along_axis(high, first, along)
    shift_low = np.take_along_axis(np.broadcast_to(low, high.shape), first, along)
    d = np.where(valid, form.difference(high, low, shift, shift_low), 0.0)
    step = (weight * d).sum(axis=along, keepdims=True) / divisor
    shift, shift_low = form.move_shift(shift, shift_low, step)
    d = np.where(valid, form.difference(high, low, shift, shift_low), 0.0)
    wd = weight * d
    e = wd.sum(axis=along, keepdims=True)
    wd *= d
    mean, mean_rest = (
        np.where(count > 0, m, 0.0) for m in form.mean(shift, shift_low, e / divisor)
    )
    out = _records(count, mean, mean_rest, wd, e, along)
    out["missing"] = np.where(x == x, 0.0, weights).sum(axis=along, keepdims=True)
    return out


def _records(
    count: Array | float, mean: Array, mean_rest: Array, squares: Array, e: Array, along: int
) -> Array:
    """Return records of lines, given squared deviations from their means, and the sum e."""
    out = np.zeros(e.shape, RECORD)
    out["count"] = count
    out["mean"] = mean
    out["mean_rest"] = mean_rest
    m2 = squares.sum(axis=along, keepdims=True) - e * e / np.maximum(count, SMALLEST_COUNT)
    out["m2"] = np.maximum(m2, 0.0)
    return out


def moments_by_group(out: Array, x: Array, codes: Array, weights: Weights) -> None:
    """Merge values into the records of their groups: sorted by group, and summed per group."""
    weights = np.ones(x.shape) if weights is None else weights
    order = np.argsort(codes, kind="stable")
    order = order[(codes[order] >= 0) & (weights[order] > 0)]
    missing = order[x[order] != x[order]]
    out["missing"] += np.bincount(codes[missing], weights[missing], len(out))
    order = order[x[order] == x[order]]
    if not len(order):
        return
    x, codes, weights = x[order], codes[order], weights[order]
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    sizes = np.diff(np.r_[starts, len(codes)])
    form, (high, low) = _form_of(x.dtype), _parts(x)
    low = np.broadcast_to(low, high.shape)
    with np.errstate(all="ignore"):
        count = np.add.reduceat(weights, starts)
        shift, shift_low = high[starts], low[starts]
        d = form.difference(high, low, np.repeat(shift, sizes), np.repeat(shift_low, sizes))
        step = np.add.reduceat(weights * d, starts) / count
        shift, shift_low = form.move_shift(shift, shift_low, step)
        d = form.difference(high, low, np.repeat(shift, sizes), np.repeat(shift_low, sizes))
        wd = weights * d
        e = np.add.reduceat(wd, starts)
        mean, mean_rest = form.mean(shift, shift_low, e / count)
        m2 = np.add.reduceat(wd * d, starts) - e * e / count
    part = np.zeros(len(starts), RECORD)
    part["count"], part["mean"], part["mean_rest"] = count, mean, mean_rest
    part["m2"] = np.maximum(m2, 0.0)
    into = out[codes[starts]]
    fold(into, part)
    out[codes[starts]] = into


def fold(into: Array, part: Array) -> None:
    """Merge the records of part into those at the same index; part broadcasts."""
    if into.size <= FEW_RECORDS:
        _fold_numbers(into, np.broadcast_to(part, into.shape))
        return
    names = ("count", "mean", "mean_rest", "m2", "m2_rest")
    a = [into[name] for name in names]
    b = [part[name] for name in names]
    with np.errstate(all="ignore"):
        values = merge_moments(*a, *b)
    into["missing"] += part["missing"]
    b_is_empty, a_is_empty = b[0] == 0, a[0] == 0
    for name, value, from_a, from_b in zip(names, values, a, b, strict=True):
        into[name] = np.where(b_is_empty, from_a, np.where(a_is_empty, from_b, value))


def _fold_numbers(into: Array, part: Array) -> None:
    """Merge records as Python's floats."""
    for index in np.ndindex(into.shape):
        *a, a_missing = into[index].item()
        *b, b_missing = part[index].item()
        values = merge_moments(*a, *b) if a[0] and b[0] else a if a[0] else b
        into[index] = (*values, a_missing + b_missing)


def standardize(x: Array, affine: Array, dtype: np.dtype, out: Array) -> Array:
    """Compute ((x - shift) - shift_rest) / scale, cast once into out."""
    with np.errstate(all="ignore"):
        value, value_rest = _form_of(x.dtype).exact(*_parts(x))
        value = (value - affine["shift"]) + (value_rest - affine["shift_rest"])
        if by_reciprocal(x.dtype, dtype):
            out[...] = value * reciprocal(affine["scale"])
        else:
            out[...] = value / affine["scale"]
    return out


def by_reciprocal(dtype: np.dtype, out_dtype: np.dtype) -> bool:
    """Return whether to multiply by 1 / scale: a float32 is then off by 0.5 + 2**-28 ulp."""
    return dtype.newbyteorder("=") == np.float32 and out_dtype == np.float32


def reciprocal(scale: Array) -> Array:
    """Return 1 / scale, below 1e300, where any float32 but 0 overflows, unless scale is 0."""
    with np.errstate(all="ignore"):
        return np.where(scale == 0, 1 / scale, np.clip(1 / scale, -1e300, 1e300))


def restore(x: Array, affine: Array, dtype: np.dtype, out: Array) -> Array:
    """Compute (x * scale + shift_rest) + shift, cast once into out."""
    with np.errstate(all="ignore"):
        value, _ = _form_of(x.dtype).exact(*_parts(x))
        out[...] = (value * affine["scale"] + affine["shift_rest"]) + affine["shift"]
    return out
