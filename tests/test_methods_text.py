"""The methods text: one sentence with the data, their amount, their sources and the settings."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import needs

import dasknorm as dn
from dasknorm.api.stats import Stats
from dasknorm.fields import Groups
from dasknorm.io import store
from dasknorm.reports import methods_text

TIME = pd.date_range("1979-01-01", periods=4)
VALUES = np.arange(24.0).reshape(4, 3, 2) ** 2
HOLED = np.where(VALUES == 4.0, np.nan, VALUES)
LATER = pd.date_range("1990-01-01", periods=4)
GRID = xr.Dataset(
    {"t": (("time", "lat", "level"), HOLED), "u": (("time", "lat", "level"), VALUES)},
    {"time": TIME, "lat": [60.0, 0.0, -60.0], "level": [1000, 500]},
)
STATIC = GRID.assign(oro=("lat", [1.0, 2.0, 6.0]))
FRAME = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0.0, 3.0, None], "k": ["x", "y", "x"]})
WIDE = pd.DataFrame(np.ones((2, 9)) * [[1], [2]], columns=list("abcdefghi"))
X = np.arange(6.0).reshape(3, 2)
OVER = ("time", "lat")
FILE = xr.Dataset({"t": ("time", [1.0, 2.0])})
FILE["t"].encoding = {"source": "/home/someone/data/era5.nc", "original_shape": (2,)}
SEVERAL = xr.concat([FILE, FILE], "time")
CLOUD = FILE.copy()
CLOUD["t"].encoding = {"source": "https://me:secret@example.org/era5.zarr?token=1"}


def years(*names: str) -> Stats:
    """Return statistics merged from jobs by variable and year."""
    parts = [
        dn.adapt(GRID[[n]].assign_coords(time=t), over=OVER) for n in names for t in (TIME, LATER)
    ]
    first, second, *others = parts
    return first + second if not others else (first + second) + (others[0] + others[1])


def tendencies() -> Stats:
    """Return statistics whose provenance has a lag, and groups by a part of the date."""
    stats = dn.adapt(GRID["u"], over=OVER)
    (run,) = stats.attrs["runs"]
    run |= {"lag": {"time": [1, "6h"]}, "by": ["time.month", "time.hour"], "weights": "area"}
    grouped = {
        name: replace(s, groups=Groups(tuple(run["by"]))) for name, s in stats.states.items()
    }
    return replace(stats, states=grouped)


POPULATION = "Mean and population standard deviation"
CASES: dict[str, tuple[Callable[[], Stats], str]] = {
    "dataset": (
        lambda: dn.adapt(GRID, over=OVER),
        f"{POPULATION} of t and u over time and lat, for each level, of 47 values in all "
        "(1 missing one skipped), time 1979-01-01 to 1979-01-04, lat 60.0 to -60.0",
    ),
    "static": (
        lambda: dn.adapt(STATIC, over="time"),
        f"{POPULATION} of t and u over time, for each lat and level; of oro over lat, of 50 values "
        "in all (1 missing one skipped), time 1979-01-01 to 1979-01-04, lat 60.0 to -60.0",
    ),
    "nothing merged": (
        lambda: dn.adapt(GRID["u"], over=()),
        f"{POPULATION} of u, for each time, lat and level, of 24 values in all (none missing)",
    ),
    "weighted": (
        lambda: dn.adapt(GRID, over=OVER, weights=xr.DataArray([1.0, 0.5, 0.0], dims="lat")),
        f"{POPULATION} of t and u over time and lat, for each level, of 48 values in all (missing "
        "ones skipped), time 1979-01-01 to 1979-01-04, lat 60.0 to -60.0, "
        "weighted by given weights",
    ),
    "sample, NaN kept": (
        lambda: dn.adapt(
            GRID["t"], dn.Moments(ddof=1, skipna=False), over=("time", "lat", "level")
        ),
        "Mean and sample standard deviation of t over time, lat and level, of 23 values in all "
        "(1 missing one: no mean where they are), time 1979-01-01 to 1979-01-04, "
        "lat 60.0 to -60.0, level 1000 to 500",
    ),
    "other ddof": (
        lambda: dn.adapt(X, dn.Moments(ddof=0.5)),
        "Mean and standard deviation (ddof 0.5) over axis -2, for each position along axis -1, "
        "of 6 values in all (none missing)",
    ),
    "frame": (
        lambda: dn.adapt(FRAME),
        f"{POPULATION} of a and b over rows, of 5 values in all (1 missing one skipped)",
    ),
    "groups": (
        lambda: dn.adapt(FRAME, by="k"),
        f"{POPULATION} of a and b over rows, for each k, of 5 values in all "
        "(1 missing one skipped)",
    ),
    "wide frame": (
        lambda: dn.adapt(WIDE),
        f"{POPULATION} of a, b, c, d, e and 4 more over rows, of 18 values in all (none missing)",
    ),
    "batches": (
        lambda: dn.adapt(iter([X, X, X])),
        f"{POPULATION} over axis -2, for each position along axis -1, of 18 values in all "
        "(none missing), in 3 batches",
    ),
    "years": (
        lambda: years("t"),
        f"{POPULATION} of t over time and lat, for each level, of 46 values in all (2 missing ones "
        "skipped), time 1979-01-01 to 1979-01-04 and 1990-01-01 to 1990-01-04, lat 60.0 to -60.0",
    ),
    "variables and years": (
        lambda: years("t", "u"),
        f"{POPULATION} of t and u over time and lat, for each level, of 94 values in all "
        "(2 missing ones skipped), time 1979-01-01 to 1979-01-04 and 1990-01-01 to 1990-01-04, "
        "lat 60.0 to -60.0",
    ),
    "selected": (
        lambda: years("t", "u").select(["u"]),
        f"{POPULATION} of u over time and lat, for each level, of 48 values in all (none missing), "
        "time 1979-01-01 to 1979-01-04 and 1990-01-01 to 1990-01-04, lat 60.0 to -60.0",
    ),
    "tendencies, by month and hour": (
        tendencies,
        f"{POPULATION} of u over time and lat, for each calendar month of time, hour of the day of "
        "time and level, of 24 values in all (missing ones skipped), time 1979-01-01 to "
        "1979-01-04, lat 60.0 to -60.0, weighted by cell area, with tendencies over 1 step of time "
        "and 6h of time",
    ),
    "lazy": (
        lambda: dn.adapt(da.ones((4, 3), chunks=2), compute=False),
        f"{POPULATION} over axis -2, for each position along axis -1",
    ),
    "a file": (
        lambda: dn.adapt(FILE),
        f"{POPULATION} of t over time, of 2 values in all (none missing), from era5.nc",
    ),
    "several files": (
        lambda: dn.adapt(SEVERAL),
        f"{POPULATION} of t over time, of 4 values in all (none missing), from era5.nc and others",
    ),
    "an address": (
        lambda: dn.adapt(CLOUD["t"]),
        f"{POPULATION} of t over time, of 2 values in all (none missing), "
        "from https://example.org/era5.zarr",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_said(case: str) -> None:
    """Everything that tells statistics from others is in the sentence, and nothing else."""
    make, expected = CASES[case]
    description = make().describe()
    text, _, made = description.partition("; made with ")
    if case == "static":
        text, _, made = description.rpartition("; made with ")
    assert text == expected
    versions = f"numpy {np.__version__}, xarray {xr.__version__}, dask {dask.__version__}"
    assert re.fullmatch(rf"dasknorm \S+ \({re.escape(versions)}\) on \d{{4}}-\d\d-\d\d\.", made)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            lambda: Stats.from_values(mean=3.0, std=2.0),
            "Mean and standard deviation, as given, not learned from data.",
        ),
        (
            lambda: Stats.from_values(mean=FRAME[["a", "b"]].mean(), std=1.0, count=10),
            f"{POPULATION} of a and b, of 20 values in all (none missing), as given, not learned "
            "from data.",
        ),
        (
            lambda: Stats(dn.adapt(X).states, "numpy.ndarray"),
            f"{POPULATION}, for each position along axis -1, of 6 values in all (none missing), "
            "of unknown origin.",
        ),
    ],
)
def test_what_was_not_learned(make: Callable[[], Stats], expected: str) -> None:
    """Given numbers are said to be given, and foreign ones to be of unknown origin."""
    assert make().describe() == expected


def test_given_and_learned() -> None:
    """What is merged of both says so, however it is merged on."""
    given = Stats.from_values(mean=np.zeros(2), std=1.0, count=10)
    for stats in (given + dn.adapt(X), dn.adapt(X) + given, given.update(X) + dn.adapt(X)):
        assert stats.describe().endswith("on " + stats.attrs["runs"][0]["created"][:10] + (
            ". Statistics that were given, not learned from data, are merged into these."
        ))  # fmt: skip


def test_counts_are_of_what_is_told() -> None:
    """Where states count weights, or several kinds of runs, values are those of each run."""
    weights = xr.DataArray([1.0, 2.0, 3.0], dims="lat")
    weighted = dn.adapt(GRID, over=OVER, weights=weights)
    assert "level, of 24 values in all (missing" in weighted.select(["u"]).describe()
    both = weighted + dn.adapt(GRID.isel(time=slice(2)), over=OVER)
    first, second = both.describe().split(f". {POPULATION}")
    assert "of 48 values in all (missing ones skipped)" in first
    assert "of 24 values in all (missing ones skipped)" in second
    given = Stats.from_values(mean=GRID["u"][0, 0], std=1.0, count=10) + dn.adapt(
        GRID["u"], over=OVER
    )
    assert "of 24 values in all (missing ones skipped)" in given.describe()
    strict = dn.adapt(GRID, dn.Moments(skipna=False), over=OVER, weights=weights)
    assert "(missing ones leave no mean where they are)" in strict.describe()
    for run in weighted.attrs["runs"]:
        del run["values"]
    assert "for each level, missing values skipped, time" in weighted.describe()


def test_runs_of_different_kinds_are_told_apart() -> None:
    """Other weights, or another file, make another sentence; many of them are counted."""
    weights = [xr.DataArray([1.0, 2.0, 3.0], dims="lat"), None]
    stats = sum(
        (dn.adapt(GRID, over=OVER, weights=item) for item in weights), dn.adapt(GRID, over=OVER)
    )
    text = stats.describe()
    assert text.count(POPULATION) == 2
    assert text.count("weighted by given weights") == 1
    for i, run in enumerate(runs := [*stats.attrs["runs"]] * 4):
        runs[i] = {**run, "weights": f"weights {i}"}
    many = Stats(stats.states, stats.container, {"runs": runs})
    assert many.describe().endswith("7 more kinds of runs went into them.")
    assert len(many.describe()) < 3000


def test_versions_and_days_that_differ() -> None:
    """Of runs made by other versions, on other days, all are named."""
    stats = years("t")
    first, second = stats.attrs["runs"]
    first["created"], second["created"] = "2025-02-03T04:05:06+00:00", "2026-01-02T03:04:05+00:00"
    first["versions"] = {"dasknorm": "0.1.0", "numpy": "1.26.4"}
    second["versions"] = {"dasknorm": "0.5.0", "numpy": "2.4.0", "dask": "2026.8.0"}
    assert stats.describe().endswith(
        "; made with dasknorm 0.1.0 and 0.5.0 (numpy 1.26.4 and 2.4.0, dask 2026.8.0) "
        "from 2025-02-03 to 2026-01-02."
    )


def test_what_older_versions_have_not_kept() -> None:
    """Runs of files written by version 0.1 have neither versions nor what each variable merged."""
    run = {
        "dtypes": {"t": "float32"},
        "over": ["time", "lat"],
        "range": {"time": ["1979", "1980"]},
        "created": "2025-02-03T04:05:06+00:00",
    }
    states = dn.adapt(GRID[["t"]], over=OVER).states
    old = Stats(states, "xarray.Dataset", {"dasknorm": "0.1.0", "runs": [run]})
    assert old.describe() == (
        f"{POPULATION} of t over time and lat, for each level, of 23 values in all (1 missing one "
        "skipped), time 1979 to 1980; made with dasknorm 0.1.0 on 2025-02-03."
    )
    assert (old + dn.adapt(GRID[["t"]], over=OVER)).describe().count(POPULATION) == 2
    bare = Stats(states, "xarray.Dataset", {"runs": [{"over": ["time"]}]})
    assert bare.describe().endswith("skipped); made with dasknorm of an unknown version.")


def test_a_checkpoint_says_how_far_it_is(tmp_path: Any) -> None:
    """A file of unfinished work says so first; once finished it does not."""
    x = da.from_array(np.arange(40.0), chunks=4)
    stats = dn.adapt(x, checkpoint=tmp_path / "c.json")
    assert stats.describe().startswith(POPULATION)
    finished = dn.load(tmp_path / "c.json")
    assert finished.describe() == stats.describe()
    part = {**finished.attrs, "checkpoint": {"job": {}, "done": 0, "of": 10}}
    store.write(tmp_path / "p.json", {}, stats.container, part, methods_text.describe({}, part))
    text = json.loads((tmp_path / "p.json").read_text())["history"]
    assert text.startswith("Unfinished, 0 of 10 shards of the work are done. Statistics; made")


@pytest.mark.parametrize("suffix", [".zarr", pytest.param(".nc", marks=needs("h5netcdf", "h5py"))])
def test_any_tool_finds_it_in_a_file(tmp_path: Any, suffix: str) -> None:
    """The sentence is an attribute of the file, without dasknorm to read it."""
    pytest.importorskip("zarr" if suffix == ".zarr" else "h5py")
    stats = dn.adapt(STATIC, over="time")
    stats.save(tmp_path / f"s{suffix}")
    engine = {".zarr": "zarr", ".nc": "h5netcdf"}[suffix]
    with xr.open_dataset(tmp_path / f"s{suffix}", engine=engine) as opened:
        assert opened.attrs["history"] == stats.describe()
    assert dn.load(tmp_path / f"s{suffix}").describe() == stats.describe()


def test_json_has_it_for_people(tmp_path: Any) -> None:
    """The text file begins with what it is, and says how it was made."""
    stats = dn.adapt(FRAME)
    stats.save(tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text())["history"] == stats.describe()


def test_it_is_shown_under_the_table() -> None:
    """repr ends with the sentence, in lines of up to 100 characters."""
    stats = dn.adapt(STATIC, over="time")
    output = repr(stats).splitlines()
    text = methods_text.wrap(stats.describe()).splitlines()
    assert output[-len(text) :] == text
    assert max(map(len, text)) <= 100
    assert len(text) > 2


def test_equal_calls_make_equal_statistics() -> None:
    """When and from where is not part of what statistics are."""
    first, second = dn.adapt(FILE), dn.adapt(CLOUD)
    assert first.describe() != second.describe()
    assert first == second


def test_a_scaler_counts_its_batches() -> None:
    """The scaler's statistics have one run for all batches, and say how many."""
    pytest.importorskip("sklearn")
    from dasknorm.sklearn import StandardScaler

    scaler = StandardScaler()
    for _ in range(3):
        scaler.partial_fit(X, sample_weight=np.ones(3))
    (run,) = scaler.stats_.attrs["runs"]
    assert run["batches"] == 3
    assert "values" not in run
    assert "in 3 batches" in scaler.stats_.describe()


def test_what_a_run_keeps() -> None:
    """A run keeps what each variable merged, how many values there were, and where from."""
    (run,) = dn.adapt(STATIC, over="time").attrs["runs"]
    assert run["merged"] == {"t": ["time"], "u": ["time"], "oro": ["lat"]}
    assert run["values"] == {"t": 24, "u": 24, "oro": 3}
    assert run["versions"]["numpy"] == np.__version__
    (run,) = dn.adapt(FILE).attrs["runs"]
    assert run["source"] == ["era5.nc"]
