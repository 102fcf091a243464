"""Compiled affine maps: a pattern of shifts and scales, laid beside the data a cache line at a time."""

from typing import Any

import numpy as np

from dasknorm.kernels.loops import compiled, entry, exact, gather_rows

__all__ = ["restore", "standardize"]

PIECE = 512  # elements of the pattern: 12 KB, and leaves room in the first-level cache for the data


@compiled
def _standardized(out, x, shift, rest, scale):  # type: ignore[no-untyped-def]
    for i in range(len(out)):
        value, value_rest = exact(x[i])
        out[i] = ((value - shift[i]) + (value_rest - rest[i])) / scale[i]


@compiled
def _restored(out, x, shift, rest, scale):  # type: ignore[no-untyped-def]
    for i in range(len(out)):
        value, _ = exact(x[i])
        out[i] = (value * scale[i] + rest[i]) + shift[i]


@compiled
def _lay(pattern, affine, first, step, kept, run, repeats):  # type: ignore[no-untyped-def]
    """The affine records of some kept positions, each for a run, the whole some times over."""
    for j in range(3):
        at = 0
        for _ in range(repeats):
            for k in range(kept):
                value = affine[first + k * step, j]
                for _ in range(run):
                    pattern[j, at] = value
                    at += 1


def _loop(formula: Any) -> Any:
    """The walk over blocks of (same, kept, same) around a formula for one piece."""

    @entry
    def walk(flat_out, out_starts, out_strides, shape, flat, starts, strides, affine, firsts, step):  # type: ignore[no-untyped-def]
        same, kept, run = shape
        run_piece = min(run, PIECE)
        kept_piece = min(kept, PIECE // run_piece)
        whole = run_piece == run and kept_piece == kept
        repeats = min(same, PIECE // (run * kept)) if whole else 1
        pattern = np.empty((3, PIECE))
        scratch = np.empty(PIECE, flat.dtype)
        s0, s1, s2 = strides
        touching = (
            (run_piece == 1 or s2 == 1) and (kept_piece == 1 or s1 == run) and (repeats == 1 or s0 == kept * run)
        )
        for o in range(len(starts)):
            for k in range(0, kept, kept_piece):
                k_now = min(kept_piece, kept - k)
                _lay(pattern, affine, firsts[o] + k * step, step, k_now, run_piece, repeats)
                for i in range(0, same, repeats):
                    i_now = min(repeats, same - i)
                    for j in range(0, run, run_piece):
                        j_now = min(run_piece, run - j)
                        n = i_now * k_now * j_now
                        to = out_starts[o] + i * out_strides[0] + k * out_strides[1] + j * out_strides[2]
                        here = starts[o] + i * s0 + k * s1 + j * s2
                        if touching:
                            x = flat[here : here + n]
                        else:
                            gather_rows(scratch, flat, here, i_now, 1, k_now, j_now, strides)
                            x = scratch[:n]
                        formula(flat_out[to : to + n], x, pattern[0, :n], pattern[1, :n], pattern[2, :n])

    return walk


standardize = _loop(_standardized)
restore = _loop(_restored)
