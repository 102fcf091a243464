"""Compiled moments where the innermost axis is reduced: long runs, in tiles that fit a cache."""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

from typing import Any

import numpy as np

from dasknorm.kernels.loops import (
    compiled,
    difference,
    entry,
    gather,
    lane_add,
    mean_of,
    merge_into,
    moved,
    origin,
    pick,
    prefetch,
    rough_difference,
    square_add,
    two_sum,
)  # fmt: skip

__all__ = ["moments"]

TILE_BYTES = 16384  # half of a 32 KB first-level cache: the second reading comes from there
TILE = 4096
# Equal terms round the same way at every add. Blocks of 256 (16 adds a lane), summed without error,
# keep two-valued data to 4 ulp, where one sum over a whole tile may drift by 64.
BLOCK = 256
WINDOW = 16  # tiles read with a mask once something is missing; twice as many each time it goes on


@compiled
def _first_sum(x, shift):
    s = rough_difference(shift, shift)
    for i in range(len(x)):
        s = lane_add(s, rough_difference(x[i], shift))
    return s


@compiled
def _second_sums(x, a, b):
    e = 0.0
    q = 0.0
    for i in range(len(x)):
        d = difference(x[i], a, b)
        e = lane_add(e, d)
        q = square_add(q, d)
    return e, q


@compiled
def _tile(record, x):
    """Merge one tile into a record, if nothing in it is missing; whether that is so."""
    s = float(_first_sum(x, x[0]))
    if s - s != 0.0:
        return False
    count = float(len(x))
    a, b = origin(x[0])
    a, b = moved(x[0], a, b, s / count)
    e = e_rest = q = q_rest = 0.0
    line = 64 // x.itemsize
    for i in range(0, len(x), BLOCK):
        for j in range(i, i + BLOCK, line):
            prefetch(x, len(x) + j)
        de, dq = _second_sums(x[i : i + BLOCK], a, b)
        e, rest = two_sum(e, de)
        e_rest += rest
        q, rest = two_sum(q, dq)
        q_rest += rest
    e += e_rest
    m2 = (q + q_rest) - e * e / count
    mean, mean_rest = mean_of(x[0], a, b, e / count)
    merge_into(record, count, mean, mean_rest, 0.0 if m2 < 0.0 else m2, 0.0, 0.0)
    return True


@compiled
def _weighted_first(x, w, a, b):
    n = 0.0
    lost = 0.0
    s = 0.0
    for i in range(len(x)):
        ok = x[i] == x[i]
        n = lane_add(n, pick(ok, w[i], 0.0))
        lost = lane_add(lost, pick(ok, 0.0, w[i]))
        s = lane_add(s, w[i] * pick(ok & (w[i] > 0.0), difference(x[i], a, b), 0.0))
    return n, lost, s


@compiled
def _weighted_second(x, w, a, b):
    e = 0.0
    q = 0.0
    for i in range(len(x)):
        d = pick((x[i] == x[i]) & (w[i] > 0.0), difference(x[i], a, b), 0.0)
        e = lane_add(e, w[i] * d)
        q = lane_add(q, w[i] * d * d)
    return e, q


@compiled
def _weighted_tile(record, x, w):
    """Merge one tile into a record, without what is missing or has weight 0."""
    first = 0
    while first < len(x) - 1 and not ((x[first] == x[first]) & (w[first] > 0.0)):
        first += 1
    a, b = origin(x[first])
    count, missing, s = _weighted_first(x, w, a, b)
    if count == 0.0:
        record[5] += missing
        return
    a, b = moved(x[0], a, b, s / count)
    e = e_rest = q = q_rest = 0.0
    for i in range(0, len(x), BLOCK):
        de, dq = _weighted_second(x[i : i + BLOCK], w[i : i + BLOCK], a, b)
        e, rest = two_sum(e, de)
        e_rest += rest
        q, rest = two_sum(q, dq)
        q_rest += rest
    e += e_rest
    m2 = (q + q_rest) - e * e / count
    mean, mean_rest = mean_of(x[0], a, b, e / count)
    merge_into(record, count, mean, mean_rest, 0.0 if m2 < 0.0 else m2, 0.0, missing)


@entry
def _plain(out, targets, lengths, first, flat, starts, stride, scratch):
    """Merge tiles until one holds something missing; how many are done then."""
    for p in range(first, len(starts)):
        n = lengths[p]
        here = starts[p]
        if stride == 1:
            x = flat[here : here + n]
        else:
            gather(scratch[:n], flat, here, stride)
            x = scratch[:n]
        if not _tile(out[targets[p]], x):
            return p
    return len(starts)


@entry
def _weighted(
    out,
    targets,
    lengths,
    first,
    last,
    flat,
    starts,
    stride,
    scratch,
    w,
    w_starts,
    w_stride,
    weights,
):
    """Merge tiles first to last with weights."""
    for p in range(first, last):
        n = lengths[p]
        here = starts[p]
        if stride == 1:
            x = flat[here : here + n]
        else:
            gather(scratch[:n], flat, here, stride)
            x = scratch[:n]
        if p == first or len(w) > 1:  # a single weight is laid out once
            gather(weights[: n if len(w) > 1 else len(weights)], w, w_starts[p], w_stride)
        _weighted_tile(out[targets[p]], x, weights[:n])


def moments(out: Any, targets: Any, run: int, x: Any, w: Any) -> None:
    """Merge runs into the (n, 6) records out[target].

    x and w are (flat view, starts of runs, strides, of which the last is a run's); w is None where
    every weight is 1.
    """
    flat, starts, (_, _, stride) = x
    size = tile_size(flat.itemsize)
    pieces = np.arange(0, run, size)
    targets = np.repeat(targets, len(pieces))
    lengths = np.tile(np.minimum(size, run - pieces), len(starts))
    x = (flat, np.add.outer(starts, pieces * stride).ravel(), stride, np.empty(size, flat.dtype))
    if w is None:
        ones = np.ones(1)
        ones.flags.writeable = False
        w = (ones, np.zeros_like(x[1]), 0, np.empty(size))
    else:
        w = (w[0], np.add.outer(w[1], pieces * w[2][2]).ravel(), w[2][2], np.empty(size))
        _weighted(out, targets, lengths, 0, len(targets), *x, *w)
        return
    at, window = 0, WINDOW
    while (stopped := _plain(out, targets, lengths, at, *x)) < len(targets):
        window = 2 * window if stopped == at else WINDOW
        at = min(stopped + window, len(targets))
        _weighted(out, targets, lengths, stopped, at, *x, *w)


def tile_size(itemsize: int) -> int:
    """Elements of a tile."""
    return min(TILE, TILE_BYTES // itemsize)
