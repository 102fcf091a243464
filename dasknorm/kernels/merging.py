"""Merge records of blocks, chunks and data sets.

Used by kernels. Sizes may be changed freely; the formula is `arithmetic.merge_moments`.
"""

import numpy as np

from dasknorm.kernels import in_numpy
from dasknorm.kernels.inputs import (
    RECORD,
    Array,
    Axes,
    as_records,
    check_record_target,
    normalize_axes,
    reduced_shape,
)
from dasknorm.kernels.layout import has_whole_strides, slabs

MIN_COMPILED_RECORDS = 20_000  # merged by one call; NumPy merges fewer in 10 ms, without Numba
RECORDS_AT_ONCE = 4096  # 200 KB, and with NumPy's temporaries 1 MB


def merge(a: Array, b: Array) -> Array:
    """Merge two arrays of records, element by element; they broadcast against each other.

    Means merge around the first one (Chan, Golub & LeVeque, 1983; see Schubert & Gertz, 2018, for
    how the variants differ), in double-doubles (Dekker, 1971), so that the order of merging hardly
    matters: it moves no mean by more than 1 ulp of max(abs(mean), std), and no m2 by more than
    1 ulp. A record of zeros is the identity, bit for bit.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import moments
    >>> both = merge(moments(np.array([1.0, 2.0]), (0,)), moments(np.array([6.0]), (0,)))
    >>> both["count"].item(), both["mean"].item(), both["m2"].item()
    (3.0, 3.0, 14.0)
    """
    a, b = as_records(a, "a"), as_records(b, "b")
    shape = np.broadcast_shapes(a.shape, b.shape)
    out = np.empty(shape, RECORD)
    out[...] = a
    return merge_into(out, b)


def merge_into(total: Array, part: Array) -> Array:
    """Merge records into others of any memory layout, in place, and return these; as `merge` does.

    The part broadcasts to the shape of total, and must not share memory with it.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import moments
    >>> total = moments(np.array([1.0, 2.0]), (0,))
    >>> both = merge_into(total, moments(np.array([6.0]), (0,)))
    >>> both is total, total["mean"].item()
    (True, 3.0)
    """
    check_record_target(total, "total")
    part = as_records(part, "part")
    try:
        part = np.broadcast_to(part, total.shape)
    except ValueError:
        raise ValueError(
            f"part must broadcast to the shape of total {total.shape}, got shape {part.shape}"
        ) from None
    _fold(total, part)
    return total


def merge_along(records: Array, axes: Axes) -> Array:
    """Merge records with one another along some axes; along an axis of size 0 to zeros.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import moments
    >>> parts = moments(np.array([[1.0, 2.0], [6.0, 7.0]]), ())
    >>> merge_along(parts, (0, 1))["mean"].tolist()
    [[4.0]]
    """
    records = as_records(records, "records")
    axes = normalize_axes(axes, records.ndim)
    kept = [axis for axis in range(records.ndim) if axis not in axes]
    moved = records.transpose([*axes, *kept])
    shape = moved.shape[len(axes) :]
    lines = moved.reshape(-1, *shape) if 0 not in moved.shape else np.zeros((0, *shape), RECORD)
    return _merge_lines(lines).reshape(reduced_shape(records.shape, axes))


def _merge_lines(lines: Array) -> Array:
    """Merge lines: all onto the first few, element by element, and these by halves."""
    width = max(int(np.prod(lines.shape[1:])), 1)
    few = max(RECORDS_AT_ONCE // width, 1)
    into = np.zeros((min(few, max(len(lines), 1)), *lines.shape[1:]), RECORD)
    into[: len(lines)] = lines[:few]
    for first in range(few, len(lines), few):
        part = lines[first : first + few]
        _fold(into[: len(part)], part, len(lines) * width)
    while len(into) > 1:
        half = (len(into) + 1) // 2
        _fold(into[: len(into) - half], into[half:])
        into = into[:half]
    return into


def _fold(into: Array, part: Array, expected: int = 0) -> None:
    """Merge part into another array of its shape; `expected` is the number of records in all."""
    if max(into.size, expected) < MIN_COMPILED_RECORDS:
        in_numpy.fold(into, part)
        return
    # Numba is imported here and not above: half a second that few records never need.
    from dasknorm.kernels.compiled.primitives import fold_flat

    if into.flags.forc and into.strides == part.strides and has_whole_strides(into):
        fold_flat(_numbers(into), _numbers(part))
        return
    for slab in slabs(into.shape, RECORDS_AT_ONCE):
        records = np.array(into[slab], order="C")
        fold_flat(_numbers(records), _numbers(np.array(part[slab], order="C")))
        into[slab] = records


def _numbers(records: Array) -> Array:
    """Return contiguous records as rows of float64, in the order in which they lie in memory."""
    return records.reshape(-1, order="A").view(np.float64).reshape(-1, 6)
