"""Compiled moments where the innermost axis is reduced: long runs, cut in tiles that stay in cache."""

from typing import Any

import numpy as np

from dasknorm.kernels.loops import (
    compiled, difference, entry, gather, lane_add, mean_of, merge_into, moved, origin,
    pick, square_add, two_sum,
)  # fmt: skip

__all__ = ["moments"]

TILE_BYTES = 16384  # half of a 32 KB first-level cache: the second reading comes from there
TILE = 4096
# Equal terms round the same way at every add. Blocks of 256 (16 adds a lane), summed without error, keep
# two-valued data to 4 ulp, where one sum over a whole tile may drift by 64.
BLOCK = 256
WINDOW = 16  # tiles read with a mask once something is missing; twice as many each time it goes on


@compiled
def _first_sum(x, a, b):  # type: ignore[no-untyped-def]
    s = 0.0
    for i in range(len(x)):
        s = lane_add(s, difference(x[i], a, b))
    return s


@compiled
def _second_sums(x, a, b):  # type: ignore[no-untyped-def]
    e = 0.0
    q = 0.0
    for i in range(len(x)):
        d = difference(x[i], a, b)
        e = lane_add(e, d)
        q = square_add(q, d)
    return e, q


@compiled
def _tile(record, x):  # type: ignore[no-untyped-def]
    """Merge one tile without weights into a record, if nothing in it is missing; whether that is so."""
    a, b = origin(x[0])
    s = _first_sum(x, a, b)
    if not np.isfinite(s):
        return False
    count = float(len(x))
    a, b = moved(x[0], a, b, s / count)
    e = e_rest = q = q_rest = 0.0
    for i in range(0, len(x), BLOCK):
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
def _weighted_first(x, w, a, b):  # type: ignore[no-untyped-def]
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
def _weighted_second(x, w, a, b):  # type: ignore[no-untyped-def]
    e = 0.0
    q = 0.0
    for i in range(len(x)):
        d = pick((x[i] == x[i]) & (w[i] > 0.0), difference(x[i], a, b), 0.0)
        e = lane_add(e, w[i] * d)
        q = lane_add(q, w[i] * d * d)
    return e, q


@compiled
def _weighted_tile(record, x, w):  # type: ignore[no-untyped-def]
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
def _plain(out, targets, shape, first, last, flat, starts, strides):  # type: ignore[no-untyped-def]
    """Merge tiles first to last into records; the first tile that holds something missing, or last."""
    rows, kept, run = shape
    size = min(TILE, TILE_BYTES // flat.itemsize)
    pieces = (run + size - 1) // size
    scratch = np.empty(size, flat.dtype)
    for p in range(first, last):
        line = p // pieces
        piece = p - line * pieces
        k = line % kept
        line //= kept
        r = line % rows
        o = line // rows
        n = min(size, run - piece * size)
        here = starts[o] + r * strides[0] + k * strides[1] + piece * size * strides[2]
        if strides[2] == 1:
            x = flat[here : here + n]
        else:
            gather(scratch[:n], flat, here, strides[2])
            x = scratch[:n]
        if not _tile(out[targets[o] + k], x):
            return p
    return last


@entry
def _weighted(out, targets, shape, first, last, flat, starts, strides, w, w_starts, w_strides):  # type: ignore[no-untyped-def]
    """Merge tiles first to last into records, with weights."""
    rows, kept, run = shape
    size = min(TILE, TILE_BYTES // flat.itemsize)
    pieces = (run + size - 1) // size
    scratch = np.empty(size, flat.dtype)
    weights = np.empty(size)
    for p in range(first, last):
        line = p // pieces
        piece = p - line * pieces
        k = line % kept
        line //= kept
        r = line % rows
        o = line // rows
        n = min(size, run - piece * size)
        here = starts[o] + r * strides[0] + k * strides[1] + piece * size * strides[2]
        if strides[2] == 1:
            x = flat[here : here + n]
        else:
            gather(scratch[:n], flat, here, strides[2])
            x = scratch[:n]
        here = w_starts[o] + r * w_strides[0] + k * w_strides[1] + piece * size * w_strides[2]
        gather(weights[:n], w, here, w_strides[2])
        _weighted_tile(out[targets[o] + k], x, weights[:n])


def moments(out: Any, targets: Any, shape: Any, x: Any, w: Any) -> None:
    """Merge blocks of (reduced, kept, reduced) into the (n, 6) records out[target + kept].

    x and w are (flat view, starts of blocks, strides); w is None where every weight is 1.
    """
    size = min(TILE, TILE_BYTES // x[0].itemsize)
    tiles = len(targets) * shape[0] * shape[1] * -(-shape[2] // size)
    if w is not None:
        _weighted(out, targets, shape, 0, tiles, *x, *w)
        return
    at, window = 0, WINDOW
    ones = np.ones(1)
    ones.flags.writeable = False
    while (stopped := _plain(out, targets, shape, at, tiles, *x)) < tiles:
        window = 2 * window if stopped == at else WINDOW
        at = min(stopped + window, tiles)
        _weighted(out, targets, shape, stopped, at, *x, ones, np.zeros_like(targets), (0, 0, 0))
