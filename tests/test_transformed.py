"""Transforms before statistics: against NumPy in float64, and inverted."""

from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from support.optional import import_optional, needs

import dasknorm as dn
from dasknorm import Extrema, MaxAbs, Moments, Quantiles, Transformed

dd = import_optional("dask.dataframe")

FORWARD = {"log": np.log, "log1p": np.log1p, "sqrt": np.sqrt, "asinh": np.arcsinh}
BACKWARD = {"log": np.exp, "log1p": np.expm1, "sqrt": np.square, "asinh": np.sinh}
DOMAINS = {"log": "x > 0", "log1p": "x > -1", "sqrt": "x >= 0"}
OUTSIDE = {"log": [0.0, -1.0], "log1p": [-1.0, -2.0], "sqrt": [-1e-9], "asinh": [np.inf]}

RAIN = np.random.default_rng(0).lognormal(0.0, 2.0, (200, 3))


@pytest.mark.parametrize("function", FORWARD)
@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", ">f4", "i4", "u1", "?"])
def test_moments_are_numpy_s(function: str, dtype: str) -> None:
    """Mean, variance and scores are those of the function's float64 values, whatever the dtype."""
    x = np.clip(RAIN + 1, 1, 200).astype(dtype)
    wide = FORWARD[function](x, dtype="f8")
    stats = dn.adapt(x, Transformed(function))
    np.testing.assert_allclose(stats.mean, wide.mean(0), rtol=1e-14)
    np.testing.assert_allclose(stats.variance, wide.var(0), rtol=1e-12, atol=1e-28)
    if dtype == "?":
        return  # constant
    z = stats.normalize(x)
    assert z.dtype == dn.adapt(x).normalize(x).dtype
    expected = (wide - wide.mean(0)) / wide.std(0)
    eps = np.finfo(z.dtype).eps
    np.testing.assert_allclose(z, expected, rtol=eps, atol=max(1e-14, eps * 1e-3))


@pytest.mark.parametrize("function", FORWARD)
@pytest.mark.parametrize("statistic", [Extrema(-1, 1), MaxAbs(), Quantiles()], ids=str)
def test_other_statistics_of_the_values(function: str, statistic: dn.Statistic) -> None:
    """Results are those of the transformed values, bit for bit."""
    stats = dn.adapt(RAIN, Transformed(function, statistic))
    single = dn.adapt(FORWARD[function](RAIN), statistic)
    for name in statistic.result_names:
        np.testing.assert_array_equal(stats.result(name), single.result(name))
    np.testing.assert_array_equal(stats.normalize(RAIN), single.normalize(FORWARD[function](RAIN)))


@pytest.mark.parametrize("function", FORWARD)
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("statistic", [Moments(), Extrema(), Quantiles(buckets=50)], ids=str)
def test_there_and_back(function: str, dtype: str, statistic: dn.Statistic) -> None:
    """The round trip of values over 8 decades is right to 1e-13, and in float32 to 2e-5."""
    x = 10.0 ** np.random.default_rng(1).uniform(-4, 4, 5000)
    x = x.astype(dtype)
    stats = dn.adapt(x, Transformed(function, statistic))
    back = stats.inverse(stats.normalize(x))
    assert back.dtype == x.dtype
    close = 1e-13 if dtype == "f8" else 2e-5
    # Near 0 it is the function's values that are kept, to the precision of those around them.
    np.testing.assert_allclose(back, x, rtol=close, atol=close)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2), st.sampled_from(["asinh", "log1p", "sqrt"]))
def test_any_values_come_back(drawn: list[float], function: str) -> None:
    """Whatever numbers, as far as the precision of their function's values goes."""
    x = np.array(drawn) if function == "asinh" else np.abs(drawn)
    stats = dn.adapt(x, Transformed(function))
    back = stats.inverse(stats.normalize(x))
    np.testing.assert_allclose(back, x, rtol=1e-12, atol=1e-13 * (1 + np.abs(x).max()))


@pytest.mark.parametrize("function", FORWARD)
def test_in_chunks(function: str) -> None:
    """Dask arrays are mapped lazily, and to the same numbers."""
    lazy = da.from_array(RAIN, chunks=(60, 2))
    whole, stats = (dn.adapt(x, Transformed(function)) for x in (RAIN, lazy))
    np.testing.assert_allclose(stats.mean, whole.mean, rtol=1e-15)
    z = stats.normalize(lazy)
    assert isinstance(z, da.Array)
    np.testing.assert_array_equal(z.compute(), stats.normalize(RAIN))
    np.testing.assert_allclose(stats.inverse(z).compute(), RAIN, rtol=1e-12)


# -- outside of the domain ------------------------------------------------------------------------


@pytest.mark.parametrize("function", OUTSIDE)
@pytest.mark.parametrize("statistic", [Moments(), Extrema(), MaxAbs(), Quantiles()], ids=str)
def test_outside_of_the_domain_is_refused(function: str, statistic: dn.Statistic) -> None:
    """Values that have no function value are an error that names the domain and the place."""
    domain = DOMAINS.get(function, "all numbers")
    for value in OUTSIDE[function]:
        ds = xr.Dataset({"tp": ("x", [1.0, value, np.nan]), "u": ("x", [1.0, 2.0, 3.0])})
        with pytest.raises(ValueError, match=f"domain of {function}, which is {domain}.*'tp'"):
            dn.adapt(ds, Transformed(function, statistic))


