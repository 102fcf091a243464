"""Compiled moments of runs: the innermost axis is reduced, and values are read once, in tiles.

Used by kernels.block_moments. Sizes may be changed freely: they determine the speed and the last
bits.

A tile is part of one run, or several runs of one record. Its values are summed around a guess at
their mean, made from a few of them; if the guess was far off, the tile is read again. A run has one
weight, or each of its values has.
"""

# mypy: disable-error-code="no-untyped-def, call-arg"
# Numba infers the types of the functions below from their arguments, and passes the typing context
# to intrinsics. It removes branches only if they depend on an argument that is None; this is how
# one source serves both sorts of weights.

from typing import NamedTuple

import numpy as np

from dasknorm.kernels.arithmetic import Form, Number
from dasknorm.kernels.compiled.codegen import add_in_any_order, choose, sum_loop
from dasknorm.kernels.compiled.primitives import (
    compiled,
    count_joined_runs,
    difference,
    entry,
    gather,
    inlined,
    is_near,
    merge_tile,
    move_if_finite,
    origin,
    prefetch,
    two_sum,
)
from dasknorm.kernels.inputs import Array
from dasknorm.kernels.layout import Target, Walk

RUN_TILE = 32768  # values: 256 KB of float64, which a second reading finds in the cache
WEIGHTED_RUN_TILE = 16384  # values and weights, in the same 256 KB
# Equal terms round the same way at every add. Blocks of 256 (16 adds a lane), summed without error,
# keep two-valued data to 4 ulp, where one sum over a whole tile may drift by 64.
BLOCK_VALUES = 256
SAMPLE_VALUES = 8  # values that the first guess at a mean is made from
WEIGHTED_SAMPLE_VALUES = 64  # more, because an error of the guess multiplies that of the count
PREFETCH_BYTES = 2048  # asked for before they are needed: two blocks of float32


def _sums(form: Form, e: Number, q: Number, a: Number, b: Number, x: Number, _: Number) -> Number:
    """Sum the differences from a shift, and their squares; NaN if a value is missing."""
    d = form.difference(x[0], x[1], a, b)
    return add_in_any_order(e, d), add_in_any_order(q, d, d)


def _sums_of_present(
    form: Form, missing: Number, e: Number, q: Number, a: Number, b: Number, x: Number, _: Number
) -> Number:
    """Count missing values, and sum all others; shifts are finite."""
    d = form.difference(x[0], x[1], a, b)
    is_present = d.same(d)
    d = choose(is_present, d, 0.0)
    return (
        add_in_any_order(missing, choose(is_present, 0.0, 1.0)),
        add_in_any_order(e, d),
        add_in_any_order(q, d, d),
    )


def _weighted_sums(
    form: Form, n: Number, e: Number, q: Number, a: Number, b: Number, x: Number, w: Number
) -> Number:
    """Sum the weights too, which may be 0."""
    d = choose(w > 0.0, form.difference(x[0], x[1], a, b), 0.0)
    wd = w * d
    return add_in_any_order(n, w), add_in_any_order(e, wd), add_in_any_order(q, wd, d)


def _weighted_sums_of_present(
    form: Form, n: Number, missing: Number, e: Number, q: Number,
    a: Number, b: Number, x: Number, w: Number,
) -> Number:  # fmt: skip
    """Sum the weights of present and of missing values separately."""
    d = form.difference(x[0], x[1], a, b)
    is_present = d.same(d)
    d = choose(is_present & (w > 0.0), d, 0.0)
    wd = w * d
    return (
        add_in_any_order(n, choose(is_present, w, 0.0)),
        add_in_any_order(missing, choose(is_present, 0.0, w)),
        add_in_any_order(e, wd),
        add_in_any_order(q, wd, d),
    )


sums = sum_loop(_sums, 2)
sums_of_present = sum_loop(_sums_of_present, 3)
weighted_sums = sum_loop(_weighted_sums, 3)
weighted_sums_of_present = sum_loop(_weighted_sums_of_present, 4)


class Source(NamedTuple):
    """Where a tile's values are read: an array, the start of each run, and None if not copied."""

    values: Array
    places: Array
    copied: bool | None


@compiled
def _guess(x, places, length, weights, w_places, step):
    """Find a first finite value of weight above 0, and the mean of every step-th such value."""
    j = i = 0
    first = x[places[0]]
    a = b = count = s = 0.0
    while j < len(places):
        value = x[places[j] + i]
        weight = weights[j] if w_places is None else weights[w_places[j] + i]
        if value - value == 0 and weight > 0.0:
            if count == 0.0:
                first = value
                a, b = origin(first)
            share = 1.0 if w_places is None else weight
            count += share
            s += share * difference(value, a, b)
        i += step
        while i >= length:
            i -= length
            j += 1
    return count > 0.0, first, a, b, s / (count if count > 0.0 else 1.0)


