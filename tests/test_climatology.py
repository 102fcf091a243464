"""Climatologies: statistics by month, by day of the year, and by labels."""

import functools
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from support.optional import needs

import dasknorm as dn

DAYS = pd.date_range("2001-11-20", periods=800)


def field(days: pd.DatetimeIndex = DAYS, dtype: str = "f4") -> xr.DataArray:
    """Return temperatures with a season, some missing, and auxiliary coordinates on time."""
    rng = np.random.default_rng(5)
    season = 10 * np.cos(2 * np.pi * days.dayofyear.to_numpy() / 365)[:, None, None]
    values = (280 + season + rng.normal(0, 3, (len(days), 3, 4))).astype(dtype)
    values[5:9, 1, 2] = np.nan
    values[:, 2, 3] = np.nan
    return xr.DataArray(
        values,
        dims=("time", "lat", "lon"),
        coords={
            "time": days,
            "lat": [10.0, 20.0, 30.0],
            "half": ("time", np.where(days.month < 7, "first", "second")),
            "step": ("time", np.arange(len(days))),
        },
        name="t",
        attrs={"units": "K"},
    )


@pytest.fixture(autouse=True)
def _quiet(recwarn: pytest.WarningsRecorder) -> Any:
    """One grid cell has no values, with a warning from `adapt`; pandas deprecates dayofyear."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "no valid values")
        warnings.filterwarnings("ignore", ".*dayofyear is deprecated")
        yield


@functools.cache
def truth(days: int, by: str, over: Any) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Return mean, std and z-scores of the groups of the field's first days, by xarray."""
    groups = field(DAYS[:days]).astype("f8").groupby(by)
    mean, std = groups.mean(over), groups.std(over)
    return mean, std, (groups - mean).groupby(by) / std.where(std > 0, 1)


CHUNKS = [None, {}, {"time": 1}, {"time": 100, "lat": 2}, {"time": (400, 1, 399)}, {"lon": 1}]


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
@pytest.mark.parametrize("over", ["time", ("time", "lon"), ("time", "lat", "lon")], ids=str)
@pytest.mark.parametrize("by", ["time.month", "time.dayofyear", "half", "time.season"])
def test_readings_and_maps_against_float64(by: str, over: Any, chunks: Any) -> None:
    """Mean, std and z-scores of each group are those of float64 NumPy, however data are cut."""
    days = 400 if chunks == {"time": 1} else 800  # a year and more, in as few tasks
    whole = field(DAYS[:days])
    data = whole if chunks is None else whole.chunk(chunks)
    stats = dn.adapt(data, over=over, by=by)
    mean, std, expected = truth(days, by, over)
    np.testing.assert_allclose(stats.mean, mean.transpose(*stats.mean.dims), rtol=1e-13)
    np.testing.assert_allclose(stats.std, std.transpose(*stats.std.dims), rtol=1e-12)
    z = stats.normalize(data)
    assert (z.dims, z.chunks, z.dtype) == (data.dims, data.chunks, data.dtype)
    assert set(z.coords) == set(data.coords)
    z, back = dask.compute(z, stats.inverse(z))
    np.testing.assert_allclose(z.to_numpy(), expected.transpose(*z.dims), atol=2e-5)
    assert z.attrs["units"] == "1"
    np.testing.assert_allclose(back.to_numpy(), whole, rtol=2e-6)
    assert back.attrs["units"] == "K"


