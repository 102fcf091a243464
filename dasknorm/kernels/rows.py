"""Compiled moments where rows are reduced: tiles of rows and lanes, one sum for each lane side by side.

A lane is one position of a row. Narrow rows are read several at a time as one, and rows that end in a
short reduced axis have a lane for each of its elements; such lanes are merged at the end.
"""

import numpy as np

from dasknorm.kernels.doubledouble import merged, two_sum
from dasknorm.kernels.loops import compiled, difference, lane_add, mean_of, merge_into, moved, origin

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
D = 11 * LANES
COUNT = 12 * LANES
MEAN = 13 * LANES
MEAN_REST = 14 * LANES
M2 = 15 * LANES
M2_REST = 16 * LANES
MISSING = 17 * LANES
ALL = 18 * LANES


@compiled
def _total(x):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(len(x)):
        total = lane_add(total, x[i])
    return total


@compiled
def _start(t, x):  # type: ignore[no-untyped-def]
    for j in range(len(x)):
        t[A + j], t[B + j] = origin(x[j])


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
def _weigh(t, x, w):  # type: ignore[no-untyped-def]
    """Count a row, and take its values as shifts where no row before had a valid one."""
    for j in range(len(x)):
        ok = x[j] == x[j]
        a, b = origin(x[j])
        new = ok & (w[j] > 0.0) & (t[N + j] == 0.0)
        t[A + j] = a if new else t[A + j]
        t[B + j] = b if new else t[B + j]
        t[N + j] += w[j] if ok else 0.0
        t[LOST + j] += 0.0 if ok else w[j]


@compiled
def _apart(t, x, w):  # type: ignore[no-untyped-def]
    """Differences of a row from the shifts, 0 where a value takes no part."""
    for j in range(len(x)):
        d = difference(x[j], t[A + j], t[B + j])
        t[D + j] = d if (x[j] == x[j]) & (w[j] > 0.0) else 0.0


@compiled
def _weighted_first(t, w):  # type: ignore[no-untyped-def]
    for j in range(len(w)):
        t[S + j] += w[j] * t[D + j]


@compiled
def _weighted_second(t, w):  # type: ignore[no-untyped-def]
    for j in range(len(w)):
        wd = w[j] * t[D + j]
        t[E + j] += wd
        t[Q + j] += wd * t[D + j]


@compiled
def _move(t, like, width):  # type: ignore[no-untyped-def]
    for j in range(width):
        n = t[N + j]
        t[A + j], t[B + j] = moved(like, t[A + j], t[B + j], t[S + j] / (n if n > 0.0 else 1.0))


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
    """The tile's own summary, in place: mean in A and B, m2 in Q."""
    for j in range(width):
        n = t[N + j]
        n = n if n > 0.0 else 1.0
        e = t[E_SUM + j] + t[E_REST + j]
        m2 = (t[Q_SUM + j] + t[Q_REST + j]) - e * e / n
        t[A + j], t[B + j] = mean_of(like, t[A + j], t[B + j], e / n)
        t[Q + j] = 0.0 if m2 < 0.0 else m2


@compiled
def _adopt(t, width):  # type: ignore[no-untyped-def]
    for j in range(width):
        some = t[N + j] > 0.0
        t[COUNT + j] = t[N + j]
        t[MEAN + j] = t[A + j] if some else 0.0
        t[MEAN_REST + j] = t[B + j] if some else 0.0
        t[M2 + j] = t[Q + j] if some else 0.0
        t[M2_REST + j] = 0.0
        t[MISSING + j] = t[LOST + j]


@compiled
def _merge(t, width):  # type: ignore[no-untyped-def]
    for j in range(width):
        old = t[N + j] == 0.0
        new = t[COUNT + j] == 0.0
        n, mean, mean_rest, m2, m2_rest = merged(
            t[COUNT + j], t[MEAN + j], t[MEAN_REST + j], t[M2 + j], t[M2_REST + j],
            t[N + j], t[A + j], t[B + j], t[Q + j], 0.0,
        )  # fmt: skip
        t[COUNT + j] = n
        t[MEAN + j] = t[MEAN + j] if old else (t[A + j] if new else mean)
        t[MEAN_REST + j] = t[MEAN_REST + j] if old else (t[B + j] if new else mean_rest)
        t[M2 + j] = t[M2 + j] if old else (t[Q + j] if new else m2)
        t[M2_REST + j] = t[M2_REST + j] if old else (0.0 if new else m2_rest)
        t[MISSING + j] += t[LOST + j]


