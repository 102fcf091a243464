"""Exact arithmetic on float64: double-doubles, shifts, and floats as ordered integers.

Used by kernels and statistics. A change to a formula changes the last bits of statistics; then run
`make clean`, as Numba does not detect it.

The functions down to `TwoFloats` are plain arithmetic without a branch, so the same code runs on
Python floats, on NumPy arrays and on the values of a compiled loop (`compiled.codegen`). A
*double-double* is a pair (value, rest): their unevaluated sum carries about 106 bits.

Sources: T. J. Dekker, "A floating-point technique for extending the available precision", Numer.
Math. 18 (1971); D. E. Knuth, The Art of Computer Programming 2, section 4.2.2.
"""

from typing import Any, TypeAlias, final

import numpy as np

from dasknorm.kernels.inputs import Array

# A float, an array or a `codegen.Traced`; their operators mix, which no static type expresses.
Number: TypeAlias = Any

SPLITTER = 134217729.0  # 2**27 + 1 splits the 53 bits of a float64 into two halves (Veltkamp)
HALF = 4294967296.0  # 2**32
ROUNDER = 6755399441055744.0  # 1.5 * 2**52: added and subtracted again, it rounds to an integer


def quick_two_sum(a: Number, b: Number) -> tuple[Number, Number]:
    """Return a + b and its rounding error, for abs(a) >= abs(b) or a == 0."""
    total = a + b
    return total, b - (total - a)