@given(
    labels=st.lists(st.integers(0, 6) | st.none(), min_size=1, max_size=40),
    cut=st.integers(1, 12),
    lazy=st.booleans(),
    first=st.booleans(),
    weighted=st.booleans(),
)
def test_any_labels_in_any_order(
    labels: list[int | None], cut: int, lazy: bool, first: bool, weighted: bool
) -> None:
    """Groups contain the steps with their label; a step without a label is in no group."""
    size = len(labels)
    values = np.random.default_rng(size).normal(1e4, 1, (size, 3))
    array = xr.DataArray(values, dims=("i", "j"), coords={"k": ("i", np.array(labels, "f8"))})
    data = array if first else array.T
    weights = xr.DataArray(np.arange(size) % 3 + 1.0, dims="i") if weighted else None
    group_labels = sorted({label for label in labels if label is not None})
    data = data.chunk(i=cut) if lazy else data
    if not group_labels:
        with pytest.raises(ValueError, match="no samples"):
            dn.adapt(data, over="i", by="k", weights=weights)
        return
    stats = dn.adapt(data, over="i", by="k", weights=weights)
    assert stats.mean["k"].to_numpy().tolist() == group_labels
    z = stats.normalize(data).transpose("i", "j").to_numpy()
    for label in group_labels:
        in_group = np.array([item == label for item in labels])
        group_weights = np.ones(in_group.sum()) if weights is None else weights.to_numpy()[in_group]
        mean = np.average(values[in_group], axis=0, weights=group_weights)
        np.testing.assert_allclose(stats.mean.sel(k=label), mean, rtol=1e-14)
        var = np.average((values[in_group] - mean) ** 2, axis=0, weights=group_weights)
        np.testing.assert_allclose(stats.variance.sel(k=label), var, rtol=1e-7, atol=1e-9)
        assert stats.count.sel(k=label).to_numpy().tolist() == [group_weights.sum()] * 3
    none = np.array([label is None for label in labels])
    assert np.isnan(z).all(axis=1).tolist() == none.tolist()
    assert not np.isnan(z[~none]).any()


def test_several_keys_have_a_dimension_each() -> None:
    """By month and hour, results have both dimensions, and each step uses its pair."""
    hours = pd.date_range("2001-01-01", periods=4 * 90, freq="6h")
    rng = np.random.default_rng(0)
    data = xr.DataArray(rng.normal(size=(360, 5)), dims=("time", "x"), coords={"time": hours})
    stats = dn.adapt(data.chunk(time=50), over="time", by=["time.month", "time.hour"])
    assert stats.mean.dims == ("month", "hour", "x")
    assert stats.mean.sizes == {"month": 3, "hour": 4, "x": 5}
    z = stats.normalize(data)
    for month, hour in [(1, 0), (2, 18), (3, 6)]:
        in_group = ((hours.month == month) & (hours.hour == hour)).nonzero()[0]
        part = data.isel(time=in_group).to_numpy()
        np.testing.assert_allclose(stats.mean.sel(month=month, hour=hour), part.mean(0), rtol=1e-12)
        expected = (part - part.mean(0)) / part.std(0)
        np.testing.assert_allclose(z.isel(time=in_group), expected, atol=1e-12)


