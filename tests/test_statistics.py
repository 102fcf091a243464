"""Statistics: the results of records, and the effect of settings."""

import numpy as np
import pytest

from dasknorm import kernels
from dasknorm.errors import MismatchError
from dasknorm.statistics import Moments, Predefined, Statistic

BLOCK = np.array([[1.0, 5.0, np.nan], [3.0, 5.0, np.nan], [8.0, np.nan, np.nan]])


def read(name: str, **settings: float) -> list[float]:
    moments = Moments(**settings)
    return moments.result(moments.summarize(BLOCK, (0,)), name)[0].tolist()


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("count", {}, [3.0, 2.0, 0.0]),
        ("mean", {}, [4.0, 5.0, np.nan]),
        ("variance", {}, [26 / 3, 0.0, np.nan]),
        ("std", {}, [np.sqrt(26 / 3), 0.0, np.nan]),
        ("variance", {"ddof": 1}, [13.0, 0.0, np.nan]),
        ("variance", {"ddof": 2}, [26.0, np.nan, np.nan]),
        ("variance", {"ddof": 3}, [np.nan, np.nan, np.nan]),
        ("variance", {"ddof": 0.5}, [10.4, 0.0, np.nan]),
        ("mean", {"skipna": False}, [4.0, np.nan, np.nan]),
        ("std", {"skipna": False}, [np.sqrt(26 / 3), np.nan, np.nan]),
        ("count", {"skipna": False}, [3.0, 2.0, 0.0]),
        ("std", {"epsilon": 100.0}, [np.sqrt(26 / 3), 0.0, np.nan]),
    ],
)
def test_readings(name: str, settings: dict[str, float], expected: list[float]) -> None:
    """Results follow the settings; epsilon changes the scale and no result."""
    np.testing.assert_allclose(read(name, **settings), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [np.sqrt(26 / 3), 1.0, np.nan]),
        ({"epsilon": 4.0}, [4.0, 4.0, np.nan]),
        ({"epsilon": 1e-7}, [np.sqrt(26 / 3), 1e-7, np.nan]),
        ({"ddof": 1}, [np.sqrt(13.0), 1.0, np.nan]),
    ],
)
def test_scales(settings: dict[str, float], expected: list[float]) -> None:
    """The scale is max(std, epsilon), 1 where that is 0, and NaN where there is no std."""
    moments = Moments(**settings)
    affine = moments.affine(moments.summarize(BLOCK, (0,)))
    assert affine.dtype == kernels.AFFINE
    np.testing.assert_allclose(affine["scale"][0], expected, rtol=1e-15)


def test_readings_are_copies() -> None:
    """Writing to a result changes no record."""
    for statistic in (Moments(), Predefined()):
        records = np.ones(3, statistic.dtype)
        before = records.copy()
        for name in statistic.result_names:
            statistic.result(records, name)[:] = 7.0
        statistic.affine(records)["shift"] = 7.0
        assert records.tobytes() == before.tobytes()


@pytest.mark.parametrize("statistic", [Moments(), Predefined()])
def test_unknown_readings(statistic: Statistic) -> None:
    """A result that a statistic lacks is an AttributeError that lists the available ones."""
    with pytest.raises(AttributeError, match=f"'median'.*{', '.join(statistic.result_names)}"):
        statistic.result(np.zeros(1, statistic.dtype), "median")


def test_unusable_records() -> None:
    """Infinities and overflow make a record unusable, and only that one."""
    block = np.array([[np.inf, 1e200, 1.0, np.nan], [1.0, -1e200, 2.0, np.nan]])
    moments = Moments()
    spoiled = moments.is_invalid(moments.summarize(block, (0,)))
    assert spoiled.tolist() == [[True, True, False, False]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ddof": -1}, "ddof must be a number of at least 0, got -1"),
        ({"ddof": np.nan}, "ddof .* got nan"),
        ({"ddof": np.inf}, "ddof .* got inf"),
        ({"epsilon": -1e-9}, "epsilon must be a number of at least 0, got -1e-09"),
        ({"epsilon": np.inf}, "epsilon .* got inf"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, float], message: str) -> None:
    """Negative, infinite or missing settings are refused when a statistic is made."""
    with pytest.raises(ValueError, match=message):
        Moments(**settings)


def test_statistics_are_values() -> None:
    """Equal settings make equal, hashable, unchangeable statistics."""
    assert Moments(ddof=1) == Moments(ddof=1.0) != Moments()
    assert len({Moments(), Moments(), Moments(skipna=False)}) == 2
    with pytest.raises(AttributeError):
        Moments().ddof = 1  # type: ignore[misc]
    assert eval(repr(Moments(ddof=2, epsilon=0.5))) == Moments(ddof=2, epsilon=0.5)


def test_known_learns_and_merges_nothing() -> None:
    """Predefined statistics without a count cannot be merged or updated."""
    with pytest.raises(MismatchError, match="cannot be computed from data"):
        Predefined().summarize(np.ones(3), (0,))
    with pytest.raises(MismatchError, match="cannot be merged"):
        Predefined().merge(np.zeros(2, Predefined.dtype), (0,))


def test_known_scales() -> None:
    """Predefined statistics treat epsilon and constant features as computed ones do."""
    records = np.zeros(2, Predefined.dtype)
    records["variance"] = 0.0, 4.0
    assert Predefined().affine(records)["scale"].tolist() == [1.0, 2.0]
    assert Predefined(epsilon=3.0).affine(records)["scale"].tolist() == [3.0, 3.0]
    assert Predefined().result(records, "std").tolist() == [0.0, 2.0]
