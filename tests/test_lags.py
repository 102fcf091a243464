"""Lags: calendar frequencies, and errors that name the dates which have no differences."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import import_optional, needs

import dasknorm as dn
from dasknorm.fields.lags import parse_lag

import_optional("cftime")

MONTHS = pd.date_range("2000-01-01", periods=26, freq="MS")
HALF_DAYS = pd.date_range("2000-01-01", periods=10, freq="12h")
CALENDARS = [None, "standard", "noleap", "360_day"]


def dates(start: str, periods: int, freq: str, calendar: str | None) -> Any:
    """Return dates as datetime64 without a calendar, else as cftime."""
    if calendar is None:
        return pd.date_range(start, periods=periods, freq=freq)
    return xr.date_range(start, periods=periods, freq=freq, calendar=calendar, use_cftime=True)


def squares(time: Any, dim: str = "time") -> xr.DataArray:
    """Return 0, 1, 4, 9, ... at these dates."""
    return xr.DataArray(np.arange(len(time)) ** 2.0, {dim: time}, dim, name="t")


def adapt_all(array: xr.DataArray, **how: Any) -> list[tuple[float, float]]:
    """Return count and mean of the only tendency, for each type of data."""
    dataset = array.to_dataset(name="t")
    (dim,) = array.dims
    found = []
    for data in (array, array.chunk({dim: 4}), dataset, xr.DataTree.from_dict({"/a": dataset})):
        stats = dn.adapt(data, **how).tendency()
        count, mean = (
            result["a/t"] if isinstance(result, xr.DataTree) else result
            for result in (stats.count, stats.mean)
        )
        count, mean = (r["t"] if isinstance(r, xr.Dataset) else r for r in (count, mean))
        found.append((float(count), float(mean)))
    return found


# -- parsing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lag", "parsed"),
    [
        (3, 3),
        (np.int64(3), 3),
        ("6h", pd.Timedelta(6, "h")),
        ("h", pd.Timedelta(1, "h")),
        ("30min", pd.Timedelta(30, "min")),
        ("1ms", pd.Timedelta(1, "ms")),
        ("1D", pd.Timedelta(1, "D")),
        ("2W", pd.Timedelta(14, "D")),
        ("6 hours", pd.Timedelta(6, "h")),
        ("1 days 06:00:00", pd.Timedelta(30, "h")),
        ("PT30M", pd.Timedelta(30, "min")),
        ("P1DT6H", pd.Timedelta(30, "h")),
        (np.timedelta64(6, "h"), pd.Timedelta(6, "h")),
        ("MS", "MS"),
        ("1MS", "MS"),
        ("3MS", "3MS"),
        ("ME", "ME"),
        ("QS", "QS-JAN"),
        ("QS-DEC", "QS-DEC"),
        ("YS", "YS-JAN"),
    ],
)
def test_lags_are_frequencies_or_durations(lag: Any, parsed: Any) -> None:
    """A frequency of pandas and xarray comes first: ``1MS`` is a month start, ``1ms`` is short."""
    assert parse_lag(lag) == parsed
    assert type(parse_lag(lag)) is type(parsed)


@pytest.mark.parametrize(
    ("lag", "message"),
    [
        ("1M", r"got '1M': write '1MS' for dates at the start of a period, or '1ME' at its end"),
        ("1Y", "got '1Y': write '1YS' .* or '1YE'"),
        ("2y", "got '2y': write '2YS'"),
        ("Q", "got 'Q': write 'QS'"),
        ("1A", "got '1A': write '1YS'"),
        ("1.5MS", "got '1.5MS': write '6h'"),
        ("1MS 6h", "got '1MS 6h': write '6h'"),
        ("P1M", "got 'P1M': write '6h'"),
        ("soon", "write '6h', '30D', or a calendar frequency such as 'MS'"),
        ("-1MS", "a lag is above 0, got '-1MS'"),
        ("0MS", "a lag is above 0, got '0MS'"),
        (["MS", "6h"], "all durations such as '6h', or all calendar frequencies such as 'MS'"),
        (["MS", "1MS"], "names a lag twice"),
    ],
)
def test_ambiguous_lags(lag: Any, message: str) -> None:
    """A string with two meanings raises an error with the spellings that have one."""
    with pytest.raises(ValueError, match=message):
        dn.adapt(squares(MONTHS), lag={"time": lag})


# -- calendar frequencies -------------------------------------------------------------------------


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize(
    ("freq", "lag", "steps"),
    [("MS", "1MS", 1), ("MS", "3MS", 3), ("ME", "ME", 1), ("QS", "QS", 1), ("YS", "2YS", 2)],
)
def test_calendar_lags(calendar: str | None, freq: str, lag: str, steps: int) -> None:
    """Each date is paired with the one a calendar lag later, in every calendar and type of data."""
    time = dates("2000-01-01", 30, freq, calendar)
    later, earlier = np.arange(steps, 30.0), np.arange(30.0 - steps)
    mean = float(np.mean(later**2 - earlier**2))
    assert adapt_all(squares(time), lag={"time": lag}) == [(30.0 - steps, pytest.approx(mean))] * 4


def test_a_missing_month_is_no_pair() -> None:
    """A calendar lag looks for the date itself, so that no difference bridges a missing month."""
    array = squares(MONTHS).drop_isel(time=5)
    assert float(dn.adapt(array, lag={"time": "MS"}).tendency().count) == 23
    assert float(dn.adapt(array, lag={"time": "2MS"}).tendency().count) == 22


def test_dates_that_a_frequency_skips() -> None:
    """Differences start at dates of the frequency only, which a warning counts."""
    with pytest.warns(UserWarning, match="'YS-JAN' start only at dates .* 3 of 26 along 'time'"):
        stats = dn.adapt(squares(MONTHS), lag={"time": "YS"})
    assert float(stats.tendency().count) == 2
    assert float(stats.tendency().mean) == np.mean([12.0**2, 24.0**2 - 12.0**2])
    days = pd.date_range("2000-01-01", "2000-03-01")
    with pytest.warns(UserWarning, match="3 of 61"):
        stats = dn.adapt(squares(days), lag={"time": "MS"})
    assert float(stats.tendency().count) == 2


@needs("h5netcdf", "h5py", "zarr")
@pytest.mark.parametrize("calendar", [None, "noleap"])
def test_calendar_lags_are_saved_updated_merged_and_exported(
    calendar: str | None, tmp_path: Path
) -> None:
    """A calendar lag is stored as its frequency, and has any of its spellings afterwards."""
    parts = [squares(dates(start, 14, "MS", calendar)) for start in ("2000-01-01", "2010-01-01")]
    first, second = (dn.adapt(part, lag={"time": ["1MS", "12MS"]}) for part in parts)
    both = first + second
    assert both == first.update(parts[1].chunk(time=5))
    assert float(both.tendency("1MS").count) == 26
    assert "with tendencies over 12MS of time and MS of time" in first.describe()
    for suffix in ("nc", "zarr", "json"):
        both.save(tmp_path / f"s.{suffix}")
        loaded = dn.load(tmp_path / f"s.{suffix}")
        assert loaded == both
        assert loaded.tendency("MS") == both.tendency("1MS")
        assert loaded + first == both + first
    with pytest.raises(dn.MismatchError, match=r"no tendencies with lag '6h'; available: .*'MS'"):
        both.tendency("6h")
    dataset = squares(MONTHS).to_dataset(name="t")
    stats = dn.adapt(dataset, lag={"time": "MS"})
    stats.export(tmp_path / "graphcast", "graphcast")
    loaded = dn.load(tmp_path / "graphcast", "graphcast", lag={"time": "MS"})
    assert float(loaded.tendency("MS").std["t"]) == float(stats.tendency().std["t"])
    extremes = dn.adapt(dataset, [dn.Moments(), dn.Extrema()], lag={"time": "MS"})
    with pytest.raises(dn.MismatchError, match="anemoi needs a lag with hours, got MS"):
        extremes.export(tmp_path / "anemoi.zarr", "anemoi")


@pytest.mark.filterwarnings("ignore:no valid values")
def test_update_with_few_dates() -> None:
    """A part whose dates are no lag apart is added: only `adapt` needs a pair."""
    stats = dn.adapt(squares(HALF_DAYS), lag={"time": "12h"})
    more = squares(pd.DatetimeIndex(["2001-01-01", "2001-01-03"]))
    assert float(stats.update(more).tendency().count) == 9
    assert float(stats.update(more).count) == 12


# -- errors ---------------------------------------------------------------------------------------

NOLEAP = dates("2000-01-01", 10, "12h", "noleap")
MID_MONTH = MONTHS + pd.Timedelta(15, "D")

WRONG: dict[str, tuple[Any, Any, str]] = {
    "6h of 12h": (HALF_DAYS, "6h", r"no two steps of 'time' are 6h apart; they are 12h apart"),
    "6h of 12h, cftime": (NOLEAP, "6h", "are 6h apart; they are 12h apart"),
    "one of two lags": (HALF_DAYS, ["12h", "18h"], "are 18h apart; they are 12h apart"),
    "days of months": (MONTHS, "27D", "no two .* are 27D apart; they are 28D to 31D apart"),
    "milliseconds": (MONTHS, "1ms", "are 1ms apart; they are 28D to 31D apart"),
    "month starts in mid-month": (
        MID_MONTH,
        "MS",
        r"no date of 'time' is on the frequency 'MS', the first is 2000-01-16: "
        r"count steps instead, lag=\{'time': 1\}",
    ),
    "business days of cftime": (NOLEAP, "B", "the lag 'B' cannot be added to"),
    "no dates": (np.arange(4.0), "MS", "needs dates along 'time', which has labels of float64"),
    "twice": (
        HALF_DAYS[[0, 1, 1, 2]],
        "12h",
        r"'time' has 2000-01-01T12 twice: ds.drop_duplicates\('time'\)",
    ),
    "twice, cftime": (NOLEAP[[0, 1, 1]], 1, "'time' has 2000-01-01T12 twice"),
    "twice, numbers": (np.array([1, 2, 2.0]), 1, "'time' has 2.0 twice"),
    "three times": (
        HALF_DAYS[[0, 0, 0, 1, 1]],
        1,
        "'time' has 2000-01-01 3 times, and repeats 1 other label: ",
    ),
    "NaT": (
        HALF_DAYS[:5].insert(3, pd.NaT),
        "12h",
        r"'time' has NaT at 1 of 6 positions, such as 3: drop them, ds.isel\(time=",
    ),
    "NaN": (np.array([1, np.nan, 2]), 1, "'time' has missing labels at 1 of 3 positions"),
    "decreasing": (
        HALF_DAYS[::-1],
        1,
        r"do not increase: 2000-01-05 follows 2000-01-05T12: ds.sortby\('time'\)",
    ),
    "decreasing, cftime": (NOLEAP[::-1], 1, "2000-01-05 follows 2000-01-05T12"),
    "decreasing, text": (np.array(["b", "a"]), 1, "'time' do not increase: a follows b"),
}


@pytest.mark.parametrize(("time", "lag", "message"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("kind", ["DataArray", "Dask", "Dataset", "DataTree"])
def test_errors_name_the_dates(time: Any, lag: Any, message: str, kind: str) -> None:
    """Dates without a pair, repeated, missing or in another order are named before any pass."""
    array = squares(time)
    dataset = array.chunk().to_dataset(name="t")
    tree = xr.DataTree.from_dict({"/a": dataset})
    data = {"DataArray": array, "Dask": array.chunk(), "Dataset": dataset, "DataTree": tree}[kind]
    for call in (dn.adapt, dn.plan):
        with pytest.raises(ValueError, match=message):
            call(data, lag={"time": lag})


def test_the_advice_works() -> None:
    """The calls in the messages give data that are adapted."""
    repeated = squares(HALF_DAYS[[0, 1, 1, 2]]).drop_duplicates("time")
    assert float(dn.adapt(repeated, lag={"time": "12h"}).tendency().count) == 2
    missing = squares(HALF_DAYS[:5].insert(3, pd.NaT))
    complete = missing.isel(time=missing["time"].notnull())
    assert float(dn.adapt(complete, lag={"time": "12h"}).tendency().count) == 4
    assert float(dn.adapt(squares(MID_MONTH), lag={"time": 1}).tendency().count) == 25


def test_nodes_with_different_steps() -> None:
    """A lag that only some nodes of a tree have is computed for these."""
    tree = xr.DataTree.from_dict(
        {
            "/a": squares(HALF_DAYS).to_dataset(name="t"),
            "/b": squares(pd.date_range("2000", periods=20, freq="h")).to_dataset(name="t"),
        }
    )
    with pytest.warns(UserWarning, match="no valid values"):
        stats = dn.adapt(tree, lag={"time": "1h"})
    assert float(stats.tendency().count["b/t"]) == 19


@needs("h5netcdf", "h5py", "rich", "cftime")
def test_calendar_lags_on_the_command_line(tmp_path: Path) -> None:
    """--lag takes calendar frequencies, and errors are one line."""
    from support.cli_inputs import run, succeed

    squares(MONTHS).to_dataset(name="t").to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    succeed("adapt", tmp_path / "t.nc", "-o", tmp_path / "s.nc", "--lag", "time=1MS")
    assert float(dn.load(tmp_path / "s.nc").tendency("MS").count["t"]) == 25
    result = run("adapt", tmp_path / "t.nc", "-o", tmp_path / "q.nc", "--lag", "time=6h")
    assert result.exit_code == 2
    assert "no two steps of 'time' are 6h apart" in " ".join(result.stderr.split())


# -- dates in a coordinate that is not an index ---------------------------------------------------

SIX_HOURS = pd.date_range("2000-01-01", periods=20, freq="6h").delete([7, 8, 9])


def wrf(time: Any, **more: Any) -> xr.DataArray:
    """Return values along ``Time``, which has no index, with dates in ``XTIME``."""
    array = xr.DataArray(np.arange(len(time)) ** 2.0, dims="Time", name="t")
    return array.assign_coords(XTIME=("Time", time), **{n: ("Time", v) for n, v in more.items()})


@pytest.mark.parametrize("calendar", [None, "noleap"])
def test_dates_in_a_coordinate_define_gaps_and_durations(calendar: str | None) -> None:
    """No difference bridges a gap in XTIME(Time), and durations are those between its dates."""
    time = dates("2000-01-01", 20, "6h", calendar).delete([7, 8, 9])
    data = np.arange(17.0) ** 2
    steps = np.delete(np.diff(data), 6)
    twelve = np.concatenate([data[2:7] - data[:5], data[9:] - data[7:-2]])
    for lag, expected in ((1, steps), ("6h", steps), ("12h", twelve)):
        count, mean = len(expected), pytest.approx(expected.mean())
        assert adapt_all(wrf(time), lag={"Time": lag}) == [(count, mean)] * 4


def test_calendar_lags_of_dates_in_a_coordinate() -> None:
    """Months are found in a coordinate too, also of cftime."""
    for calendar in CALENDARS:
        stats = dn.adapt(wrf(dates("2000-01-01", 6, "MS", calendar)), lag={"Time": "MS"})
        assert float(stats.tendency().count) == 5


@pytest.mark.parametrize(
    ("array", "lag", "message"),
    [
        (wrf(SIX_HOURS), {"XTIME": 1}, r"'XTIME' is a coordinate along \('Time'\)"),
        (wrf(SIX_HOURS[::-1]), {"Time": 1}, r"along 'XTIME' do not increase: .*sortby\('XTIME'\)"),
        (wrf(SIX_HOURS[[0, 1, 1]]), {"Time": 1}, r"twice: ds.swap_dims\(Time='XTIME'\)\.drop_dup"),
        (wrf(SIX_HOURS[:3].insert(1, pd.NaT)), {"Time": 1}, r"'XTIME' has NaT at 1 of 4"),
        (wrf(SIX_HOURS), {"Time": "5h"}, "no two steps of 'Time' are 5h apart; they are 6h to 1D"),
        (
            wrf(SIX_HOURS, start=SIX_HOURS - pd.Timedelta(1, "h")),
            {"Time": "6h"},
            r"its dates are in 2 coordinates, 'XTIME', 'start': select one, ds.swap_dims\(Time=",
        ),
        (wrf(np.arange(4)), {"Time": "6h"}, "needs dates along 'Time', which has no labels"),
    ],
)
def test_errors_name_the_coordinate(array: xr.DataArray, lag: Any, message: str) -> None:
    """Errors name the coordinate of the dates, and the dimension where it is needed."""
    with pytest.raises(ValueError, match=message):
        dn.adapt(array, lag=lag)


def test_coordinates_of_dates_that_agree() -> None:
    """Steps bridge a gap in none of several coordinates; a constant date names no step."""
    later = SIX_HOURS + pd.Timedelta(1, "h")
    assert float(dn.adapt(wrf(SIX_HOURS, end=later), lag={"Time": 1}).tendency().count) == 15
    start = SIX_HOURS[[0] * len(SIX_HOURS)]
    assert float(dn.adapt(wrf(SIX_HOURS, start=start), lag={"Time": "6h"}).tendency().count) == 15


def test_durations_in_a_coordinate() -> None:
    """The steps of a forecast have gaps and lags as dates have; dates come first."""
    steps = SIX_HOURS - SIX_HOURS[0]
    data = wrf(SIX_HOURS, step=steps).drop_vars("XTIME")
    for array, count in ((data, 15), (wrf(SIX_HOURS, step=steps[::-1]), 15)):
        for lag in (1, "6h"):
            assert float(dn.adapt(array, lag={"Time": lag}).tendency().count) == count
    with pytest.raises(ValueError, match=r"along 'step' do not increase.*sortby\('step'\)"):
        dn.adapt(data[::-1], lag={"Time": 1})


def test_missing_dates_of_another_calendar() -> None:
    """A missing date among those of cftime is named, as NaT is."""
    time = dates("2000-01-01", 4, "6h", "noleap").to_numpy().copy()
    time[2] = None
    with pytest.raises(ValueError, match=r"'XTIME' has missing labels at 1 of 4 .* such as 2"):
        dn.adapt(wrf(time), lag={"Time": 1})


@pytest.mark.parametrize("labels", [np.arange(17)[::-1], list("qwertyuiopasdfghj")])
def test_other_coordinates_name_no_gap(labels: Any) -> None:
    """Numbers and strings in a coordinate that is not an index do not order the steps."""
    array = wrf(SIX_HOURS, station=labels).drop_vars("XTIME")
    assert float(dn.adapt(array, lag={"Time": 1}).tendency().count) == 16


# -- formats that need tendencies of all variables ------------------------------------------------


@needs("zarr")
@pytest.mark.parametrize("form", ["anemoi", "makani"])
def test_static_variables_have_no_tendencies(form: str, tmp_path: Path) -> None:
    """The error names the variable without tendencies, and the call that leaves it out."""
    data = squares(HALF_DAYS).to_dataset(name="t").assign(lsm=("x", [0.0, 1.0]))
    lag = "12h" if form == "anemoi" else 1
    stats = dn.adapt(data, [dn.Moments(), dn.Extrema()], lag={"time": lag})
    with pytest.raises(dn.MismatchError, match=r"none by .* of \['lsm'\].*stats.select\(\['t'\]\)"):
        stats.export(tmp_path / "new", form)
    stats.select(["t"]).export(tmp_path / "new", form)
