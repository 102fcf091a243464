"""Moments of one block: checks, and the choice of the loop that suits how it lies in memory."""

from math import prod
from typing import Any

import numpy as np

from dasknorm.kernels import in_numpy
from dasknorm.kernels.layout import (
    Axis,
    Target,
    Walk,
    by_stride,
    flat_view,
    has_whole_steps,
    is_native,
    native_dtype,
    offsets,
    positive,
    slabs,
)
from dasknorm.kernels.merging import merge_into, record_target
from dasknorm.kernels.records import RECORD, Array, Axes

__all__ = ["SMALL", "checked_weights", "moments", "numeric"]

SHARED = 8  # weights that each stand for so many values are converted before they are read
SMALL = 100_000  # elements; below, NumPy is done before Numba is imported
LONG_RUN = 512  # a reduced innermost axis at least this long is summed along itself
SHORT_RUN = 64  # and one shorter than this is best seen as rows
FEW_ROWS = 16
FEW_LANES = 4  # with fewer lanes next to each other, lanes far apart are better
OUTER = 1 << 16  # outer places listed at a time


def numeric(x: Any, name: str = "x") -> Array:
    """The array itself if its dtype is one that kernels take, else TypeError."""
    array = np.asarray(x)
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind in "biu" or (kind == "f" and size <= 8):
        return array
    raise TypeError(
        f"{name} must be of booleans, integers or float16 to float64, got dtype {array.dtype}; "
        f"convert it first, for example {name}.astype('float64')"
    )


def checked_weights(weights: Any, shape: tuple[int, ...]) -> Array:
    """Weights in the shape of the data, every one finite and at least 0."""
    array = numeric(weights, "weights")
    if array.size:
        with np.errstate(invalid="ignore"):
            low, high = array.min(), array.max()
        if not (low >= 0 and high < np.inf):
            got = "NaN" if low != low else f"{low if not low >= 0 else high}"
            raise ValueError(
                f"weights must be finite and at least 0, got {got}; "
                "give what is to take no part weight 0"
            )
    try:
        few = array.size < SMALL or SHARED * array.size <= prod(shape)
        return np.broadcast_to(array.astype(np.float64, copy=False) if few else array, shape)
    except ValueError:
        raise ValueError(
            f"weights must broadcast to the shape of x {shape}, got shape {array.shape}; "
            "give them the axes they belong to, of size 1 elsewhere"
        ) from None


def moments(x: Array, axes: Axes, weights: Array | None = None, out: Array | None = None) -> Array:
    """Count, mean and sum of squared deviations of a block along some axes.

    Tiles are summed around a guess at their mean, made from a few of their values, and corrected
    for what it was off (the second pass of Chan, Golub & LeVeque, 1983); where that was more than a
    standard deviation, they are read again. They merge as double-doubles (`merge`). Missing values
    (NaN) are counted and take no part. An infinity makes mean and m2 of its record NaN, where count
    stays above 0.

    Parameters
    ----------
    x : ndarray of bool, integers, or float16 to float64
        Of any shape, byte order and memory layout; only read.
    axes : tuple of int
        The axes merged away; ``()`` gives every element a record of its own.
    weights : ndarray, optional
        Finite and at least 0; broadcasts to the shape of x. A value of weight 0 takes no part,
        whatever it is.
    out : ndarray of RECORD, optional
        In the shape of the result and of any memory layout. The moments are merged into what it
        holds, to within 1 ulp as ``merge(out, moments(x, axes, weights))`` would, without another
        array of that size.

    Returns
    -------
    ndarray of RECORD
        In the shape of x, with size 1 along ``axes``; out itself where it was given.

    Raises
    ------
    TypeError
        If x, weights or out are not of a dtype named above.
    ValueError
        If a weight is NaN, infinite or negative, if weights do not broadcast, or if out has another
        shape or is read-only.

    Examples
    --------
    >>> import numpy as np
    >>> record = moments(np.array([[1.0, 2.0], [3.0, np.nan]]), (0,))
    >>> record["count"].tolist(), record["mean"].tolist(), record["m2"].tolist()
    ([[2.0, 1.0]], [[2.0, 2.0]], [[2.0, 0.0]])
    >>> record["missing"].tolist()
    [[0.0, 1.0]]
    """
    x = numeric(x)
    axes = positive(axes, x.ndim)
    if weights is not None:
        weights = checked_weights(weights, x.shape)
        weights = weights.view(np.uint8) if weights.dtype == np.bool_ else weights
    if out is not None:
        _check_target(out, x.shape, axes)
    if x.dtype == np.bool_:
        x = x.view(np.uint8)
    if x.size < max(SMALL, 2):  # loops walk along an axis, and one element has none
        part = _small(x, axes, weights)
        return part if out is None else merge_into(out, part)
    out = _identity(x, axes) if out is None else out
    if is_native(x) and (weights is None or _is_ready(weights)) and has_whole_steps(out):
        _large(x, axes, weights, out)
    else:
        _converted(x, axes, weights, out)
    return out


def _is_ready(weights: Array) -> bool:
    return weights.dtype in (np.float64, np.float32, np.uint8) and is_native(weights)


def _shape_of_result(shape: tuple[int, ...], axes: Axes) -> tuple[int, ...]:
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape))