def test_several_say_whose_domain_it_is() -> None:
    """Among several statistics the message is of the one that is spoiled."""
    x = np.array([1.0, -1.0])
    with pytest.raises(ValueError, match="domain of sqrt, which is x >= 0"):
        dn.adapt(x, [Moments(), Transformed("sqrt")])


def test_normalize_gives_what_numpy_does() -> None:
    """Outside of the domain scores are NaN or infinite, and nothing warns."""
    stats = dn.adapt(RAIN[:, 0], Transformed("log"))
    z = stats.normalize(np.array([0.0, -1.0, np.nan, 1.0]))
    assert np.isneginf(z[0])
    assert np.isnan(z[1:3]).all()
    assert np.isfinite(z[3])
    assert stats.inverse(z)[0] == 0
    assert np.isinf(stats.inverse(np.array([1e9])))[0]


# -- missing, masks, groups, frames ---------------------------------------------------------------


def test_missing_values_and_masks() -> None:
    """NaN is skipped and stays; masked values and those of weight 0 may be outside the domain."""
    x = np.array([1.0, np.nan, -5.0, 9.0])
    masked = np.ma.MaskedArray(x, [False, False, True, False])
    stats = dn.adapt(masked, Transformed("sqrt"))
    assert (float(stats.count), float(stats.mean)) == (2, 2)
    z = stats.normalize(masked)
    assert z.tolist()[::3] == [-1, 1]
    assert z.mask.tolist() == [False, False, True, False]
    for how in ({"weights": np.array([1, 1, 0, 1])}, {"where": x != -5}):
        assert float(dn.adapt(x, Transformed("sqrt"), **how).mean) == 2


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {"k": list("abab"), "f": [1.0, 4.0, 9.0, None], "n": pd.array([0, 1, 4, None], "Int64")}
    )


def test_frames() -> None:
    """Columns keep their type, nulls stay, and strings are unchanged."""
    z = dn.adapt(frame(), Transformed("sqrt", Extrema())).normalize(frame())
    assert z["f"].tolist()[:3] == [0, 0.5, 1]
    assert (z["n"].tolist()[:3], str(z["n"].dtype)) == ([0, 0.5, 1], "Float64")
    assert z["n"].isna()[3]
    assert z["k"].tolist() == list("abab")


def test_groups() -> None:
    """With by= each group has the function's values of its own rows."""
    data = frame()[["k", "f"]]
    stats = dn.adapt(data, Transformed("sqrt", MaxAbs()), by="k")
    assert stats.max_abs["f"].to_dict() == {"a": 3, "b": 2}
    z = stats.normalize(data)
    np.testing.assert_array_equal(z["f"], [1 / 3, 1, 1, np.nan])
    pd.testing.assert_frame_equal(stats.inverse(z), data)


def test_climatologies() -> None:
    """By month, at each place: there and back."""
    time = pd.date_range("2001", periods=24, freq="MS", name="time")
    rain = xr.DataArray(RAIN[:24], {"time": time}, ("time", "x"), "tp", {"units": "mm"})
    for data in (rain, rain.chunk(time=5)):
        stats = dn.adapt(data, Transformed("log1p"), over="time", by="time.month")
        expected = np.log1p(rain.astype("f8")).groupby("time.month").mean("time")
        np.testing.assert_allclose(stats.mean, expected, rtol=1e-14)
        assert stats.mean.attrs["units"] == "log1p(mm)"
        back = stats.inverse(stats.normalize(data))
        np.testing.assert_allclose(back, rain, rtol=1e-12)
        assert back.attrs["units"] == "mm"


@needs("pyarrow")
def test_dask_frames() -> None:
    """Partitions are mapped each on its own."""
    lazy = dd.from_pandas(frame()[["f"]], npartitions=2)
    stats = dn.adapt(lazy, Transformed("sqrt", Extrema()))
    assert stats.normalize(lazy).compute()["f"].tolist()[:3] == [0, 0.5, 1]


def test_lags_are_refused() -> None:
    """Transforms with lag= raise an error that names an alternative."""
    with pytest.raises(TypeError, match="apply the function first"):
        dn.adapt(RAIN, Transformed("log1p"), lag={0: 1})


def test_updates_and_files(tmp_path: Any) -> None:
    """They merge with the same, not with another function, and are kept as they are."""
    stats = dn.adapt(RAIN[:50], Transformed("log1p", Extrema()))
    whole = dn.adapt(RAIN, Transformed("log1p", Extrema()))
    assert stats.update(RAIN[50:]) == whole
    whole.save(tmp_path / "s.json")
    assert dn.load(tmp_path / "s.json") == whole
    for other in (Transformed("sqrt", Extrema()), Extrema(), Transformed("log1p", Extrema(0, 2))):
        with pytest.raises(dn.MismatchError, match="statistics differ"):
            stats + dn.adapt(RAIN, other)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("exp",), ValueError, "one of 'log', 'log1p', 'sqrt', 'asinh', got 'exp'"),
        ((np.log,), ValueError, "must be one of"),
        (("log", Moments), TypeError, "statistic must be a Statistic"),
        (("log", Transformed("sqrt")), TypeError, "one function is applied"),
    ],
)
def test_what_makes_no_sense(arguments: Any, error: type[Exception], message: str) -> None:
    """Unknown functions, and functions of functions, are refused when one is made."""
    with pytest.raises(error, match=message):
        Transformed(*arguments)
