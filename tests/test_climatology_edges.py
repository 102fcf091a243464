"""Unusual dates, labels and lags with `by=` and `lag=` give right results or clear errors."""

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.daily_grid import DAYS, VALUES, make_air

import dasknorm as dn

RNG = np.random.default_rng(1)
HALF = np.arange(40) % 2
MANY = ({"time": 7}, {"time": 1}, {"time": 40, "lat": 1}, {"time": 3, "lat": 2, "lon": 3})


def _assert_by(array, labels, by, **how):
    """Mean and std of each group are NumPy's, and z-scores come from each place's own group."""
    stats = dn.adapt(array, over="time", by=by, **how)
    values = array.transpose("time", "lat", "lon").values.astype("f8")
    z = stats.normalize(array).transpose("time", "lat", "lon").values
    dim = next(dim for dim in stats.mean.dims if dim not in ("lat", "lon"))
    assert len(stats.mean[dim]) == len(pd.unique(labels[~pd.isna(labels)]))
    for i, label in enumerate(stats.mean[dim].values):
        in_group = labels == label
        for reading in ("mean", "std"):
            result = stats.result(reading).transpose(dim, "lat", "lon").values[i]
            expected = getattr(np, f"nan{reading}")(values[in_group], axis=0)
            np.testing.assert_allclose(result, expected, rtol=1e-12)
        scores = (values[in_group] - np.nanmean(values[in_group], 0)) / np.nanstd(
            values[in_group], 0
        )
        np.testing.assert_allclose(z[in_group], scores, rtol=0, atol=1e-5)
    return stats, z


# -- labels of groups -----------------------------------------------------------------------------

