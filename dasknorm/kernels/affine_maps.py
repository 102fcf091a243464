"""Affine maps of one block: standardize and restore, alone, by group, or after a function.

Used by kernels. A function is added by one row of `FUNCTIONS`.

All are calculated in float64 and cast once.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from dasknorm.kernels import in_numpy
from dasknorm.kernels.inputs import AFFINE, Array, Kernel, as_numeric, is_small
from dasknorm.kernels.layout import (
    Axis,
    Walk,
    element_strides,
    exact_dtype,
    flat_view,
    is_native,
    make_walk,
    native_dtype,
    offset_batches,
    slabs,
)

NO_AXIS = Axis(1, False, (0, 0, 0))


def standardize(x: Array, affine: Array, dtype: DTypeLike, out: Array | None = None) -> Array:
    """Compute ((x - shift) - shift_rest) / scale, in float64 and cast once to a float dtype.

    64-bit integers are subtracted from exactly, as the two halves of a double-double. The affine
    maps broadcast to x. The result is `out`, which may be x itself but must not overlap it
    otherwise, or a new array in the memory order of x.

    Examples
    --------
    >>> import numpy as np
    >>> affine = np.array((4.0, 0.0, 2.0), AFFINE)
    >>> standardize(np.array([2, 4, 8], np.int16), affine, np.float32)
    array([-1.,  0.,  2.], dtype=float32)
    """
    return _map(x, affine, dtype, out, in_numpy.standardize)


def restore(x: Array, affine: Array, dtype: DTypeLike, out: Array | None = None) -> Array:
    """Compute x * scale + shift (+ shift_rest), the inverse of `standardize`.

    Examples
    --------
    >>> import numpy as np
    >>> affine = np.array((4.0, 0.0, 2.0), AFFINE)
    >>> restore(np.array([-1.0, 0.0, 2.0]), affine, np.float64)
    array([2., 4., 8.])
    """
    return _map(x, affine, dtype, out, in_numpy.restore)


def _map(
    x: Array, affine: Array, dtype: DTypeLike, out: Array | None, formula: Callable[..., Array]
) -> Array:
    x = as_numeric(x)
    dtype = np.dtype(dtype)
    if dtype.kind != "f" or dtype.itemsize > 8:
        raise TypeError(f"dtype must be float16, float32 or float64, got {dtype}")
    affine = np.asarray(affine)
    if affine.dtype != AFFINE:
        raise TypeError(f"affine must be of dtype AFFINE, got {affine.dtype}")
    affine = np.broadcast_to(affine, x.shape)
    if x.dtype == np.bool_:
        x = x.view(np.uint8)
    if out is None:
        out = np.empty_like(x, dtype, subok=False)
    else:
        _check_target(out, x.shape, dtype)
    if is_small(x):
        return formula(x, affine, dtype, out)
    if (
        is_native(x)
        and x.dtype != np.float16
        and dtype in (np.float32, np.float64)
        and _is_ordered_alike(out, x)
    ):
        _map_compiled(x, affine, out, formula.__name__)
        return out
    for slab in slabs(x.shape):
        block = x[slab].astype(native_dtype(x.dtype))
        with np.errstate(over="ignore"):
            is_float32 = in_numpy.by_reciprocal(x.dtype, dtype)
            part = np.empty_like(block, dtype if is_float32 else np.float64)
            _map_compiled(block, affine[slab], part, formula.__name__)
            out[slab] = part
    return out


def _check_target(out: Array, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Raise TypeError or ValueError unless results of a shape and dtype can be written to out."""
    if not isinstance(out, np.ndarray) or out.dtype != dtype:
        got = out.dtype if isinstance(out, np.ndarray) else type(out).__name__
        raise TypeError(f"out must be an ndarray of dtype {dtype}, got {got}")
    if out.shape != shape:
        raise ValueError(f"out must have the shape of x, {shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out must be writeable, got a read-only array; give out.copy()")


def _order(x: Array) -> list[int]:
    """Return axes of more than one element, outermost in memory first."""
    return sorted((a for a in range(x.ndim) if x.shape[a] > 1), key=lambda a: -abs(x.strides[a]))


