"""Moments of one block, and by group of one column: checks, and the choice of the loop.

Used by kernels. The choice of loops may be changed freely: all compute the same, at different
speeds.

Small blocks are computed in NumPy. The compiled loop of a large one depends on how the reduced axes
are ordered in memory.
"""

from collections.abc import Iterator

import numpy as np

from dasknorm.kernels import in_numpy
from dasknorm.kernels.inputs import (
    RECORD,
    Array,
    Axes,
    Weights,
    as_numeric,
    as_weights,
    check_record_target,
    is_small,
    normalize_axes,
    reduced_shape,
)
from dasknorm.kernels.layout import (
    Axis,
    Target,
    Walk,
    element_strides,
    exact_dtype,
    flat_view,
    has_whole_strides,
    is_native,
    make_walk,
    native_dtype,
    offset_batches,
    slabs,
)
from dasknorm.kernels.merging import merge_into

LONG_RUN = 512  # a reduced innermost axis at least this long is summed along itself
SHORT_RUN = 64  # and one shorter than this is best seen as rows
MIN_ROWS = 16  # with fewer rows, a run is summed along itself, however short
MIN_LANES = 4  # with fewer lanes next to each other, lanes far apart are better


def moments(x: Array, axes: Axes, weights: Weights = None, out: Array | None = None) -> Array:
    """Compute count, mean and sum of squared deviations of a block along some axes.

    Tiles are summed around a guess at their mean, made from a few of their values, and corrected
    for its error (the second pass of Chan, Golub & LeVeque, 1983). If the error is more than a
    standard deviation, the tile is read again. Tiles merge as double-doubles (`merge`). An infinity
    makes mean and m2 of its record NaN, while count stays above 0.

    If `out` is given, the moments are merged into its records, to within 1 ulp as
    ``merge(out, moments(x, axes, weights))`` would, without another array of that size.

    Examples
    --------
    >>> import numpy as np
    >>> record = moments(np.array([[1.0, 2.0], [3.0, np.nan]]), (0,))
    >>> record["count"].tolist(), record["mean"].tolist(), record["m2"].tolist()
    ([[2.0, 1.0]], [[2.0, 2.0]], [[2.0, 0.0]])
    >>> record["missing"].tolist()
    [[0.0, 1.0]]
    """
    x = as_numeric(x)
    axes = normalize_axes(axes, x.ndim)
    if weights is not None:
        weights = as_weights(weights, x.shape)
        weights = weights.view(np.uint8) if weights.dtype == np.bool_ else weights
    if out is not None:
        check_record_target(out, "out")
        if out.shape != (shape := reduced_shape(x.shape, axes)):
            raise ValueError(f"out must have the shape of the result, {shape}, got {out.shape}")
    if x.dtype == np.bool_:
        x = x.view(np.uint8)
    if is_small(x):
        part = _small(x, axes, weights)
        return part if out is None else merge_into(out, part)
    out = _empty_records(x, axes) if out is None else out
    if is_native(x) and (weights is None or _is_ready(weights)) and has_whole_strides(out):
        _merge_compiled(x, axes, weights, out)
    else:
        _merge_converted(x, axes, weights, out)
    return out


def _is_ready(weights: Array) -> bool:
    return weights.dtype in (np.float64, np.float32, np.uint8) and is_native(weights)


def _empty_records(x: Array, axes: Axes) -> Array:
    """Return records of no values, in memory in the same order as the axes of x."""
    order = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    shape = reduced_shape(x.shape, axes)
    return np.zeros([shape[axis] for axis in order], RECORD).transpose(np.argsort(order))


def _small(x: Array, axes: Axes, weights: Weights) -> Array:
    if x.size == 0:
        return np.zeros(reduced_shape(x.shape, axes), RECORD)
    return in_numpy.moments(
        x, axes, None if weights is None else weights.astype(np.float64, copy=False)
    )


def _merge_converted(x: Array, axes: Axes, weights: Weights, out: Array) -> None:
    """Convert a slab at a time, if no loop can read x or write out in place."""
    for slab in slabs(x.shape):
        w = None if weights is None else weights[slab].astype(np.float64)
        block = x[slab].astype(x.dtype.newbyteorder("="))
        part = _empty_records(block, axes)
        _merge_compiled(block, axes, w, part)
        merge_into(
            out[tuple(slice(0, 1) if axis in axes else s for axis, s in enumerate(slab))], part
        )


def _merge_compiled(x: Array, axes: Axes, weights: Weights, out: Array) -> None:
    """Merge moments by a compiled loop, over axes in the order in which they lie in memory."""
    forward = tuple(slice(None, None, -1 if stride < 0 else 1) for stride in x.strides)
    arrays = [a[forward] for a in (x, weights) if a is not None]
    out = out[
        tuple(f if size > 1 else slice(None) for f, size in zip(forward, out.shape, strict=True))
    ]
    strides = (*map(element_strides, arrays), element_strides(out))
    walk = make_walk(x.shape, [axis in axes for axis in range(x.ndim)], *strides)
    dtype = native_dtype(x.dtype)
    if x.dtype == np.float16:
        arrays[0] = arrays[0].view(np.uint16)
    row, start = flat_view(out, writeable=True)
    _merge_blocks(row.view(np.float64).reshape(-1, 6), start, walk, arrays, dtype)