def _check_target(out: Array, shape: tuple[int, ...], axes: Axes) -> None:
    wanted = _shape_of_result(shape, axes)
    if record_target(out, "out").shape != wanted:
        raise ValueError(f"out must have the shape of the result, {wanted}, got {out.shape}")


def _identity(x: Array, axes: Axes) -> Array:
    """Records of nothing, in memory in the order in which what they are to hold lies in x."""
    order = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    shape = _shape_of_result(x.shape, axes)
    return np.zeros([shape[axis] for axis in order], RECORD).transpose(np.argsort(order))


def _small(x: Array, axes: Axes, weights: Array | None) -> Array:
    if x.size == 0:
        return np.zeros(_shape_of_result(x.shape, axes), RECORD)
    return in_numpy.moments(
        x, axes, None if weights is None else weights.astype(np.float64, copy=False)
    )


def _converted(x: Array, axes: Axes, weights: Array | None, out: Array) -> None:
    """Merge what no loop can read or write in place: converted and merged a slab at a time."""
    for slab in slabs(x.shape):
        w = None if weights is None else weights[slab].astype(np.float64)
        block = x[slab].astype(x.dtype.newbyteorder("="))
        part = _identity(block, axes)
        _large(block, axes, w, part)
        merge_into(
            out[tuple(slice(0, 1) if axis in axes else s for axis, s in enumerate(slab))], part
        )


def _large(x: Array, axes: Axes, weights: Array | None, out: Array) -> None:
    """Merge moments by a compiled loop, over axes in the order in which they lie in memory."""
    forward = tuple(slice(None, None, -1 if stride < 0 else 1) for stride in x.strides)
    arrays = [a[forward] for a in (x, weights) if a is not None]
    out = out[
        tuple(f if size > 1 else slice(None) for f, size in zip(forward, out.shape, strict=True))
    ]
    steps = [
        0 if size == 1 else stride // RECORD.itemsize
        for size, stride in zip(out.shape, out.strides, strict=True)
    ]
    walk = by_stride(
        [
            Axis(
                size,
                axis in axes,
                (*(a.strides[axis] // a.itemsize for a in arrays), steps[axis]),
            )
            for axis, size in enumerate(x.shape)
        ]
    )
    kind = native_dtype(x.dtype)
    if x.dtype == np.float16:
        arrays[0] = arrays[0].view(np.uint16)
    row, start = flat_view(out, writeable=True)
    _merge_blocks(row.view(np.float64).reshape(-1, 6), start, walk, arrays, kind)


def _merge_blocks(
    records: Array, origin: int, walk: list[Axis], arrays: list[Array], kind: np.dtype[Any]
) -> None:
    """Merge blocks of data and weights, wherever outer axes place them, into records."""
    # Numba is imported here and not above: half a second that small data never needs.
    from dasknorm.kernels.compiled import rows, runs, weighted_runs

    outer, inner = _inner(walk)
    many, lanes, run = inner
    # One weight for each run costs next to nothing where runs are read one by one.
    long = SHORT_RUN if len(arrays) == 2 and run.strides[1] == 0 else LONG_RUN
    by_rows = run.size == 1 or (run.size < long and many.size >= FEW_ROWS)
    if not by_rows:
        # Kept axes outermost, so that runs of one record follow each other.
        outer = sorted((axis for axis in walk if axis is not run), key=lambda axis: axis.role)
    views = [flat_view(a) for a in arrays]
    places = prod(axis.size for axis in outer)
    for first in range(0, places, OUTER):
        stop = min(first + OUTER, places)
        *heres, targets = (offsets(outer, i, first, stop) for i in range(len(arrays) + 1))
        target = Target(records, origin + targets, lanes.strides[-1])
        walks = [
            Walk(view, start + here, tuple(axis.strides[i] for axis in inner))
            for i, ((view, start), here) in enumerate(zip(views, heres, strict=True))
        ]
        x, w = walks[0], walks[1] if len(walks) == 2 else None
        if by_rows:
            rows.moments(target, (many.size, lanes.size, run.size), x, w, kind)
        elif w is not None and w.strides[2] != 0:
            weighted_runs.moments(target, run.size, x, w, kind)
        else:
            runs.moments(target, run.size, x, w, kind)


def _inner(walk: list[Axis]) -> tuple[list[Axis], list[Axis]]:
    """Split axes into outer ones and a compiled loop's: reduced rows, kept lanes, reduced runs."""
    outer = list(walk)
    nothing = Axis(1, True, (0,) * len(walk[0].strides))

    def taken(candidates: list[Axis]) -> Axis:
        axis = max(candidates, key=lambda a: a.size, default=nothing)
        if axis is not nothing:
            outer.remove(axis)
        return axis

    run = taken([axis for axis in outer[-1:] if axis.role])
    if run.size > 1 and outer and outer[-1].role and outer[-1].size >= FEW_ROWS:
        return outer[:-1], [outer[-1], nothing, run]
    kept = [axis for axis in outer if not axis.role]
    lanes = taken(kept[-1:] if kept and kept[-1].size >= FEW_LANES else kept)
    many = taken([axis for axis in outer if axis.role])
    if 1 < run.size < SHORT_RUN and many.size < FEW_ROWS:
        outer += [many] * (many is not nothing)
        many, run = run, nothing
    return outer, [many, lanes, run]
