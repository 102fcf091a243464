"""Unusual lags, gaps and weights: differences equal those of a loop over all pairs."""

import datetime

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from support.daily_grid import DAYS, VALUES, make_air

import dasknorm as dn

# -- the law --------------------------------------------------------------------------------------


@st.composite
def _cut(draw, size):
    """Cut a size in chunks of any sizes."""
    ends = draw(st.sets(st.integers(1, max(size - 1, 1)), max_size=4)) if size > 1 else set()
    return tuple(np.diff([0, *sorted(ends), size]).tolist())


@st.composite
def _cases(draw):
    """Some days with gaps and missing values, in any chunks and order of dimensions."""
    days = np.cumsum(draw(st.lists(st.sampled_from([1, 1, 1, 5]), min_size=2, max_size=20)))
    values = np.random.default_rng(draw(st.integers(0, 99))).normal(280, 5, (len(days), 2, 3))
    values[draw(st.integers(0, len(days) - 1)), 0] = np.nan
    dates = pd.Timestamp("2001-01-01") + pd.to_timedelta(days, unit="D")
    array = xr.DataArray(values, {"time": dates, "lat": [0, 1]}, ("time", "lat", "lon"))
    chunks = {dim: draw(_cut(size)) for dim, size in array.sizes.items()}
    order = draw(st.permutations(array.dims))
    return days, array, array.chunk(chunks).transpose(*order)


