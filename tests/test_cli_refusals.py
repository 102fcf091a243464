"""Bad input on the command line: one line on stderr, exit code 2, and no file is changed."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.cli_inputs import (
    fail,
    make_readings,
    make_weather,
    run,
    succeed,
    write_netcdf,
    write_zarr,
)
from support.optional import needs

for library in ("rich", "zarr", "h5netcdf", "h5py", "pyarrow"):
    pytest.importorskip(library)

# What is written, what the one line has to say.
CASES = {
    "nothing to read": ("adapt -o s.nc", "Missing argument 'SRC...'"),
    "nowhere to write": ("adapt in.zarr", "missing option -o STATS (or use --dry-run)"),
    "unknown command": ("adpt in.zarr", "No such command 'adpt'"),
    "unknown option": ("adapt in.zarr -o s.nc --ovr time", "No such option"),
    "empty dimension": ("adapt in.zarr -o s.nc --over time,,x", "an empty name in 'time,,x'"),
    "ddof is a word": ("adapt in.zarr -o s.nc --ddof one", "'one' is not a valid float"),
    "negative ddof": ("adapt in.zarr -o s.nc --ddof -1", "ddof must be a number of at least 0"),
    "unknown path": ("adapt none.zarr -o s.nc", "no such file or folder: 'none.zarr'"),
    "empty pattern": ("adapt no-*.nc -o s.nc", "no file matches the pattern 'no-*.nc'"),
    "unknown input suffix": ("adapt in.txt -o s.nc", "unknown format of 'in.txt'"),
    "not a store": ("adapt folder -o s.nc", "unknown format of 'folder'"),
    "not NetCDF": ("adapt text.nc -o s.nc", "cannot read 'text.nc'"),
    "not Zarr": ("adapt empty.zarr -o s.nc", "cannot read 'empty.zarr'"),
    "not Parquet": ("adapt text.parquet -o s.nc", "cannot read 'text.parquet'"),
    "several formats": (
        "adapt in.zarr in.nc -o s.nc",
        "all sources must have the same format, got",
    ),
    "unknown variable": ("adapt in.zarr -o s.nc --var u", "no variable 'u'; there are 'rain'"),
    "text variable": (
        "adapt in.zarr -o s.nc --var station",
        "variable 'station' is not numeric: dtype",
    ),
    "unknown column": ("adapt in.csv -o s.nc --var u", "no column 'u'; there are 'a', 'b'"),
    "text column": ("adapt in.csv -o s.nc --var name", "column 'name' is not numeric: dtype"),
    "nothing numeric": ("adapt words.csv -o s.nc", "no numeric columns to normalize"),
    "unknown dimension": ("adapt in.zarr -o s.nc --over lat", "'lat' not found in dims"),
    "over and keep": (
        "adapt in.zarr -o s.nc --over x --keep time",
        "give keep= or over=, not both",
    ),
    "infinite values": ("adapt inf.nc -o s.nc", "infinite values"),
    "statistics' suffix": ("adapt in.zarr -o s.pkl", "ends in .nc, .zarr, .json, got 's.pkl'"),
    "statistics are there": (
        "adapt in.zarr -o old.nc",
        "output 'old.nc' already exists; use --overwrite to replace it",
    ),
    "statistics over data": ("adapt in.nc -o in.nc --overwrite", "'in.nc' is the input"),
    "statistics inside data": ("adapt in.zarr -o in.zarr/s.nc", "are inside one another"),
    "no folder to write in": ("adapt in.zarr -o none/s.nc", "the folder 'none'"),
    "workers and scheduler": (
        "adapt in.zarr -o s.nc --workers 2 --scheduler tcp://127.0.0.1:1",
        "--workers or --scheduler, not both",
    ),
    "no workers": ("adapt in.zarr -o s.nc --workers 0", "0 is not in the range"),
    "no statistics": (
        "normalize in.zarr none.nc -o out.zarr",
        "no such statistics file: 'none.nc'",
    ),
    "not statistics": ("normalize in.zarr in.nc -o out.zarr", "cannot read the statistics in"),
    "show not statistics": ("show text.nc", "cannot read the statistics in 'text.nc'"),
    "show nothing": ("show none.nc", "no such statistics file"),
    "output suffix": (
        "normalize in.zarr old.nc -o out.tif",
        "unknown format of 'out.tif': call it 'out.zarr'",
    ),
    "arrays as a frame": ("normalize in.zarr old.nc -o out.csv", "ends in .zarr or .nc"),
    "a frame as arrays": ("normalize in.csv ab.json -o out.nc", "ends in .parquet or .pq or .csv"),
    "output is there": ("normalize in.zarr old.nc -o in.nc", "'in.nc' already exists"),
    "output is the input": ("normalize in.zarr old.nc -o in.zarr --overwrite", "is the input"),
    "output is the statistics": ("normalize in.zarr old.nc -o old.nc --overwrite", "is the input"),
    "output around the input": ("normalize folder/in.nc old.nc -o folder --overwrite", "inside"),
    "unknown to the statistics": (
        "normalize more.nc old.nc -o out.nc",
        "no statistics for ['wind']",
    ),
    "lacking in the data": (
        "normalize in.nc old.nc -o out.nc --var level",
        "no statistics for ['level']",
    ),
    "other levels": ("normalize levels.nc old.nc -o out.nc", "labels [850] along 'level'"),
    "other kind": (
        "normalize in.csv old.nc -o out.csv",
        "cannot apply statistics of xarray.Dataset to tables",
    ),
    "inverse too": ("inverse in.zarr none.nc -o out.zarr", "no such statistics file: 'none.nc'"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of good and bad files."""
    folder = tmp_path_factory.mktemp("refusals")
    (folder / "folder").mkdir()
    (folder / "empty.zarr").mkdir()
    for name in ("in.txt", "text.nc", "text.parquet"):
        (folder / name).write_text("not what its name says\n")
    data = make_weather()
    write_zarr(folder / "in.zarr")
    write_netcdf(folder / "in.nc")
    write_netcdf(folder / "folder" / "in.nc")
    write_netcdf(folder / "inf.nc", xr.Dataset({"t": ("x", [1.0, np.inf])}))
    write_netcdf(folder / "more.nc", data.assign(wind=data.t + 1))
    write_netcdf(
        folder / "levels.nc", data.assign_coords(level=data.level.copy(data=[1000, 850, 300]))
    )
    make_readings().to_csv(folder / "in.csv", index=False)
    pd.DataFrame({"w": ["x", "y"]}).to_csv(folder / "words.csv", index=False)
    succeed("adapt", folder / "in.zarr", "-o", folder / "old.nc", "--over", "time,x")
    succeed("adapt", folder / "in.csv", "-o", folder / "ab.json")
    return folder