def test_many_groups_of_little_each() -> None:
    """Nearly as many labels as steps are compared value by value, with the same results."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 30_000, 200_000)
    values = rng.normal(1e4, 1, 200_000).astype("f4")
    data = xr.DataArray(values, dims="i", coords={"k": ("i", labels)})
    for item in (data, data.chunk(i=30_000)):
        stats = dn.adapt(item, by="k")
        frame = pd.DataFrame({"v": values.astype("f8"), "k": labels}).groupby("k")["v"]
        np.testing.assert_allclose(stats.mean, frame.mean(), rtol=1e-14)
        np.testing.assert_allclose(stats.std, frame.std(ddof=0), rtol=1e-6, atol=1e-9)
        z = stats.normalize(item)
        expected = (values - frame.transform("mean")) / frame.transform("std", ddof=0).replace(0, 1)
        np.testing.assert_allclose(z, expected, atol=2e-4)


@pytest.mark.parametrize("calendar", ["360_day", "noleap", "standard"])
def test_calendars(calendar: str) -> None:
    """Dates of any calendar have months and days of the year."""
    pytest.importorskip("cftime")
    times = xr.date_range("2001-01-01", periods=720, calendar=calendar, use_cftime=True)
    values = np.random.default_rng(0).normal(size=(720, 2))
    data = xr.DataArray(values, dims=("time", "x"), coords={"time": times})
    stats = dn.adapt(data.chunk(time=77), over="time", by="time.month")
    expected = data.groupby("time.month").mean("time")
    np.testing.assert_allclose(stats.mean, expected.transpose("month", "x"), atol=1e-14)
    days = dn.adapt(data, by="time.dayofyear").mean
    assert days.sizes["dayofyear"] == {"360_day": 360, "noleap": 365, "standard": 365}[calendar]


def test_a_baseline_apart_from_what_is_normalized() -> None:
    """A later period is normalized by an earlier one's groups; those never seen are named."""
    data = field()
    stats = dn.adapt(data[:150].chunk(time=40), over="time", by="time.month")
    assert stats.mean["month"].to_numpy().tolist() == [1, 2, 3, 4, 11, 12]
    later = data.sel(time=data["time.month"].isin([1, 2]))[100:]
    mean = data[:150].groupby("time.month").mean("time")
    std = data[:150].groupby("time.month").std("time")
    expected = (later.groupby("time.month") - mean).groupby("time.month") / std
    np.testing.assert_allclose(stats.normalize(later), expected, atol=1e-4)
    with pytest.raises(dn.MismatchError, match=r"\[5, 6, 7, 8, 9, 10\] of 'time.month'"):
        stats.normalize(data)
    z = stats.normalize(data.chunk(time=90), unseen="nan").compute()
    unseen = data["time.month"].isin([5, 6, 7, 8, 9, 10])
    assert np.isnan(z.where(unseen, drop=True)).all()
    assert (z[:, 0, 0].notnull() == ~unseen).all()


def test_maps_read_no_other_groups() -> None:
    """A chunk is sent the maps of its own groups, and equal calls make equal graph names."""
    data = field().chunk(time=30)
    stats = dn.adapt(data, over="time", by="time.month")
    z = stats.normalize(data)
    graph = dict(z.data.__dask_graph__())
    maps = [v for k, v in graph.items() if isinstance(k, tuple) and str(k[0]).startswith("maps-")]
    assert len(maps) > 3
    sizes = {len(getattr(item, "value", item)) for item in maps}
    assert max(sizes - {12}) <= 3
    assert z.data.name == stats.normalize(data).data.name


@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_schedulers_and_persisted_data(scheduler: str) -> None:
    """The bits do not depend on the scheduler; data held in memory by Dask are taken as well."""
    data = field().chunk(time=100, lat=2)
    one = dn.adapt(data, over=("time", "lon"), by="time.month")
    with dask.config.set(scheduler=scheduler):
        assert dn.adapt(data, over=("time", "lon"), by="time.month") == one
        assert dn.adapt(data.persist(), over=("time", "lon"), by="time.month") == one


@needs("h5netcdf", "h5py")
def test_merged_updated_saved(tmp_path: Any) -> None:
    """Climatologies of parts merge to that of the whole, and come back from a file."""
    data = field()
    whole = dn.adapt(data, over="time", by="time.month")
    parts = dn.adapt(data[:300], over="time", by="time.month") + dn.adapt(
        data[300:], over="time", by="time.month"
    )
    np.testing.assert_allclose(parts.mean, whole.mean, rtol=1e-15)
    np.testing.assert_allclose(parts.std, whole.std, rtol=1e-14)
    grown = dn.adapt(data[:30], over="time", by="time.month").update(data[30:].chunk(time=99))
    np.testing.assert_allclose(grown.std, whole.std, rtol=1e-14)
    for suffix in ("nc", "zarr", "json"):
        path = tmp_path / f"stats.{suffix}"
        whole.save(path)
        loaded = dn.load(path)
        assert loaded == whole
        xr.testing.assert_identical(loaded.normalize(data), whole.normalize(data))
    with pytest.raises(dn.MismatchError, match=r"by 'time.month' and by 'half' do not merge"):
        whole + dn.adapt(data, over="time", by="half")
    with pytest.raises(dn.MismatchError, match="not by group"):
        whole + dn.adapt(data, over="time")


