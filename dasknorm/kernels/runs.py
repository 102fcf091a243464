"""Compiled moments where the innermost axis is reduced: long runs, read once, in tiles.

A tile is part of one run, or some runs of one record. Its values are summed around a guess at their
mean, made from a few of them; where that shows to have been far off, the tile is read again.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

from typing import Any

import numpy as np

from dasknorm.kernels.layout import Target, Walk
from dasknorm.kernels.loops import (
    compiled,
    difference,
    entry,
    gather,
    inlined,
    is_near,
    mean_of,
    merge_into,
    moved,
    origin,
    prefetch,
    two_sum,
)
from dasknorm.kernels.tracing import choose, in_any_order
from dasknorm.kernels.weaving import sum_loop

__all__ = ["moments"]

TILE = 32768
WEIGHTED_TILE = 4096
# Equal terms round the same way at every add. Blocks of 256 (16 adds a lane), summed without error,
# keep two-valued data to 4 ulp, where one sum over a whole tile may drift by 64.
BLOCK = 256
SAMPLE = 8  # values that the first guess at a mean is made from
AHEAD = 2048  # bytes asked for before they are needed


def _sums(way: Any, e: Any, q: Any, a: Any, b: Any, x: Any, _: Any) -> Any:
    """How far values are from a shift in sum, and their squares; NaN if one is missing."""
    d = way.difference(*x, a, b)
    return in_any_order(e, d), in_any_order(q, d, d)


def _present(way: Any, lost: Any, e: Any, q: Any, a: Any, b: Any, x: Any, _: Any) -> Any:
    """The same of what is there, and how many are not; shifts are finite."""
    d = way.difference(*x, a, b)
    there = d.same(d)
    d = choose(there, d, 0.0)
    return (
        in_any_order(lost, choose(there, 0.0, 1.0)),
        in_any_order(e, d),
        in_any_order(q, d, d),
    )


def _weighed(way: Any, n: Any, lost: Any, e: Any, q: Any, a: Any, b: Any, x: Any, w: Any) -> Any:
    """The same with weights, and the weight of what is there and of what is not."""
    d = way.difference(*x, a, b)
    there = d.same(d)
    d = choose(there & (w > 0.0), d, 0.0)
    wd = w * d
    return (
        in_any_order(n, choose(there, w, 0.0)),
        in_any_order(lost, choose(there, 0.0, w)),
        in_any_order(e, wd),
        in_any_order(q, wd, d),
    )


sums = sum_loop(_sums, 2)
sums_of_present = sum_loop(_present, 3)
weighted_sums = sum_loop(_weighed, 4)


@compiled
def _guess(x, places, length, weights, step):
    """A first finite value that takes part, and the mean of every so many."""
    j = i = 0
    first = x[places[0]]
    a = b = count = s = 0.0
    while j < len(places):
        value = x[places[j] + i]
        if value - value == 0 and weights[j] > 0.0:
            if count == 0.0:
                first = value
                a, b = origin(first)
            count += 1.0
            s += difference(value, a, b)
        i += step
        while i >= length:
            i -= length
            j += 1
    return count > 0.0, first, a, b, s / (count if count > 0.0 else 1.0)


@compiled
def _towards(first, a, b, step):
    """A shift moved by a step, unless that is infinite or NaN."""
    return moved(first, a, b, step if step - step == 0.0 else 0.0)


@compiled
def _read(x, places, length, weights, a, b, gaps):
    """Sums of a tile around a shift: count, missing, and two that are free of error.

    They are NaN where gaps is None, and a value is missing.
    """
    count = count_rest = lost = e = e_rest = q = q_rest = 0.0
    ahead = AHEAD // x.itemsize
    runs_ahead = ahead // length + 1
    found = False
    for j in range(len(places)):
        w = weights[j]
        if w == 0.0:
            continue
        here = places[j]
        there = places[j + runs_ahead] if j + runs_ahead < len(places) else here + ahead
        for i in range(0, length, BLOCK):
            size = length - i if length - i < BLOCK else BLOCK
            prefetch(x, there + i, BLOCK)
            missing = de = dq = 0.0
            if not found:
                de, dq = sums(x, here + i, x, 0, size, a, b)
            if gaps is not None and (found or de != de):
                missing, de, dq = sums_of_present(x, here + i, x, 0, size, a, b)
                found = missing > 0.0
            count, rest = two_sum(count, w * (float(size) - missing))
            count_rest += rest
            lost += w * missing
            e, rest = two_sum(e, w * de)
            e_rest += rest
            q, rest = two_sum(q, w * dq)
            q_rest += rest
    return count + count_rest, lost, e + e_rest, q, q_rest


@inlined
def _tile(record, x, places, length, weights, gaps):
    """Merge one tile, `length` values at each place, of one weight, unless a value is missing."""
    every = len(places) * length // SAMPLE | 1
    while True:
        found, first, a, b, step = _guess(x, places, length, weights, every)
        if found or every == 1:
            break
        every -= every - 1  # not 1, of which Numba would make another type
    c, d = _towards(first, a, b, step)
    for reading in range(3):
        count, lost, e, q, q_rest = _read(x, places, length, weights, c, d, gaps)
        if gaps is None and e != e:
            return False
        if is_near(count, e, q) or reading == 2:
            break
        c, d = _towards(first, a, b, reading * e / count)
    _merge(record, first, c, d, count, lost, e, q, q_rest)
    return True


@compiled
def _merge(record, first, a, b, count, lost, e, q, q_rest):
    """Merge sums around a shift by the corrected two-pass formula."""
    divisor = count if count > 0.0 else 1.0
    m2 = (q + q_rest) - e * e / divisor
    mean, mean_rest = mean_of(first, a, b, e / divisor)
    merge_into(record, count, mean, mean_rest, 0.0 if m2 < 0.0 else m2, 0.0, lost)


@entry
def _plain(target, x, at, gaps, run, weights, places, source, gathered):
    """Merge runs, each of one weight, from a place on: return where to go on with gaps.

    Runs of one record that follow each other share tiles. Numba leaves out what it is given as
    None, and compiles half as long what most data need.
    """
    p, start = at
    while p < len(x.starts):
        some = 1
        while (
            p + some < len(x.starts)
            and target.places[p + some] == target.places[p]
            and (some + 1) * run <= TILE
        ):
            some += 1
        record = target.records[target.places[p]]
        for i in range(start, run, TILE):
            length = run - i if run - i < TILE else TILE
            for j in range(some):
                places[j] = x.starts[p + j] + i * x.strides[2]
                if gathered is not None:
                    here = places[j]
                    places[j] = j * length
                    gather(source[j * length : (j + 1) * length], x.row, here, x.strides[2])
            if not _tile(record, source, places[:some], length, weights[p : p + some], gaps):
                return p, i
        p += some
        start = 0
    return p, 0


@compiled
def _weighted_guess(x, w, step):
    """As `_guess`, each value with a weight of its own."""
    first = x[0]
    a = b = count = s = 0.0
    for i in range(0, len(x), step):
        if x[i] - x[i] == 0 and w[i] > 0.0:
            if count == 0.0:
                first = x[i]
                a, b = origin(first)
            count += w[i]
            s += w[i] * difference(x[i], a, b)
    return count > 0.0, first, a, b, s / (count if count > 0.0 else 1.0)


@compiled
def _weighted_read(x, w, a, b):
    count = lost = e = e_rest = q = q_rest = 0.0
    for i in range(0, len(x), BLOCK):
        size = len(x) - i if len(x) - i < BLOCK else BLOCK
        n, missing, de, dq = weighted_sums(x, i, w, i, size, a, b)
        count += n
        lost += missing
        e, rest = two_sum(e, de)
        e_rest += rest
        q, rest = two_sum(q, dq)
        q_rest += rest
    return count, lost, e + e_rest, q, q_rest


@compiled
def _weighted_tile(record, x, w):
    """Merge one tile into a record, without what is missing or has weight 0."""
    every = len(x) // SAMPLE | 1
    while True:
        found, first, a, b, step = _weighted_guess(x, w, every)
        if found or every == 1:
            break
        every -= every - 1
    c, d = _towards(first, a, b, step)
    for reading in range(3):
        count, lost, e, q, q_rest = _weighted_read(x, w, c, d)
        if is_near(count, e, q) or reading == 2:
            break
        c, d = _towards(first, a, b, reading * e / count)
    _merge(record, first, c, d, count, lost, e, q, q_rest)


@entry
def _weighted(target, x, w, run, scratch, w_scratch):
    """Merge runs, each value with a weight of its own."""
    size = len(w_scratch)
    for p in range(len(x.starts)):
        record = target.records[target.places[p]]
        for i in range(0, run, size):
            n = run - i if run - i < size else size
            here = x.starts[p] + i * x.strides[2]
            gather(w_scratch[:n], w.row, w.starts[p] + i * w.strides[2], w.strides[2])
            if scratch is None:
                _weighted_tile(record, x.row[here : here + n], w_scratch)
            else:
                gather(scratch[:n], x.row, here, x.strides[2])
                _weighted_tile(record, scratch[:n], w_scratch)


def moments(target: Target, run: int, x: Walk, w: Walk | None, kind: Any) -> None:
    """Merge runs into the records they belong to; the last stride of each walk is a run's.

    kind is the dtype to calculate from: not that of x.row for float16.
    """
    touching = x.strides[2] == 1 and x.row.dtype == kind
    if w is not None and w.strides[2] != 0:
        size = min(WEIGHTED_TILE, run)
        _weighted(target, x, w, run, None if touching else np.empty(size, kind), np.empty(size))
        return
    weights = np.ones(x.starts.size) if w is None else w.row[w.starts]
    source = x.row if touching else np.empty(TILE, kind)
    room = (run, weights, np.empty(TILE, np.int64), source, None if touching else True)
    at = _plain(target, x, (0, 0), None, *room)
    if at[0] < x.starts.size:
        _plain(target, x, at, True, *room)
