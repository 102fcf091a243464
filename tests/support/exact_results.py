"""The truth: mean and variance as exact rationals of the numbers as they are stored.

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
    """What the statistics of some numbers are, without rounding."""

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


def error_in_ulps(got: float, wanted: Fraction, scale: float | None = None) -> float:
    """Return how far a number is from the truth, in ulps of `scale` or of the truth."""
    unit = math.ulp(float(wanted) if scale is None else scale)
    return float(abs(Fraction(float(got)) - wanted) / Fraction(unit))


def assert_exact(
    mean: float, variance: float, wanted: ExactMoments, *, weighted: bool = False
) -> None:
    """Hold a mean and a variance to the accuracy that `Moments` promises."""
    if weighted:
        assert abs(Fraction(float(mean)) - wanted.mean) <= WEIGHTED_RTOL * wanted.scale
        assert abs(Fraction(float(variance)) - wanted.variance) <= WEIGHTED_RTOL * wanted.variance
        return
    assert error_in_ulps(mean, wanted.mean, wanted.scale) <= MEAN_ULPS
    assert error_in_ulps(variance, wanted.variance) <= VARIANCE_ULPS


def assert_all_exact(stats: Any, block: Any, keep: tuple[int, ...], weights: Any = None) -> None:
    """Hold the statistics of each kept position of an array to that; NaN where it has none."""
    means, variances = np.asarray(stats.mean), np.asarray(stats.variance)
    beside = None if weights is None else np.broadcast_to(weights, block.shape)
    for place in np.ndindex(means.shape):
        where: list[Any] = [slice(None)] * block.ndim
        for axis, at in zip(sorted(keep), place, strict=True):
            where[axis] = at
        some = block[tuple(where)]
        own = None if beside is None else beside[tuple(where)]
        counted = ~np.ma.getmaskarray(some) & (np.ma.getdata(some) == np.ma.getdata(some))
        if not (counted * (1.0 if own is None else own)).any():
            assert np.isnan(means[place])
            continue
        wanted = compute_exact(some, own)
        assert_exact(means[place], variances[place], wanted, weighted=own is not None)


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