def _is_ordered_alike(out: Array, x: Array) -> bool:
    """Return whether a loop can write results in place, and both arrays have the same order."""
    order = _order(out)
    is_adjacent = not order or out.strides[order[-1]] == out.itemsize
    has_repeats = any(x.strides[axis] == 0 for axis in order)
    return is_adjacent and is_native(out) and (has_repeats or order == _order(x))


def _map_compiled(x: Array, affine: Array, out: Array, name: str) -> None:
    """Map by a compiled loop, over axes in the order in which results lie in memory."""
    # A copy is writeable, whether affine is or not: Numba would compile for each of the two.
    maps = np.array(
        affine[tuple(slice(0, 1 if s == 0 else None) for s in affine.strides)], order="C"
    )
    steps = element_strides(maps)
    strides = element_strides(out), element_strides(x), steps
    walk = make_walk(x.shape, [step != 0 for step in steps], *strides)
    formula = _choose_formula(name, x, out, maps)
    _fill(out, x, walk, maps.reshape(-1).view(np.float64).reshape(-1, 3), formula)


def _choose_formula(name: str, x: Array, out: Array, maps: Array) -> int:
    """Return the number of a formula; scales of maps become reciprocals if it multiplies."""
    # Numba is imported here and not above: half a second that small data never needs.
    from dasknorm.kernels.compiled import affine

    if name == "restore":
        return affine.RESTORE
    if not in_numpy.by_reciprocal(x.dtype, out.dtype):
        return affine.STANDARDIZE
    maps["scale"] = in_numpy.reciprocal(maps["scale"])
    return affine.MULTIPLY


def _split_axes(walk: list[Axis]) -> tuple[list[Axis], list[Axis]]:
    """Split axes into outer ones and a compiled loop's: rows of one map, kept, run of one map."""
    outer = list(walk)
    run = outer.pop() if outer and not outer[-1].role else NO_AXIS
    # A pattern is written in one part: a kept axis with gaps between its elements is an outer one.
    is_adjacent = outer and outer[-1].role and outer[-1].strides[0] == run.size
    kept = outer.pop() if is_adjacent else NO_AXIS
    rows = outer.pop() if outer and not outer[-1].role else NO_AXIS
    return outer, [rows, kept, run]


