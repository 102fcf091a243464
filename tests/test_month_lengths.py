"""``weights="days"`` weights monthly data by the length of their months; messages of latitudes."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import import_optional, needs

import dasknorm as dn
from dasknorm.containers import latitudes

import_optional("cftime")
pl, pa, dd = (
    import_optional("polars"),
    import_optional("pyarrow"),
    import_optional("dask.dataframe"),
)

CALENDARS = [None, "standard", "noleap", "360_day", "all_leap", "julian"]
LAT = np.linspace(-60, 60, 5)


def months(calendar: str | None = None, periods: int = 26, start: str = "2000-01-01") -> Any:
    """Return month starts as datetime64 without a calendar, else as cftime."""
    if calendar is None:
        return pd.date_range(start, periods=periods, freq="MS")
    return xr.date_range(start, periods=periods, freq="MS", calendar=calendar, use_cftime=True)


def monthly(time: Any) -> xr.Dataset:
    """Return a variable with time and latitude, and variables that lack one or both of them."""
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "t": (("time", "lat", "lon"), rng.normal(size=(len(time), 5, 4))),
            "oro": (("lat", "lon"), rng.normal(size=(5, 4))),
            "co2": ("time", rng.normal(size=len(time))),
            "ak": ("level", [1.0, 2.0]),
        },
        {"time": time, "lat": LAT},
    )


def lengths(time: Any) -> np.ndarray:
    """Return the days of each month by the difference to the next month start."""
    following = time.shift(1, "MS")
    return np.array([(later - start).days for start, later in zip(time, following, strict=True)])


def average(values: np.ndarray, *weights: np.ndarray) -> tuple[float, float]:
    """Return the weighted mean and standard deviation in float64."""
    product = np.broadcast_to(np.prod(np.broadcast_arrays(*weights), axis=0), values.shape)
    mean = float(np.average(values, weights=product))
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=product)))


def read(results: Any, name: str) -> float:
    """Return one number from a DataArray, a Dataset or a DataTree."""
    if isinstance(results, xr.DataTree):
        return float(results[f"a/{name}"])
    return float(results[name] if isinstance(results, xr.Dataset) else results)


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("kind", ["DataArray", "Dask", "Dataset", "DataTree"])
def test_months_weigh_their_days(calendar: str | None, kind: str) -> None:
    """Mean and std are those with the days of each month as weights, in every calendar."""
    time = months(calendar)
    dataset = monthly(time)
    tree = xr.DataTree.from_dict({"/a": dataset})
    data = {
        "DataArray": dataset["t"],
        "Dask": dataset["t"].chunk(time=4, lat=2),
        "Dataset": dataset.chunk(time=5),
        "DataTree": tree,
    }[kind]
    stats = dn.adapt(data, weights="days")
    days = lengths(time)
    expected = average(dataset["t"].values, days[:, None, None])
    assert (read(stats.mean, "t"), read(stats.std, "t")) == pytest.approx(expected, rel=1e-12)
    assert read(stats.count, "t") == 20 * days.sum()
    if kind in ("Dataset", "DataTree"):
        assert read(stats.mean, "co2") == pytest.approx(average(dataset["co2"].values, days)[0])
        assert read(stats.count, "oro") == 20
        assert read(stats.count, "ak") == 2


@pytest.mark.parametrize("names", [("area", "days"), ["days", "area"], ["days", "coslat"]])
def test_weights_multiply(names: Any) -> None:
    """Several names are the product of their weights; each applies to variables that have it."""
    dataset = monthly(months())
    by_lat = getattr(latitudes, next(name for name in names if name != "days"))(LAT)
    days = lengths(months())
    for data in (dataset, dataset.chunk(time=4, lat=3), xr.DataTree.from_dict({"/a": dataset})):
        stats = dn.adapt(data, weights=names)
        expected = average(dataset["t"].values, days[:, None, None], by_lat[:, None])
        assert (read(stats.mean, "t"), read(stats.std, "t")) == pytest.approx(expected, rel=1e-12)
        expected = average(dataset["oro"].values, by_lat[:, None])
        assert read(stats.mean, "oro") == pytest.approx(expected[0], rel=1e-12)
        assert read(stats.count, "co2") == days.sum()
    mask = dataset["t"] > 0
    masked = dn.adapt(dataset["t"], weights=names, where=mask)
    expected = average(dataset["t"].values, days[:, None, None], by_lat[:, None], mask.values)
    assert float(masked.mean) == pytest.approx(expected[0], rel=1e-12)


def test_februaries_of_leap_years() -> None:
    """In a climatology by month, February of a leap year weighs 29 days."""
    data = monthly(months(periods=24))["co2"]
    stats = dn.adapt(data, by="time.month", weights="days")
    assert stats.count.values.tolist() == [62, 57, 62, 60, 62, 60, 62, 62, 60, 62, 60, 62]
    expected = (29 * data[1] + 28 * data[13]) / 57
    assert float(stats.mean.sel(month=2)) == pytest.approx(float(expected), rel=1e-13)


def test_described_updated_checked(tmp_path: Path) -> None:
    """The names of weights are stored: `describe` lists them, `check` and `update` use them."""
    data = monthly(months())[["t"]]
    stats = dn.adapt(data, weights=("area", "days"))
    assert "weighted by cell area and the days of each month" in stats.describe()
    assert "weighted by the days of each month" in dn.adapt(data, weights="days").describe()
    stats.save(tmp_path / "s.json")
    loaded = dn.load(tmp_path / "s.json")
    assert loaded == stats
    assert loaded.check(data, max_shift=1e-12).passed
    for weights in (("area", "days"), None):
        more = stats.update(data, weights=weights)
        assert float(more.count["t"]) == pytest.approx(2 * float(stats.count["t"]))
        assert float(more.mean["t"]) == pytest.approx(float(stats.mean["t"]), rel=1e-12)


@pytest.mark.parametrize("calendar", CALENDARS[:4])
def test_bounds_say_in_which_month_a_date_is(calendar: str | None) -> None:
    """A date at the end of its month has the length of the month between its bounds."""
    edges = months(calendar, 27)
    data = monthly(edges[1:])
    data["time"].attrs["bounds"] = "time_bnds"
    data["time_bnds"] = ("time", "nv"), np.stack([edges[:-1], edges[1:]], 1)
    stats = dn.adapt(data, weights="days")
    expected = average(data["co2"].values, lengths(edges[:-1]))
    assert float(stats.mean["co2"]) == pytest.approx(expected[0], rel=1e-13)
    assert dn.adapt(data.transpose("nv", ...), weights="days") == stats
    with pytest.warns(UserWarning, match="its bounds 'time_bnds', .* are not in the data"):
        dn.adapt(data["co2"], weights="days")


@pytest.mark.parametrize(
    "time",
    [
        months() + pd.Timedelta(14, "D"),
        months() + pd.offsets.MonthEnd(),
        months()[::-1],
        months().delete([3, 4, 9]),
        months()[:1],
    ],
    ids=["mid-month", "month end", "decreasing", "with gaps", "one"],
)
def test_any_date_in_a_month(time: Any) -> None:
    """The day within the month, the order and single gaps do not matter."""
    data = monthly(time)["co2"]
    expected = average(data.values, time.days_in_month.to_numpy())
    assert float(dn.adapt(data, weights="days").mean) == pytest.approx(expected[0], rel=1e-13)


def test_the_only_coordinate_of_dates() -> None:
    """Dates are found in 'time', or else in the only coordinate of dates."""
    data = monthly(months())["co2"]
    days = lengths(months())
    expected = pytest.approx(average(data.values, days)[0])
    renamed = data.rename(time="month_start")
    assert float(dn.adapt(renamed, weights="days").mean) == expected
    reference = data.assign_coords(reference=("time", months() - pd.Timedelta(400, "D")))
    assert float(dn.adapt(reference, weights="days").mean) == expected
    no_index = xr.DataArray(data.values, {"XTIME": ("n", months())}, ["n"])
    assert float(dn.adapt(no_index, weights="days").mean) == expected


FRAME = pd.DataFrame({"a": [1.0, 2.0]})

WRONG: dict[str, tuple[Any, str]] = {
    "daily": (
        monthly(pd.date_range("2000-01-01", periods=20)),
        "weight monthly data; 2000-01-01 and 2000-01-02 of 'time' are in the same month",
    ),
    "daily, cftime": (
        monthly(xr.date_range("2000-01-01", periods=20, calendar="noleap", use_cftime=True)),
        "2000-01-01 and 2000-01-02 of 'time' are in the same month",
    ),
    "seasons": (
        monthly(pd.date_range("2000", periods=9, freq="QS")),
        r"the dates of 'time' are 91.5 days apart \(median\)",
    ),
    "years": (monthly(pd.date_range("2000", periods=9, freq="YS")), "are 365 days apart"),
    "NaT": (monthly(months().insert(3, pd.NaT)), "'time' has NaT at position 3"),
    "numbers": (
        monthly(np.arange(4)),
        r"need dates: a coordinate 'time', .*found 'time' \(int64\)",
    ),
    "no coordinates": (xr.DataArray(np.ones(3)), "need dates: .*found none"),
    "one date": (monthly(months()).isel(time=0), "'time' has no dimension"),
}


@pytest.mark.parametrize(("data", "message"), WRONG.values(), ids=WRONG)
def test_data_that_are_not_monthly(data: Any, message: str) -> None:
    """Data without dates, or with dates that are not monthly, raise an error with the dates."""
    with pytest.raises(ValueError, match=f"weights='days' .*{message}"):
        dn.adapt(data, weights="days")


@pytest.mark.parametrize("names", ["days", ["area", "days"]])
@pytest.mark.parametrize(
    "data",
    [
        np.ones(3),
        FRAME,
        *([pl.DataFrame(FRAME)] if pl else []),
        *([pa.table({"a": [1.0]})] if pa else []),
        *([dd.from_pandas(FRAME, npartitions=1)] if dd else []),
    ],
    ids=lambda data: type(data).__module__,
)
def test_names_are_for_coordinates(data: Any, names: Any) -> None:
    """Names of weights raise an error for data without coordinates."""
    with pytest.raises(TypeError, match="needs the coordinates of an xarray object, got"):
        dn.adapt(data, weights=names)


@pytest.mark.parametrize("names", [["area", "area"], ["coslat", "days", "area"], ["days", "days"]])
def test_weights_of_the_same_dimension(names: list[str]) -> None:
    """A product of weights along one dimension would be their square."""
    data = xr.DataArray(np.ones((26, 2)), dims=("time", "lat"), coords={"lat": [0.0, 60.0]})
    data["time"] = months()
    with pytest.raises(ValueError, match=r"weigh '(lat|time)' twice: name one of them"):
        dn.adapt(data, weights=names)


def test_unknown_names() -> None:
    """An unknown name lists the available ones; days cannot weight differences along time."""
    expected = "weights must be 'area', 'coslat', 'gaussian', 'days' or a DataArray, got 'day'"
    for names in ("day", ["area", "day"]):
        with pytest.raises(ValueError, match=expected):
            dn.adapt(monthly(months()), weights=names)
    with pytest.raises(ValueError, match="weights vary along 'time'"):
        dn.adapt(monthly(months()), weights="days", lag={"time": 1})


@needs("h5netcdf", "h5py", "rich", "zarr")
def test_days_on_the_command_line(tmp_path: Path) -> None:
    """--weights days gives the result of adapt; data that are not monthly are one line."""
    from support.cli_inputs import run, succeed

    data = monthly(months("noleap"))
    data.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    succeed("adapt", tmp_path / "t.nc", "-o", tmp_path / "s.nc", "--weights", "days")
    expected = dn.adapt(data, weights="days")
    np.testing.assert_allclose(dn.load(tmp_path / "s.nc").mean["t"], expected.mean["t"])
    both = ("--weights", "area", "--weights", "days")
    succeed("adapt", tmp_path / "t.nc", "-o", tmp_path / "both.nc", *both)
    expected = dn.adapt(data, weights=["area", "days"])
    np.testing.assert_allclose(dn.load(tmp_path / "both.nc").count["t"], expected.count["t"])
    daily = monthly(pd.date_range("2000-01-01", periods=20))
    daily.to_netcdf(tmp_path / "d.nc", engine="h5netcdf")
    result = run("adapt", tmp_path / "d.nc", "-o", tmp_path / "q.nc", "--weights", "days")
    assert result.exit_code == 2
    assert "are in the same month" in " ".join(result.stderr.split())


# -- latitudes ------------------------------------------------------------------------------------


def cells(**coords: Any) -> xr.Dataset:
    """Return values of the cells of an unstructured grid."""
    return xr.Dataset({"t": (("time", "cell"), np.ones((2, 12)))}, coords)


@pytest.mark.parametrize(
    "data",
    [
        cells(cell=np.arange(12)),
        cells(lat=("cell", np.arange(12.0)), lon=("cell", np.arange(12.0))),
        cells().rename(cell="cells"),
        cells()
        .rename(cell="ncells")
        .assign_coords(crs=((), 0, {"grid_mapping_name": "healpix", "healpix_nside": 1})),
    ],
    ids=["index", "latitude and longitude", "cells", "grid mapping"],
)
def test_cells_of_healpix(data: xr.Dataset) -> None:
    """The cells of HEALPix have equal areas, so that weights are left out."""
    with pytest.raises(ValueError, match="HEALPix cells have equal areas: leave the weights out"):
        dn.adapt(data, weights="area")
    with pytest.raises(ValueError, match="need a latitude"):
        dn.adapt(monthly(months()).drop_vars("lat"), weights="area")


def test_bounds_with_a_time_dimension() -> None:
    """Equal bounds at all times are used; bounds that vary raise an error."""
    edges = np.array([-90, -45, -15, 15, 45, 90.0])
    bounds = np.stack([edges[:-1], edges[1:]], 1)
    data = monthly(months())[["t"]]
    data["lat"].attrs["bounds"] = "lat_bnds"
    fixed = data.assign(lat_bnds=(("lat", "nv"), bounds))
    varying = data.assign(lat_bnds=(("time", "lat", "nv"), np.repeat(bounds[None], 26, axis=0)))
    assert dn.adapt(varying, weights="area") == dn.adapt(fixed, weights="area")
    assert (
        dn.adapt(varying.chunk(time=3), weights="area").mean
        == dn.adapt(fixed.chunk(time=3), weights="area").mean
    )
    varying["lat_bnds"][3, 1, 1] = -14
    message = r"its bounds 'lat_bnds' vary along 'time': .*\['lat_bnds'\]\.isel\(time=0\)"
    with pytest.raises(ValueError, match=message):
        dn.adapt(varying, weights="area")
    selected = varying.assign(lat_bnds=varying["lat_bnds"].isel(time=0))
    assert dn.adapt(selected, weights="area") == dn.adapt(fixed, weights="area")


# -- weights that overflow ------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [1e141, 1e200, 1e300])
def test_huge_weights(weight: float) -> None:
    """Weights whose products overflow are an error about the weights, not about the data."""
    x = np.random.default_rng(0).normal(3, 2, (26, 3))
    named = xr.DataArray(x, dims=("time", "lat"))
    calls: list[tuple[Any, Any]] = [
        (x, np.full((26, 1), weight)),
        (named, xr.DataArray([1.0, weight, 1.0], dims="lat")),
        (named.chunk(time=4), xr.DataArray([1.0, weight, 1.0], dims="lat")),
        (pd.DataFrame(x), np.full(26, weight)),
    ]
    for data, weights in calls:
        with pytest.raises(ValueError, match=r"weights must be at most 1e\+140, got "):
            dn.adapt(data, weights=weights)
    most = dn.adapt(x, keep=(), weights=np.full((26, 1), 1e140))
    np.testing.assert_allclose(most.std, x.std(), rtol=1e-12)
