"""Input files of every format for the command line, and functions that run commands."""

import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from click.testing import CliRunner

from dasknorm.cli import main
from support.optional import import_optional

dd = import_optional("dask.dataframe")
ROOT = Path(__file__).parents[2]
TIMES = pd.date_range("2000-01-01", periods=24)


def run(*arguments):
    """Run a command in this process; return its output and its exit code."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def succeed(*arguments):
    """Run a command that has to succeed, and return its output."""
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def fail(*arguments):
    """Run a command that has to fail with exit code 2 and one line on stderr; return the line."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("dasknorm: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    return result.stderr


def start(*arguments, **options):
    """Start a command as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "dasknorm.cli", *map(str, arguments)]
    return subprocess.Popen(command, env=environment, **options)


def wait_for(condition, process, seconds=60):
    """Wait until something is so while a process runs; it must not end before."""
    deadline = time.monotonic() + seconds
    try:
        while not condition():
            assert process.poll() is None, "the process ended too early"
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.01)
    except AssertionError:
        kill(process)
        raise


def kill(process):
    """End a process as the system does when memory runs out."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


def make_weather():
    """Return a small Dataset like a model's output: levels, bounds, a grid mapping, text."""
    rng = np.random.default_rng(0)
    t = rng.normal(280, 10, (24, 3, 4)).astype("f4")
    t[2, 1, 1] = np.nan
    return xr.Dataset(
        {
            "t": (("time", "level", "x"), t, {"units": "K", "grid_mapping": "crs"}),
            "rain": (("time", "x"), rng.exponential(2.0, (24, 4)), {"units": "mm"}),
            "station": (("x",), np.array(list("abcd"))),
            "crs": ((), np.int32(7), {"grid_mapping_name": "latitude_longitude"}),
            "level_bnds": (("level", "edge"), np.array([[900, 1100], [600, 900], [0, 600]])),
        },
        coords={
            "time": TIMES,
            "level": ("level", [1000, 700, 300], {"units": "hPa", "bounds": "level_bnds"}),
            "x": [0.0, 1.5, 3.0, 4.5],
            "height": (("x",), np.arange(4.0), {"units": "m"}),
        },
    )


def make_readings():
    """Return a small frame: two columns of numbers, one of text."""
    rng = np.random.default_rng(1)
    a = rng.normal(5, 2, 50)
    a[7] = np.nan
    return pd.DataFrame({"a": a, "b": np.arange(50), "name": ["x", "y"] * 25})


def write_zarr(path, data=None, **options):
    """Write a Dataset as a Zarr store in chunks of 5 times."""
    data = make_weather() if data is None else data
    chunks = {"t": {"chunks": (5, 3, 4)}} if "t" in data else {}
    options = {"encoding": chunks, "consolidated": False, **options}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The data type .* does not have a Zarr V3")
        data.to_zarr(path, **options)
    return path


def write_netcdf(path, data=None, **options):
    """Write a Dataset as a NetCDF file."""
    (make_weather() if data is None else data).to_netcdf(path, engine="h5netcdf", **options)
    return path


def write_input(form, folder):
    """Write the same data in a format, and return the paths for the command line."""
    data, frame = make_weather(), make_readings()
    if form == "zarr":
        return [write_zarr(folder / "in.zarr")]
    if form == "netcdf":
        return [write_netcdf(folder / "in.nc")]
    if form == "netcdf pattern":
        for i, part in enumerate([slice(7), slice(7, 16), slice(16, 24)]):  # of three lengths
            write_netcdf(folder / f"in-{i}.nc", data.isel(time=part))
        return [folder / "in-*.nc"]
    if form == "parquet":
        frame.to_parquet(folder / "in.parquet")
        return [folder / "in.parquet"]
    if form == "parquet folder":
        dd.from_pandas(frame, npartitions=3).to_parquet(folder / "in", write_index=False)
        return [folder / "in"]
    if form == "csv":
        frame.to_csv(folder / "in.csv", index=False)
        return [folder / "in.csv"]
    assert form == "csv pattern"
    for i in range(2):
        frame[25 * i : 25 * i + 25].to_csv(folder / f"in-{i}.csv", index=False)
    return [folder / "in-?.csv"]


def read_output(path):
    """Read the output of a command into memory."""
    if path.suffix == ".zarr":
        with xr.open_zarr(path, decode_coords="all") as data:
            return data.load()
    if path.suffix == ".nc":
        with xr.open_dataset(path, engine="h5netcdf", decode_coords="all") as data:
            return data.load()
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
