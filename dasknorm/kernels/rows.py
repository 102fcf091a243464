"""Compiled moments where rows are reduced: tiles of rows and lanes, one sum for each lane side by side.

A lane is one position of a row. Narrow rows are read several at a time as one, and rows that end in a
short reduced axis have a lane for each of its elements; such lanes are merged at the end.
"""

from typing import Any

import numpy as np

from dasknorm.kernels.loops import (
    compiled, difference, entry, gather_rows, lane_add, mean_of, merge_into, merged, moved, origin, pick, two_sum,
)  # fmt: skip

__all__ = ["moments"]

LANES = 512
TILE_BYTES = 262144  # of input: half of a 512 KB second-level cache
BLOCK = 32  # rows summed plainly before they go into an error-free sum, as in runs

# All that belongs to a lane is in one array, a whole LANES apart: distances known to the compiler need no
# check for overlap, and beyond eight such checks LLVM gives up on vectors.
A = 0
B = LANES
S = 2 * LANES
N = 3 * LANES
LOST = 4 * LANES
E = 5 * LANES
Q = 6 * LANES
E_SUM = 7 * LANES
Q_SUM = 8 * LANES
E_REST = 9 * LANES
Q_REST = 10 * LANES
COUNT = 11 * LANES
MEAN = 12 * LANES
MEAN_REST = 13 * LANES
M2 = 14 * LANES
M2_REST = 15 * LANES
MISSING = 16 * LANES
ALL = 17 * LANES


@compiled
def _first(t, x):  # type: ignore[no-untyped-def]
    for j in range(len(x)):
        t[S + j] += difference(x[j], t[A + j], t[B + j])


@compiled
def _first_of_four(t, x, x1, x2, x3):  # type: ignore[no-untyped-def]
    for j in range(len(x)):
        a = t[A + j]
        b = t[B + j]
        t[S + j] += (difference(x[j], a, b) + difference(x1[j], a, b)) + (
            difference(x2[j], a, b) + difference(x3[j], a, b)
        )


@compiled
def _second(t, x):  # type: ignore[no-untyped-def]
    for j in range(len(x)):
        d = difference(x[j], t[A + j], t[B + j])
        t[E + j] += d
        t[Q + j] += d * d


@compiled
def _second_of_four(t, x, x1, x2, x3):  # type: ignore[no-untyped-def]
    for j in range(len(x)):
        a = t[A + j]
        b = t[B + j]
        d = difference(x[j], a, b)
        d1 = difference(x1[j], a, b)
        d2 = difference(x2[j], a, b)
        d3 = difference(x3[j], a, b)
        t[E + j] += (d + d1) + (d2 + d3)
        t[Q + j] += (d * d + d1 * d1) + (d2 * d2 + d3 * d3)


@compiled
def _move(t, like, width):  # type: ignore[no-untyped-def]
    """From the first reading to the second: shift by the mean, and empty the sums."""
    for j in range(width):
        n = t[N + j]
        t[A + j], t[B + j] = moved(like, t[A + j], t[B + j], t[S + j] / pick(n > 0.0, n, 1.0))
        t[E + j] = 0.0
        t[Q + j] = 0.0
        t[E_SUM + j] = 0.0
        t[Q_SUM + j] = 0.0
        t[E_REST + j] = 0.0
        t[Q_REST + j] = 0.0


@compiled
def _flush(t, width):  # type: ignore[no-untyped-def]
    """Add the plain sums of a block of rows to the error-free ones."""
    for j in range(width):
        t[E_SUM + j], rest = two_sum(t[E_SUM + j], t[E + j])
        t[E_REST + j] += rest
        t[Q_SUM + j], rest = two_sum(t[Q_SUM + j], t[Q + j])
        t[Q_REST + j] += rest
        t[E + j] = 0.0
        t[Q + j] = 0.0


