"""Exact results: mean and variance as rationals of the stored numbers.

A million numbers become integers over one power of two, so that Python adds integers and not a
million fractions.
"""

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "NIST_DATA",
    "ExactMoments",
    "assert_all_exact",
    "assert_exact",
    "compute_exact",
    "error_in_ulps",
    "read_nist",
]

MEAN_ULPS = 4
VARIANCE_ULPS = 16
WEIGHTED_RTOL = 1e-13


class ExactMoments(NamedTuple):
    """Statistics without rounding."""

    count: Fraction
    mean: Fraction
    variance: Fraction

    @property
    def scale(self) -> float:
        """The larger of abs(mean) and std, in whose ulps a mean is judged."""
        return max(abs(float(self.mean)), math.sqrt(self.variance))


def compute_exact(values: Any, weights: Any = None, ddof: int = 0) -> ExactMoments:
    """Return the exact statistics of the values that are neither NaN nor masked."""
    data = np.ma.getdata(values)
    valid = ~(np.ma.getmaskarray(values) | (data != data))
    x, unit = to_integers(data[valid])
    if weights is None:
        w, weight_unit, total = 1, Fraction(1), Fraction(len(x))
    else:
        w, weight_unit = to_integers(np.broadcast_to(weights, data.shape)[valid])
        total = Fraction(int(w.sum())) * weight_unit
    wx = w * x
    first = Fraction(int(wx.sum())) * weight_unit * unit
    second = Fraction(int(wx.dot(x))) * weight_unit * unit**2
    mean = first / total
    return ExactMoments(total, mean, (second - mean * first) / (total - ddof))


def to_integers(values: np.ndarray) -> tuple[np.ndarray, Fraction]:
    """Return Python integers and the power of two that makes them the values again."""
    values = np.asarray(values).ravel()
    if values.dtype.kind != "f":
        return values.astype("O") + 0, Fraction(1)
    mantissa, exponent = np.frexp(values.astype("f8"))
    mantissa = (mantissa * 2.0**53).astype("i8")
    lowest = int(exponent[mantissa != 0].min(initial=2000))
    shift = np.where(mantissa == 0, 0, exponent - lowest)
    return mantissa.astype("O") << shift.astype("O"), Fraction(2) ** (lowest - 53)


def error_in_ulps(actual: float, expected: Fraction, scale: float | None = None) -> float:
    """Return the error of a number, in ulps of `scale` or of the expected value."""
    unit = math.ulp(float(expected) if scale is None else scale)
    return float(abs(Fraction(float(actual)) - expected) / Fraction(unit))


def assert_exact(
    mean: float, variance: float, expected: ExactMoments, *, weighted: bool = False
) -> None:
    """Check that a mean and a variance have the accuracy that `Moments` documents."""
    if weighted:
        assert abs(Fraction(float(mean)) - expected.mean) <= WEIGHTED_RTOL * expected.scale
        assert (
            abs(Fraction(float(variance)) - expected.variance) <= WEIGHTED_RTOL * expected.variance
        )
        return
    assert error_in_ulps(mean, expected.mean, expected.scale) <= MEAN_ULPS
    assert error_in_ulps(variance, expected.variance) <= VARIANCE_ULPS


def assert_all_exact(stats: Any, block: Any, keep: tuple[int, ...], weights: Any = None) -> None:
    """Check each element of the statistics of an array; it is NaN if it has no values."""
    means, variances = np.asarray(stats.mean), np.asarray(stats.variance)
    all_weights = None if weights is None else np.broadcast_to(weights, block.shape)
    for position in np.ndindex(means.shape):
        selection: list[Any] = [slice(None)] * block.ndim
        for axis, index in zip(sorted(keep), position, strict=True):
            selection[axis] = index
        values = block[tuple(selection)]
        value_weights = None if all_weights is None else all_weights[tuple(selection)]
        counted = ~np.ma.getmaskarray(values) & (np.ma.getdata(values) == np.ma.getdata(values))
        if not (counted * (1.0 if value_weights is None else value_weights)).any():
            assert np.isnan(means[position])
            continue
        expected = compute_exact(values, value_weights)
        assert_exact(
            means[position], variances[position], expected, weighted=value_weights is not None
        )


# -- NIST's univariate data sets, by formula ------------------------------------------------------


def compute_pi_digits(count: int) -> list[int]:
    """Return the first digits of pi, 3 among them, by Machin's formula in integers."""
    one = 10 ** (count + 10)

    def arccot(n: int) -> int:
        total = term = one // n
        k, sign = 3, -1
        while term := term // (n * n):
            total += sign * (term // k)
            k, sign = k + 2, -sign
        return total

    return list_digits(4 * (4 * arccot(5) - arccot(239)))[:count]


def list_digits(n: int) -> list[int]:
    """Return decimal digits, a thousand at a time: Python writes no longer integers at once."""
    parts = []
    while n:
        n, part = divmod(n, 10**1000)
        parts.append(f"{part:01000}")
    return [int(digit) for digit in "".join(reversed(parts)).lstrip("0")]


NIST_DATA: dict[str, Callable[[], list[float]]] = {
    "NumAcc1": lambda: [10000001, 10000003, 10000002],
    "NumAcc2": lambda: [1.2, *[1.1, 1.3] * 500],
    "NumAcc3": lambda: [1000000.2, *[1000000.1, 1000000.3] * 500],
    "NumAcc4": lambda: [10000000.2, *[10000000.1, 10000000.3] * 500],
    "PiDigits": lambda: [float(digit) for digit in compute_pi_digits(5000)],
}


@functools.cache
def read_nist(name: str) -> tuple[np.ndarray, ExactMoments]:
    """Return a data set, read-only, and its exact statistics."""
    values = np.array(NIST_DATA[name](), dtype="f8")
    values.flags.writeable = False
    return values, compute_exact(values)
