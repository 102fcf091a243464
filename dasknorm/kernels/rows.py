"""Compiled moments where rows are reduced: tiles of rows and lanes, the sums of lanes side by side.

A lane is one position of a row. Narrow rows are read several at a time as one, and rows that end
in a short reduced axis have a lane for each of its elements; such lanes are merged at the end.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

from typing import Any

import numpy as np

from dasknorm.kernels.doubledouble import merged, two_sum
from dasknorm.kernels.loops import compiled, entry, gather_rows, lane_add, merge_into
from dasknorm.kernels.tracing import FIELDS, LANES, choose, lane_loop, with_product

__all__ = ["moments"]

# Of input, so that the second reading comes from a cache. Half as much or less is slower: a merge
# costs 20 ns a lane and tile.
TILE_BYTES = 1 << 20
MANY = 8  # rows read at a time: sums are loaded and stored once for all of them
BLOCK = 64  # rows summed plainly before they go into an error-free sum, as in runs
N = FIELDS.index("n") * LANES
S = FIELDS.index("s") * LANES
W = FIELDS.index("w") * LANES
COUNT, MEAN, MEAN_REST, M2, M2_REST, MISSING = (
    i * LANES for i in range(FIELDS.index("count"), len(FIELDS))
)
ALL = len(FIELDS) * LANES


def _start(way: Any, x: Any) -> Any:
    """The first row as the shift."""
    return *x, 0.0, 0.0


def _first(way: Any, s: Any, a: Any, b: Any, *rows: Any) -> Any:
    """One row, or several, of the first reading."""
    return (s + _pairwise([way.difference(*x, a, b) for x in rows]),)


def _pairwise(terms: list[Any]) -> Any:
    half = len(terms) // 2
    return terms[0] if not half else _pairwise(terms[:half]) + _pairwise(terms[half:])


def _move(way: Any, a: Any, b: Any, n: Any, s: Any) -> Any:
    """From the first reading to the second: shift by the mean, and empty the sums."""
    return *way.moved(a, b, s / choose(n > 0.0, n, 1.0)), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0


def _second(way: Any, e: Any, q: Any, a: Any, b: Any, *rows: Any) -> Any:
    """One row, or several, of the second reading."""
    d = [way.difference(*x, a, b) for x in rows]
    squares = [
        with_product(left * left, right, right)
        for left, right in zip(d[::2], d[1::2], strict=False)
    ]
    return e + _pairwise(d), q + _pairwise(squares or [d[0] * d[0]])


def _flush(way: Any, e: Any, q: Any, e_sum: Any, q_sum: Any, e_rest: Any, q_rest: Any) -> Any:
    """Add the plain sums of a block of rows to the error-free ones."""
    e_sum, e = two_sum(e_sum, e)
    q_sum, q = two_sum(q_sum, q)
    return 0.0, 0.0, e_sum, q_sum, e_rest + e, q_rest + q


def _close(
    way: Any, a: Any, b: Any, n: Any, lost: Any, e: Any, q: Any, e_rest: Any, q_rest: Any, *old: Any
) -> Any:
    """Merge the tile, by the corrected two-pass formula, into what the lane remembers."""
    *former, missing = old
    e = e + e_rest
    divisor = choose(n > 0.0, n, 1.0)
    m2 = (q + q_rest) - e * e / divisor
    m2 = choose(m2 < 0.0, 0.0, m2)
    new = (n, *way.mean(a, b, e / divisor), m2, 0.0)
    nothing, first = n.same(0.0), former[0].same(0.0)
    both = merged(*former, *new)
    return (
        both[0],
        *(
            choose(nothing, o, choose(first, t, m))
            for o, t, m in zip(former[1:], new[1:], both[1:], strict=True)
        ),
        missing + lost,
    )


def _weigh(way: Any, a: Any, b: Any, n: Any, lost: Any, w: Any, x: Any) -> Any:
    """Count a row, and take its values as shifts where no row before had a valid one."""
    valid = choose(x[0].same(x[0]), w, 0.0)
    new = n.same(
        0.0
    )  # where shifts are 0 still, so that adding sets them, 4 times faster than choosing
    high, low = (choose(valid > 0.0, choose(new, part, 0.0), 0.0) for part in x)
    return a + high, b + low, n + valid, lost + (w - valid)


def _weighted_difference(way: Any, a: Any, b: Any, w: Any, x: Any) -> Any:
    return choose(x[0].same(x[0]) & (w > 0.0), way.difference(*x, a, b), 0.0)


def _weighted_first(way: Any, s: Any, a: Any, b: Any, w: Any, x: Any) -> Any:
    return (s + w * _weighted_difference(way, a, b, w, x),)


def _weighted_second(way: Any, e: Any, q: Any, a: Any, b: Any, w: Any, x: Any) -> Any:
    d = _weighted_difference(way, a, b, w, x)
    return e + w * d, q + w * d * d


start = lane_loop(_start, "", "a b s lost", 1)
first = lane_loop(_first, "s a b", "s", 1)
first_of_many = lane_loop(_first, "s a b", "s", MANY)
move = lane_loop(_move, "a b n s", "a b e q e_sum q_sum e_rest q_rest")
second = lane_loop(_second, "e q a b", "e q", 1)
second_of_many = lane_loop(_second, "e q a b", "e q", MANY)
flush = lane_loop(_flush, "e q e_sum q_sum e_rest q_rest", "e q e_sum q_sum e_rest q_rest")
close = lane_loop(
    _close,
    "a b n lost e_sum q_sum e_rest q_rest count mean mean_rest m2 m2_rest missing",
    "count mean mean_rest m2 m2_rest missing",
)
clear = lane_loop(lambda way: (0.0,) * 5, "", "a b n lost s")
weigh = lane_loop(_weigh, "a b n lost w", "a b n lost", 1)
weighted_first = lane_loop(_weighted_first, "s a b w", "s", 1)
weighted_second = lane_loop(_weighted_second, "e q a b w", "e q", 1)


@compiled
def _finish(out, record, apart, t, repeats, kept, run):
    """Merge lanes into the records they belong to, and empty them."""
    for j in range(repeats * kept * run):
        merge_into(
            out[record + j // run % kept * apart],
            t[COUNT + j], t[MEAN + j], t[MEAN_REST + j], t[M2 + j], t[M2_REST + j], t[MISSING + j],
        )  # fmt: skip
    for j in range(COUNT, ALL):
        t[j] = 0.0


@entry
def _plain(out, apart, tiles, t, done, run, flat, starts, strides, scratch):
    """Merge tiles until one holds something missing; how many are done then."""
    for p in range(done, len(tiles)):
        record, kept, repeats = tiles[p, 0], tiles[p, 1], tiles[p, 2]
        rows, last = tiles[p, 3], tiles[p, 4]
        width = repeats * kept * run
        here = starts[p]
        step = repeats * strides[0]
        x = flat
        if tiles[p, 5] == 0:
            gather_rows(scratch, flat, here, rows, repeats, kept, run, strides)
            x = scratch
            here = 0
            step = width
        many = rows - rows % MANY
        start(t, width, x, here, step)
        for i in range(0, many, MANY):
            first_of_many(t, width, x, here + i * step, step)
        for i in range(many, rows):
            first(t, width, x, here + i * step, step)
        total = 0.0
        for j in range(S, S + width):
            total = lane_add(total, t[j])
        if total - total != 0.0:
            return p
        for j in range(N, N + width):
            t[j] = float(rows)
        move(t, width, x, here, step)
        for i in range(0, many, MANY):
            if i % BLOCK == 0:
                flush(t, width, x, here, step)
            second_of_many(t, width, x, here + i * step, step)
        for i in range(many, rows):
            second(t, width, x, here + i * step, step)
        flush(t, width, x, here, step)
        close(t, width, x, here, step)
        if last:
            _finish(out, record, apart, t, last, kept, run)
    return len(tiles)


@entry
def _weighted(
    out, apart, tiles, t, done, stop, run, flat, starts, strides, scratch, w, w_starts, w_strides
):
    """Merge tiles with weights."""
    for p in range(done, stop):
        record, kept, repeats = tiles[p, 0], tiles[p, 1], tiles[p, 2]
        rows, last = tiles[p, 3], tiles[p, 4]
        width = repeats * kept * run
        here = starts[p]
        step = repeats * strides[0]
        x = flat
        if tiles[p, 5] == 0:
            gather_rows(scratch, flat, here, rows, repeats, kept, run, strides)
            x = scratch
            here = 0
            step = width
        clear(t, width, x, here, step)
        for reading in range(3):
            for i in range(rows):
                at = here + i * step
                if len(w) > 1 or (reading == 0 and i == 0):  # a single weight is laid out once
                    w_here = w_starts[p] + i * repeats * w_strides[0]
                    gather_rows(t[W:], w, w_here, 1, repeats, kept, run, w_strides)
                if reading == 0:
                    weigh(t, width, x, at, step)
                elif reading == 1:
                    weighted_first(t, width, x, at, step)
                else:
                    if i == 0:
                        move(t, width, x, at, step)
                    elif i % BLOCK == 0:
                        flush(t, width, x, at, step)
                    weighted_second(t, width, x, at, step)
        flush(t, width, x, here, step)
        close(t, width, x, here, step)
        if last:
            _finish(out, record, apart, t, last, kept, run)


def _tiles_of(
    shape: tuple[int, int, int], itemsize: int, strides: tuple[int, ...]
) -> tuple[Any, Any]:
    """Tiles of one block, as six numbers each, and the first row and kept position of each.

    The numbers: first kept position, kept positions, rows read as one, such rows, how many rows
    the lanes of the strip are (0 but for its last tile), whether a row lies as one in memory.
    """
    rows, kept, run = shape
    strip = -(-kept // -(-kept // (LANES // run)))
    repeats = min(max(LANES // (kept * run), 1), rows) if strip == kept else 1
    height = max(TILE_BYTES // (itemsize * repeats * strip * run), 1)
    whole = rows // repeats
    cuts = [(i * repeats, repeats, min(height, whole - i)) for i in range(0, whole, height)]
    if rows % repeats:
        cuts.append((whole * repeats, rows % repeats, 1))
    tiles, places = [], []
    for k in range(0, kept, strip):
        n = min(strip, kept - k)
        for row, together, high in cuts:
            touching = (
                (run == 1 or strides[2] == 1)
                and (n == 1 or strides[1] == run)
                and (together == 1 or strides[0] == n * run)
            )
            last = repeats if row == cuts[-1][0] else 0
            tiles.append((k, n, together, high, last, touching))
            places.append((row, k))
    return np.array(tiles), np.array(places)


def moments(
    out: Any, targets: Any, apart: int, shape: tuple[int, int, int], x: Any, w: Any
) -> None:
    """Merge blocks of (reduced, kept, reduced) into the (n, 6) records out[target + kept * apart].

    x and w are (flat view, starts of blocks, strides); w is None where every weight is 1.
    """
    flat, starts, strides = x
    block, places = _tiles_of(shape, flat.itemsize, strides)
    tiles = np.tile(block, (len(targets), 1))
    tiles[:, 0] = np.add.outer(targets, block[:, 0] * apart).ravel()
    t = np.zeros(ALL)
    scratch = np.empty(max(TILE_BYTES // flat.itemsize, LANES), flat.dtype)
    x = (flat, np.add.outer(starts, places @ strides[:2]).ravel(), strides, scratch)
    if w is not None:
        w = (w[0], np.add.outer(w[1], places @ w[2][:2]).ravel(), w[2])
        _weighted(out, apart, tiles, t, 0, len(tiles), shape[2], *x, *w)
        return
    ones = np.ones(1)
    ones.flags.writeable = False
    w = (ones, np.zeros_like(x[1]), (0, 0, 0))
    done, window = 0, 1
    while (stopped := _plain(out, apart, tiles, t, done, shape[2], *x)) < len(tiles):
        window = 2 * window if stopped == done else 1
        done = min(stopped + window, len(tiles))
        _weighted(out, apart, tiles, t, stopped, done, shape[2], *x, *w)
