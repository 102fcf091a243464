"""The merge of records, by which blocks, chunks and data sets become one."""

from typing import Any

import numpy as np

from dasknorm.kernels import in_numpy
from dasknorm.kernels.layout import has_whole_steps, positive, slabs
from dasknorm.kernels.records import RECORD, Array, Axes

__all__ = ["merge", "merge_along", "merge_into", "record_target"]

MANY = 20_000  # records merged by one call before Numba is imported; NumPy does them in 10 ms
TOGETHER = 4096  # records merged side by side: 200 KB, and with NumPy's temporaries 1 MB


def merge(a: Array, b: Array) -> Array:
    """Merge two arrays of records, place by place.

    Means merge around the first one (Chan, Golub & LeVeque, 1983; see Schubert & Gertz, 2018, for
    how the variants differ), in double-doubles (Dekker, 1971), so that the order of merging is of
    no account: it moves no mean by more than 1 ulp of max(abs(mean), std), and no m2 by more than
    1 ulp. A record of zeros is the identity, bit for bit.

    Parameters
    ----------
    a, b : ndarray of RECORD
        Broadcast against each other.

    Returns
    -------
    ndarray of RECORD

    Raises
    ------
    TypeError
        If a or b is not of RECORD.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import moments
    >>> both = merge(moments(np.array([1.0, 2.0]), (0,)), moments(np.array([6.0]), (0,)))
    >>> both["count"].item(), both["mean"].item(), both["m2"].item()
    (3.0, 3.0, 14.0)
    """
    a, b = _records(a, "a"), _records(b, "b")
    shape = np.broadcast_shapes(a.shape, b.shape)
    out = np.empty(shape, RECORD)
    out[...] = a
    return merge_into(out, b)


def merge_into(total: Array, part: Array) -> Array:
    """Merge an array of records into another, place by place and in place.

    The same numbers as ``merge(total, part)``, without another array of that size.

    Parameters
    ----------
    total : ndarray of RECORD
        Of any memory layout; written to.
    part : ndarray of RECORD
        Broadcasts to the shape of total; must not share memory with it.

    Returns
    -------
    ndarray of RECORD
        total itself.

    Raises
    ------
    TypeError
        If total is not an array of RECORD, or part not of RECORD.
    ValueError
        If total cannot be written to, or part does not broadcast to it.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import moments
    >>> total = moments(np.array([1.0, 2.0]), (0,))
    >>> both = merge_into(total, moments(np.array([6.0]), (0,)))
    >>> both is total, total["mean"].item()
    (True, 3.0)
    """
    record_target(total, "total")
    part = _records(part, "part")
    try:
        part = np.broadcast_to(part, total.shape)
    except ValueError:
        raise ValueError(
            f"part must broadcast to the shape of total {total.shape}, got shape {part.shape}"
        ) from None
    _fold(total, part)
    return total


def record_target(out: Any, name: str) -> Array:
    """The array itself if it holds records and can be written to, else TypeError or ValueError."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} must be an ndarray to be written to, got {type(out).__name__}")
    if not _records(out, name).flags.writeable:
        raise ValueError(f"{name} must be writeable, got a read-only array; give {name}.copy()")
    return out


def merge_along(states: Array, axes: Axes) -> Array:
    """Merge records with one another along some axes, kept as axes of one.

    Parameters
    ----------
    states : ndarray of RECORD
    axes : tuple of int
        Along an axis of size 0 the result is the identity, zeros.

    Returns
    -------
    ndarray of RECORD
        In the shape of states, with size 1 along ``axes``.

    Raises
    ------
    TypeError
        If states is not of RECORD.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import moments
    >>> parts = moments(np.array([[1.0, 2.0], [6.0, 7.0]]), ())
    >>> merge_along(parts, (0, 1))["mean"].tolist()
    [[4.0]]
    """
    states = _records(states, "states")
    axes = positive(axes, states.ndim)
    kept = [axis for axis in range(states.ndim) if axis not in axes]
    moved = states.transpose([*axes, *kept])
    wide = moved.shape[len(axes) :]
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(states.shape))
    lines = moved.reshape(-1, *wide) if 0 not in moved.shape else np.zeros((0, *wide), RECORD)
    return _merged_lines(lines).reshape(shape)


def _records(states: Array, name: str) -> Array:
    """The array itself if it holds records, else TypeError."""
    array = np.asarray(states)
    if array.dtype != RECORD:
        raise TypeError(
            f"{name} must be of dtype RECORD, got {array.dtype}; make records with moments()"
        )
    return array


def _merged_lines(lines: Array) -> Array:
    """All lines as one: folded onto the first few, side by side, and these by halves."""
    width = max(int(np.prod(lines.shape[1:])), 1)
    few = max(TOGETHER // width, 1)
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
    """Merge part into another array of its shape, by Numba if there is (or will be) much to do."""
    if max(into.size, expected) < MANY:
        in_numpy.fold(into, part)
        return
    # Numba is imported here and not above: half a second that few records never need.
    from dasknorm.kernels.compiled.primitives import fold_flat

    if into.flags.forc and into.strides == part.strides and has_whole_steps(into):
        fold_flat(_numbers(into), _numbers(part))
        return
    for slab in slabs(into.shape, TOGETHER):
        some = np.array(into[slab], order="C")
        fold_flat(_numbers(some), _numbers(np.array(part[slab], order="C")))
        into[slab] = some


def _numbers(records: Array) -> Array:
    """Contiguous records as rows of float64, in the order in which they lie in memory."""
    return records.reshape(-1, order="A").view(np.float64).reshape(-1, 6)
