"""Compiled affine maps: one shift and scale along a run, or a pattern of them beside the data."""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

from typing import Any

import numpy as np

from dasknorm.kernels.loops import compiled, entry, exact, gather_rows

__all__ = ["LONG_RUN", "PIECE", "restore", "standardize", "standardize_by_reciprocal"]

PIECE = 4096  # elements of a pattern, 96 KB: it is read again and again from the second-level cache
LONG_RUN = 256  # from here on a run is mapped without a pattern


@compiled
def _over(x, shift, rest, scale):
    value, value_rest = exact(x)
    return ((value - shift) + (value_rest - rest)) / scale


@compiled
def _times(x, shift, rest, reciprocal):
    value, value_rest = exact(x)
    return ((value - shift) + (value_rest - rest)) * reciprocal


@compiled
def _back(x, shift, rest, scale):
    value, _ = exact(x)
    return (value * scale + rest) + shift


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


def _loops(formula: Any) -> Any:
    """The two loops around a formula: with one map along a run, and with a pattern."""

    @compiled
    def one(out, x, shift, rest, scale):
        for i in range(len(out)):
            out[i] = formula(x[i], shift, rest, scale)

    @compiled
    def each(out, x, pattern):
        for i in range(len(out)):
            out[i] = formula(x[i], pattern[i], pattern[PIECE + i], pattern[2 * PIECE + i])

    @entry
    def along(out, to, to_step, flat, starts, strides, run, affine, by, kept, step, scratch):
        """Runs of many blocks of (kept, run), one map for each kept position."""
        for o in range(len(starts)):
            for k in range(kept):
                a = by[o] + k * step
                for i in range(0, run, len(scratch)):
                    n = min(len(scratch), run - i)
                    place = to[o] + k * to_step + i
                    here = starts[o] + k * strides[1] + i * strides[2]
                    if strides[2] == 1:
                        one(
                            out[place : place + n],
                            flat[here : here + n],
                            affine[a, 0],
                            affine[a, 1],
                            affine[a, 2],
                        )
                    else:
                        gather_rows(scratch, flat, here, 1, 1, 1, n, strides)
                        one(
                            out[place : place + n],
                            scratch[:n],
                            affine[a, 0],
                            affine[a, 1],
                            affine[a, 2],
                        )

    @entry
    def beside(
        out,
        to,
        to_step,
        flat,
        starts,
        strides,
        rows,
        kept,
        run,
        affine,
        by,
        step,
        many,
        touching,
        scratch,
    ):
        """Blocks of (rows, kept, run), with a pattern for some rows of (kept, run)."""
        pattern = np.empty(3 * PIECE)
        period = kept * run
        for o in range(len(starts)):
            _lay(pattern, affine, by[o], step, kept, run)
            _repeat(pattern, period, min(many, rows) * period)
            for i in range(0, rows, many):
                n = min(many, rows - i)
                place = to[o] + i * to_step
                here = starts[o] + i * strides[0]
                if touching:
                    each(out[place : place + n * period], flat[here : here + n * period], pattern)
                else:
                    gather_rows(scratch, flat, here, n, 1, kept, run, strides)
                    each(out[place : place + n * period], scratch[: n * period], pattern)

    return along, beside


standardize = _loops(_over)
standardize_by_reciprocal = _loops(_times)
restore = _loops(_back)
