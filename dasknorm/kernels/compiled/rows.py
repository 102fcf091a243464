"""Compiled moments where rows are reduced: tiles of rows and lanes, the sums of lanes side by side.

A lane is one position of a row. Narrow rows are read several at a time as one, and rows that end
in a short reduced axis have a lane for each of its elements; such lanes are merged at the end.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

from typing import Any

import numpy as np

from dasknorm.kernels.compiled import lanes
from dasknorm.kernels.compiled.codegen import FIELDS, LANES
from dasknorm.kernels.compiled.lanes import MANY
from dasknorm.kernels.compiled.primitives import (
    compiled,
    entry,
    gather_rows,
    inlined,
    is_near,
    lane_add,
    merge_into,
    pick,
)
from dasknorm.kernels.layout import Target, Walk

__all__ = ["moments"]

TILE_BYTES = 1 << 22  # of input: a merge costs some 20 ns a lane and tile
SCRATCH_BYTES = 1 << 18  # of what is gathered first: it comes back from the second-level cache
ENOUGH = 128  # lanes; narrow rows are read several at a time, but lanes cost 50 ns when they merge
WIDE = 32  # lanes that are enough where rows lie apart and would have to be gathered
SAMPLE = 20  # rows that the first guess at means is made from
BLOCK = 64  # rows summed plainly before they go into an error-free sum, as in runs
N = FIELDS.index("n") * LANES
W = FIELDS.index("w") * LANES
COUNT, MEAN, MEAN_REST, M2, M2_REST, MISSING = (
    i * LANES for i in range(FIELDS.index("count"), len(FIELDS))
)
E, LOST, E_SUM, E_REST, Q_SUM, N_SUM, N_REST = (
    FIELDS.index(name) * LANES
    for name in ("e", "lost", "e_sum", "e_rest", "q_sum", "n_sum", "n_rest")
)
ALL = len(FIELDS) * LANES


@compiled
def _exchange(target, record, t, kept):
    """Give each lane the record it belongs to, for what it remembers; and, again, give it back."""
    for j in range(kept):
        for field in range(6):
            at = COUNT + field * LANES + j
            there = target.records[record + j * target.apart, field]
            target.records[record + j * target.apart, field] = t[at]
            t[at] = there


@compiled
def _finish(target, record, t, repeats, kept, run):
    """Merge lanes into the records they belong to, and empty them."""
    for j in range(repeats * kept * run):
        merge_into(
            target.records[record + j // run % kept * target.apart],
            t[COUNT + j], t[MEAN + j], t[MEAN_REST + j], t[M2 + j], t[M2_REST + j], t[MISSING + j],
        )  # fmt: skip
    for j in range(COUNT, ALL):
        t[j] = 0.0


@compiled
def _are_near(t, width):
    """Whether every lane was summed around a shift that is near its mean."""
    far = 0.0
    for j in range(width):
        near = is_near(t[N + j], t[E_SUM + j] + t[E_REST + j], t[Q_SUM + j])
        far = lane_add(far, pick(near, 0.0, 1.0))
    return far == 0.0


@compiled
def _has_gaps(t, width):
    e = 0.0
    for j in range(width):
        e = lane_add(e, t[E + j])
    return e != e


@inlined
def _second_reading(t, x, here, step, rows, width, gaps):
    """Sum a tile block by block, and say whether a value was missing that may not be.

    Until one is, blocks are summed as if none were. gaps is None where none may be.
    """
    found = False
    for i in range(0, rows, BLOCK):
        last = rows if rows - i < BLOCK else i + BLOCK
        many = last - (last - i) % MANY
        if not found:
            for k in range(i, many, MANY):
                lanes.second_of_many(t, width, x, here + k * step, step)
            for k in range(many, last):
                lanes.second(t, width, x, here + k * step, step)
            found = _has_gaps(t, width)
            if gaps is None and found:
                return True
            if gaps is not None and found:
                lanes.start(t, width, x, here, step)
        if gaps is not None and found:
            for k in range(i, many, MANY):
                lanes.present_of_many(t, width, x, here + k * step, step)
            for k in range(many, last):
                lanes.present(t, width, x, here + k * step, step)
        lanes.flush(t, width, x, here, step)
    for j in range(width):
        t[N + j] = float(rows) - t[LOST + j]
    return False


@inlined
def _tile(t, x, here, step, rows, width, gaps):
    """Merge a tile of rows into what the lanes remember, unless a value is missing."""
    every = rows // SAMPLE | 1
    while rows > 1:
        lanes.clear(t, width, x, here, step)
        for i in range(0, rows, every):
            lanes.first(t, width, x, here + i * step, step)
        lanes.move(t, width, x, here, step)
        if _second_reading(t, x, here, step, rows, width, gaps):
            return False
        if every == 1 or _are_near(t, width):
            break
        every -= every - 1  # not 1, of which Numba would make another type
    if rows == 1:
        lanes.only(t, width, x, here, step)
    lanes.close(t, width, x, here, step)
    return True


@entry
def _plain(target, x, at, gaps, alone, folded, sizes, strip, repeats, most, t, source, gathered):
    """Merge tiles of all blocks, strip by strip, from a place on: return where to go on with gaps.

    Numba leaves out what it is given as None, and compiles half as long what most data need.
    """
    rows, kept, run = sizes
    strips = (kept + strip - 1) // strip
    p, i = at
    while p < len(x.starts) * strips:
        k = p % strips * strip
        n = kept - k if kept - k < strip else strip
        record = target.places[p // strips] + k * target.apart
        if alone is not None:
            _exchange(target, record, t, n)
        whole = True
        while whole and i < rows:
            together, height = _extent(rows - i, repeats, most // (n * run))
            width = together * n * run
            here = x.starts[p // strips] + i * x.strides[0] + k * x.strides[1]
            step = together * x.strides[0]
            if gathered is not None:
                gather_rows(source, x.row, here, height, together, n, run, x.strides)
                here, step = 0, width
            whole = _tile(t, source, here, step, height, width, gaps)
            if whole:
                i += height * together
        if alone is not None:
            _exchange(target, record, t, n)
        if folded is not None:
            _finish(target, record, t, repeats, n, run)
        if not whole:
            break
        p += 1
        i = 0
    return p, i


@compiled
def _extent(rows, repeats, most):
    """Rows read as one, and how many such a tile has."""
    together = rows if rows < repeats else repeats
    height = rows // together
    fit = most // together
    return together, height if height < fit else fit


@compiled
def _first_reading(t, x, here, step, rows, w, w_here, shape, by_row):
    """Guess at weighted means from every so many rows of a tile; rows is (how many, every)."""
    together, kept, run = shape
    width = together * kept * run
    lanes.clear(t, width, x, here, step)
    for i in range(0, rows[0], rows[1]):
        beside = w_here + i * together * w.strides[0]
        if by_row is None:
            if i == 0 or w.strides[0] != 0:
                gather_rows(t[W:], w.row, beside, 1, together, kept, run, w.strides)
            lanes.weighted_first(t, width, x, here + i * step, step)
        else:
            lanes.by_row_first(t, width, x, here + i * step, step, w.row, beside, 0)
    lanes.move(t, width, x, here, step)


@compiled
def _weighted_reading(t, x, here, step, rows, w, w_here, shape, by_row):
    """Sum a tile block by block, with weights."""
    together, kept, run = shape
    width = together * kept * run
    w_step = together * w.strides[0]
    i = 0
    while i < rows:
        if i % BLOCK == 0:
            lanes.flush(t, width, x, here, step)
            lanes.flush_weights(t, width, x, here, step)
        at = here + i * step
        beside = w_here + i * w_step
        if by_row is None:
            if w_step != 0:
                gather_rows(t[W:], w.row, beside, 1, together, kept, run, w.strides)
            lanes.weighted_second(t, width, x, at, step)
            i += 1
        elif rows - i >= MANY:
            lanes.by_row_of_many(t, width, x, at, step, w.row, beside, w_step)
            i += MANY
        else:
            lanes.by_row_second(t, width, x, at, step, w.row, beside, w_step)
            i += 1
    lanes.flush(t, width, x, here, step)
    lanes.flush_weights(t, width, x, here, step)
    for j in range(width):
        t[N + j] = t[N_SUM + j] + t[N_REST + j]


@compiled
def _weighted_tile(t, x, here, step, rows, w, w_here, shape, by_row):
    """Merge a tile of rows and weights into what the lanes remember."""
    width = shape[0] * shape[1] * shape[2]
    every = rows // SAMPLE | 1
    while True:
        _first_reading(t, x, here, step, (rows, every), w, w_here, shape, by_row)
        _weighted_reading(t, x, here, step, rows, w, w_here, shape, by_row)
        if every == 1 or _are_near(t, width):
            break
        every -= every - 1
    lanes.close(t, width, x, here, step)


@entry
def _weighted(target, x, w, by_row, sizes, strip, repeats, most, t, source, gathered):
    """Merge tiles of all blocks with weights, strip by strip."""
    rows, kept, run = sizes
    for o in range(len(x.starts)):
        for k in range(0, kept, strip):
            n = kept - k if kept - k < strip else strip
            i = 0
            while i < rows:
                together, height = _extent(rows - i, repeats, most // (n * run))
                here = x.starts[o] + i * x.strides[0] + k * x.strides[1]
                beside = w.starts[o] + i * w.strides[0] + k * w.strides[1]
                shape = (together, n, run)
                step = together * x.strides[0]
                if gathered is not None:
                    gather_rows(source, x.row, here, height, together, n, run, x.strides)
                    here, step = 0, together * n * run
                _weighted_tile(t, source, here, step, height, w, beside, shape, by_row)
                i += height * together
            _finish(target, target.places[o] + k * target.apart, t, repeats, n, run)


def moments(
    target: Target, sizes: tuple[int, int, int], x: Walk, w: Walk | None, kind: Any
) -> None:
    """Merge blocks of (reduced, kept, reduced) into the records at places + kept * apart.

    kind is the dtype to calculate from: not that of x.row for float16.
    """
    rows, kept, run = sizes
    by_row = True if w is not None and not any(w.strides[1:]) else None
    strip = -(-kept // -(-kept // (LANES // run)))
    repeats = min(max(ENOUGH // (kept * run), 1), rows) if strip == kept and not by_row else 1
    if x.strides[0] != strip * run >= WIDE:
        repeats = 1
    touching = (
        x.row.dtype == kind
        and (run == 1 or x.strides[2] == 1)
        and (strip == 1 or x.strides[1] == run)
        and (repeats == 1 or x.strides[0] == strip * run)
    )
    most = max((TILE_BYTES if touching else SCRATCH_BYTES) // kind.itemsize, LANES)
    source = x.row if touching else np.empty(most, kind)
    room = (sizes, strip, repeats, most, np.zeros(ALL), source, None if touching else True)
    if w is not None:
        _weighted(target, x, w, by_row, *room)
        return
    ends = (True, None) if repeats == run == 1 else (None, True)
    at = _plain(target, x, (0, 0), None, *ends, *room)
    if at[0] < x.starts.size * -(-kept // strip):
        _plain(target, x, at, True, *ends, *room)
