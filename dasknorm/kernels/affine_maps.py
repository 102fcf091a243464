"""Affine maps of one block: standardize and restore, calculated in float64 and cast once."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from dasknorm.kernels import plain
from dasknorm.kernels.block_moments import SMALL, numeric
from dasknorm.kernels.layout import (
    Axis,
    by_stride,
    flat_view,
    is_native,
    native_dtype,
    offsets,
    slabs,
)
from dasknorm.kernels.records import AFFINE, Array

__all__ = ["restore", "standardize"]

OUTER = 1 << 16  # outer places listed at a time
_NOTHING = Axis(1, False, (0, 0, 0))


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
    """x * scale + shift (+ shift_rest), in float64 and cast once: the inverse of `standardize`.

    Parameters, result and errors are those of `standardize`.

    Examples
    --------
    >>> import numpy as np
    >>> affine = np.array((4.0, 0.0, 2.0), AFFINE)
    >>> restore(np.array([-1.0, 0.0, 2.0]), affine, np.float64)
    array([2., 4., 8.])
    """
    return _mapped(x, affine, dtype, plain.restore)


def _mapped(
    x: Array, affine: Array, dtype: Any, formula: Callable[[Array, Array, Any], Array]
) -> Array:
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
        block = x[slab].astype(native_dtype(x.dtype))
        with np.errstate(over="ignore"):
            same = dtype if plain.by_reciprocal(x.dtype, dtype) else np.dtype(np.float64)
            out[slab] = _large(block, whole[slab], same, formula.__name__)
    return out


def _large(x: Array, affine: Array, dtype: np.dtype[Any], name: str) -> Array:
    """Map by a compiled loop, over axes in the order in which they lie in memory."""
    # Numba is imported here and not above: half a second that small data never needs.
    from dasknorm.kernels import maps

    order = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    row = np.empty(x.size, dtype)
    out = row.reshape([x.shape[axis] for axis in order]).transpose(np.argsort(order))
    # A copy of our own is writable, whatever affine was: Numba would compile for each of the two.
    own = np.array(
        affine[tuple(slice(0, 1 if s == 0 else None) for s in affine.strides)], order="C"
    )
    steps = [
        0 if n == 1 else s // AFFINE.itemsize for n, s in zip(own.shape, own.strides, strict=True)
    ]
    walk = by_stride(
        [
            Axis(
                size,
                step != 0,
                (x.strides[axis] // x.itemsize, out.strides[axis] // out.itemsize, step),
            )
            for axis, (size, step) in enumerate(zip(x.shape, steps, strict=True))
        ]
    )
    what = maps.OVER if name == "standardize" else maps.BACK
    if what == maps.OVER and plain.by_reciprocal(x.dtype, dtype):
        own["scale"] = plain.reciprocal(own["scale"])
        what = maps.TIMES
    _fill(row, x, walk, own.reshape(-1).view(np.float64).reshape(-1, 3), what)
    return out


def _inner(walk: list[Axis]) -> tuple[list[Axis], list[Axis]]:
    """Split axes into outer ones and a compiled loop's three: same map, a map each, same map."""
    outer = list(walk)
    run = outer.pop() if outer and not outer[-1].role else _NOTHING
    kept = outer.pop() if outer and outer[-1].role else _NOTHING
    same = outer.pop() if outer and not outer[-1].role else _NOTHING
    return outer, [same, kept, run]


def _fill(row: Array, x: Array, walk: list[Axis], records: Array, what: int) -> None:
    """Map x into a row of memory, wherever the outer axes place its blocks."""
    from dasknorm.kernels import maps

    view, start = flat_view(x)
    scratch = np.empty(maps.PIECE, x.dtype)
    long = walk[-1].size >= maps.LONG_RUN and not walk[-1].role
    outer, (same, kept, run) = _inner(walk)
    if long:
        outer, same = [*outer, same], _NOTHING
    x_strides, (same_out, kept_out, _), (_, step, _) = zip(
        same.strides, kept.strides, run.strides, strict=True
    )
    places = prod(axis.size for axis in outer)
    for first in range(0, places, OUTER):
        from_, to, by = (offsets(outer, i, first, min(first + OUTER, places)) for i in range(3))
        from_ += start
        if long:
            maps.along(
                what, row, to, kept_out, view, from_, x_strides, run.size, records, by,
                kept.size, step, scratch,
            )  # fmt: skip
            continue
        # Strips of even width: of 1025 columns, a last strip of one would cost as much as the rest.
        strips = -(-kept.size // (maps.PIECE // run.size))
        strip = -(-kept.size // strips)
        many = min(same.size, maps.PIECE // (strip * run.size)) if strip == kept.size else 1
        touching = (
            (run.size == 1 or x_strides[2] == 1)
            and (strip == 1 or x_strides[1] == run.size)
            and (many == 1 or x_strides[0] == strip * run.size)
        )
        for k in range(0, kept.size, strip):
            maps.beside(
                what, row, to + k * kept_out, same_out, view, from_ + k * x_strides[1], x_strides,
                same.size, min(strip, kept.size - k), run.size, records, by + k * step, step,
                many, touching, scratch,
            )  # fmt: skip