def test_a_dataset_of_which_some_variables_have_time() -> None:
    """Variables without the dimension have no groups, and are taken whole."""
    ds = xr.Dataset({"t": field(), "oro": (("lat", "lon"), np.arange(12.0).reshape(3, 4))})
    stats = dn.adapt(ds.chunk(time=99), over="time", by="time.month")
    assert stats.mean["t"].dims == ("month", "lat", "lon")
    assert float(stats.mean["oro"]) == 5.5
    z = stats.normalize(ds)
    assert float(abs(z["oro"].mean())) < 1e-15
    assert dn.adapt(ds, by="time.month", over=None).mean["t"].dims == ("month",)


def test_integers_become_floats() -> None:
    """Integers of up to 16 bits become float32, as without groups, in chunks and in one piece."""
    values = (np.arange(24).reshape(12, 2) ** 2 % 7).astype("i2")
    data = xr.DataArray(values, dims=("i", "j"), coords={"k": ("i", np.arange(12) % 3)})
    for item in (data, data.chunk(i=5), data.astype(">i2"), data.astype("f2")):
        stats = dn.adapt(item, over="i", by="k")
        z = stats.normalize(item)
        assert z.dtype == ("f2" if item.dtype == "f2" else "f4")
        for k in range(3):
            np.testing.assert_allclose(stats.mean.sel(k=k), values[k::3].mean(0), rtol=1e-15)


WRONG = {
    "no such coordinate": ({"by": "nope"}, dn.MismatchError, r"no coordinate 'nope' to group by"),
    "no such part": ({"by": "time.mnth"}, ValueError, r"no 'mnth'; dates have year, season"),
    "not a date": ({"by": "lat.month"}, ValueError, "'lat' has dtype float64"),
    "two dimensions": ({"by": ["half", "lat"]}, ValueError, "the same for all"),
    "kept as well": ({"by": "half", "keep": "time"}, ValueError, "cannot be kept as well"),
    "an array": ({"by": np.arange(3)}, TypeError, "name"),
    "lazily": ({"by": "half", "compute": False}, ValueError, "need compute=True"),
    "columns": ({"columns": ["t"]}, TypeError, "columns= is for frames"),
    "merged labels": ({"by": "half", "over": "half"}, ValueError, "keeps statistics of each"),
}


@pytest.mark.parametrize(("how", "error", "words"), WRONG.values(), ids=WRONG)
def test_mistakes(how: dict[str, Any], error: type[Exception], words: str) -> None:
    """Unsupported requests raise errors with the problem and an alternative."""
    with pytest.raises(error, match=words):
        dn.adapt(field(), **how)


def test_the_plan_says_what_is_held() -> None:
    """A plan counts the records of all groups that a task meets, and reads nothing."""
    data = field().chunk(time=100)
    plain = dn.plan(data, over="time")
    by_month = dn.plan(data, over="time", by="time.month")
    assert by_month.peak_bytes > plain.peak_bytes
    assert by_month.state_bytes == 12 * plain.state_bytes
    assert by_month.chunks == plain.chunks == 8
    assert not by_month.grouped