def _pairs(days, lag, by_date):
    """Return the pairs of places that are a lag apart, with no gap between if steps are counted."""
    steps = np.diff(days)
    stretch = np.cumsum([0, *(steps > 1.5 * np.sort(steps)[len(steps) // 2])])
    if by_date:
        return [(i, j) for i, a in enumerate(days) for j, b in enumerate(days) if b - a == lag]
    return [(i, i + lag) for i in range(len(days) - lag) if stretch[i] == stretch[i + lag]]


@settings(deadline=None, max_examples=60)
@given(_cases(), st.sets(st.integers(1, 6), min_size=1, max_size=3), st.booleans(), st.booleans())
@pytest.mark.filterwarnings("ignore:no valid values")
def test_changes_are_those_of_all_pairs(case, lags, by_date, per_point):
    """In any chunks, with any lags, gaps and missing values: count, mean and variance are right."""
    days, array, cut = case
    over = ["time"] if per_point else ["time", "lat"]
    lag_values = [f"{lag}D" if by_date else lag for lag in sorted(lags)]
    weights = xr.DataArray([1.0, 2.0], {"lat": [0, 1]})
    if by_date and any(days[-1] - days[0] >= lag and not _pairs(days, lag, True) for lag in lags):
        with pytest.raises(ValueError, match=r"no two steps of 'time' are .* apart"):
            dn.adapt(cut, over=over, lag={"time": lag_values})
        return
    stats = dn.adapt(cut, over=over, lag={"time": lag_values}, weights=weights)
    for lag, name in zip(sorted(lags), lag_values, strict=True):
        pairs = np.array(_pairs(days, lag, by_date), int).reshape(-1, 2)
        new, old = (array.values[pairs[:, i]] for i in (1, 0))
        changes = xr.DataArray(new - old, dims=array.dims, coords={"lat": [0, 1]})
        weighed = changes.weighted(weights.broadcast_like(changes))
        result = stats.tendency(name)
        counts = weights.where(changes.notnull(), 0).sum(over)
        np.testing.assert_array_equal(result.count, counts.transpose(*result.count.dims))
        seen = counts > 0
        for reading, expected in (("mean", weighed.mean(over)), ("variance", weighed.var(over))):
            actual = result.result(reading).where(seen)
            expected = expected.where(seen).transpose(*actual.dims)
            np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-10)


# -- lags -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lag", ["24h", np.timedelta64(1, "D"), np.timedelta64(24, "h"), datetime.timedelta(1)], ids=repr
)
def test_a_day_in_many_words(lag):
    """However a duration is written, it is the same one."""
    stats = dn.adapt(make_air(), over="time", lag={"time": lag})
    assert stats == dn.adapt(make_air(), over="time", lag={"time": "1D"})
    for lag_values in (lag, "1D", pd.Timedelta(1, "D")):
        assert (stats.tendency(lag_values).count == 39).all()


@pytest.mark.parametrize(
    ("time", "pairs"),
    [
        (pd.date_range("1999-01-01", periods=40, freq="MS"), 39),  # 28 to 31 days are one step
        (pd.date_range("1899-01-01", periods=40, freq="YS"), 39),
        (DAYS.delete(10), 37),
        (pd.bdate_range("2001-01-01", periods=40), 32),  # weekends are gaps
        (np.array([f"{i:02}" for i in range(40)]), 39),  # texts have no distance
    ],
    ids=["months", "years", "a day lost", "weekdays", "texts"],
)
@pytest.mark.parametrize("chunks", [None, 1, 9])
def test_gaps(time, pairs, chunks):
    """Steps of about the usual length are changes, longer ones are gaps and are not."""
    array = make_air().isel(time=slice(len(time))).assign_coords(time=("time", time))
    array = array if chunks is None else array.chunk(time=chunks)
    assert (dn.adapt(array, over="time", lag={"time": 1}).tendency().count == pairs).all()


def test_weights_with_lags():
    """Weights of places weigh changes as they do values, in any chunks."""
    weights = xr.DataArray([1.0, 2.0, 3.0], {"lat": [10, 0, -10]})
    expected = np.average(np.diff(VALUES, axis=0).mean(0), axis=0, weights=weights)
    for array in (make_air(), make_air().chunk(time=7, lat=1)):
        stats = dn.adapt(array, keep="lon", weights=weights, lag={"time": 1})
        np.testing.assert_allclose(stats.tendency().mean, expected, atol=1e-12)
        assert (stats.tendency().count == 39 * 6).all()


@pytest.mark.parametrize("dims", [("time",), ("time", "lat")])
@pytest.mark.parametrize("lazy", [False, True])
def test_weights_along_the_lag_are_refused(dims, lazy):
    """A change has two places and no weight of its own, so weights along them are an error."""
    weights = xr.ones_like(make_air().isel(lon=0)).isel(lat=0 if len(dims) == 1 else slice(None))
    with pytest.raises(ValueError, match=r"weights vary along 'time', .*a change has two ends"):
        dn.adapt(
            make_air().chunk(time=7) if lazy else make_air(),
            over="time",
            weights=weights,
            lag={"time": 1},
        )


def test_served_without_its_changes():
    """scikit-learn's scaler has the statistics of the values, not those of tendencies."""
    pytest.importorskip("sklearn")
    rows = VALUES[:, 0]
    scaler = dn.adapt(rows, keep=-1, lag={0: 1}).to_sklearn()
    np.testing.assert_allclose(scaler.mean_, rows.mean(0))


@pytest.mark.parametrize(
    ("lag", "steps"), [({"time": 1000}, 40), ({"time": 1}, 1), ({"time": "60D"}, 40)], ids=str
)
def test_lags_that_no_two_steps_have(lag, steps):
    """They are counted 0 times and warned of, and the data are normalized all the same."""
    with pytest.warns(UserWarning, match="no valid values in 't' in 1 of 2 groups by 'time_lag'"):
        stats = dn.adapt(make_air()[:steps], over="time", lag=lag)
    assert (stats.tendency().count == 0).all()
    assert np.isnan(stats.tendency().mean).all()
    assert np.isfinite(stats.normalize(make_air())).all()


def test_refused_of_frames():
    """Frames have no dimensions that changes could be along."""
    with pytest.raises(TypeError, match=r"lag= goes with arrays and xarray objects, .* frames"):
        dn.adapt(pd.DataFrame({"a": [1.0, 2.0]}), lag={"index": 1})
