"""``by="time.monthday"``: the days of the year by month and day, which leap years do not shift."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import import_optional, needs

import dasknorm as dn

import_optional("cftime")

YEARS: dict[str, tuple[Any, int]] = {
    "with leap years": (pd.date_range("2003-01-01", "2008-12-31"), 366),
    "without a leap year": (pd.date_range("2001-01-01", "2003-12-31"), 365),
    **{
        calendar: (
            xr.date_range("2001-01-01", periods=days, calendar=calendar, use_cftime=True),
            length,
        )
        for calendar, days, length in [
            ("noleap", 1095, 365),
            ("360_day", 1080, 360),
            ("all_leap", 1098, 366),
            ("julian", 2922, 366),
        ]
    },
}


def values(time: Any) -> xr.DataArray:
    """Return random values at these dates, on two places."""
    data = np.random.default_rng(0).normal(100, 3, (len(time), 2))
    return xr.DataArray(data, {"time": time}, ("time", "x"), name="t")


def labels(time: Any) -> list[str]:
    return [f"{date.month:02}-{date.day:02}" for date in time]


@pytest.mark.parametrize(("time", "length"), YEARS.values(), ids=YEARS)
def test_groups_are_those_of_month_and_day(time: Any, length: int) -> None:
    """1 March has one label in every year and calendar, with the mean of its values."""
    array = values(time)
    groups = pd.DataFrame(array.values).groupby(labels(time))
    dataset = array.to_dataset()
    tree = xr.DataTree.from_dict({"/": dataset})
    for data in (array, array.chunk(time=100), dataset, tree):
        stats = dn.adapt(data, over="time", by="time.monthday")
        results = stats.mean, stats.std
        mean, std = results if isinstance(data, xr.DataArray) else (r["t"] for r in results)
        assert mean.dims == ("monthday", "x")
        assert mean["monthday"].values.tolist() == sorted({*labels(time)})
        assert mean.sizes["monthday"] == length
        np.testing.assert_allclose(mean, groups.mean(), rtol=1e-13)
        np.testing.assert_allclose(std, groups.std(ddof=0), rtol=1e-11)
    z = dn.adapt(array, over="time", by="time.monthday").normalize(array)
    first = np.array(labels(time)) == "03-01"
    np.testing.assert_allclose(z[first].mean("time"), 0, atol=1e-12)
    np.testing.assert_allclose(z[first].std("time"), 1, rtol=1e-12)


@pytest.mark.parametrize("weights", ["equal", "linear"])
@pytest.mark.parametrize(("time", "length"), YEARS.values(), ids=YEARS)
def test_windows_on_a_ring(time: Any, length: int, weights: Any) -> None:
    """`smooth` merges the values of the days around each day; the year is a ring."""
    array, half = values(time), 15
    stats = dn.adapt(array.chunk(time=200), over="time", by="time.monthday")
    smoothed = stats.smooth(2 * half + 1, weights)
    days = sorted({*labels(time)})
    index = np.array([days.index(label) for label in labels(time)])
    for label in ["01-01", "02-28", "03-01", "07-15", "12-30", days[-1]]:
        away = np.abs(index - days.index(label))
        away = np.minimum(away, length - away)
        counts = (away <= half) * 1.0 if weights == "equal" else np.maximum(half - away, 0)
        mean = np.average(array, axis=0, weights=counts)
        std = np.sqrt(np.average((array - mean) ** 2, axis=0, weights=counts))
        np.testing.assert_allclose(smoothed.mean.sel(monthday=label), mean, rtol=1e-13)
        np.testing.assert_allclose(smoothed.std.sel(monthday=label), std, rtol=1e-11)
        assert (smoothed.count.sel(monthday=label) == counts.sum()).all()


def test_windows_are_merges_of_records() -> None:
    """A window of three days is the merge of statistics from the data of each day."""
    array = values(YEARS["with leap years"][0])
    smoothed = dn.adapt(array, over="time", by="time.monthday").smooth(3)
    names = np.array(labels(array.indexes["time"]))
    leap, before, after = (
        dn.adapt(array[names == name], keep="x") for name in ("02-29", "02-28", "03-01")
    )
    merged = leap + before + after
    np.testing.assert_allclose(smoothed.mean.sel(monthday="02-29"), merged.mean, rtol=1e-15)
    np.testing.assert_allclose(smoothed.std.sel(monthday="02-29"), merged.std, rtol=1e-13)
    assert (smoothed.count.sel(monthday="02-29") == 14).all()


def test_with_the_hour() -> None:
    """Month and day combine with the hour, and each hour has its own window."""
    time = pd.date_range("2003-01-01", "2008-12-31 12:00", freq="12h")
    array = values(time)
    stats = dn.adapt(array, over="time", by=["time.monthday", "time.hour"])
    assert stats.mean.dims == ("monthday", "hour", "x")
    smoothed = stats.smooth(3)
    # 28 February is not next to 1 March, as there are labels of 29 February between them.
    is_near = np.isin(labels(time), ["02-29", "03-01", "03-02"]) & (time.hour == 12)
    where = {"monthday": "03-01", "hour": 12}
    assert (smoothed.count.sel(where) == 14).all()
    np.testing.assert_allclose(smoothed.mean.sel(where), array[is_near].mean("time"), rtol=1e-13)


@needs("h5netcdf", "h5py", "zarr")
def test_saved_updated_described(tmp_path: Path) -> None:
    """Statistics by month and day are saved, updated, merged and described."""
    time = YEARS["without a leap year"][0]
    stats = dn.adapt(values(time), over="time", by="time.monthday")
    assert "for each month and day of time" in stats.describe()
    for suffix in ("nc", "zarr", "json"):
        stats.save(tmp_path / f"s.{suffix}")
        loaded = dn.load(tmp_path / f"s.{suffix}")
        assert loaded == stats
        assert loaded.smooth(31) == stats.smooth(31)
    leap = values(pd.date_range("2004-01-01", "2004-12-31"))
    with pytest.warns(UserWarning, match="only one value"):
        alone = dn.adapt(leap, over="time", by="time.monthday")
    more = stats + alone
    assert more.mean.sizes["monthday"] == 366
    assert (more.count.sel(monthday=["02-28", "02-29", "03-01"]) == [[4], [1], [4]]).all()
    with pytest.raises(dn.MismatchError, match=r"unknown groups \['02-29'\] of 'time.monthday'"):
        stats.normalize(leap)
    assert stats.normalize(leap, unseen="nan").sel(time="2004-02-29").isnull().all()


def test_missing_dates_belong_to_no_group() -> None:
    """A step whose date is NaT is not counted, and normalizes to NaN."""
    time = pd.DatetimeIndex(["2001-01-01", None, "2002-01-01", "2003-01-01"])
    array = values(time)
    stats = dn.adapt(array, over="time", by="time.monthday")
    assert stats.count.values.tolist() == [[3, 3]]
    assert np.isnan(stats.normalize(array)).values.tolist() == [[i == 1] * 2 for i in range(4)]


def test_other_groups_have_no_window() -> None:
    """The error of `smooth` names both keys that it accepts."""
    stats = dn.adapt(values(YEARS["noleap"][0]), over="time", by="time.month")
    with pytest.raises(dn.MismatchError, match=r"by='time\.dayofyear' or by='time\.monthday'"):
        stats.smooth(31)
    with pytest.raises(ValueError, match="monthday"):
        dn.adapt(values(YEARS["noleap"][0]), over="time", by="time.daymonth")
