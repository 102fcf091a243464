"""Affine maps of one block: standardize and restore, calculated in float64 and cast once."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from dasknorm.kernels import plain
from dasknorm.kernels.block_moments import SMALL, numeric
from dasknorm.kernels.layout import Axis, by_stride, flat_view, is_native, offsets, slabs
from dasknorm.kernels.records import AFFINE, Array

__all__ = ["restore", "standardize"]

OUTER = 1 << 16  # outer places listed at a time


def standardize(x: Array, affine: Array, dtype: Any) -> Array:
    """((x - shift) - shift_rest) / scale, calculated in float64 and cast once.

    64-bit integers are subtracted from exactly, as the two halves of a double-double.

    Parameters
    ----------
    x : ndarray of bool, integers, or float16 to float64
        Of any shape, byte order and memory layout; only read.
    affine : ndarray of AFFINE
        Broadcasts to the shape of x.
    dtype : float16, float32 or float64
        The dtype of the result.

    Returns
    -------
    ndarray of dtype
        New, in the shape and the memory order of x.

    Raises
    ------
    TypeError
        If x, affine or dtype is not of a dtype named above.
    ValueError
        If affine does not broadcast to the shape of x.

    Examples
    --------
    >>> import numpy as np
    >>> affine = np.array((4.0, 0.0, 2.0), AFFINE)
    >>> standardize(np.array([2, 4, 8], np.int16), affine, np.float32)
    array([-1.,  0.,  2.], dtype=float32)
    """
    return _mapped(x, affine, dtype, plain.standardize)


def restore(x: Array, affine: Array, dtype: Any) -> Array:
    """x * scale + shift (+ shift_rest), calculated in float64 and cast once: the inverse of `standardize`.

    Parameters
    ----------
    x : ndarray of bool, integers, or float16 to float64
        Of any shape, byte order and memory layout; only read.
    affine : ndarray of AFFINE
        Broadcasts to the shape of x.
    dtype : float16, float32 or float64
        The dtype of the result.

    Returns
    -------
    ndarray of dtype
        New, in the shape and the memory order of x.

    Raises
    ------
    TypeError
        If x, affine or dtype is not of a dtype named above.
    ValueError
        If affine does not broadcast to the shape of x.

    Examples
    --------
    >>> import numpy as np
    >>> affine = np.array((4.0, 0.0, 2.0), AFFINE)
    >>> restore(np.array([-1.0, 0.0, 2.0]), affine, np.float64)
    array([2., 4., 8.])
    """
    return _mapped(x, affine, dtype, plain.restore)


def _mapped(x: Array, affine: Array, dtype: Any, formula: Callable[[Array, Array, Any], Array]) -> Array:
    x = numeric(x)
    dtype = np.dtype(dtype)
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise TypeError(f"dtype must be float16, float32 or float64, got {dtype}")
    affine = np.asarray(affine)
    if affine.dtype != AFFINE:
        raise TypeError(f"affine must be of dtype AFFINE, got {affine.dtype}")
    whole = np.broadcast_to(affine, x.shape)
    if x.dtype == np.bool_:
        x = x.view(np.uint8)
    if x.size < SMALL:
        return np.asarray(formula(x, whole, dtype))
    if is_native(x) and dtype in (np.float32, np.float64):
        return _large(x, whole, dtype, formula.__name__)
    out = np.empty_like(x, dtype, subok=False)
    for slab in slabs(x.shape):
        block = x[slab].astype(np.float32 if x.dtype == np.float16 else x.dtype.newbyteorder("="))
        with np.errstate(over="ignore"):
            out[slab] = _large(block, whole[slab], np.dtype(np.float64), formula.__name__)
    return out


def _large(x: Array, affine: Array, dtype: np.dtype[Any], name: str) -> Array:
    """Map by a compiled loop, over axes in the order in which they lie in memory."""
    # Numba is imported here and not above: half a second that small data never needs.
    from dasknorm.kernels import maps

    order = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    row = np.empty(x.size, dtype)
    out = row.reshape([x.shape[axis] for axis in order]).transpose(np.argsort(order))
    own = affine[tuple(slice(0, 1 if stride == 0 else None) for stride in affine.strides)]
    records = np.ascontiguousarray(own)
    steps = [0 if n == 1 else s // AFFINE.itemsize for n, s in zip(records.shape, records.strides, strict=True)]
    walk = by_stride(
        [
            Axis(size, steps[axis] != 0, (x.strides[axis] // x.itemsize, out.strides[axis] // out.itemsize, steps[axis]))
            for axis, size in enumerate(x.shape)
        ]
    )
    outer, inner = _inner(walk)
    view, start = flat_view(x)
    sizes = tuple(axis.size for axis in inner)
    places = prod(axis.size for axis in outer)
    for first in range(0, places, OUTER):
        from_, to, by = (offsets(outer, array, first, min(first + OUTER, places)) for array in range(3))
        x_strides, out_strides, affine_strides = zip(*(axis.strides for axis in inner), strict=True)
        getattr(maps, name)(
            row, to, out_strides, sizes, view, start + from_, x_strides,
            records.reshape(-1).view(np.float64).reshape(-1, 3), by, affine_strides[1],
        )  # fmt: skip
    return out


def _inner(walk: list[Axis]) -> tuple[list[Axis], list[Axis]]:
    """Split axes into outer ones and the three of a compiled loop: one map along, a map each, one map along."""
    outer = list(walk)
    nothing = Axis(1, False, (0, 0, 0))
    run = outer.pop() if outer and not outer[-1].role else nothing
    kept = outer.pop() if outer and outer[-1].role else nothing
    same = outer.pop() if outer and not outer[-1].role else nothing
    return outer, [same, kept, run]
