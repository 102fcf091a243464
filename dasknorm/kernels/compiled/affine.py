"""Compiled affine maps: one shift and scale along a run, a pattern of them, or one by group.

Used by kernels.affine_maps. The formulas must agree with those of `in_numpy` to the bit.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba infers the types of the functions below from their arguments.

import numpy as np

from dasknorm.kernels.compiled.primitives import compiled, entry, exact, gather_rows

PATTERN_SIZE = 1024  # elements, 24 KB: read again and again from the first-level cache
PLAIN_RUN = 256  # elements from which a run is mapped without a pattern

#: The formula; a number, so that one compiled loop serves all three.
STANDARDIZE, MULTIPLY, RESTORE = 0, 1, 2


@compiled
def _standardize(x, shift, shift_rest, scale):
    """Return x less the shift, over the scale."""
    value, value_rest = exact(x)
    return ((value - shift) + (value_rest - shift_rest)) / scale


@compiled
def _multiply(x, shift, shift_rest, reciprocal):
    """Return x less the shift, times the reciprocal of the scale."""
    value, value_rest = exact(x)
    return ((value - shift) + (value_rest - shift_rest)) * reciprocal


@compiled
def _restore(x, shift, shift_rest, scale):
    """Return x times the scale, plus the shift."""
    value, _ = exact(x)
    return (value * scale + shift_rest) + shift


@compiled
def _map_with_one(out, x, formula, shift, shift_rest, scale):
    """Map all of x with one shift and scale."""
    if formula == STANDARDIZE:
        for i in range(len(out)):
            out[i] = _standardize(x[i], shift, shift_rest, scale)
    elif formula == MULTIPLY:
        for i in range(len(out)):
            out[i] = _multiply(x[i], shift, shift_rest, scale)
    else:
        for i in range(len(out)):
            out[i] = _restore(x[i], shift, shift_rest, scale)


@compiled
def _map_with_pattern(out, x, formula, shift, shift_rest, scale):
    """Map each element of x with the shift and scale at its position."""
    if formula == STANDARDIZE:
        for i in range(len(out)):
            out[i] = _standardize(x[i], shift[i], shift_rest[i], scale[i])
    elif formula == MULTIPLY:
        for i in range(len(out)):
            out[i] = _multiply(x[i], shift[i], shift_rest[i], scale[i])
    else:
        for i in range(len(out)):
            out[i] = _restore(x[i], shift[i], shift_rest[i], scale[i])


@compiled
def _start_pattern(pattern, affine, first, step, kept, run):
    """Write the maps of the kept axis, each repeated along its run, to the start of a pattern."""
    position = 0
    for k in range(kept):
        for _ in range(run):
            for j in range(3):
                pattern[j * PATTERN_SIZE + position] = affine[first + k * step, j]
            position += 1


@compiled
def _repeat_pattern(pattern, period, length):
    """Fill a pattern up to a length with its first period, again and again."""
    for i in range(length - period):
        for j in range(0, 3 * PATTERN_SIZE, PATTERN_SIZE):
            pattern[j + period + i] = pattern[j + i]


@entry
def map_runs(formula, out, x, maps, kept, run, scratch):
    """Map runs of many blocks of (kept, run), one map for each kept position."""
    for block in range(len(x.starts)):
        for k in range(kept):
            shift, shift_rest, scale = maps.row[maps.starts[block] + k * maps.strides[1]]
            for i in range(0, run, len(scratch)):
                n = min(len(scratch), run - i)
                out_start = out.starts[block] + k * out.strides[1] + i
                start = x.starts[block] + k * x.strides[1] + i * x.strides[2]
                if x.strides[2] == 1:
                    values = x.row[start : start + n]
                else:
                    gather_rows(scratch, x.row, start, 1, 1, 1, n, x.strides)
                    values = scratch[:n]
                out_row = out.row[out_start : out_start + n]
                _map_with_one(out_row, values, formula, shift, shift_rest, scale)


@entry
def map_patterns(formula, out, x, maps, sizes, rows_at_once, is_adjacent, scratch):
    """Map blocks of (rows, kept, run), with a pattern for some rows of (kept, run)."""
    rows, kept, run = sizes
    pattern = np.empty(3 * PATTERN_SIZE)
    shift = pattern[:PATTERN_SIZE]
    shift_rest, scale = pattern[PATTERN_SIZE : 2 * PATTERN_SIZE], pattern[2 * PATTERN_SIZE :]
    period = kept * run
    for block in range(len(x.starts)):
        _start_pattern(pattern, maps.row, maps.starts[block], maps.strides[1], kept, run)
        _repeat_pattern(pattern, period, min(rows_at_once, rows) * period)
        for i in range(0, rows, rows_at_once):
            n = min(rows_at_once, rows - i)
            out_start = out.starts[block] + i * out.strides[0]
            start = x.starts[block] + i * x.strides[0]
            if is_adjacent:
                values = x.row[start : start + n * period]
            else:
                gather_rows(scratch, x.row, start, n, 1, kept, run, x.strides)
                values = scratch[: n * period]
            out_row = out.row[out_start : out_start + n * period]
            _map_with_pattern(out_row, values, formula, shift, shift_rest, scale)


@entry
def map_by_group(formula, out, x, maps, codes):
    """Map values with the shift and scale of their groups; codes below 0 count from the end."""
    for i in range(len(codes)):
        shift, shift_rest, scale = maps[codes[i], 0], maps[codes[i], 1], maps[codes[i], 2]
        if formula == STANDARDIZE:
            out[i] = _standardize(x[i], shift, shift_rest, scale)
        elif formula == RESTORE:
            out[i] = _restore(x[i], shift, shift_rest, scale)
        else:
            out[i] = _multiply(x[i], shift, shift_rest, scale)
