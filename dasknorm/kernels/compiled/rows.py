"""Compiled moments of rows: the outermost axis is reduced, in tiles of rows and lanes.

Used by kernels.block_moments. Sizes may be changed freely: they determine the speed and the last
bits.

A lane is one position of a row. Narrow rows are read several at a time as one, and rows that end
in a short reduced axis have a lane for each of its elements; such lanes are merged at the end.
"""

# mypy: disable-error-code="no-untyped-def, call-arg"
# Numba infers the types of the functions below from their arguments, and passes the typing context
# to intrinsics. It removes branches only if they depend on an argument that is None, and compiles
# half as long without them.

from typing import NamedTuple

import numpy as np

from dasknorm.kernels.compiled import lanes
from dasknorm.kernels.compiled.codegen import FIELDS, MAX_LANES
from dasknorm.kernels.compiled.lanes import ROWS_AT_ONCE
from dasknorm.kernels.compiled.primitives import (
    compiled,
    entry,
    gather_rows,
    inlined,
    is_near,
    lane_add,
    merge_into,
    select,
)
from dasknorm.kernels.layout import Target, Walk

TILE_BYTES = 1 << 22  # of input: a merge costs some 20 ns a lane and tile
SCRATCH_BYTES = 1 << 18  # of gathered input: it is read again from the second-level cache
JOINED_LANES = 128  # narrow rows are joined up to this width, as a lane costs 50 ns when it merges
UNJOINED_LANES = 32  # a row of so many lanes is not joined if that would need a copy
SAMPLE_ROWS = 20  # rows that the first guess at means is made from
BLOCK_ROWS = 64  # rows summed plainly before they go into an error-free sum, as in runs
N, W, E, N_MISSING, E_SUM, E_REST, Q_SUM, N_SUM, N_REST = (
    FIELDS.index(name) * MAX_LANES
    for name in ("n", "w", "e", "n_missing", "e_sum", "e_rest", "q_sum", "n_sum", "n_rest")
)
COUNT, MEAN, MEAN_REST, M2, M2_REST, MISSING = (
    i * MAX_LANES for i in range(FIELDS.index("count"), len(FIELDS))
)
ALL_FIELDS = len(FIELDS) * MAX_LANES


class Tiling(NamedTuple):
    """How blocks are split: their sizes, lanes of a strip, rows joined, and values of a tile."""

    sizes: tuple[int, int, int]
    strip: int
    joined: int
    tile: int


@compiled
def _exchange(target, record, t, kept):
    """Exchange the records of lanes with those of the target; a second call undoes the first."""
    for j in range(kept):
        for field in range(6):
            i = COUNT + field * MAX_LANES + j
            value = target.records[record + j * target.stride, field]
            target.records[record + j * target.stride, field] = t[i]
            t[i] = value