def _fill(out: Array, x: Array, walk: list[Axis], maps: Array, formula: int) -> None:
    """Map x into the memory of results, for the blocks at all positions of the outer axes."""
    from dasknorm.kernels.compiled import affine

    scratch = np.empty(affine.PATTERN_SIZE, x.dtype)
    is_plain = walk[-1].size >= affine.PLAIN_RUN and not walk[-1].role
    outer, (rows, kept, run) = _split_axes(walk)
    if is_plain:
        outer, rows = [*outer, rows], NO_AXIS
    strides = list(zip(rows.strides, kept.strides, run.strides, strict=True))
    (out_step, _, _), x_strides, _ = strides
    # Strips of even width: of 1025 columns, a last strip of one would cost as much as all others.
    strips = 1 if is_plain else -(-kept.size // (affine.PATTERN_SIZE // run.size))
    strip = -(-kept.size // strips)
    rows_at_once = 1  # results with gaps between their rows are written row by row
    if strip == kept.size and out_step == strip * run.size:
        rows_at_once = max(1, min(rows.size, affine.PATTERN_SIZE // (strip * run.size)))
    is_adjacent = (
        (run.size == 1 or x_strides[2] == 1)
        and (strip == 1 or x_strides[1] == run.size)
        and (rows_at_once == 1 or x_strides[0] == strip * run.size)
    )
    views = [flat_view(out, writeable=True), flat_view(x), (maps, 0)]
    for offsets in offset_batches(outer, 3):
        walks = [
            Walk(row, start + offset, steps)
            for (row, start), offset, steps in zip(views, offsets, strides, strict=True)
        ]
        if is_plain:
            affine.map_runs(formula, *walks, kept.size, run.size, scratch)
            continue
        for k in range(0, kept.size, strip):
            parts = [part._replace(starts=part.starts + k * part.strides[1]) for part in walks]
            sizes = rows.size, min(strip, kept.size - k), run.size
            affine.map_patterns(formula, *parts, sizes, rows_at_once, is_adjacent, scratch)


def map_by_group(kernel: Kernel, x: Array, affine: Array, codes: Array, out: Array) -> Array:
    """Map each value through the map of its group: ``kernel(x, affine[codes], out.dtype, out)``.

    The result has the same bits, without a map for each value in memory. Codes below 0 count from
    the end, as in NumPy. Other kernels than `standardize` and `restore` have no compiled loop.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import AFFINE
    >>> affine = np.array([(0.0, 0.0, 1.0), (4.0, 0.0, 2.0)], AFFINE)
    >>> map_by_group(standardize, np.array([8.0, 8.0]), affine, np.array([0, 1]), np.empty(2))
    array([8., 2.])
    """
    x = as_numeric(x)
    if is_small(x) or out.dtype == np.float16 or kernel not in (standardize, restore):
        for (rows,) in slabs(x.shape):
            out[rows] = kernel(x[rows], affine[codes[rows]], out.dtype)
        return out
    from dasknorm.kernels.compiled import affine as compiled_affine  # imports Numba

    maps = np.array(affine)
    formula = _choose_formula(kernel.__name__, x, out, maps)
    numbers = maps.view(np.float64).reshape(len(maps), -1)
    for (rows,) in slabs(x.shape):
        part = np.empty(len(out[rows]), out.dtype)
        values = np.ascontiguousarray(x[rows], exact_dtype(x.dtype))
        groups = np.ascontiguousarray(codes[rows], np.intp)
        compiled_affine.map_by_group(formula, part, values, numbers, groups)
        out[rows] = part
    return out


class Function(NamedTuple):
    """An increasing function, its inverse, and the numbers for which it is defined."""

    forward: Callable[..., Array]
    backward: Callable[..., Array]
    domain: str


FUNCTIONS = {
    "log": Function(np.log, np.exp, "x > 0"),
    "log1p": Function(np.log1p, np.expm1, "x > -1"),
    "sqrt": Function(np.sqrt, np.square, "x >= 0"),
    "asinh": Function(np.arcsinh, np.sinh, "all numbers"),
}


def through(name: str, x: Array) -> Array:
    """Apply a function to values, in float64; NaN stays NaN.

    Outside its domain the result is infinite and not NaN, so that such values do not count as
    missing.

    Examples
    --------
    >>> import numpy as np
    >>> through("sqrt", np.array([4.0, np.nan, -1.0]))
    array([ 2., nan, inf])
    """
    values = _apply(name, x)
    outside = np.isnan(values) & ~np.isnan(x) if x.dtype.kind == "f" else np.isnan(values)
    return np.where(outside, np.inf, values) if outside.any() else values


def standardize_by(
    name: str, x: Array, affine: Array, dtype: DTypeLike, out: Array | None = None
) -> Array:
    """Apply a function and `standardize` the result: NaN or infinite outside its domain.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import AFFINE
    >>> standardize_by("sqrt", np.array([1, 9]), np.array((1.0, 0.0, 2.0), AFFINE), np.float32)
    array([0., 1.], dtype=float32)
    """
    return standardize(_apply(name, x), affine, dtype, out)


def restore_from(
    name: str, x: Array, affine: Array, dtype: DTypeLike, out: Array | None = None
) -> Array:
    """Invert `standardize_by`: `restore` in float64, then apply the inverse of the function.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import AFFINE
    >>> restore_from("sqrt", np.array([0.0, 1.0]), np.array((1.0, 0.0, 2.0), AFFINE), np.float64)
    array([1., 9.])
    """
    values = restore(x, affine, np.float64)
    with np.errstate(all="ignore"):
        values = FUNCTIONS[name].backward(values)
        if out is None:
            return np.asarray(values.astype(dtype))
        out[...] = values
    return out


def _apply(name: str, x: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(FUNCTIONS[name].forward(x, dtype=np.float64))
