"""Tendencies: statistics of differences along a dimension, computed in the same pass."""

import warnings
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from support.optional import import_optional, needs

import dasknorm as dn

_storage = import_optional("zarr.storage")


def field(size: int = 60, gaps: tuple[int, ...] = (), dtype: str = "f4") -> xr.DataArray:
    """Return six-hourly values at 3 x 4 places, with some steps left out, one value missing."""
    times = pd.date_range("2001-01-30", periods=size, freq="6h").delete(list(gaps))
    values = np.random.default_rng(size).normal(1e4, 1, (len(times), 3, 4)).astype(dtype)
    if len(times) > 3:
        values[3, 1, 2] = np.nan
    return xr.DataArray(values, dims=("time", "lat", "lon"), coords={"time": times}, name="t")


def changes(data: xr.DataArray, lag: int, *, bridged: bool = False) -> np.ndarray:
    """Return all changes by so many steps in float64, none across a gap."""
    times = pd.DatetimeIndex(data["time"].to_numpy())
    steps = ((times - times[0]) // pd.Timedelta("6h")).to_numpy()
    values = data.transpose("time", ...).to_numpy().astype("f8")
    result = [values[:0]]
    for i in range(len(steps)):
        j = np.flatnonzero(steps == steps[i] + lag) if bridged else np.array([i + lag])
        j = j[j < len(steps)]
        whole = bridged or (len(j) and steps[j[0]] == steps[i] + lag)
        if len(j) and whole:
            result.append(values[j] - values[i])
    return np.concatenate(result)


AXES = {"time": 0, ("time", "lon"): (0, 2), ("time", "lat", "lon"): (0, 1, 2)}


def check(stats: dn.Stats, expected: np.ndarray, axes: Any) -> None:
    """Compare with float64 NumPy: mean to 1e-13 of a standard deviation, std to 1e-12."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of no change at all
        mean, std = np.nanmean(expected, axes), np.nanstd(expected, axes)
    np.testing.assert_array_equal(stats.count, (~np.isnan(expected)).sum(axes))
    np.testing.assert_allclose(stats.mean, mean, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(stats.std, std, rtol=1e-11, atol=1e-13)


@given(
    size=st.integers(1, 30),
    gaps=st.sets(st.integers(1, 28), max_size=4),
    lags=st.sets(st.integers(1, 9), min_size=1, max_size=3),
    cuts=st.lists(st.integers(1, 29), max_size=5),
    lat=st.integers(1, 3),
    over=st.sampled_from(list(AXES)),
    durations=st.booleans(),
    transposed=st.booleans(),
)
def test_changes_are_those_of_float64(
    size: int,
    gaps: set[int],
    lags: set[int],
    cuts: list[int],
    lat: int,
    over: Any,
    durations: bool,
    transposed: bool,
) -> None:
    """For every lag, chunking and gap, what is learned is what np.diff would give."""
    data = field(size, tuple(gap for gap in gaps if gap < size - 1))
    steps = len(data["time"])
    ends = sorted({cut for cut in cuts if cut < steps} | {0, steps})
    lazy = data.chunk(time=tuple(np.diff(ends).tolist()), lat=lat)
    lag_values = [f"{6 * lag}h" for lag in sorted(lags)] if durations else sorted(lags)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "no valid values")
        for item in (data, lazy):
            item = item.transpose("lat", "lon", "time") if transposed else item
            stats = dn.adapt(item, over=over, lag={"time": lag_values})
            plain = dn.adapt(data, over=over)
            np.testing.assert_allclose(stats.mean, plain.mean, rtol=1e-15)
            np.testing.assert_allclose(stats.std, plain.std, rtol=1e-13)
            usual = _usual_step(data)
            for lag, word in zip(sorted(lags), lag_values, strict=True):
                if durations or usual == 1:
                    check(stats.tendency(word), changes(data, lag, bridged=durations), AXES[over])


def _usual_step(data: xr.DataArray) -> int:
    """Return the step in the middle of all, in units of six hours; where it is not 1, gaps are."""
    steps = np.sort(np.diff(data["time"].to_numpy()) // np.timedelta64(6, "h"))
    return int(steps[len(steps) // 2]) if len(steps) else 1


class CountingStore(_storage.LocalStore if _storage else object):  # type: ignore[misc]
    """A folder that counts how often each chunk is read."""

    reads: ClassVar[Counter[str]] = Counter()

    async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        """Read a key, as the folder does."""
        if key.startswith("t/c/"):
            self.reads[key] += 1
        return await super().get(key, *args, **kwargs)


@needs("zarr")
def test_each_chunk_is_read_once(tmp_path: Path) -> None:
    """Values and changes by several lags are learned by one reading, and hardly a task more."""
    field(200).chunk(time=10, lat=3).to_dataset().to_zarr(tmp_path / "t.zarr", consolidated=False)
    CountingStore.reads.clear()
    lazy = xr.open_zarr(CountingStore(tmp_path / "t.zarr", read_only=True), consolidated=False)
    stats = dn.adapt(lazy["t"], over="time", lag={"time": [1, 4, 40]})
    assert set(CountingStore.reads.values()) == {1}
    assert len(CountingStore.reads) == 20
    check(stats.tendency(40), changes(field(200), 40), 0)
    plans = [dn.plan(lazy["t"], over="time", **how) for how in ({}, {"lag": {"time": 1}})]
    assert plans[1].tasks <= plans[0].tasks + 1.2 * plans[0].chunks
    assert plans[1].state_bytes == 2 * plans[0].state_bytes
    assert set(CountingStore.reads.values()) == {1}


def test_bare_arrays_and_maps() -> None:
    """Axes are named by position; changes are normalized with their own statistics."""
    values = np.random.default_rng(0).normal(5, 2, (40, 3)).astype("f4").cumsum(0)
    for array in (values, da.from_array(values, chunks=(7, 2))):
        stats = dn.adapt(array, keep=-1, lag={0: [1, 3]})
        z = np.asarray(stats.tendency(1).normalize(np.diff(values, axis=0)))
        np.testing.assert_allclose(z.mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(z.std(0), 1, atol=1e-5)
        np.testing.assert_allclose(np.asarray(stats.normalize(array)).std(0), 1, atol=1e-5)
        back = stats.inverse(stats.normalize(array))
        np.testing.assert_allclose(np.asarray(back), values, rtol=1e-5)


def test_weights_that_do_not_vary_along_the_dimension() -> None:
    """Changes are weighted as values are."""
    data = field(50)
    weights = xr.DataArray([1.0, 0.0, 3.0], dims="lat")
    for item in (data, data.chunk(time=7, lat=2, lon=3)):
        stats = dn.adapt(item, over=("time", "lat", "lon"), weights=weights, lag={"time": 2})
        expected = changes(data, 2)
        all_weights = np.broadcast_to(weights.to_numpy()[:, None], expected.shape)
        valid = ~np.isnan(expected)
        mean = np.average(expected[valid], weights=all_weights[valid])
        assert float(stats.tendency().mean) == pytest.approx(mean, abs=1e-12)
    with pytest.raises(ValueError, match="weights vary along 'time'"):
        dn.adapt(data, weights=xr.ones_like(data["time"], float), lag={"time": 1})


def test_masked_integer_and_boolean_arrays() -> None:
    """Differences of small unsigned integers do not wrap; masked values have no change."""
    values = np.array([250, 3, 7, 255, 0], "u1")
    assert (
        float(dn.adapt(values, lag={0: 1}).tendency().mean) == np.diff(values.astype("f8")).mean()
    )
    wide = np.array([2**62, 2**62 + 1, 2**62 + 3, 2**62])
    for kind in ("i8", "u8", ">i8"):
        assert float(dn.adapt(wide[:3].astype(kind), lag={0: 1}).tendency().mean) == 1.5
        assert float(dn.adapt(wide.astype(kind), lag={0: 3}).tendency().mean) == 0.0
        assert float(dn.adapt(wide[1:].astype(kind), lag={0: 2}).tendency().mean) == -1.0
    flags = np.array([True, False, True, True])
    assert float(dn.adapt(flags, lag={0: 1}).tendency().mean) == 0.0
    masked = np.ma.masked_equal(values, 7)
    assert float(dn.adapt(masked, lag={0: 1}).tendency().count) == 2
    lazy = da.from_array(masked, chunks=2, asarray=False)
    assert float(dn.adapt(lazy, lag={0: 1}).tendency().count) == 2


@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_schedulers_and_persisted_data(scheduler: str) -> None:
    """The bits do not depend on the scheduler; data held in memory by Dask are taken as well."""
    data = field(90).chunk(time=8, lat=2)
    for over in AXES:
        one = dn.adapt(data, over=over, lag={"time": [1, 10]})
        with dask.config.set(scheduler=scheduler):
            assert dn.adapt(data, over=over, lag={"time": [1, 10]}) == one
            assert dn.adapt(data.persist(), over=over, lag={"time": [1, 10]}) == one


@needs("h5netcdf", "h5py")
def test_merged_updated_saved(tmp_path: Path) -> None:
    """Statistics of two periods merge: changes from one to the other are in neither."""
    data = field(60)
    parts = [dn.adapt(item, over="time", lag={"time": "6h"}) for item in (data[:25], data[25:])]
    both = parts[0] + parts[1]
    expected = np.concatenate([changes(data[:25], 1), changes(data[25:], 1)])
    check(both.tendency("6h"), expected, 0)
    check(parts[0].update(data[25:].chunk(time=4)).tendency(), expected, 0)
    for suffix in ("nc", "zarr", "json"):
        both.save(tmp_path / f"s.{suffix}")
        loaded = dn.load(tmp_path / f"s.{suffix}")
        assert loaded == both
        assert loaded.tendency("6h") == both.tendency("6h")
    with pytest.raises(dn.MismatchError, match="lags differ"):
        both + dn.adapt(data, over="time", lag={"time": ["6h", "12h"]})
    with pytest.raises(dn.MismatchError, match="not by group"):
        both + dn.adapt(data, over="time")


def test_months_are_no_gaps() -> None:
    """Steps of 28 to 31 days are steps; a month left out is a gap."""
    months = pd.date_range("2001-01-01", periods=24, freq="MS")
    data = xr.DataArray(np.arange(24.0), dims="time", coords={"time": months})
    assert float(dn.adapt(data, lag={"time": 1}).tendency().count) == 23
    assert float(dn.adapt(data.drop_isel(time=5), lag={"time": 1}).tendency().count) == 21


def test_datasets_of_which_some_variables_have_the_dimension() -> None:
    """Variables without it have no changes, and are not in the tendency's statistics."""
    ds = xr.Dataset({"t": field(), "oro": (("lat", "lon"), np.arange(12.0).reshape(3, 4))})
    stats = dn.adapt(ds.chunk(time=9), lag={"time": 1})
    assert list(stats.mean) == ["t", "oro"]
    assert list(stats.tendency().mean) == ["t"]
    assert list(stats.normalize(ds)) == ["t", "oro"]
    assert "with tendencies over 1 step of time" in stats.describe()
    assert "of changes by 1 step of time" in stats.tendency().describe()


def test_calendars() -> None:
    """Durations go with dates of any calendar."""
    pytest.importorskip("cftime")
    times = xr.date_range("2001-02-27", periods=40, freq="6h", calendar="360_day", use_cftime=True)
    data = xr.DataArray(np.arange(40.0) ** 2, dims="time", coords={"time": times})
    stats = dn.adapt(data.chunk(time=7), lag={"time": "1D"})
    expected = data.to_numpy()[4:] - data.to_numpy()[:-4]
    assert float(stats.tendency().mean) == pytest.approx(expected.mean())


WRONG = {
    "no such dimension": ({"nope": 1}, ValueError, "'nope' not found"),
    "no lag": ({"time": []}, ValueError, "all numbers of steps, all durations"),
    "zero": ({"time": 0}, ValueError, "above 0"),
    "negative": ({"time": "-6h"}, ValueError, "above 0"),
    "mixed": ({"time": [1, "6h"]}, ValueError, "all numbers of steps, all durations"),
    "twice": ({"time": ["24h", "1D"]}, ValueError, "twice"),
    "a fraction": ({"time": 1.5}, TypeError, "number of steps or a duration"),
    "two dimensions": ({"time": 1, "lat": 1}, TypeError, "one dimension"),
    "a number": (1, TypeError, "one dimension"),
    "durations of places": ({"lon": "6h"}, ValueError, "needs dates along 'lon'"),
}


@pytest.mark.parametrize(("lag", "error", "words"), WRONG.values(), ids=WRONG)
def test_mistakes(lag: Any, error: type[Exception], words: str) -> None:
    """Unsupported requests raise errors with the problem and an alternative."""
    with pytest.raises(error, match=words):
        dn.adapt(field(), lag=lag)


def test_more_mistakes() -> None:
    """Neither frames, nor groups, nor dates that go back, nor lags never learned."""
    data = field()
    with pytest.raises(TypeError, match="not with frames"):
        dn.adapt(pd.DataFrame({"a": [1.0, 2.0]}), lag={0: 1})
    with pytest.raises(TypeError, match="groups"):
        dn.adapt(data, by="time.month", lag={"time": 1})
    with pytest.raises(ValueError, match="do not increase"):
        dn.adapt(data[::-1], lag={"time": 1})
    with pytest.raises(ValueError, match="cannot be kept as well"):
        dn.adapt(data, keep="time", lag={"time": 1})
    with pytest.raises(ValueError, match="need compute=True"):
        dn.adapt(data.chunk(), lag={"time": 1}, compute=False)
    stats = dn.adapt(data, lag={"time": ["6h", "12h"]})
    with pytest.raises(dn.MismatchError, match="several lags"):
        stats.tendency()
    with pytest.raises(dn.MismatchError, match="no tendencies with lag"):
        stats.tendency("18h")
    with pytest.raises(dn.MismatchError, match="no tendencies were computed"):
        dn.adapt(data).tendency(1)