@compiled
def _finish(target, record, t, joined, kept, run):
    """Merge lanes into the records they belong to, and clear them."""
    for j in range(joined * kept * run):
        merge_into(
            target.records[record + j // run % kept * target.stride],
            t[COUNT + j], t[MEAN + j], t[MEAN_REST + j], t[M2 + j], t[M2_REST + j], t[MISSING + j],
        )  # fmt: skip
    for j in range(COUNT, ALL_FIELDS):
        t[j] = 0.0


@compiled
def _are_near(t, width):
    """Return whether every lane was summed around a shift that is near its mean."""
    far = 0.0
    for j in range(width):
        near = is_near(t[N + j], t[E_SUM + j] + t[E_REST + j], t[Q_SUM + j])
        far = lane_add(far, select(near, 0.0, 1.0))
    return far == 0.0


@compiled
def _has_gaps(t, width):
    e = 0.0
    for j in range(width):
        e = lane_add(e, t[E + j])
    return e != e


@inlined
def _sum_tile(t, x, start, step, rows, width, gaps):
    """Sum a tile block by block; False if a value is missing and gaps is None."""
    has_gaps = False
    for i in range(0, rows, BLOCK_ROWS):
        end = rows if rows - i < BLOCK_ROWS else i + BLOCK_ROWS
        single = end - (end - i) % ROWS_AT_ONCE  # from here on, rows are added one by one
        if not has_gaps:
            for k in range(i, single, ROWS_AT_ONCE):
                lanes.add_rows(t, width, x, start + k * step, step)
            for k in range(single, end):
                lanes.add_row(t, width, x, start + k * step, step)
            has_gaps = _has_gaps(t, width)
            if gaps is None and has_gaps:
                return False
            if gaps is not None and has_gaps:
                lanes.clear_block(t, width, x, start, step)
        if gaps is not None and has_gaps:
            for k in range(i, single, ROWS_AT_ONCE):
                lanes.add_present_rows(t, width, x, start + k * step, step)
            for k in range(single, end):
                lanes.add_present_row(t, width, x, start + k * step, step)
        lanes.flush(t, width, x, start, step)
    for j in range(width):
        t[N + j] = float(rows) - t[N_MISSING + j]
    return True


@inlined
def _tile(t, x, start, step, rows, width, gaps):
    """Merge a tile of rows into the lanes' records; False if a value is missing and gaps None."""
    every = rows // SAMPLE_ROWS | 1
    while rows > 1:
        lanes.clear(t, width, x, start, step)
        for i in range(0, rows, every):
            lanes.guess(t, width, x, start + i * step, step)
        lanes.move(t, width, x, start, step)
        if not _sum_tile(t, x, start, step, rows, width, gaps):
            return False
        if every == 1 or _are_near(t, width):
            break
        every -= every - 1  # not 1, for which Numba would infer another type
    if rows == 1:
        lanes.set_single_row(t, width, x, start, step)
    lanes.merge_tile(t, width, x, start, step)
    return True


@entry
def _merge_rows(target, x, tiling, t, source, gathered, exchanged, gaps, position):
    """Merge tiles from a position on; return where to continue, after a value that is missing."""
    # Lanes exchange their records with the target, or are merged into it if exchanged is None.
    rows, kept, run = tiling.sizes
    strip = tiling.strip
    strips = (kept + strip - 1) // strip
    p, i = position
    while p < len(x.starts) * strips:
        k = p % strips * strip
        n = kept - k if kept - k < strip else strip
        record = target.places[p // strips] + k * target.stride
        if exchanged is not None:
            _exchange(target, record, t, n)
        is_merged = True
        while is_merged and i < rows:
            joined, height = _extent(rows - i, tiling.joined, tiling.tile // (n * run))
            width = joined * n * run
            start = x.starts[p // strips] + i * x.strides[0] + k * x.strides[1]
            step = joined * x.strides[0]
            if gathered is not None:
                gather_rows(source, x.row, start, height, joined, n, run, x.strides)
                start, step = 0, width
            is_merged = _tile(t, source, start, step, height, width, gaps)
            if is_merged:
                i += height * joined
        if exchanged is not None:
            _exchange(target, record, t, n)
        else:
            _finish(target, record, t, tiling.joined, n, run)
        if not is_merged:
            break
        p += 1
        i = 0
    return p, i


@compiled
def _extent(rows, joined, limit):
    """Return how many rows are read as one, and how many such rows a tile has."""
    joined = rows if rows < joined else joined
    height = rows // joined
    return joined, min(height, limit // joined)


@compiled
def _weighted_guess(t, x, start, step, rows, w, w_start, shape, by_row):
    """Guess at weighted means from every so many rows of a tile; rows is (how many, every)."""
    joined, kept, run = shape
    width = joined * kept * run
    lanes.clear(t, width, x, start, step)
    for i in range(0, rows[0], rows[1]):
        w_row = w_start + i * joined * w.strides[0]
        if by_row is None:
            if i == 0 or w.strides[0] != 0:
                gather_rows(t[W:], w.row, w_row, 1, joined, kept, run, w.strides)
            lanes.weighted_guess(t, width, x, start + i * step, step)
        else:
            lanes.guess_of_weight(t, width, x, start + i * step, step, w.row, w_row, 0)
    lanes.move(t, width, x, start, step)


@compiled
def _sum_weighted_tile(t, x, start, step, rows, w, w_start, shape, by_row):
    """Sum a tile block by block, with weights."""
    joined, kept, run = shape
    width = joined * kept * run
    w_step = joined * w.strides[0]
    i = 0
    while i < rows:
        if i % BLOCK_ROWS == 0:
            lanes.flush(t, width, x, start, step)
            lanes.flush_weights(t, width, x, start, step)
        row = start + i * step
        w_row = w_start + i * w_step
        if by_row is None:
            if w_step != 0:
                gather_rows(t[W:], w.row, w_row, 1, joined, kept, run, w.strides)
            lanes.add_weighted_row(t, width, x, row, step)
            i += 1
        elif rows - i >= ROWS_AT_ONCE:
            lanes.add_rows_of_weight(t, width, x, row, step, w.row, w_row, w_step)
            i += ROWS_AT_ONCE
        else:
            lanes.add_row_of_weight(t, width, x, row, step, w.row, w_row, w_step)
            i += 1
    lanes.flush(t, width, x, start, step)
    lanes.flush_weights(t, width, x, start, step)
    for j in range(width):
        t[N + j] = t[N_SUM + j] + t[N_REST + j]


@compiled
def _weighted_tile(t, x, start, step, rows, w, w_start, shape, by_row):
    """Merge a tile of rows and weights into the lanes' records."""
    width = shape[0] * shape[1] * shape[2]
    every = rows // SAMPLE_ROWS | 1
    while True:
        _weighted_guess(t, x, start, step, (rows, every), w, w_start, shape, by_row)
        _sum_weighted_tile(t, x, start, step, rows, w, w_start, shape, by_row)
        if every == 1 or _are_near(t, width):
            break
        every -= every - 1
    lanes.merge_tile(t, width, x, start, step)


@entry
def _merge_weighted_rows(target, x, w, tiling, t, source, gathered, by_row):
    """Merge tiles of all blocks with weights, strip by strip."""
    rows, kept, run = tiling.sizes
    strip = tiling.strip
    for block in range(len(x.starts)):
        for k in range(0, kept, strip):
            n = kept - k if kept - k < strip else strip
            i = 0
            while i < rows:
                joined, height = _extent(rows - i, tiling.joined, tiling.tile // (n * run))
                start = x.starts[block] + i * x.strides[0] + k * x.strides[1]
                w_start = w.starts[block] + i * w.strides[0] + k * w.strides[1]
                shape = (joined, n, run)
                step = joined * x.strides[0]
                if gathered is not None:
                    gather_rows(source, x.row, start, height, joined, n, run, x.strides)
                    start, step = 0, joined * n * run
                _weighted_tile(t, source, start, step, height, w, w_start, shape, by_row)
                i += height * joined
            _finish(target, target.places[block] + k * target.stride, t, tiling.joined, n, run)


def moments(
    target: Target, sizes: tuple[int, int, int], x: Walk, w: Walk | None, dtype: np.dtype
) -> None:
    """Merge blocks of (reduced, kept, reduced) into records; x.row is converted to dtype."""
    rows, kept, run = sizes
    by_row = True if w is not None and not any(w.strides[1:]) else None
    strip = -(-kept // -(-kept // (MAX_LANES // run)))
    joined = min(max(JOINED_LANES // (kept * run), 1), rows) if strip == kept and not by_row else 1
    if x.strides[0] != strip * run >= UNJOINED_LANES:
        joined = 1
    is_adjacent = (
        x.row.dtype == dtype
        and (run == 1 or x.strides[2] == 1)
        and (strip == 1 or x.strides[1] == run)
        and (joined == 1 or x.strides[0] == strip * run)
    )
    tile = max((TILE_BYTES if is_adjacent else SCRATCH_BYTES) // dtype.itemsize, MAX_LANES)
    source = x.row if is_adjacent else np.empty(tile, dtype)
    gathered = None if is_adjacent else True
    split = (Tiling(sizes, strip, joined, tile), np.zeros(ALL_FIELDS), source, gathered)
    if w is not None:
        _merge_weighted_rows(target, x, w, *split, by_row)
        return
    exchanged = True if joined == run == 1 else None
    position = _merge_rows(target, x, *split, exchanged, None, (0, 0))
    if position[0] < x.starts.size * -(-kept // strip):  # a value is missing
        _merge_rows(target, x, *split, exchanged, True, position)
