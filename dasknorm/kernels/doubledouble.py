"""Error-free transforms, and the one formula by which two summaries merge.

Everything here is plain arithmetic without a branch, so the same functions run on Python floats, on
NumPy arrays and on the values of a compiled loop (`tracing`). A *double-double* is a pair (value,
rest): their unevaluated sum carries about 106 bits.

Sources: T. J. Dekker, "A floating-point technique for extending the available precision", Numer.
Math. 18 (1971); D. E. Knuth, The Art of Computer Programming 2, section 4.2.2.
"""

from typing import Any

__all__ = [
    "add",
    "divided",
    "merged",
    "product",
    "quick_two_sum",
    "scaled",
    "two_product",
    "two_sum",
]

SPLITTER = 134217729.0  # 2**27 + 1 cuts the 53 bits of a float64 in two halves (Veltkamp)


def quick_two_sum(a: Any, b: Any) -> Any:
    """a + b and its rounding error, for abs(a) >= abs(b) or a == 0."""
    total = a + b
    return total, b - (total - a)


def two_sum(a: Any, b: Any) -> Any:
    """a + b and its rounding error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_product(a: Any, b: Any) -> Any:
    """a * b and its rounding error: by an fma, where there are numbers that can do one."""
    product = a * b
    if hasattr(a, "product_less"):
        return product, a.product_less(b, product)
    wide = SPLITTER * a
    a_high = wide - (wide - a)
    a_low = a - a_high
    wide = SPLITTER * b
    b_high = wide - (wide - b)
    b_low = b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def add(a: Any, a_rest: Any, b: Any, b_rest: Any) -> Any:
    """Sum of two double-doubles, right to the last bits even where they cancel."""
    high, low = two_sum(a, b)
    rest, crumb = two_sum(a_rest, b_rest)
    high, low = quick_two_sum(high, low + rest)
    return quick_two_sum(high, low + crumb)


def scaled(a: Any, a_rest: Any, factor: Any) -> Any:
    """Double-double times a float64."""
    high, low = two_product(a, factor)
    return quick_two_sum(high, low + a_rest * factor)


def divided(a: Any, a_rest: Any, divisor: Any) -> Any:
    """Double-double over a float64: a quotient, and the quotient of what it left over."""
    quotient = a / divisor
    back, back_rest = two_product(quotient, divisor)
    return quick_two_sum(quotient, (((a - back) - back_rest) + a_rest) / divisor)


def product(a: Any, a_rest: Any, b: Any, b_rest: Any) -> Any:
    """Product of two double-doubles."""
    high, low = two_product(a, b)
    return quick_two_sum(high, low + (a * b_rest + a_rest * b))


def merged(
    count_a: Any, mean_a: Any, mean_rest_a: Any, m2_a: Any, m2_rest_a: Any,
    count_b: Any, mean_b: Any, mean_rest_b: Any, m2_b: Any, m2_rest_b: Any,
) -> Any:  # fmt: skip
    """Count, mean and m2 of two summaries together, where both counts are above zero.

    Chan, Golub & LeVeque (1983), around the first mean: equal means then give d = 0, and neither
    mean nor m2 moves by a bit. Where a count is zero the caller takes the other summary as it is.
    """
    count = count_a + count_b
    d, d_rest = add(mean_b, mean_rest_b, -mean_a, -mean_rest_a)
    g, g_rest = scaled(d, d_rest, count_b)
    g, g_rest = divided(g, g_rest, count)
    mean, mean_rest = add(mean_a, mean_rest_a, g, g_rest)
    m2, m2_rest = add(m2_a, m2_rest_a, m2_b, m2_rest_b)
    h, h_rest = product(d, d_rest, g, g_rest)
    h, h_rest = scaled(h, h_rest, count_a)
    m2, m2_rest = add(m2, m2_rest, h, h_rest)
    return count, mean, mean_rest, m2, m2_rest