# -- windows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", ["equal", "linear"])
@pytest.mark.parametrize("days", [3, 5, 61])
@pytest.mark.parametrize("hourly", [False, True])
def test_windows_against_float64(days: int, weights: str, hourly: bool) -> None:
    """Each day of the year has the days around it, weighted, and the year is a ring."""
    times = pd.date_range("2003-01-01", "2005-12-31 23:00", freq="12h" if hourly else "D")
    values = np.random.default_rng(days).normal(1e3, 1, (len(times), 2))
    data = xr.DataArray(values, dims=("time", "x"), coords={"time": times})
    by = ["time.dayofyear", "time.hour"] if hourly else "time.dayofyear"
    stats = dn.adapt(data, over="time", by=by).smooth(days, weights)
    day, half = times.dayofyear.to_numpy(), days // 2
    for expected in (1, 2, 60, 200, 365, 366):
        away = np.abs(day - expected)
        away = np.minimum(away, 366 - away)
        group_weights = (away <= half) * 1.0 if weights == "equal" else np.maximum(half - away, 0)
        where = {"dayofyear": expected}
        if hourly:
            group_weights = group_weights * (times.hour == 12)
            where["hour"] = 12
        if not group_weights.sum():
            continue
        mean = np.average(values, axis=0, weights=group_weights)
        std = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=group_weights))
        np.testing.assert_allclose(stats.mean.sel(where), mean, rtol=1e-14)
        np.testing.assert_allclose(stats.std.sel(where), std, rtol=1e-10)
        assert stats.count.sel(where).to_numpy().tolist() == [group_weights.sum()] * 2


def test_windows_of_other_calendars() -> None:
    """A year of 360 days is a ring of 360."""
    pytest.importorskip("cftime")
    times = xr.date_range("2001-01-01", periods=720, calendar="360_day", use_cftime=True)
    data = xr.DataArray(np.arange(720.0) % 360, dims="time", coords={"time": times})
    stats = dn.adapt(data, by="time.dayofyear").smooth(3)
    assert float(stats.mean.sel(dayofyear=1)) == pytest.approx((359 + 0 + 1) / 3)
    assert float(stats.mean.sel(dayofyear=360)) == pytest.approx((358 + 359 + 0) / 3)


def test_windows_that_cannot_be() -> None:
    """A window is of days of the year, an odd number of them."""
    months = dn.adapt(field(), by="time.month")
    with pytest.raises(dn.MismatchError, match=r"by='time\.dayofyear'"):
        months.smooth(61)
    with pytest.raises(dn.MismatchError, match="no climatology"):
        dn.adapt(field()).smooth(61)
    days = dn.adapt(field(), by="time.dayofyear")
    with pytest.raises(ValueError, match="odd number"):
        days.smooth(60)
    with pytest.raises(ValueError, match="'equal' or 'linear'"):
        days.smooth(61, "flat")  # type: ignore[arg-type]


# -- one scale for several ------------------------------------------------------------------------


def test_a_shared_standard_deviation() -> None:
    """Components of a vector share the mean of their variances, at each kept place."""
    rng = np.random.default_rng(0)
    ds = xr.Dataset(
        {
            "u": (("time", "lev"), rng.normal(3, 2, (50, 3))),
            "v": (("lev", "time"), rng.normal(-1, 7, (3, 50))),
            "t": (("time", "lev"), rng.normal(280, 9, (50, 3))),
        },
        coords={"lev": [1.0, 2.0, 3.0]},
    )
    plain = dn.adapt(ds, over="time")
    stats = plain.share_std(("u", "v"))
    expected = np.sqrt((plain.variance["u"] + plain.variance["v"]) / 2)
    for name in "uv":
        np.testing.assert_allclose(stats.std[name], expected, rtol=1e-15)
        np.testing.assert_array_equal(stats.mean[name], plain.mean[name])
    np.testing.assert_array_equal(stats.std["t"], plain.std["t"])
    z = stats.normalize(ds)
    np.testing.assert_allclose(z["u"], (ds["u"] - plain.mean["u"]) / expected)
    with pytest.raises(dn.MismatchError, match="merge first, then call share_std"):
        stats + plain
    with pytest.raises(dn.MismatchError, match="no statistics for 'w'"):
        plain.share_std(("u", "w"))
    with pytest.raises(dn.MismatchError, match="named twice"):
        plain.share_std(("u", "v"), ("t", "v"))
    with pytest.raises(TypeError, match=r"two or more"):
        plain.share_std("uv")  # type: ignore[arg-type]
