"""The accuracy of other libraries and of dasknorm, on easy and on difficult data."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.other_libraries import (
    LIBRARIES,
    Dask,
    DaskML,
    Dasknorm,
    DasknormOnDask,
    Library,
    NumPy,
    Xarray,
    is_installed,
)

WIDE = [rival for rival in LIBRARIES if rival.sums == "float64"]
OURS = [Dasknorm, DasknormOnDask]
WRONG = [NumPy, Dask, Xarray, DaskML]
"""Those whose float32 sums lose the mean of data far from 0."""

LAYOUTS = {
    "one feature": ((120_000,), (0,)),
    "rows": ((40_000, 3), (0,)),
    "features first": ((3, 40_000), (1,)),
    "features in the middle": ((40, 3, 1000), (0, 2)),
}


def needed(rival: type[Library]) -> type[Library]:
    """Skip the test where a rival's library is not installed."""
    if not is_installed(rival):
        pytest.skip(f"{' and '.join(rival.needs)} must be installed")
    return rival


def numbers(shape: tuple[int, ...], mean: float, dtype: str) -> np.ndarray:
    return np.random.default_rng(7).normal(mean, 1.0, shape).astype(dtype)


def truth(x: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The moments of float32 data around 1e4: float64 holds each sum of a slab to 1e-13."""
    wide = x.astype("f8") - 1e4
    mean = wide.mean(axes, keepdims=True)
    return (mean + 1e4).ravel(), ((wide - mean) ** 2).mean(axes).ravel()


@pytest.mark.parametrize("rival", LIBRARIES, ids=lambda rival: rival.name)
@pytest.mark.parametrize(("shape", "axes"), LAYOUTS.values(), ids=LAYOUTS)
def test_all_agree_on_easy_data(
    rival: type[Library], shape: tuple[int, ...], axes: tuple[int, ...]
) -> None:
    """On float64 data of mean 3 and deviation 1, all give the same, to the digits of their sums."""
    x = numbers(shape, 3.0, "f8")
    before, close = x.copy(), 1e-6 if rival.sums == "float32" else 1e-10
    ours, expected = Dasknorm.of(x, axes), needed(rival).of(x, axes)
    for actual, other in zip(ours.moments(), expected.moments(), strict=True):
        np.testing.assert_allclose(actual, other, rtol=close)
    scores = rival.back(expected.normalize(rival.take(x, axes)), shape, axes)
    np.testing.assert_allclose(ours.normalize(x), scores, rtol=0, atol=5 * close)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("rival", WIDE, ids=lambda rival: rival.name)
def test_those_in_float64_agree_on_float32(rival: type[Library]) -> None:
    """Rivals that accumulate in float64 have our moments of float32 data, rounded as theirs are."""
    x = numbers((40_000, 3), 3.0, "f4")
    for actual, other in zip(
        Dasknorm.of(x, (0,)).moments(), needed(rival).of(x, (0,)).moments(), strict=True
    ):
        rounding = np.finfo(other.dtype).eps
        np.testing.assert_allclose(actual, other, rtol=max(rounding, 1e-10))


@pytest.fixture(scope="module")
def offset() -> np.ndarray:
    """Float32 rows around 1e4, in chunks of 2e6 rows: sums that float32 cannot hold."""
    return numbers((4_000_000, 2), 1e4, "f4")


@pytest.mark.parametrize("rival", LIBRARIES, ids=lambda rival: rival.name)
def test_who_is_right_where_float32_sums_are_not(
    rival: type[Library], offset: np.ndarray, record_property: Callable[[str, Any], None]
) -> None:
    """Of float32 data around 1e4, four rivals' means are tens of deviations off, and no one else's.

    What is right may still be read in float32: then it is off by half of float32's ulp of 1e4.
    """
    mean, _ = truth(offset, (0,))
    actual, _ = needed(rival).of(offset, (0,)).moments()
    off = np.abs(np.asarray(actual, "f8") - mean).max()
    record_property("mean is off by", float(off))  # a property may be sent elsewhere
    assert (off > 10) if rival in WRONG else (off <= 5e-4)


@pytest.mark.parametrize("rival", OURS, ids=lambda rival: rival.name)
def test_ours_are_right_where_float32_sums_are_not(
    rival: type[Library], offset: np.ndarray
) -> None:
    """Of float32 data around 1e4, our mean is right to 4 ulp of float64, our variance to 1e-12."""
    mean, variance = truth(offset, (0,))
    got_mean, got_variance = rival.of(offset, (0,)).moments()
    assert np.all(np.abs(got_mean - mean) <= 4 * np.spacing(1e4))
    np.testing.assert_allclose(got_variance, variance, rtol=1e-12)


def test_our_scores_are_right_where_float32_sums_are_not(offset: np.ndarray) -> None:
    """Of float32 data around 1e4, our scores are those of float64, rounded once."""
    mean, variance = truth(offset, (0,))
    exact = (offset.astype("f8") - mean) / np.sqrt(variance)
    actual = Dasknorm.of(offset, (0,)).normalize(offset)
    assert actual.dtype == np.float32
    # Half an ulp, and what a mean that is 4 ulp away moves a score near 0 by.
    assert np.all(np.abs(actual - exact) <= 0.5 * np.spacing(np.abs(actual)) + 4 * np.spacing(1e4))
