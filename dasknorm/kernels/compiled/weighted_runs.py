"""Compiled moments along runs whose values have a weight each: read once, in tiles, as in runs."""

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

TILE = 16384
BLOCK = 256  # as in runs
SAMPLE = (
    64  # values that the first guess at a mean is made from: what is off weighs the count's error
)
AHEAD = 2048  # bytes asked for before they are needed


def _weighed(way: Any, n: Any, e: Any, q: Any, a: Any, b: Any, x: Any, w: Any) -> Any:
    """The same of values that have weights, some of them 0, and what these sum to."""
    d = choose(w > 0.0, way.difference(*x, a, b), 0.0)
    wd = w * d
    return in_any_order(n, w), in_any_order(e, wd), in_any_order(q, wd, d)


def _weighed_present(
    way: Any, n: Any, lost: Any, e: Any, q: Any, a: Any, b: Any, x: Any, w: Any
) -> Any:
    """The same of what is there, and the weight of what is not."""
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


sums = sum_loop(_weighed, 3)
sums_of_present = sum_loop(_weighed_present, 4)


@compiled
def _guess(x, places, w, w_places, length, step):
    """As `_guess`, each value with a weight of its own."""
    j = i = 0
    first = x[places[0]]
    a = b = count = s = 0.0
    while j < len(places):
        value = x[places[j] + i]
        weight = float(w[w_places[j] + i])
        if value - value == 0 and weight > 0.0:
            if count == 0.0:
                first = value
                a, b = origin(first)
            count += weight
            s += weight * difference(value, a, b)
        i += step
        while i >= length:
            i -= length
            j += 1
    return count > 0.0, first, a, b, s / (count if count > 0.0 else 1.0)


@compiled
def _read(x, places, w, w_places, length, a, b):
    """As `_read`; until a value is missing, blocks are summed as if none were."""
    count = count_rest = lost = e = e_rest = q = q_rest = 0.0
    ahead = AHEAD // x.itemsize
    runs_ahead = ahead // length + 1
    found = False
    for j in range(len(places)):
        here = places[j]
        beside = w_places[j]
        there = places[j + runs_ahead] if j + runs_ahead < len(places) else here + ahead
        for i in range(0, length, BLOCK):
            size = length - i if length - i < BLOCK else BLOCK
            prefetch(x, there + i, BLOCK)
            missing = n = de = dq = 0.0
            if not found:
                n, de, dq = sums(x, here + i, w, beside + i, size, a, b)
            if found or de != de:
                n, missing, de, dq = sums_of_present(x, here + i, w, beside + i, size, a, b)
                found = missing > 0.0
            lost += missing
            count, rest = two_sum(count, n)
            count_rest += rest
            e, rest = two_sum(e, de)
            e_rest += rest
            q, rest = two_sum(q, dq)
            q_rest += rest
    return count + count_rest, lost, e + e_rest, q, q_rest


@compiled
def _tile(record, x, places, w, w_places, length):
    """Merge one tile into a record, without what is missing or has weight 0."""
    every = len(places) * length // SAMPLE | 1
    while True:
        found, first, a, b, step = _guess(x, places, w, w_places, length, every)
        if found or every == 1:
            break
        every -= every - 1
    c, d = towards(first, a, b, step)
    for reading in range(3):
        count, lost, e, q, q_rest = _read(x, places, w, w_places, length, c, d)
        if is_near(count, e, q) or reading == 2:
            break
        c, d = towards(first, a, b, reading * e / count)
    merge_tile(record, first, c, d, count, lost, e, q, q_rest)


@entry
def _weighted(target, x, w, run, places, w_places, source, w_source, gathered, w_gathered):
    """Merge runs, each value with a weight of its own; runs of one record share tiles."""
    p = 0
    while p < len(x.starts):
        some = runs_together(target, p, run, TILE)
        record = target.records[target.places[p]]
        for i in range(0, run, TILE):
            length = run - i if run - i < TILE else TILE
            for j in range(some):
                places[j] = x.starts[p + j] + i * x.strides[2]
                w_places[j] = w.starts[p + j] + i * w.strides[2]
                at = slice(j * length, (j + 1) * length)
                if gathered is not None:
                    gather(source[at], x.row, places[j], x.strides[2])
                    places[j] = j * length
                if w_gathered is not None:
                    gather(w_source[at], w.row, w_places[j], w.strides[2])
                    w_places[j] = j * length
            _tile(record, source, places[:some], w_source, w_places[:some], length)
        p += some


def moments(target: Target, run: int, x: Walk, w: Walk, kind: Any) -> None:
    """Merge runs into the records they belong to, as `runs.moments`; w steps along the run."""
    touching = x.strides[2] == 1 and x.row.dtype == kind
    beside = w.strides[2] == 1 and w.row.dtype == np.float64
    _weighted(
        target, x, w, run,
        np.empty(TILE, np.int64), np.empty(TILE, np.int64),
        x.row if touching else np.empty(TILE, kind),
        w.row if beside else np.empty(TILE),
        None if touching else True, None if beside else True,
    )  # fmt: skip
