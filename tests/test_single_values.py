"""Groups and cells with one value, given values that are not finite, and counts in messages."""

import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import needs

import dasknorm as dn
from dasknorm.layer import Normalization

YEAR = pd.date_range("2000-01-01", periods=366)


def make_air(times, lat=2):
    values = np.random.default_rng(1).normal(280, 5, (len(times), lat))
    return xr.DataArray(values, {"time": times, "lat": np.arange(lat)}, name="t")


def warned(act):
    """Return the result of a call and its only warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = act()
    (text,) = [str(item.message) for item in caught]
    return result, text


def test_the_day_that_only_leap_years_have():
    """The 366th day of the year is named once; its standard deviation is 0, or NaN with ddof=1."""
    air = make_air(pd.date_range("1999-01-01", "2001-12-31"))
    stats, text = warned(lambda: dn.adapt(air, over="time", by="time.dayofyear"))
    where = "at time.dayofyear=366, lat=0 and time.dayofyear=366, lat=1"
    assert text.startswith(f"only one value in 't' {where}: one value has no spread")
    assert (stats.std.sel(dayofyear=366) == 0).all()
    stats, _ = warned(lambda: dn.adapt(air, dn.Moments(ddof=1), over="time", by="time.dayofyear"))
    assert np.isnan(stats.std.sel(dayofyear=366)).all()


@pytest.mark.parametrize("statistic", [dn.Moments(), dn.Quantiles(), [dn.Extrema(), dn.Moments()]])
def test_a_climatology_of_one_year(statistic):
    """All days have one value: one warning with their number."""
    _, text = warned(
        lambda: dn.adapt(make_air(YEAR, 3), statistic, over="time", by="time.dayofyear")
    )
    assert "in 366 of 366 groups by 'time.dayofyear': [1, 2, 3" in text
    assert text.count("\n") == 0


def test_cells():
    """Cells are counted, and the first is named."""
    air = make_air(YEAR, 5)
    air[1:, 1:4] = np.nan
    _, text = warned(lambda: dn.adapt(air, over="time"))
    assert "only one value in 't' at 3 of 5 output elements, such as lat=1: one value has" in text
    _, text = warned(lambda: dn.adapt(air.to_dataset(), over="time", where=air.time > YEAR[0]))
    assert text.startswith("no valid values in 't' at 3 of 5 output elements, such as lat=1:")


def test_frames_and_batches():
    """Groups of a DataFrame, columns with one value, and the last state of batches."""
    frame = pd.DataFrame({"k": list("aab"), "x": [1.0, 3.0, 5.0]})
    _, text = warned(lambda: dn.adapt(frame, by="k"))
    assert text.startswith("only one value in the data at k=b, x: one value has no spread")
    sparse = pd.DataFrame({"x": [1.0, 3.0], "y": [1.0, np.nan]})
    assert warned(lambda: dn.adapt(sparse))[1].startswith("only one value in the data at y:")
    batches = [frame[:1], frame[1:]]
    _, text = warned(lambda: dn.adapt(iter(batches), by="k"))
    assert text.startswith("only one value in the data at k=b, x:")


@pytest.mark.filterwarnings("error")
def test_no_warning():
    """A row of features, a scalar, weights, the layer and updates give no warning."""
    row = np.array([[1.0, 2.0]])
    for act in (
        lambda: dn.adapt(row),
        lambda: dn.adapt(pd.DataFrame(row)),
        lambda: dn.adapt(xr.DataArray(3.0, name="s")),
        lambda: dn.adapt(xr.Dataset({"t": ("x", [1.0, 2.0]), "s": 3.0}), over="x"),
        lambda: dn.adapt(np.array([[1.0, 2.0], [3.0, 4.0]]), weights=np.array([[1.0], [0.0]])),
        lambda: dn.adapt(np.array([[1.0], [2.0]]), dn.MaxAbs()),
        lambda: Normalization().adapt(row),
        lambda: dn.adapt(np.array([[1.0, 2.0], [3.0, 4.0]])).update(row),
    ):
        act()


@needs("click", "rich", "h5netcdf")
@pytest.mark.filterwarnings("default")
def test_command_line(tmp_path):
    """The command line prints the warning in one line."""
    from support.cli_inputs import run

    make_air(YEAR).to_dataset().to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    how = ("--over", "time", "--by", "time.dayofyear", "-o", tmp_path / "s.nc")
    result = run("adapt", tmp_path / "a.nc", *how)
    assert result.exit_code == 0
    assert "dasknorm: warning: only one value in 't' in 366 of 366 groups" in result.stderr


# -- given values ---------------------------------------------------------------------------------

LABELLED = pd.Series([1.0, np.inf], ["u", "v"])
GIVEN = {
    "NaN in mean": (
        {"mean": [1.0, np.nan], "std": 1.0},
        "mean must be finite, got nan at axis -1=1",
    ),
    "infinite variance": (
        {"mean": [1.0, 2.0], "variance": [np.inf, 1.0]},
        "variance must be finite, got inf at axis -1=0",
    ),
    "NaN in std": ({"mean": 1.0, "std": np.nan}, "std must be finite, got nan. Where"),
    "infinite count": (
        {"mean": 1.0, "std": 1.0, "count": np.inf},
        "count must be finite, got inf$",
    ),
    "Series": ({"mean": LABELLED, "std": 1.0}, "mean must be finite, got inf at v"),
    "Dataset": (
        {"mean": xr.Dataset({"t": ("z", [1.0, np.nan], {}), "q": 1.0}), "std": 1.0},
        "mean must be finite, got nan at t z=1",
    ),
    "declared as missing": (
        {"mean": xr.DataArray([1.0, -9.0], dims="z", attrs={"_FillValue": -9.0}), "std": 1.0},
        "mean must be finite, got nan at z=1",
    ),
    "square": ({"mean": 1.0, "std": 1e200}, "the square of std must be finite, got inf$"),
    "epsilon": ({"mean": 1.0, "std": 1.0, "epsilon": np.nan}, "epsilon must be .*, got nan"),
    "negative": ({"mean": 1.0, "variance": -1.0}, "variance must not be negative, got -1.0"),
}


@pytest.mark.parametrize("case", GIVEN)
def test_given_values_are_finite(case):
    """A mean, variance, std or count that is NaN or infinite is named."""
    values, message = GIVEN[case]
    with pytest.raises(ValueError, match=message):
        dn.Stats.from_values(**values)
    if case == "negative":
        with pytest.raises(ValueError, match=message):
            Normalization(mean=values["mean"], variance=values["variance"])(np.ones((2, 1)))


@pytest.mark.parametrize("kind", [xr.DataArray, xr.Dataset, xr.DataTree])
def test_given_values_may_be_lazy(kind):
    """A mean and a standard deviation of Dask arrays are computed, as of NumPy arrays."""
    array = xr.DataArray([[1.0, 5.0], [3.0, 9.0]], dims=("time", "x"), name="t")
    data = array if kind is xr.DataArray else array.to_dataset()
    if kind is xr.DataTree:
        data = xr.DataTree.from_dict({"/": data})
    lazy = data.chunk({"time": 1})
    given = {"std": lazy.std("time"), "count": lazy.count("time")}
    for stats in (
        dn.Stats.from_values(lazy.mean("time"), **given),
        dn.Stats.from_values(lazy.mean("time"), variance=lazy.var("time")),
    ):
        z = stats.normalize(data)
        np.testing.assert_array_equal(z if kind is xr.DataArray else z["t"], [[-1, -1], [1, 1]])


# -- counts in messages ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (5, r"expected 5 values, and counted 2, 3 in .*: fewer, because missing values"),
        (1, r"expected 1 value, and counted 2, 3 in .*: more, because the data are larger"),
        (2, r"expected 2 values, and counted 3 in the data at axis -1=0: more, because"),
    ],
)
def test_expected_counts(count, message):
    """The error has the counts, and whether they are fewer or more than expected."""
    with pytest.raises(ValueError, match=message):
        dn.adapt(np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 6.0]]), expect_count=count)


def test_missing_cells_of_a_climatology():
    """A cell without values in all months is one cell; a land mask is one line."""
    air = make_air(YEAR, 40)
    air[:, 3] = np.nan
    _, text = warned(lambda: dn.adapt(air, over="time", by="time.month"))
    assert text.startswith("no valid values in 't' in all groups by 'time.month' at lat=3:")
    air[:, :20] = np.nan
    _, text = warned(lambda: dn.adapt(air, over="time", by="time.month"))
    assert "in all groups by 'time.month' at 20 of 40 output elements, such as lat=0:" in text
    air[:91, 30] = np.nan
    _, text = warned(lambda: dn.adapt(air, over="time", by="time.month"))
    assert "'t' at 243 of 480 output elements, such as time.month=1, lat=0:" in text