@compiled
def _read(x, places, length, weights, w_places, a, b, gaps):
    """Sum a tile around a shift, without error; NaN if a value is missing and gaps is None."""
    count = count_rest = missing = e = e_rest = q = q_rest = 0.0
    ahead = PREFETCH_BYTES // x.itemsize
    runs_ahead = ahead // length + 1
    has_gaps = False
    for j in range(len(places)):
        w = weights[j] if w_places is None else 1.0
        if w == 0.0:
            continue
        start = places[j]
        next_start = places[j + runs_ahead] if j + runs_ahead < len(places) else start + ahead
        for i in range(0, length, BLOCK_VALUES):
            size = length - i if length - i < BLOCK_VALUES else BLOCK_VALUES
            prefetch(x, next_start + i, BLOCK_VALUES)
            n, absent, de, dq = float(size), 0.0, 0.0, 0.0
            if not has_gaps:
                if w_places is None:
                    de, dq = sums(x, start + i, x, 0, size, a, b)
                else:
                    n, de, dq = weighted_sums(x, start + i, weights, w_places[j] + i, size, a, b)
            if gaps is not None and (has_gaps or de != de):
                if w_places is None:
                    absent, de, dq = sums_of_present(x, start + i, x, 0, size, a, b)
                    n -= absent
                else:
                    n, absent, de, dq = weighted_sums_of_present(
                        x, start + i, weights, w_places[j] + i, size, a, b
                    )
                has_gaps = absent > 0.0
            missing += w * absent
            count, error = two_sum(count, w * n)
            count_rest += error
            e, error = two_sum(e, w * de)
            e_rest += error
            q, error = two_sum(q, w * dq)
            q_rest += error
    return count + count_rest, missing, e + e_rest, q, q_rest


@inlined
def _tile(record, x, places, length, weights, w_places, gaps):
    """Merge one tile, `length` values at each place; False if a value is missing and gaps None."""
    # Weights are for runs, or if w_places are given for values that start there.
    sample = SAMPLE_VALUES if w_places is None else WEIGHTED_SAMPLE_VALUES
    every = len(places) * length // sample | 1
    while True:
        has_value, first, a, b, step = _guess(x, places, length, weights, w_places, every)
        if has_value or every == 1:
            break
        every -= every - 1  # not 1, for which Numba would infer another type
    c, d = move_if_finite(first, a, b, step)
    for reading in range(3):
        count, missing, e, q, q_rest = _read(x, places, length, weights, w_places, c, d, gaps)
        if gaps is None and e != e:
            return False
        if is_near(count, e, q) or reading == 2:
            break
        c, d = move_if_finite(first, a, b, reading * e / count)
    merge_tile(record, first, c, d, count, missing, e, q, q_rest)
    return True


@compiled
def _locate(values, places, copied, row, start, stride, j, length):
    """Set the place of the j-th run of a tile: where it is in memory, or that of a copy."""
    if copied is None:
        places[j] = start
    else:
        places[j] = j * length
        gather(values[j * length : (j + 1) * length], row, start, stride)


@entry
def _merge_runs(target, run, x, w, x_source, w_source, weights, gaps, position):
    """Merge runs from a position on, with `weights` of runs or w; return where to continue."""
    p, start = position
    tile = len(x_source.places)
    while p < len(x.starts):
        joined = count_joined_runs(target, p, run, tile)
        record = target.records[target.places[p]]
        for i in range(start, run, tile):
            length = run - i if run - i < tile else tile
            for j in range(joined):
                _locate(
                    x_source.values, x_source.places, x_source.copied,
                    x.row, x.starts[p + j] + i * x.strides[2], x.strides[2], j, length,
                )  # fmt: skip
                if w is not None:
                    _locate(
                        w_source.values, w_source.places, w_source.copied,
                        w.row, w.starts[p + j] + i * w.strides[2], w.strides[2], j, length,
                    )  # fmt: skip
            places = x_source.places[:joined]
            is_merged = True
            if weights is not None:
                run_weights = weights[p : p + joined]
                is_merged = _tile(record, x_source.values, places, length, run_weights, None, gaps)
            if w is not None:
                is_merged = _tile(
                    record, x_source.values, places, length,
                    w_source.values, w_source.places[:joined], gaps,
                )  # fmt: skip
            if not is_merged:
                return p, i
        p += joined
        start = 0
    return p, 0


def moments(target: Target, run: int, x: Walk, w: Walk | None, dtype: np.dtype) -> None:
    """Merge runs into the records they belong to; x.row is converted to dtype."""
    if w is not None and w.strides[2] != 0:
        tile = WEIGHTED_RUN_TILE
        sources = _source(x, dtype, tile), _source(w, np.dtype(np.float64), tile)
        _merge_runs(target, run, x, w, *sources, None, True, (0, 0))
        return
    weights = np.ones(x.starts.size) if w is None else w.row[w.starts]
    source = _source(x, dtype, RUN_TILE)
    position = _merge_runs(target, run, x, None, source, None, weights, None, (0, 0))
    if position[0] < x.starts.size:  # a value is missing
        _merge_runs(target, run, x, None, source, None, weights, True, position)


def _source(walk: Walk, dtype: np.dtype, tile: int) -> Source:
    places = np.empty(tile, np.int64)
    if walk.strides[2] == 1 and walk.row.dtype == dtype:
        return Source(walk.row, places, None)
    return Source(np.empty(tile, dtype), places, True)
