"""The formulas in NumPy, for blocks so small that a compiler would cost more than the work."""

from typing import Any

import numpy as np

from dasknorm.kernels.doubledouble import merged
from dasknorm.kernels.records import RECORD, Array, Axes
from dasknorm.kernels.shifts import Narrow, Wide

__all__ = ["fold", "moments", "restore", "standardize"]


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
    order = [axis for axis in range(x.ndim) if axis not in axes] + list(axes)
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    rows = (int(np.prod(shape)), -1)
    # A copy with the reduced axes last, whatever their order was: NumPy sums pairwise there only.
    flat = np.ascontiguousarray(x.transpose(order)).reshape(rows)
    if weights is None:
        weight = np.ones((1, 1))
    else:
        weight = np.ascontiguousarray(weights.transpose(order)).reshape(rows)
    with np.errstate(all="ignore"):
        return _rows(flat, weight).reshape(shape)


def _rows(x: Array, weights: Array) -> Array:
    """One record for each row: the corrected two-pass formula, shifted by a value of the row."""
    weight = np.where(x == x, weights, 0.0)
    valid = weight > 0
    count = weight.sum(axis=1, keepdims=True)
    divisor = count + (count == 0)
    way, (high, low) = _way(x.dtype), _parts(x)
    first = np.expand_dims(valid.argmax(axis=1), 1)
    shift = np.take_along_axis(high, first, 1)
    shift_low = np.take_along_axis(np.broadcast_to(low, high.shape), first, 1)
    d = np.where(valid, way.difference(high, low, shift, shift_low), 0.0)
    shift, shift_low = way.moved(
        shift, shift_low, (weight * d).sum(axis=1, keepdims=True) / divisor
    )
    d = np.where(valid, way.difference(high, low, shift, shift_low), 0.0)
    wd = weight * d
    e = wd.sum(axis=1, keepdims=True)
    q = (wd * d).sum(axis=1, keepdims=True)
    mean, mean_rest = way.mean(shift, shift_low, e / divisor)
    out = np.zeros(count.shape, RECORD)
    out["count"] = count
    out["mean"] = np.where(count > 0, mean, 0.0)
    out["mean_rest"] = np.where(count > 0, mean_rest, 0.0)
    out["m2"] = np.where(count > 0, np.maximum(q - e * e / divisor, 0.0), 0.0)
    out["missing"] = np.where(x == x, 0.0, weights).sum(axis=1, keepdims=True)
    return out


def fold(into: Array, part: Array) -> None:
    """Merge the records of part into those of the same place; part broadcasts."""
    names = ("count", "mean", "mean_rest", "m2", "m2_rest")
    a = [into[name] for name in names]
    b = [part[name] for name in names]
    with np.errstate(all="ignore"):
        both = merged(*a, *b)
    into["missing"] += part["missing"]
    from_a, from_b = b[0] == 0, a[0] == 0
    for name, value, of_a, of_b in zip(names, both, a, b, strict=True):
        into[name] = np.where(from_a, of_a, np.where(from_b, of_b, value))


def standardize(x: Array, affine: Array, dtype: np.dtype[Any]) -> Array:
    """((x - shift) - shift_rest) / scale, cast once."""
    with np.errstate(all="ignore"):
        value, rest = _way(x.dtype).exact(*_parts(x))
        value = (value - affine["shift"]) + (rest - affine["shift_rest"])
        if by_reciprocal(x.dtype, dtype):
            return _like(x, value * reciprocal(affine["scale"]), dtype)
        return _like(x, value / affine["scale"], dtype)


def by_reciprocal(dtype: np.dtype[Any], out_dtype: np.dtype[Any]) -> bool:
    """Whether dividing may be multiplying: for float32 the error stays at 0.5 + 2**-28 ulp."""
    return dtype.newbyteorder("=") == np.float32 and out_dtype == np.float32


def reciprocal(scale: Array) -> Array:
    """1 / scale, kept below 1e300, where any float32 but 0 overflows, unless scale is 0."""
    with np.errstate(all="ignore"):
        return np.where(scale == 0, 1 / scale, np.clip(1 / scale, -1e300, 1e300))


def restore(x: Array, affine: Array, dtype: np.dtype[Any]) -> Array:
    """(x * scale + shift_rest) + shift, cast once."""
    with np.errstate(all="ignore"):
        value, _ = _way(x.dtype).exact(*_parts(x))
        return _like(x, (value * affine["scale"] + affine["shift_rest"]) + affine["shift"], dtype)


def _like(x: Array, z: Array, dtype: np.dtype[Any]) -> Array:
    """z in the memory order of x, which a broadcast operand may have changed."""
    out = np.empty_like(x, dtype, subok=False)
    out[...] = z
    return out
