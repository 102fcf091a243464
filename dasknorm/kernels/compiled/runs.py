"""Compiled moments where the innermost axis is reduced: long runs, read once, in tiles.

A tile is part of one run, or some runs of one record. Its values are summed around a guess at their
mean, made from a few of them; where that shows to have been far off, the tile is read again.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

from typing import Any

import numpy as np

from dasknorm.kernels.compiled.codegen import sum_loop
from dasknorm.kernels.compiled.primitives import (
    compiled,
    difference,
    entry,
    gather,
    inlined,
    is_near,
    merge_tile,
    origin,
    prefetch,
    runs_together,
    towards,
    two_sum,
)
from dasknorm.kernels.compiled.tracer import choose, in_any_order
from dasknorm.kernels.layout import Target, Walk

__all__ = ["moments"]

TILE = 32768
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


sums = sum_loop(_sums, 2)
sums_of_present = sum_loop(_present, 3)


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
    c, d = towards(first, a, b, step)
    for reading in range(3):
        count, lost, e, q, q_rest = _read(x, places, length, weights, c, d, gaps)
        if gaps is None and e != e:
            return False
        if is_near(count, e, q) or reading == 2:
            break
        c, d = towards(first, a, b, reading * e / count)
    merge_tile(record, first, c, d, count, lost, e, q, q_rest)
    return True


@entry
def _plain(target, x, at, gaps, run, weights, places, source, gathered):
    """Merge runs, each of one weight, from a place on: return where to go on with gaps.

    Runs of one record that follow each other share tiles. Numba leaves out what it is given as
    None, and compiles half as long what most data need.
    """
    p, start = at
    while p < len(x.starts):
        some = runs_together(target, p, run, TILE)
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


def moments(target: Target, run: int, x: Walk, w: Walk | None, kind: Any) -> None:
    """Merge runs into the records they belong to; the last stride of each walk is a run's.

    A run has one weight. kind is the dtype to calculate from: not that of x.row for float16.
    """
    touching = x.strides[2] == 1 and x.row.dtype == kind
    weights = np.ones(x.starts.size) if w is None else w.row[w.starts]
    source = x.row if touching else np.empty(TILE, kind)
    room = (run, weights, np.empty(TILE, np.int64), source, None if touching else True)
    at = _plain(target, x, (0, 0), None, *room)
    if at[0] < x.starts.size:
        _plain(target, x, at, True, *room)
