"""Compiled loop of sketches: values are counted in a hash table of buckets, lane by lane.

Used by kernels.sketches. The sample and the hash may be changed freely: the result does not depend
on them.

If a level turns out to be too fine, buckets are united while values are counted, so that data are
read once. As the buckets of a table are in no order, it does not matter how far apart they are.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba infers the types of the functions below from their arguments.

import numpy as np

from dasknorm.kernels.arithmetic import INFINITE_KEY, MAGNITUDE_BITS
from dasknorm.kernels.compiled.primitives import compiled, entry

MISSING, VALUES, SPOILED = range(3)  # as at the end of a sketches.Sketch
SAMPLE_PER_BUCKET = 8  # values read beforehand for each bucket, to find the level to start with

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing (Knuth 1973, 6.4) spreads neighbours


@compiled
def _slot(keys, sums, key):
    """Return the slot of a bucket in a table, present or not; a sum of 0 is an empty slot."""
    mask = len(keys) - 1
    slot = np.int64((np.uint64(key) * GOLDEN) >> np.uint64(32)) & mask
    while sums[slot] != 0.0 and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@compiled
def _raise_level(keys, sums, levels, into_keys, into_sums, room):
    """Fill a table with another's buckets, some levels up; return how many, or room + 1."""
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
def _coarsen(keys, sums, spare_keys, spare_sums, room):
    """Unite buckets until there is room for them; return the number of levels and of buckets."""
    levels = 1
    used = _raise_level(keys, sums, levels, spare_keys, spare_sums, room)
    while used > room:
        levels += 1
        used = _raise_level(keys, sums, levels, spare_keys, spare_sums, room)
    keys[:] = spare_keys
    sums[:] = spare_sums
    return levels, used


@compiled
def _key(bits):
    magnitude = bits & MAGNITUDE_BITS
    return magnitude if bits >= 0 else -magnitude


@compiled
def _fits(bits, weights, level, keys, sums, room):
    """Return whether there is room for the buckets of all values at a level."""
    sums[:] = 0.0
    used = 0
    for i in range(len(bits)):
        if (bits[i] & MAGNITUDE_BITS) >= INFINITE_KEY:
            continue
        if weights is not None and weights[i] == 0.0:
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
    """Return the level that a sample needs: a table that starts too fine is rebuilt often."""
    sample = bits[: SAMPLE_PER_BUCKET * room]
    sample_weights = None if weights is None else weights[: SAMPLE_PER_BUCKET * room]
    high = 63
    if _fits(sample, sample_weights, low, keys, sums, room):
        return low
    while low + 1 < high:
        middle = (low + high) // 2
        if _fits(sample, sample_weights, middle, keys, sums, room):
            high = middle
        else:
            low = middle
    return high


@entry
def tally(keys, sums, levels, used, ends, totals, bits, weights, room):
    """Add the values of each lane, given as bits, to the lane's table."""
    spare_keys, spare_sums = np.empty_like(keys[0]), np.empty_like(sums[0])
    for lane in range(len(bits)):
        lane_bits, lane_keys, lane_sums = bits[lane], keys[lane], sums[lane]
        lane_totals = totals[lane]
        lane_weights = None if weights is None else weights[lane]
        level, count, values = levels[lane], used[lane], 0
        low, high = ends[lane]
        if count == 0:
            level = _first_level(lane_bits, lane_weights, level, spare_keys, spare_sums, room)
        for i in range(len(lane_bits)):
            w = 1.0 if lane_weights is None else lane_weights[i]
            magnitude = lane_bits[i] & MAGNITUDE_BITS
            if magnitude >= INFINITE_KEY:
                lane_totals[MISSING if magnitude > INFINITE_KEY else SPOILED] += w
                continue
            if w == 0.0:
                continue
            values += 1
            key = _key(lane_bits[i])
            low, high = min(low, key), max(high, key)
            key >>= level
            slot = _slot(lane_keys, lane_sums, key)
            if lane_sums[slot] == 0.0:
                lane_keys[slot] = key
                count += 1
            lane_sums[slot] += w
            if count > room:
                more, count = _coarsen(lane_keys, lane_sums, spare_keys, spare_sums, room)
                level += more
        levels[lane], used[lane] = level, count
        ends[lane, 0], ends[lane, 1] = low, high
        lane_totals[VALUES] += values