def two_sum(a: Number, b: Number) -> tuple[Number, Number]:
    """Return a + b and its rounding error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_product(a: Number, b: Number) -> tuple[Number, Number]:
    """Return a * b and its rounding error: by an fma if the numbers have one."""
    product = a * b
    if hasattr(a, "product_less"):
        return product, a.product_less(b, product)
    split = SPLITTER * a
    a_high = split - (split - a)
    a_low = a - a_high
    split = SPLITTER * b
    b_high = split - (split - b)
    b_low = b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def add(a: Number, a_rest: Number, b: Number, b_rest: Number) -> tuple[Number, Number]:
    """Add two double-doubles; the last bits are right even if the values cancel."""
    high, low = two_sum(a, b)
    tail, error = two_sum(a_rest, b_rest)
    high, low = quick_two_sum(high, low + tail)
    return quick_two_sum(high, low + error)


def scale(a: Number, a_rest: Number, factor: Number) -> tuple[Number, Number]:
    """Multiply a double-double by a float64."""
    high, low = two_product(a, factor)
    return quick_two_sum(high, low + a_rest * factor)


def divide(a: Number, a_rest: Number, divisor: Number) -> tuple[Number, Number]:
    """Divide a double-double by a float64: the quotient, plus the quotient of its remainder."""
    quotient = a / divisor
    back, back_rest = two_product(quotient, divisor)
    return quick_two_sum(quotient, (((a - back) - back_rest) + a_rest) / divisor)


def multiply(a: Number, a_rest: Number, b: Number, b_rest: Number) -> tuple[Number, Number]:
    """Multiply two double-doubles."""
    high, low = two_product(a, b)
    return quick_two_sum(high, low + (a * b_rest + a_rest * b))


def merge_moments(
    count_a: Number, mean_a: Number, mean_rest_a: Number, m2_a: Number, m2_rest_a: Number,
    count_b: Number, mean_b: Number, mean_rest_b: Number, m2_b: Number, m2_rest_b: Number,
) -> tuple[Number, Number, Number, Number, Number]:  # fmt: skip
    """Merge count, mean and m2 of two summaries, where both counts are above zero.

    Chan, Golub & LeVeque (1983), around the first mean: equal means then give d = 0, and neither
    mean nor m2 moves by a bit. If a count is zero, the caller takes the other summary as it is.
    """
    count = count_a + count_b
    d, d_rest = add(mean_b, mean_rest_b, -mean_a, -mean_rest_a)
    g, g_rest = scale(d, d_rest, count_b)
    g, g_rest = divide(g, g_rest, count)
    mean, mean_rest = add(mean_a, mean_rest_a, g, g_rest)
    m2, m2_rest = add(m2_a, m2_rest_a, m2_b, m2_rest_b)
    h, h_rest = multiply(d, d_rest, g, g_rest)
    h, h_rest = scale(h, h_rest, count_a)
    m2, m2_rest = add(m2, m2_rest, h, h_rest)
    return count, mean, mean_rest, m2, m2_rest


@final
class OneFloat:
    """Values and shifts that one float64 holds exactly; the second part is 0 and is not used."""

    @staticmethod
    def difference(x: Number, _: Number, shift: Number, __: Number) -> Number:
        """Return x less the shift, rounded once."""
        return x - shift

    @staticmethod
    def exact_difference(x: Number, _: Number, shift: Number, __: Number) -> Number:
        """Return x less the shift as a double-double, exactly."""
        return two_sum(x, -shift)

    @staticmethod
    def move_shift(shift: Number, low: Number, step: Number) -> Number:
        """Return the shift moved by a step."""
        return shift + step, low

    @staticmethod
    def mean(shift: Number, _: Number, step: Number) -> Number:
        """Return the shift plus a step as a double-double."""
        return two_sum(shift, step)

    @staticmethod
    def exact(x: Number, low: Number) -> Number:
        """Return x as a double-double."""
        return x, low


@final
class TwoFloats:
    """64-bit integers as high * 2**32 + low, both whole, so that no difference overflows."""

    @staticmethod
    def difference(high: Number, low: Number, shift: Number, shift_low: Number) -> Number:
        """Return x less the shift, rounded once."""
        return (high - shift) * HALF + (low - shift_low)

    @staticmethod
    def exact_difference(high: Number, low: Number, shift: Number, shift_low: Number) -> Number:
        """Return x less the shift as a double-double, exactly."""
        return two_sum((high - shift) * HALF, low - shift_low)

    @staticmethod
    def move_shift(shift: Number, shift_low: Number, step: Number) -> Number:
        """Return the shift moved by the integer nearest to a step, so differences stay exact."""
        up = (step / HALF + ROUNDER) - ROUNDER
        return shift + up, shift_low + (((step - up * HALF) + ROUNDER) - ROUNDER)

    @staticmethod
    def mean(shift: Number, shift_low: Number, step: Number) -> Number:
        """Return the shift plus a step as a double-double."""
        return add(*two_sum(shift * HALF, shift_low), step, 0.0)

    @staticmethod
    def exact(high: Number, low: Number) -> Number:
        """Return x as a double-double."""
        return quick_two_sum(high * HALF, low)


Form: TypeAlias = type[OneFloat] | type[TwoFloats]

# The key of a float64 is its bits, which grow as the number does; of a negative number, minus the
# key of its opposite. Neighbouring floats have neighbouring keys, and -0.0 has the key of 0.0.
LARGEST_KEY = 0x7FEFFFFFFFFFFFFF  # of the largest finite float64; infinities and NaN have more
INFINITE_KEY = 0x7FF0000000000000
MAGNITUDE_BITS = 0x7FFFFFFFFFFFFFFF  # all but the sign


def bits_from_floats(x: Array) -> Array:
    """Return the bits of numbers as those of float64; x is only read."""
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
        return np.ascontiguousarray(x, np.float64).view(np.int64)


def keys_from_bits(bits: Array) -> Array:
    """Return the keys of the floats that have these bits."""
    return np.where(bits < 0, -(bits & MAGNITUDE_BITS), bits)


def floats_from_keys(keys: Array) -> Array:
    """Return the finite floats that have these keys, or the finite floats nearest to them."""
    keys = np.clip(keys, -LARGEST_KEY, LARGEST_KEY)
    return np.copysign(np.abs(keys).view(np.float64), keys)
