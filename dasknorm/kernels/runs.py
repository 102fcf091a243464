"""Compiled moments where the innermost axis is reduced: long runs, cut in tiles that stay in cache."""

import numpy as np

from dasknorm.kernels.doubledouble import two_sum
from dasknorm.kernels.loops import compiled, difference, gather, lane_add, mean_of, merge_into, moved, origin

__all__ = ["moments"]

TILE_BYTES = 16384  # half of a 32 KB first-level cache: the second reading comes from there
TILE = 4096
# Equal terms round the same way at every add. Blocks of 256 (16 adds a lane), summed without error, keep
# two-valued data to 4 ulp, where one sum over a whole tile may drift by 64.
BLOCK = 256


@compiled
def _first_sum(x, a, b):  # type: ignore[no-untyped-def]
    s = 0.0
    for i in range(len(x)):
        s = lane_add(s, difference(x[i], a, b))
    return s


@compiled
def _second_sums(x, a, b):  # type: ignore[no-untyped-def]
    e = 0.0
    q = 0.0
    for i in range(len(x)):
        d = difference(x[i], a, b)
        e = lane_add(e, d)
        q = lane_add(q, d * d)
    return e, q


@compiled
def _first_valid(x, w):  # type: ignore[no-untyped-def]
    for i in range(len(x)):
        if x[i] == x[i] and w[i] > 0.0:
            return i
    return 0


@compiled
def _weighted_first(x, w, a, b):  # type: ignore[no-untyped-def]
    n = 0.0
    lost = 0.0
    s = 0.0
    for i in range(len(x)):
        ok = x[i] == x[i]
        n = lane_add(n, w[i] if ok else 0.0)
        lost = lane_add(lost, 0.0 if ok else w[i])
        s = lane_add(s, w[i] * (difference(x[i], a, b) if ok & (w[i] > 0.0) else 0.0))
    return n, lost, s


@compiled
def _weighted_second(x, w, a, b):  # type: ignore[no-untyped-def]
    e = 0.0
    q = 0.0
    for i in range(len(x)):
        d = difference(x[i], a, b) if (x[i] == x[i]) & (w[i] > 0.0) else 0.0
        e = lane_add(e, w[i] * d)
        q = lane_add(q, w[i] * d * d)
    return e, q


@compiled
def _close(record, like, a, b, count, e, q, missing):  # type: ignore[no-untyped-def]
    """Merge what two readings of a tile gave: the corrected two-pass formula."""
    m2 = q - e * e / count
    mean, mean_rest = mean_of(like, a, b, e / count)
    merge_into(record, count, mean, mean_rest, 0.0 if m2 < 0.0 else m2, 0.0, missing)


@compiled
def _weighted_tile(record, x, w):  # type: ignore[no-untyped-def]
    """One tile, of which some may be missing; whether none was."""
    first = x[_first_valid(x, w)]
    a, b = origin(first)
    count, missing, s = _weighted_first(x, w, a, b)
    if count == 0.0:
        record[5] += missing
        return False
    a, b = moved(first, a, b, s / count)
    e = e_rest = q = q_rest = 0.0
    for i in range(0, len(x), BLOCK):
        de, dq = _weighted_second(x[i : i + BLOCK], w[i : i + BLOCK], a, b)
        e, rest = two_sum(e, de)
        e_rest += rest
        q, rest = two_sum(q, dq)
        q_rest += rest
    _close(record, first, a, b, count, e + e_rest, q + q_rest, missing)
    return missing == 0.0


@compiled
def _tile(record, x):  # type: ignore[no-untyped-def]
    """One tile without weights, if none is missing; whether that is so."""
    a, b = origin(x[0])
    s = _first_sum(x, a, b)
    if not np.isfinite(s):
        return False
    a, b = moved(x[0], a, b, s / len(x))
    e = e_rest = q = q_rest = 0.0
    for i in range(0, len(x), BLOCK):
        de, dq = _second_sums(x[i : i + BLOCK], a, b)
        e, rest = two_sum(e, de)
        e_rest += rest
        q, rest = two_sum(q, dq)
        q_rest += rest
    _close(record, x[0], a, b, float(len(x)), e + e_rest, q + q_rest, 0.0)
    return True


@compiled
def moments(out, targets, shape, flat, starts, strides, w, w_starts, w_strides):  # type: ignore[no-untyped-def]
    """Merge blocks of (reduced, kept, reduced) into the (n, 6) records out[target + kept]; w may be None."""
    rows, kept, run = shape
    size = min(TILE, TILE_BYTES // flat.itemsize)
    scratch = np.empty(size, flat.dtype)
    weights = np.ones(size)
    whole = True
    for o in range(len(starts)):
        for r in range(rows):
            for k in range(kept):
                record = out[targets[o] + k]
                base = starts[o] + r * strides[0] + k * strides[1]
                for i in range(0, run, size):
                    n = min(size, run - i)
                    here = base + i * strides[2]
                    if strides[2] == 1:
                        x = flat[here : here + n]
                    else:
                        gather(scratch[:n], flat, here, strides[2])
                        x = scratch[:n]
                    clean = False
                    if w is None:
                        if whole:
                            clean = _tile(record, x)
                    else:
                        from_ = w_starts[o] + r * w_strides[0] + k * w_strides[1] + i * w_strides[2]
                        gather(weights[:n], w, from_, w_strides[2])
                    if not clean:  # missing values come in company: then do not try the fast way in vain
                        clean = _weighted_tile(record, x, weights[:n])
                    whole = clean