def _merge_blocks(
    records: Array, origin: int, walk: list[Axis], arrays: list[Array], dtype: np.dtype
) -> None:
    """Merge blocks of data and weights, at all positions of the outer axes, into records."""
    # Numba is imported here and not above: half a second that small data never needs.
    from dasknorm.kernels.compiled import rows, runs

    outer, inner = _split_axes(walk)
    reduced, lanes, run = inner
    # One weight per run costs next to nothing if runs are read one by one.
    long = SHORT_RUN if len(arrays) == 2 and run.strides[1] == 0 else LONG_RUN
    by_rows = run.size == 1 or (run.size < long and reduced.size >= MIN_ROWS)
    if not by_rows:
        # Kept axes outermost, so that runs of one record follow each other.
        outer = sorted((axis for axis in walk if axis is not run), key=lambda axis: axis.role)
    views = [flat_view(a) for a in arrays]
    for *offsets, places in offset_batches(outer, len(arrays) + 1):
        target = Target(records, origin + places, lanes.strides[-1])
        walks = [
            Walk(view, start + offset, tuple(axis.strides[i] for axis in inner))
            for i, ((view, start), offset) in enumerate(zip(views, offsets, strict=True))
        ]
        x, w = walks[0], walks[1] if len(walks) == 2 else None
        if by_rows:
            rows.moments(target, (reduced.size, lanes.size, run.size), x, w, dtype)
        else:
            runs.moments(target, run.size, x, w, dtype)


def _split_axes(walk: list[Axis]) -> tuple[list[Axis], list[Axis]]:
    """Split axes into outer ones and a compiled loop's: reduced rows, kept lanes, reduced runs."""
    outer = list(walk)
    no_axis = Axis(1, True, (0,) * len(walk[0].strides))

    def take(candidates: list[Axis]) -> Axis:
        axis = max(candidates, key=lambda a: a.size, default=no_axis)
        if axis is not no_axis:
            outer.remove(axis)
        return axis

    run = take([axis for axis in outer[-1:] if axis.role])
    if run.size > 1 and outer and outer[-1].role and outer[-1].size >= MIN_ROWS:
        return outer[:-1], [outer[-1], no_axis, run]
    kept = [axis for axis in outer if not axis.role]
    lanes = take(kept[-1:] if kept and kept[-1].size >= MIN_LANES else kept)
    reduced = take([axis for axis in outer if axis.role])
    if 1 < run.size < SHORT_RUN and reduced.size < MIN_ROWS:
        outer += [reduced] * (reduced is not no_axis)
        reduced, run = run, no_axis
    return outer, [reduced, lanes, run]


def moments_by_group(out: Array, x: Array, codes: Array, weights: Weights = None) -> Array:
    """Merge the moments of values into the records of their groups, in place.

    A code is the position of a value's group in `out`; below 0 for none. For any order of values
    and any distance of their means from 0, the mean is within 4 ulp of max(abs(mean), std) and the
    variance within 16 ulp (weighted: 1e-13).

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import RECORD
    >>> records = np.zeros(2, RECORD)
    >>> _ = moments_by_group(records, np.array([1.0, 5.0, 3.0]), np.array([1, 0, 1]))
    >>> records["count"].tolist(), records["mean"].tolist(), records["m2"].tolist()
    ([1.0, 2.0], [5.0, 2.0], [0.0, 2.0])
    """
    x, codes = as_numeric(x), np.asarray(codes)
    for array in (codes, *(() if weights is None else (np.asarray(weights),))):
        if x.ndim != 1 or array.shape != x.shape:
            raise ValueError(f"values, codes and weights differ: {x.shape} and {array.shape}")
    weights = None if weights is None else as_weights(weights, x.shape)
    if codes.size and codes.max() >= len(out):
        raise IndexError(f"group {codes.max()} of only {len(out)}")
    check_record_target(out, "out")
    records = np.array(out)
    if is_small(x):
        in_numpy.moments_by_group(records, x.astype(x.dtype.newbyteorder("=")), codes, weights)
    else:
        _merge_groups(records, x, codes, weights)
    out[...] = records
    return out


def _merge_groups(records: Array, x: Array, codes: Array, weights: Weights) -> None:
    from dasknorm.kernels.compiled import groups  # imports Numba

    sums = np.zeros((len(records), groups.SUMS))
    if weights is not None:
        for columns in _column_slabs(x, codes, weights):
            groups.choose_shifts(sums, *columns)
        sums[:, groups.N] = 0.0
    for columns in _column_slabs(x, codes, weights):
        groups.add(sums, *columns)
    numbers = records.view(np.float64).reshape(len(records), -1)
    groups.add_to_records(numbers, sums, exact_dtype(x.dtype).type(0))


def _column_slabs(
    x: Array, codes: Array, weights: Weights
) -> Iterator[tuple[Array, Array, Array | None]]:
    for (rows,) in slabs(x.shape):
        yield (
            np.ascontiguousarray(x[rows], exact_dtype(x.dtype)),
            np.ascontiguousarray(codes[rows], np.intp),
            None if weights is None else np.ascontiguousarray(weights[rows], np.float64),
        )
