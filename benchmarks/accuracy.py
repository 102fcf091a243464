"""Digits: how far means and variances are from the exact ones, dasknorm's and its rivals'."""

import math
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import dask
import numpy as np

from benchmarks.machine import describe
from benchmarks.report import Report, table
from tests.support.exact_results import ExactMoments, compute_exact, read_nist
from tests.support.other_libraries import LIBRARIES, Library, is_installed

__all__ = ["run"]

SETS: dict[str, Callable[[int], np.ndarray]] = {
    "float32, 3 ± 2": lambda n: _normal(n, 3, 2, "f4"),
    "float32, 1e4 ± 1": lambda n: _normal(n, 1e4, 1, "f4"),
    "float32, 288 ± 0.25": lambda n: _normal(n, 288, 0.25, "f4"),
    "float16, 100 ± 1": lambda n: _normal(n, 100, 1, "f2"),
    "float64, 1e8 ± 1": lambda n: _normal(n, 1e8, 1, "f8"),
    "float64, 1e12 ± 1": lambda n: _normal(n, 1e12, 1, "f8"),
    "float64, 3 ± 2 and once 1e8": lambda n: np.append(_normal(n - 1, 3, 2, "f8"), 1e8),
    "int64, 2^53 and the next 3": lambda n: 2**53 + np.arange(n) % 4,
    "NIST's NumAcc4": lambda n: read_nist("NumAcc4")[0],
    "float32, constant 0.1": lambda n: np.full(n, 0.1, "f4"),
}
"""Numbers that sums lose digits of, by what they are."""

NONE = "none"


def run(size: float) -> Report:
    """Look at sets of so many numbers."""
    rivals = [rival for rival in LIBRARIES if is_installed(rival)]
    means, variances = [], []
    for name, make in SETS.items():
        values = make(round(size))
        exact = compute_exact(values)
        found = [_errors(rival, values, exact) for rival in rivals]
        means.append([name, *(error[0] for error in found)])
        variances.append([name, *(error[1] for error in found)])
    head = ["", *(rival.name.removesuffix(" StandardScaler") for rival in rivals)]
    said = (
        f"{describe()} Each set is {round(size):,} numbers (NumAcc4 1,001), in two columns, one of "
        "them upside down; the worse counts. *none*: the library does not take it, or gives NaN or "
        "infinity. No float64 is nearer to the mean of those integers than 0.4 deviations."
    )
    in_means = "**The mean** is off by so many standard deviations (a constant: by so much of it):"
    in_variances = "**The variance** is off by so much of itself (of a constant: what it is):"
    parts = [said, in_means, table(head, means), in_variances, table(head, variances)]
    return Report("\n\n".join(parts), page="accuracy.md")


def _normal(n: int, mean: float, std: float, dtype: str) -> np.ndarray:
    return np.random.default_rng(4).normal(mean, std, n).astype(dtype)


def _errors(rival: type[Library], values: np.ndarray, exact: ExactMoments) -> tuple[str, str]:
    """Return how far off the mean and the variance of one library are, in words."""
    x = np.stack([values, values[::-1]], axis=1)
    try:
        with (
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
            dask.config.set(scheduler="sync"),
        ):
            warnings.simplefilter("ignore")  # overflow, and what else: the figures say it
            mean, variance = (np.ravel(got) for got in rival.of(x, (0,)).moments())
    except Exception:  # whatever a library says to data that it does not take
        return NONE, NONE
    unit = math.sqrt(exact.variance) or abs(float(exact.mean))
    return (
        _worst(mean, exact.mean, unit),
        _worst(variance, exact.variance, float(exact.variance) or 1.0),
    )


def _worst(got: Any, wanted: Fraction, unit: float) -> str:
    """Return the largest error in that unit, to one digit."""
    if not np.isfinite(np.asarray(got, "f8")).all():
        return NONE
    error = max(abs(float(Fraction(float(each)) - wanted)) for each in got) / unit
    return (
        f"{error:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e") if error else "0"
    )