@compiled
def _close(t, like, width):  # type: ignore[no-untyped-def]
    """Merge the tile, by the corrected two-pass formula, into what the lanes remember."""
    for j in range(width):
        n = t[N + j]
        count = t[COUNT + j]
        e = t[E_SUM + j] + t[E_REST + j]
        divisor = pick(n > 0.0, n, 1.0)
        m2 = (t[Q_SUM + j] + t[Q_REST + j]) - e * e / divisor
        m2 = pick(m2 < 0.0, 0.0, m2)
        mean, mean_rest = mean_of(like, t[A + j], t[B + j], e / divisor)
        both = merged(count, t[MEAN + j], t[MEAN_REST + j], t[M2 + j], t[M2_REST + j], n, mean, mean_rest, m2, 0.0)
        old = n == 0.0
        new = count == 0.0
        t[COUNT + j] = both[0]
        t[MEAN + j] = pick(old, t[MEAN + j], pick(new, mean, both[1]))
        t[MEAN_REST + j] = pick(old, t[MEAN_REST + j], pick(new, mean_rest, both[2]))
        t[M2 + j] = pick(old, t[M2 + j], pick(new, m2, both[3]))
        t[M2_REST + j] = pick(old, t[M2_REST + j], pick(new, 0.0, both[4]))
        t[MISSING + j] += t[LOST + j]


@compiled
def _tile(t, x, step, rows, width):  # type: ignore[no-untyped-def]
    """Merge a tile without weights into its lanes, if nothing in it is missing; whether that is so."""
    for j in range(width):
        t[A + j], t[B + j] = origin(x[j])
        t[S + j] = 0.0
        t[N + j] = float(rows)
        t[LOST + j] = 0.0
    four = rows - rows % 4
    for i in range(0, four, 4):
        r = x[i * step :]
        _first_of_four(t, r[:width], r[step:], r[2 * step :], r[3 * step :])
    for i in range(four, rows):
        _first(t, x[i * step : i * step + width])
    total = 0.0
    for j in range(width):
        total = lane_add(total, t[S + j])
    if not np.isfinite(total):
        return False
    _move(t, x[0], width)
    for i in range(0, four, 4):
        if i % BLOCK == 0:
            _flush(t, width)
        r = x[i * step :]
        _second_of_four(t, r[:width], r[step:], r[2 * step :], r[3 * step :])
    for i in range(four, rows):
        _second(t, x[i * step : i * step + width])
    _flush(t, width)
    _close(t, x[0], width)
    return True


@compiled
def _weigh(t, x, w):  # type: ignore[no-untyped-def]
    """Count a row, and take its values as shifts where no row before had a valid one."""
    for j in range(len(x)):
        ok = x[j] == x[j]
        a, b = origin(x[j])
        new = ok & (w[j] > 0.0) & (t[N + j] == 0.0)
        t[A + j] = pick(new, a, t[A + j])
        t[B + j] = pick(new, b, t[B + j])
        t[N + j] += pick(ok, w[j], 0.0)
        t[LOST + j] += pick(ok, 0.0, w[j])


@compiled
def _weighted_first(t, x, w):  # type: ignore[no-untyped-def]
    for j in range(len(x)):
        d = difference(x[j], t[A + j], t[B + j])
        t[S + j] += w[j] * pick((x[j] == x[j]) & (w[j] > 0.0), d, 0.0)


@compiled
def _weighted_second(t, x, w):  # type: ignore[no-untyped-def]
    for j in range(len(x)):
        d = difference(x[j], t[A + j], t[B + j])
        d = pick((x[j] == x[j]) & (w[j] > 0.0), d, 0.0)
        wd = w[j] * d
        t[E + j] += wd
        t[Q + j] += wd * d


@compiled
def _weighted_tile(t, x, step, rows, width, w, w_step):  # type: ignore[no-untyped-def]
    """Merge a tile into its lanes, without what is missing or has weight 0."""
    for j in range(E):
        t[j] = 0.0
    for i in range(rows):
        _weigh(t, x[i * step : i * step + width], w[i * w_step : i * w_step + width])
    for i in range(rows):
        _weighted_first(t, x[i * step : i * step + width], w[i * w_step : i * w_step + width])
    _move(t, x[0], width)
    for i in range(rows):
        if i % BLOCK == 0:
            _flush(t, width)
        _weighted_second(t, x[i * step : i * step + width], w[i * w_step : i * w_step + width])
    _flush(t, width)
    _close(t, x[0], width)


