"""Sketches of one block: by sorting it if it is small, else by a compiled loop, in pieces."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dasknorm.kernels.block_moments import SMALL, checked_weights, numeric
from dasknorm.kernels.float_keys import INFINITE, LARGEST, MAGNITUDE, bits_of, floats_of, keys_of
from dasknorm.kernels.layout import SLAB, positive, slabs
from dasknorm.kernels.records import Array, Axes
from dasknorm.kernels.sketches import Part, distinct, fold

__all__ = ["add_to_sketches"]

LANES = 16  # kept positions whose tables are filled side by side: a cache line of float32
SPARE = 2  # places in a table for each bucket: few of them are found taken


def add_to_sketches(out: Array, x: Array, axes: Axes, weights: Array | None = None) -> Array:
    """Merge the sketches of a block along some axes into others, in place.

    Parameters
    ----------
    out : ndarray of a `sketch_dtype`
        In the shape of x, with size 1 along ``axes``, and of any memory layout; written to.
    x : ndarray of bool, integers, or float16 to float64
        Of any shape, byte order and memory layout; only read. Integers beyond 2**53 are rounded to
        float64. NaN is counted as missing, infinities as spoiled.
    axes : tuple of int
        The axes merged away.
    weights : ndarray, optional
        Finite and at least 0; broadcasts to the shape of x. A value of weight 0 takes no part.

    Returns
    -------
    ndarray
        out itself.

    Raises
    ------
    TypeError
        If x or weights are not of a dtype named above.
    ValueError
        If a weight is NaN, infinite or negative, or if weights do not broadcast.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import sketch_dtype
    >>> out = np.zeros(1, sketch_dtype(4))
    >>> record = add_to_sketches(out, np.array([3.0, 1.0, np.nan, 3.0]), (0,))[0]
    >>> record["count"].item(), record["missing"].item(), record["level"].item()
    (3.0, 1.0, 0)
    >>> record["weights"].tolist()
    [1.0, 2.0, 0.0, 0.0]
    """
    x = numeric(x)
    axes = positive(axes, x.ndim)
    beside = None if weights is None else checked_weights(weights, x.shape)
    if not x.size:
        return out
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    lines = x.transpose(*kept, *axes)
    beside = None if beside is None else beside.transpose(*kept, *axes)
    first: tuple[Any, ...] = (..., *(0 for _ in axes))
    into = out.transpose(*kept, *axes)[first]
    counted = _by_sorting if x.size < SMALL else _by_tables
    for where in slabs(into.shape, LANES):
        own = None if beside is None else beside[where]
        counted(into[where], lines[where], own)
    return out


def _by_sorting(into: Array, lines: Array, weights: Array | None) -> None:
    """Sort the values of each lane; there are few."""
    bits = bits_of(lines).reshape(*into.shape, -1)
    weights = None if weights is None else np.asarray(weights, "f8").reshape(bits.shape)
    magnitude = bits & MAGNITUDE
    for place in np.ndindex(into.shape):
        own, size = bits[place], magnitude[place]
        weight = np.ones(1) if weights is None else weights[place]
        lost = [np.where(each, weight, 0.0).sum() for each in (size > INFINITE, size == INFINITE)]
        there = (size < INFINITE) & (weight > 0)
        keys = keys_of(own[there])
        if weights is None:
            keys, sums = distinct(np.sort(keys), None)
        else:
            order = np.argsort(keys, kind="stable")
            keys, sums = distinct(keys[order], weight[there][order])
        low, high = floats_of(keys[[0, -1]] if len(keys) else np.zeros(2, np.int64)).tolist()
        count = float(there.sum())
        fold(into, place, Part(keys, sums, 0, low, high, lost[0], count, lost[1]))


def _by_tables(into: Array, lines: Array, weights: Array | None) -> None:
    """Count the values of some lanes in tables, a piece at a time."""
    # Numba is imported here and not above: half a second that small data never need.
    from dasknorm.kernels.compiled.sketches import tally

    room = into.dtype["keys"].shape[0]
    shape = (into.size, 1 << (SPARE * room - 1).bit_length())
    keys, sums = np.empty(shape, np.int64), np.zeros(shape)
    levels = into["level"].reshape(-1).copy()  # no coarser than those of all data will be
    used, ends = np.zeros(into.size, np.int64), np.tile([LARGEST, -LARGEST], (into.size, 1))
    lost = np.zeros((into.size, 3))
    for bits, beside in _pieces(lines, weights, into.ndim):
        tally(keys, sums, levels, used, ends, lost, bits, beside, room)
    for lane, place in enumerate(np.ndindex(into.shape)):
        found = np.flatnonzero(sums[lane])
        found = found[np.argsort(keys[lane, found])]
        rest = (*floats_of(ends[lane]).tolist(), *lost[lane].tolist())
        fold(into, place, Part(keys[lane, found], sums[lane, found], int(levels[lane]), *rest))


def _pieces(lines: Array, weights: Array | None, kept: int) -> Iterator[tuple[Array, Array | None]]:
    """Yield the bits of some lanes, and their weights, a row for each lane."""
    lanes = int(np.prod(lines.shape[:kept]))
    for where in slabs(lines.shape[kept:], max(SLAB // lanes, 1)):
        piece = (slice(None),) * kept + where
        beside = None
        if weights is not None:
            beside = np.ascontiguousarray(weights[piece], np.float64).reshape(lanes, -1)
        yield bits_of(lines[piece]).reshape(lanes, -1), beside