def _seen(folder):
    """Return every file with its time of change."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.filterwarnings("ignore:.*inplace keyword")
@pytest.mark.parametrize(("line", "message"), CASES.values(), ids=CASES)
def test_bad_input_is_one_line(line, message, folder, monkeypatch):
    """The line names what is wrong, the exit code is 2, no file has come, gone or changed."""
    monkeypatch.chdir(folder)
    before = _seen(folder)
    assert message in fail(*line.split())
    assert _seen(folder) == before


@needs("distributed")
def test_a_scheduler_that_does_not_answer(folder, monkeypatch):
    """An address where nobody listens is refused, not waited for forever."""
    monkeypatch.chdir(folder)
    message = fail("adapt", "in.zarr", "-o", "s.nc", "--scheduler", "tcp://127.0.0.1:1")
    assert message.startswith("dasknorm: no scheduler answers at tcp://127.0.0.1:1")


def test_a_bug_keeps_its_traceback(folder, monkeypatch):
    """What no bad input can cause is not dressed up as bad input."""

    def broken(*_, **__):
        raise KeyError("a bug")

    monkeypatch.setattr("dasknorm.cli.commands.adapt_statistics", broken)
    with pytest.raises(KeyError, match="a bug"):
        run("adapt", folder / "in.zarr", "-o", folder / "s.nc")


def test_any_error_can_be_traced(folder, monkeypatch):
    """With DASKNORM_TRACEBACK set, errors that count as bad input show where they come from."""
    monkeypatch.setenv("DASKNORM_TRACEBACK", "1")
    with pytest.raises(ValueError, match="'lat' not found in dims"):
        run("adapt", folder / "in.zarr", "-o", folder / "s.nc", "--over", "lat")


@pytest.mark.filterwarnings("default")
def test_missing_values_are_a_warning_in_one_line(tmp_path):
    """A variable without a single value is told of, without a place in the code."""
    src = write_netcdf(tmp_path / "in.nc", xr.Dataset({"t": ("x", [np.nan, np.nan])}))
    result = run("adapt", src, "-o", tmp_path / "s.nc")
    assert result.exit_code == 0
    assert result.stderr.startswith("dasknorm: warning: no valid values in 't'")
    assert result.stderr.count("\n") == 1