@compiled
def _finish(out, t, kept, run, repeats):  # type: ignore[no-untyped-def]
    """Merge lanes into the records they belong to, and empty them."""
    for j in range(repeats * kept * run):
        merge_into(
            out[j // run % kept],
            t[COUNT + j], t[MEAN + j], t[MEAN_REST + j], t[M2 + j], t[M2_REST + j], t[MISSING + j],
        )  # fmt: skip
    for j in range(COUNT, ALL):
        t[j] = 0.0


def _plan(shape: tuple[int, int, int], size: int) -> tuple[int, int, int, int]:
    """Kept positions in a strip, rows read as one, such rows in a tile, tiles in a strip."""
    rows, kept, run = shape
    strips = -(-kept // (LANES // run))
    strip = -(-kept // strips)
    repeats = min(max(LANES // (kept * run), 1), rows) if strips == 1 else 1
    height = max(TILE_BYTES // (size * repeats * strip * run), 1)
    whole = rows // repeats
    return strip, repeats, min(height, whole), -(-whole // height) + (rows % repeats > 0)


@compiled
def _place(p, shape, plan):  # type: ignore[no-untyped-def]
    """Block, first kept position, kept positions, first row, rows read as one, and such rows of tile p."""
    rows, kept, run = shape
    strip, repeats, height, tiles = plan
    line = p // tiles
    i = (p - line * tiles) * height
    strips = (kept + strip - 1) // strip
    o = line // strips
    k = (line - o * strips) * strip
    whole = rows // repeats
    if i >= whole:  # what is left, fewer than are read as one
        return o, k, min(strip, kept - k), whole * repeats, rows - whole * repeats, 1
    return o, k, min(strip, kept - k), i * repeats, repeats, min(height, whole - i)


@entry
def _plain(out, targets, shape, plan, t, scratch, first, last, flat, starts, strides):  # type: ignore[no-untyped-def]
    """Merge tiles first to last; the first tile that holds something missing, or last."""
    run = shape[2]
    for p in range(first, last):
        o, k, kept, row, repeats, n = _place(p, shape, plan)
        width = repeats * kept * run
        here = starts[o] + row * strides[0] + k * strides[1]
        step = repeats * strides[0]
        if (
            (run == 1 or strides[2] == 1)
            and (kept == 1 or strides[1] == run)
            and (repeats == 1 or strides[0] == kept * run)
        ):
            x = flat[here : here + (n - 1) * step + width]
        else:
            gather_rows(scratch, flat, here, (n, repeats, kept, run), (step, strides[0], strides[1], strides[2]))
            x = scratch[: n * width]
            step = width
        if not _tile(t, x, step, n, width):
            return p
        if (p + 1) % plan[3] == 0:
            _finish(out[targets[o] + k :], t, kept, run, plan[1])
    return last


@entry
def _weighted(out, targets, shape, plan, t, scratch, first, last, flat, starts, strides, w, w_starts, w_strides, weights):  # type: ignore[no-untyped-def]
    """Merge tiles first to last, with weights; a row of ones in their place if they have no strides."""
    run = shape[2]
    for p in range(first, last):
        o, k, kept, row, repeats, n = _place(p, shape, plan)
        width = repeats * kept * run
        sizes = (n, repeats, kept, run)
        here = starts[o] + row * strides[0] + k * strides[1]
        gather_rows(scratch, flat, here, sizes, (repeats * strides[0], strides[0], strides[1], strides[2]))
        here = w_starts[o] + row * w_strides[0] + k * w_strides[1]
        gather_rows(weights, w, here, sizes, (repeats * w_strides[0], w_strides[0], w_strides[1], w_strides[2]))
        _weighted_tile(t, scratch[: n * width], width, n, width, weights[: n * width], width)
        if (p + 1) % plan[3] == 0:
            _finish(out[targets[o] + k :], t, kept, run, plan[1])


def moments(out: Any, targets: Any, shape: Any, x: Any, w: Any) -> None:
    """Merge blocks of (reduced, kept, reduced) into the (n, 6) records out[target + kept].

    x and w are (flat view, starts of blocks, strides); w is None where every weight is 1.
    """
    plan = _plan(shape, x[0].itemsize)
    strip, _, height, tiles_of_strip = plan
    tiles = len(targets) * -(-shape[1] // strip) * tiles_of_strip
    scratch = np.empty(max(TILE_BYTES // x[0].itemsize, LANES), x[0].dtype)
    arguments = (out, targets, shape, plan, np.zeros(ALL), scratch)
    ones = np.ones(1)
    ones.flags.writeable = False
    some = w or (ones, np.zeros_like(targets), (0, 0, 0))
    at, window = 0, 1
    if w is not None:
        _weighted(*arguments, 0, tiles, *x, *some, np.empty(len(scratch)))
        return
    while (stopped := _plain(*arguments, at, tiles, *x)) < tiles:
        window = 2 * window if stopped == at else 1
        at = min(stopped + window, tiles)
        _weighted(*arguments, stopped, at, *x, *some, np.empty(len(scratch)))
