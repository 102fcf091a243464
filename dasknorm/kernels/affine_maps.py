"""Affine maps of one block: standardize and restore, calculated in float64 and cast once."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from dasknorm.kernels import in_numpy
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


def standardize(x: Array, affine: Array, dtype: Any, out: Array | None = None) -> Array:
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
    out : ndarray of dtype, optional
        In the shape of x and of any memory layout, to be written to. It may be x itself, but must
        not overlap it otherwise.

    Returns
    -------
    ndarray of dtype
        out itself, or a new array in the shape and the memory order of x.

    Raises
    ------
    TypeError
        If x, affine, dtype or out is not of a dtype named above.
    ValueError
        If affine does not broadcast to the shape of x, or if out has another shape or is read-only.

    Examples
    --------
    >>> import numpy as np
    >>> affine = np.array((4.0, 0.0, 2.0), AFFINE)
    >>> standardize(np.array([2, 4, 8], np.int16), affine, np.float32)
    array([-1.,  0.,  2.], dtype=float32)
    """
    return _mapped(x, affine, dtype, out, in_numpy.standardize)


def restore(x: Array, affine: Array, dtype: Any, out: Array | None = None) -> Array:
    """x * scale + shift (+ shift_rest), in float64 and cast once: the inverse of `standardize`.

    Parameters, result and errors are those of `standardize`.

    Examples
    --------
    >>> import numpy as np
    >>> affine = np.array((4.0, 0.0, 2.0), AFFINE)
    >>> restore(np.array([-1.0, 0.0, 2.0]), affine, np.float64)
    array([2., 4., 8.])
    """
    return _mapped(x, affine, dtype, out, in_numpy.restore)


def _mapped(
    x: Array,
    affine: Array,
    dtype: Any,
    out: Array | None,
    formula: Callable[[Array, Array, Any, Array], Array],
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
    out = np.empty_like(x, dtype, subok=False) if out is None else _checked(out, x.shape, dtype)
    if x.size < max(SMALL, 2):  # loops walk along an axis, and one element has none
        return formula(x, whole, dtype, out)
    if (
        is_native(x)
        and x.dtype != np.float16
        and dtype in (np.float32, np.float64)
        and _is_alike(out, x)
    ):
        _large(x, whole, out, formula.__name__)
        return out
    for slab in slabs(x.shape):
        block = x[slab].astype(native_dtype(x.dtype))
        with np.errstate(over="ignore"):
            same = dtype if in_numpy.by_reciprocal(x.dtype, dtype) else np.dtype(np.float64)
            part = np.empty_like(block, same)
            _large(block, whole[slab], part, formula.__name__)
            out[slab] = part
    return out


def _checked(out: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """The array itself if results of this shape and dtype can be written to it."""
    if not isinstance(out, np.ndarray) or out.dtype != dtype:
        got = out.dtype if isinstance(out, np.ndarray) else type(out).__name__
        raise TypeError(f"out must be an ndarray of dtype {dtype}, got {got}")
    if out.shape != shape:
        raise ValueError(f"out must have the shape of x, {shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out must be writeable, got a read-only array; give out.copy()")
    return out


def _order(x: Array) -> list[int]:
    """Axes of more than one element, outermost in memory first."""
    return sorted((a for a in range(x.ndim) if x.shape[a] > 1), key=lambda a: -abs(x.strides[a]))


def _is_alike(out: Array, x: Array) -> bool:
    """Whether a loop can write where results are to lie, and both lie in the same order."""
    order = _order(out)
    runs = not order or out.strides[order[-1]] == out.itemsize
    repeats = any(x.strides[axis] == 0 for axis in order)
    return runs and is_native(out) and (repeats or order == _order(x))


def _large(x: Array, affine: Array, out: Array, name: str) -> None:
    """Map by a compiled loop, over axes in the order in which results lie in memory."""
    # Numba is imported here and not above: half a second that small data never needs.
    from dasknorm.kernels.compiled import affine as maps

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
                (out.strides[axis] // out.itemsize, x.strides[axis] // x.itemsize, step),
            )
            for axis, (size, step) in enumerate(zip(x.shape, steps, strict=True))
        ]
    )
    what = maps.OVER if name == "standardize" else maps.BACK
    if what == maps.OVER and in_numpy.by_reciprocal(x.dtype, out.dtype):
        own["scale"] = in_numpy.reciprocal(own["scale"])
        what = maps.TIMES
    _fill(out, x, walk, own.reshape(-1).view(np.float64).reshape(-1, 3), what)


def _inner(walk: list[Axis]) -> tuple[list[Axis], list[Axis]]:
    """Split axes into outer ones and a compiled loop's three: same map, a map each, same map."""
    outer = list(walk)
    run = outer.pop() if outer and not outer[-1].role else _NOTHING
    # A pattern is written as one piece: kept positions with gaps between them are places apart.
    beside = outer and outer[-1].role and outer[-1].strides[0] == run.size
    kept = outer.pop() if beside else _NOTHING
    same = outer.pop() if outer and not outer[-1].role else _NOTHING
    return outer, [same, kept, run]


def _fill(out: Array, x: Array, walk: list[Axis], records: Array, what: int) -> None:
    """Map x into the memory of results, wherever the outer axes place its blocks."""
    from dasknorm.kernels.compiled import affine as maps

    row, origin = flat_view(out, writeable=True)
    view, start = flat_view(x)
    scratch = np.empty(maps.PIECE, x.dtype)
    long = walk[-1].size >= maps.LONG_RUN and not walk[-1].role
    outer, (same, kept, run) = _inner(walk)
    if long:
        outer, same = [*outer, same], _NOTHING
    (same_out, kept_out, _), x_strides, (_, step, _) = zip(
        same.strides, kept.strides, run.strides, strict=True
    )
    places = prod(axis.size for axis in outer)
    for first in range(0, places, OUTER):
        to, from_, by = (offsets(outer, i, first, min(first + OUTER, places)) for i in range(3))
        to += origin
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
        if many > 1 and same_out != strip * run.size:
            many = 1  # results with gaps between their rows are written row by row
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