@compiled
def _weighted_tile(t, x, step, rows, width, w, w_step):  # type: ignore[no-untyped-def]
    """Summary of a tile, of which some may be missing; whether none was."""
    t[S : S + width] = 0.0
    t[N : N + width] = 0.0
    t[LOST : LOST + width] = 0.0
    t[E : D + width] = 0.0
    for i in range(rows):
        _weigh(t, x[i * step : i * step + width], w[i * w_step : i * w_step + width])
    for i in range(rows):
        _apart(t, x[i * step : i * step + width], w[i * w_step : i * w_step + width])
        _weighted_first(t, w[i * w_step : i * w_step + width])
    _move(t, x[0], width)
    for i in range(rows):
        if i % BLOCK == 0:
            _flush(t, width)
        _apart(t, x[i * step : i * step + width], w[i * w_step : i * w_step + width])
        _weighted_second(t, w[i * w_step : i * w_step + width])
    _flush(t, width)
    _close(t, x[0], width)
    return _total(t[LOST : LOST + width]) == 0.0


@compiled
def _tile(t, x, step, rows, width, ones):  # type: ignore[no-untyped-def]
    """Summary of a tile without weights; whether nothing was missing in it."""
    _start(t, x[:width])
    t[S : S + width] = 0.0
    four = rows - rows % 4
    for i in range(0, four, 4):
        r = x[i * step :]
        _first_of_four(t, r[:width], r[step:], r[2 * step :], r[3 * step :])
    for i in range(four, rows):
        _first(t, x[i * step : i * step + width])
    if not np.isfinite(_total(t[S : S + width])):
        return _weighted_tile(t, x, step, rows, width, ones, 0)
    t[N : N + width] = rows
    t[LOST : LOST + width] = 0.0
    t[E : D + width] = 0.0
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
def _gather(out, flat, start, sizes, strides):  # type: ignore[no-untyped-def]
    """Copy (rows, repeats, kept, run) elements, lying anyhow, into one row."""
    at = 0
    for i in range(sizes[0]):
        for p in range(sizes[1]):
            for k in range(sizes[2]):
                base = start + i * strides[0] + p * strides[1] + k * strides[2]
                for r in range(sizes[3]):
                    out[at] = flat[base + r * strides[3]]
                    at += 1


@compiled
def _strip(out, t, flat, start, sizes, strides, w, w_start, w_strides, scratch, ones):  # type: ignore[no-untyped-def]
    """Merge (rows, repeats, kept, run) elements into one record for each kept position."""
    rows, repeats, kept, run = sizes
    width = repeats * kept * run
    touching = (
        (run == 1 or strides[3] == 1)
        and (kept == 1 or strides[2] == run)
        and (repeats == 1 or strides[1] == kept * run)
    )
    height = len(scratch) // width
    if w is not None:
        height = min(height, len(ones) // width)
    whole = True
    for i in range(0, rows, height):
        n = min(height, rows - i)
        here = start + i * strides[0]
        if touching:
            x = flat[here : here + (n - 1) * strides[0] + width]
            step = strides[0]
        else:
            _gather(scratch, flat, here, (n, repeats, kept, run), strides)
            x = scratch[: n * width]
            step = width
        if w is not None:
            _gather(ones, w, w_start + i * w_strides[0], (n, repeats, kept, run), w_strides)
            _weighted_tile(t, x, step, n, width, ones, width)
        elif whole:
            whole = _tile(t, x, step, n, width, ones)
        else:
            whole = _weighted_tile(t, x, step, n, width, ones, 0)
        if i == 0:
            _adopt(t, width)
        else:
            _merge(t, width)
    for j in range(width):
        merge_into(
            out[j // run % kept],
            t[COUNT + j], t[MEAN + j], t[MEAN_REST + j], t[M2 + j], t[M2_REST + j], t[MISSING + j],
        )  # fmt: skip


@compiled
def moments(out, targets, shape, flat, starts, strides, w, w_starts, w_strides):  # type: ignore[no-untyped-def]
    """Merge blocks of (reduced, kept, reduced) into the (n, 6) records out[target + kept]; w may be None."""
    rows, kept, run = shape
    pieces = -(-kept // (LANES // run))
    piece = -(-kept // pieces)
    repeats = min(max(LANES // (kept * run), 1), rows)
    t = np.empty(ALL)
    scratch = np.empty(TILE_BYTES // flat.itemsize, flat.dtype)
    ones = np.ones(LANES if w is None else TILE_BYTES // 8)
    s0, s1, s2 = strides
    v0, v1, v2 = w_strides
    for o in range(len(starts)):
        for k in range(0, kept, piece):
            records = out[targets[o] + k :]
            x_start = starts[o] + k * s1
            w_start = w_starts[o] + k * v1
            n = min(piece, kept - k)
            done = rows - rows % repeats
            _strip(
                records, t, flat, x_start, (rows // repeats, repeats, n, run), (s0 * repeats, s0, s1, s2),
                w, w_start, (v0 * repeats, v0, v1, v2), scratch, ones,
            )  # fmt: skip
            if done < rows:
                _strip(
                    records, t, flat, x_start + done * s0, (1, rows - done, n, run), (s0, s0, s1, s2),
                    w, w_start + done * v0, (v0, v0, v1, v2), scratch, ones,
                )  # fmt: skip
