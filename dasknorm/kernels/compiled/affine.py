"""Compiled affine maps: one shift and scale along a run, or a pattern of them beside the data."""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

import numpy as np

from dasknorm.kernels.compiled.primitives import compiled, entry, exact, gather_rows

__all__ = ["BACK", "LONG_RUN", "OVER", "PIECE", "TIMES", "along", "back", "beside", "over", "times"]

PIECE = 1024  # elements of a pattern, 24 KB: read again and again from the first-level cache
LONG_RUN = 256  # from here on a run is mapped without a pattern


#: What is done to each value; a number, so that one compiled loop serves them all.
OVER, TIMES, BACK = 0, 1, 2


@compiled
def over(x, shift, rest, scale):
    """x less the shift, over the scale."""
    value, value_rest = exact(x)
    return ((value - shift) + (value_rest - rest)) / scale


@compiled
def times(x, shift, rest, reciprocal):
    """The same by the reciprocal of the scale."""
    value, value_rest = exact(x)
    return ((value - shift) + (value_rest - rest)) * reciprocal


@compiled
def back(x, shift, rest, scale):
    """x times the scale, and the shift."""
    value, _ = exact(x)
    return (value * scale + rest) + shift


@compiled
def _one(out, x, what, shift, rest, scale):
    """Map all of x with one shift and scale."""
    if what == OVER:
        for i in range(len(out)):
            out[i] = over(x[i], shift, rest, scale)
    elif what == TIMES:
        for i in range(len(out)):
            out[i] = times(x[i], shift, rest, scale)
    else:
        for i in range(len(out)):
            out[i] = back(x[i], shift, rest, scale)


@compiled
def _each(out, x, what, shift, rest, scale):
    """Map each of x with a shift and scale of its own."""
    if what == OVER:
        for i in range(len(out)):
            out[i] = over(x[i], shift[i], rest[i], scale[i])
    elif what == TIMES:
        for i in range(len(out)):
            out[i] = times(x[i], shift[i], rest[i], scale[i])
    else:
        for i in range(len(out)):
            out[i] = back(x[i], shift[i], rest[i], scale[i])


@compiled
def _lay(pattern, affine, first, step, kept, run):
    """The maps of some kept positions, each for a run, from the start of a pattern on."""
    at = 0
    for k in range(kept):
        for _ in range(run):
            for j in range(3):
                pattern[j * PIECE + at] = affine[first + k * step, j]
            at += 1


@compiled
def _repeat(pattern, period, length):
    """Fill a pattern with its first part, again and again."""
    for i in range(length - period):
        for j in range(0, 3 * PIECE, PIECE):
            pattern[j + period + i] = pattern[j + i]


@entry
def along(what, out, to, to_step, flat, starts, strides, run, affine, by, kept, step, scratch):
    """Map runs of many blocks of (kept, run), one map for each kept position."""
    for o in range(len(starts)):
        for k in range(kept):
            shift, rest, scale = affine[by[o] + k * step]
            for i in range(0, run, len(scratch)):
                n = min(len(scratch), run - i)
                place = to[o] + k * to_step + i
                here = starts[o] + k * strides[1] + i * strides[2]
                if strides[2] == 1:
                    x = flat[here : here + n]
                else:
                    gather_rows(scratch, flat, here, 1, 1, 1, n, strides)
                    x = scratch[:n]
                _one(out[place : place + n], x, what, shift, rest, scale)


@entry
def beside(
    what, out, to, to_step, flat, starts, strides, rows, kept, run, affine, by, step,
    many, touching, scratch,
):  # fmt: skip
    """Map blocks of (rows, kept, run), with a pattern for some rows of (kept, run)."""
    pattern = np.empty(3 * PIECE)
    shift, rest, scale = pattern[:PIECE], pattern[PIECE : 2 * PIECE], pattern[2 * PIECE :]
    period = kept * run
    for o in range(len(starts)):
        _lay(pattern, affine, by[o], step, kept, run)
        _repeat(pattern, period, min(many, rows) * period)
        for i in range(0, rows, many):
            n = min(many, rows - i)
            place = to[o] + i * to_step
            here = starts[o] + i * strides[0]
            if touching:
                x = flat[here : here + n * period]
            else:
                gather_rows(scratch, flat, here, n, 1, kept, run, strides)
                x = scratch[: n * period]
            _each(out[place : place + n * period], x, what, shift, rest, scale)