LABELS = {
    "floats, some missing": np.where(np.arange(40) % 5 == 0, np.nan, HALF),
    "texts": np.array(["wet", "dry"])[HALF],
    "one of them empty": np.array(["", "x"])[HALF],
    "not of ASCII": np.array(["é", "ß/"])[HALF],
    "some None": np.where(np.arange(40) == 3, None, np.array(["wet", "dry"], object)[HALF]),
    "booleans": HALF == 1,
    "bytes": np.array([b"a", b"b"])[HALF],
    "negative": -HALF,
    "small integers": HALF.astype("i1"),
    "halves": (HALF / 2).astype("f2"),
    "dates": DAYS.values[HALF],
    "durations": pd.to_timedelta(HALF, unit="D").values,
    "calendar dates": xr.date_range("2000-02-30", periods=2, calendar="360_day").values[HALF],
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_kind(kind, tmp_path):
    """Groups have labels of any type, saved and loaded; a missing label is in no group."""
    if kind == "calendar dates":
        pytest.importorskip("h5netcdf")
    labels = LABELS[kind]
    array = make_air(mine=("time", labels)).chunk(time=7, lat=2)
    stats, z = _assert_by(array, labels, "mine")
    assert np.array_equal(np.isnan(z).all(axis=(1, 2)), pd.isna(labels))
    stats.save(tmp_path / "s.json")
    assert dn.load(tmp_path / "s.json") == stats
    xr.testing.assert_equal(dn.load(tmp_path / "s.json").normalize(array), stats.normalize(array))


def test_labels_may_be_lazy_or_bins():
    """Labels that are a Dask array, or intervals of pandas' cut, name groups as well."""
    lazy = make_air(mine=("time", da.from_array(HALF, chunks=9))).chunk(time=7)
    _assert_by(lazy, HALF, "mine")
    bins = dn.adapt(make_air(mine=("time", pd.cut(np.arange(40), 4))), over="time", by="mine")
    assert bins.count.sizes["mine"] == 4
    assert (bins.count == 10).all()


def test_dates_that_are_missing_belong_to_no_month():
    """A NaT has no month: its step is left out, and is missing once normalized."""
    dates = DAYS.values.copy()
    dates[4] = np.datetime64("NaT")
    stats = dn.adapt(make_air(time=dates).chunk(time=7), over="time", by="time.month")
    assert stats.count.isel(lat=0, lon=0).values.tolist() == [30, 9]
    assert np.isnan(stats.normalize(make_air(time=dates))[4]).all()
    assert stats.update(make_air()).count.isel(lat=0, lon=0).values.tolist() == [61, 18]


def test_names_of_several_keys_stay():
    """With groups by day and hour each key is a dimension, named as in xarray."""
    hours = pd.date_range("2001-01-01", periods=40, freq="6h")
    stats = dn.adapt(make_air(time=hours), over="time", by=["time.dayofyear", "time.hour"])
    assert stats.mean.dims == ("dayofyear", "hour", "lat", "lon")
    assert stats.mean.sizes["dayofyear"] == 10


# -- data of many kinds ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f2", ">f4", ">f8", "i2", ">i2", "u1", "i8", "?"])
@pytest.mark.parametrize("chunks", [None, *MANY])
def test_dtypes(dtype, chunks):
    """Months and changes of any dtype, byte order and chunks are those of its values in float64."""
    values = (VALUES > 280) if dtype == "?" else (VALUES - 200).astype(dtype)
    array = make_air(values) if chunks is None else make_air(values).chunk(chunks)
    stats = dn.adapt(array, over="time", by="time.month")
    wide = values.astype("f8")
    for month in (1, 2):
        expected = wide[DAYS.month == month].mean(0)
        np.testing.assert_allclose(stats.mean.sel(month=month), expected, rtol=1e-12)
    changes = dn.adapt(array, over="time", lag={"time": [1, 4]})
    for lag in (1, 4):
        result, expected = changes.tendency(lag), wide[lag:] - wide[:-lag]
        np.testing.assert_allclose(result.mean, expected.mean(0), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(result.std, expected.std(0), rtol=1e-12)


@pytest.mark.parametrize("dims", [("lat", "time", "lon"), ("lon", "lat", "time")])
@pytest.mark.parametrize("chunks", [None, *MANY])
def test_order_of_dimensions(dims, chunks):
    """Time may be any dimension, and comes out where it was."""
    array = make_air().transpose(*dims)
    array = array if chunks is None else array.chunk(chunks)
    stats, _ = _assert_by(array, DAYS.month.values, "time.month")
    assert stats.normalize(array).dims == dims
    changes = dn.adapt(array, over="time", lag={"time": 1}).tendency()
    expected = np.diff(VALUES, axis=0).mean(0)
    np.testing.assert_allclose(changes.mean.transpose("lat", "lon"), expected, atol=1e-12)


@pytest.mark.parametrize("lazy", [False, True])
def test_masked_and_missing_values(lazy):
    """Masked values are excluded from months, and from tendencies from or to them."""
    missing = RNG.random(VALUES.shape) < 0.3
    masked = np.ma.masked_array(VALUES, missing)
    array = make_air().copy(data=da.from_array(masked, chunks=(7, 2, 4)) if lazy else masked)
    _assert_by(array, DAYS.month.values, "time.month")
    values = np.where(missing, np.nan, VALUES)
    result = dn.adapt(array, over="time", lag={"time": 3}).tendency(3)
    expected = values[3:] - values[:-3]
    np.testing.assert_allclose(result.mean, np.nanmean(expected, axis=0), atol=1e-12)
    np.testing.assert_array_equal(result.count, np.isfinite(expected).sum(0))


def test_steps_in_any_order():
    """Steps that go back in time, twice or thinned out each get the statistics of their month."""
    stats = dn.adapt(make_air(), over="time", by="time.month")
    z = stats.normalize(make_air())
    for places in (np.arange(40)[::-1], RNG.permutation(40), [3, 3, 38], [39]):
        subset = make_air().isel(time=places)
        np.testing.assert_array_equal(stats.normalize(subset), z.isel(time=places))
        np.testing.assert_array_equal(stats.normalize(subset.chunk(time=2)), z.isel(time=places))
    twice = xr.concat([make_air(), make_air()], "time")
    assert (dn.adapt(twice, over="time", by="time.month").count == 2 * stats.count).all()


def test_stacked_dimensions():
    """A MultiIndex of places is kept; one of times names groups by a level of it."""
    cells = make_air(lon=range(4)).stack(cell=("lat", "lon"))
    for array in (cells, cells.chunk(time=7, cell=5)):
        stats = dn.adapt(array, over="time", by="time.month")
        assert stats.mean.dims == ("month", "cell")
        np.testing.assert_allclose(
            stats.mean.sel(month=1), VALUES[DAYS.month == 1].mean(0).reshape(-1), rtol=1e-13
        )
        changes = dn.adapt(array, over="time", lag={"time": 1}).tendency()
        assert changes.mean.indexes["cell"].equals(cells.indexes["cell"])
    years = xr.DataArray(
        VALUES[:, :, 0].reshape(2, 20, 3), {"year": [1, 2], "day": range(20)}, ("year", "day", "x")
    )
    stats = dn.adapt(years.stack(time=("year", "day")), over="time", by="day")
    np.testing.assert_allclose(stats.mean, years.mean("year"), rtol=1e-13)


@pytest.mark.parametrize("first", ["t", "oro"])
def test_variables_without_time(first):
    """Variables without time have ungrouped statistics, at any position in the Dataset."""
    variables = {"t": make_air(), "oro": (("lat", "lon"), np.arange(12.0).reshape(3, 4))}
    data = xr.Dataset({name: variables[name] for name in sorted(variables, key=first.__ne__)})
    for how in ({"by": "time.month"}, {"lag": {"time": 1}}):
        stats = dn.adapt(data.chunk(time=7), over=("time", "lat", "lon"), **how)
        z = stats.normalize(data)
        assert abs(float(z.oro.mean())) < 1e-12
        assert abs(float(z.t.std()) - 1) < 1e-12
        assert stats.update(data).count.oro == 24
        assert (stats + stats).count.oro == 24
    assert list(stats.tendency().mean) == ["t"]


@pytest.mark.parametrize("suffix", ["json", "nc", "zarr"])
@pytest.mark.parametrize(
    "how",
    [
        {"by": "time.month"},
        {"by": ["time.month", "time.day"]},
        {"lag": {"time": [1, 4]}},
        {"lag": {"time": ["1D", "48h"]}},
        {"lag": {"time": ["1D", "60D"]}},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:no valid values")  # nothing is 60 days later
def test_kept_and_merged(how, suffix, tmp_path):
    """Statistics with groups and lags are loaded, updated and merged."""
    pytest.importorskip({"nc": "h5netcdf", "zarr": "zarr", "json": "json"}[suffix])
    stats = dn.adapt(make_air().chunk(time=7), over="time", **how)
    stats.save(tmp_path / f"s.{suffix}")
    loaded = dn.load(tmp_path / f"s.{suffix}")
    assert loaded == stats
    for twice in (loaded.update(make_air()), loaded + stats):
        np.testing.assert_array_equal(twice.count, 2 * stats.count)
        np.testing.assert_allclose(twice.mean, stats.mean, rtol=1e-13)
        if "lag" in how:
            lag = how["lag"]["time"][0]
            assert (twice.tendency(lag).count == 2 * stats.tendency(lag).count).all()


def test_on_a_cluster(client):
    """Worker processes give the same bits, of months and of changes, as threads do."""
    data = make_air().chunk(time=3, lat=1)
    for how in ({"by": "time.month"}, {"lag": {"time": ["1D", "4D"]}}):
        result = dn.adapt(data, over="time", **how)
        persisted = dn.adapt(client.persist(data), over="time", **how)
        z = result.normalize(data).compute()
        with dask.config.set(scheduler="sync"):
            single = dn.adapt(data, over="time", **how)
            xr.testing.assert_equal(single.normalize(data).compute(), z)
        assert result == single == persisted


# -- little data, and none ------------------------------------------------------------------------


def test_one_step():
    """One step has deviation 0, and z-scores 0."""
    stats = dn.adapt(make_air()[:1], over="time", by="time.month")
    assert (stats.std == 0).all()
    assert (stats.normalize(make_air()[:1]) == 0).all()


@pytest.mark.parametrize("how", [{"by": "time.month"}, {"lag": {"time": 1}}], ids=str)
def test_no_steps(how):
    """Data without samples raise an error, in memory and lazy."""
    for array in (make_air()[:0], make_air()[:0].chunk()):
        with pytest.raises(ValueError, match="no samples to adapt on"):
            dn.adapt(array, over="time", **how)


def test_no_places():
    """A grid of no points has statistics of no points."""
    stats = dn.adapt(make_air().isel(lat=[]), over="time", by="time.month")
    assert stats.mean.shape == (2, 0, 4)
    assert stats.normalize(make_air().isel(lat=[])).shape == (40, 0, 4)


def test_weights_with_groups():
    """Weights along time and along space weigh each month for itself."""
    for dim in ("time", "lat"):
        weights = xr.DataArray(RNG.random(make_air().sizes[dim]), {dim: make_air()[dim]})
        stats = dn.adapt(make_air().chunk(time=7), keep="lon", weights=weights, by="time.month")
        for month, group in make_air().groupby("time.month"):
            expected = group.weighted(weights).mean(("time", "lat"))
            np.testing.assert_allclose(stats.mean.sel(month=month), expected, rtol=1e-12)


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words", "how"),
    [
        (ValueError, "has dtype .* and no 'moon'", {"by": "time.moon"}),
        (ValueError, "has dtype int64 and no 'month'", {"by": "lat.month"}),
        (dn.MismatchError, r"no coordinate 'nope'.*assign_coords", {"by": "nope"}),
        (ValueError, "labels along 'lat' do not increase: .*sortby", {"lag": {"lat": 1}}),
        (ValueError, "not found in dims", {"lag": {"tim": 1}}),
        (ValueError, "a lag is above 0, got 0", {"lag": {"time": 0}}),
        (ValueError, "a lag is a duration or a frequency .*got 'soon'", {"lag": {"time": "soon"}}),
        (
            ValueError,
            "a lag is a duration or a frequency .*got '1M': write '1MS'",
            {"lag": {"time": "1M"}},
        ),
        (ValueError, "a lag is a duration .*got '99999999D'", {"lag": {"time": "99999999D"}}),
        (ValueError, "all numbers of steps, all durations", {"lag": {"time": [1, "6h"]}}),
        (TypeError, "a number of steps or a duration", {"lag": {"time": 1.5}}),
        (TypeError, r"one dimension and its lags, as \{'time': 1\}", {"lag": 1}),
        (TypeError, r"not with groups \(by=\)", {"lag": {"time": 1}, "by": "time.month"}),
    ],
    ids=lambda x: str(x) if isinstance(x, dict) else "",
)
def test_refused(error, words, how):
    """Invalid requests raise errors with the problem and an alternative."""
    with pytest.raises(error, match=words):
        dn.adapt(make_air(), over=("time", "lat"), **how)


def test_refused_labels_without_a_name():
    """An array of labels has to be attached to the data, where it is matched."""
    with pytest.raises(TypeError, match=r"got a DataArray.*assign_coords"):
        dn.adapt(make_air(), over="time", by=make_air()["time.month"])


def test_refused_when_normalizing():
    """An unknown month is named, and a single step without its dimension is an error."""
    stats = dn.adapt(make_air()[:31], over="time", by="time.month")
    with pytest.raises(
        dn.MismatchError, match=r"unknown groups \[2\] of 'time.month'.*have 1 group, "
    ):
        stats.normalize(make_air().chunk(time=7))
    z = stats.normalize(make_air().chunk(time=7), unseen="nan")
    assert np.isnan(z[31:]).all()
    assert np.isfinite(z[:31]).all()
    with pytest.raises(ValueError, match=r"has no dimension.*isel\(time=\[0\]\)"):
        stats.normalize(make_air()[0])


def test_a_plan_counts_all_groups_and_lags():
    """The plan has the exact memory of a climatology and of tendencies."""
    for how, records in (({"by": "time.month"}, 2), ({"lag": {"time": [1, 4]}}, 3)):
        data = make_air().chunk(time=7)
        plan = dn.plan(data, over="time", **how)
        (state,) = dn.adapt(data, over="time", **how).states.values()
        assert plan.state_bytes == state.data.nbytes == records * 12 * 48
