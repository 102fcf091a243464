"""Floats as integers in the same order, so that a range of numbers is a range of integers.

The key of a float64 is its bits, which grow as the number does; of a negative number, minus the key
of its opposite. Neighbouring floats have neighbouring keys, and -0.0 has that of 0.0.
"""

import numpy as np

from dasknorm.kernels.records import Array

__all__ = ["INFINITE", "LARGEST", "MAGNITUDE", "bits_of", "floats_of", "keys_of"]

LARGEST = 0x7FEFFFFFFFFFFFFF
"""The key of the largest finite float64; infinities and NaN have larger ones."""

MAGNITUDE = 0x7FFFFFFFFFFFFFFF
INFINITE = 0x7FF0000000000000


def bits_of(x: Array) -> Array:
    """Return the bits of numbers as those of float64; x is only read."""
    with np.errstate(invalid="ignore"):  # of NaN that signal, which become quiet
        return np.ascontiguousarray(x, np.float64).view(np.int64)


def keys_of(bits: Array) -> Array:
    """Return the keys of the floats that have these bits."""
    return np.where(bits < 0, -(bits & MAGNITUDE), bits)


def floats_of(keys: Array) -> Array:
    """Return the finite floats that have these keys, or those nearest to them."""
    keys = np.clip(keys, -LARGEST, LARGEST)
    return np.copysign(np.abs(keys).view(np.float64), keys)
