"""Compiled loop of sketches: values counted in a table of buckets that is hashed, lane by lane.

Buckets of a level that turns out too fine are united while values are counted, so that data are
read once; and as buckets stand in no order, it does not matter how far apart they are.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba types the functions below, by what they are called with.

import numpy as np

from dasknorm.kernels.compiled.primitives import compiled, entry
from dasknorm.kernels.float_keys import INFINITE, MAGNITUDE

__all__ = ["tally"]

MISSING, VALUES, SPOILED = range(3)  # as at the end of a sketches.Part
SOME = 8  # values looked at beforehand for each bucket

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing (Knuth 1973, 6.4): neighbours lie apart


@compiled
def _slot(keys, sums, key):
    """Return where a bucket stands in a table, or is to stand; a sum of 0 is of none."""
    mask = len(keys) - 1
    slot = np.int64((np.uint64(key) * GOLDEN) >> np.uint64(32)) & mask
    while sums[slot] != 0.0 and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@compiled
def _raised(keys, sums, levels, into_keys, into_sums, room):
    """Fill a table with the buckets of another, some levels up; return how many, or room + 1."""
    into_sums[:] = 0.0
    used = 0
    for i in range(len(keys)):
        if sums[i] == 0.0:
            continue
        key = keys[i] >> levels
        slot = _slot(into_keys, into_sums, key)
        if into_sums[slot] == 0.0:
            used += 1
            if used > room:
                return used
            into_keys[slot] = key
        into_sums[slot] += sums[i]
    return used


@compiled
def _coarsened(keys, sums, other_keys, other_sums, room):
    """Unite buckets until there is room for them; return the levels it took, and how many."""
    levels = 1
    used = _raised(keys, sums, levels, other_keys, other_sums, room)
    while used > room:
        levels += 1
        used = _raised(keys, sums, levels, other_keys, other_sums, room)
    keys[:] = other_keys
    sums[:] = other_sums
    return levels, used


@compiled
def _key(bits):
    magnitude = bits & MAGNITUDE
    return magnitude if bits >= 0 else -magnitude


@compiled
def _fits(bits, weights, level, keys, sums, room):
    """Whether there is room for the buckets of some values, at a level."""
    sums[:] = 0.0
    used = 0
    for i in range(len(bits)):
        if (bits[i] & MAGNITUDE) >= INFINITE or (weights is not None and weights[i] == 0.0):
            continue
        key = _key(bits[i]) >> level
        slot = _slot(keys, sums, key)
        if sums[slot] == 0.0:
            used += 1
            if used > room:
                return False
            keys[slot], sums[slot] = key, 1.0
    return True


@compiled
def _first_level(bits, weights, low, keys, sums, room):
    """The level that the first values need: a table that starts too fine is made anew often."""
    some = bits[: SOME * room]
    beside = None if weights is None else weights[: SOME * room]
    high = 63
    if _fits(some, beside, low, keys, sums, room):
        return low
    while low + 1 < high:
        middle = (low + high) // 2
        if _fits(some, beside, middle, keys, sums, room):
            high = middle
        else:
            low = middle
    return high


@entry
def tally(keys, sums, levels, used, ends, lost, bits, weights, room):
    """Add the values of each lane, given as bits, to the lane's own table."""
    other_keys, other_sums = np.empty_like(keys[0]), np.empty_like(sums[0])
    for lane in range(len(bits)):
        own, own_keys, own_sums, own_lost = bits[lane], keys[lane], sums[lane], lost[lane]
        beside = None if weights is None else weights[lane]
        level, count, values = levels[lane], used[lane], 0
        low, high = ends[lane]
        if count == 0:
            level = _first_level(own, beside, level, other_keys, other_sums, room)
        for i in range(len(own)):
            w = 1.0 if beside is None else beside[i]
            magnitude = own[i] & MAGNITUDE
            if magnitude >= INFINITE:
                own_lost[MISSING if magnitude > INFINITE else SPOILED] += w
                continue
            if w == 0.0:
                continue
            values += 1
            key = _key(own[i])
            low, high = min(low, key), max(high, key)
            key >>= level
            slot = _slot(own_keys, own_sums, key)
            if own_sums[slot] == 0.0:
                own_keys[slot] = key
                count += 1
            own_sums[slot] += w
            if count > room:
                more, count = _coarsened(own_keys, own_sums, other_keys, other_sums, room)
                level += more
        levels[lane], used[lane] = level, count
        ends[lane, 0], ends[lane, 1] = low, high
        own_lost[VALUES] += values
