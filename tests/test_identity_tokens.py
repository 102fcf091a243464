"""Identity tokens: equal in any process for data opened the same way, and different otherwise."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.marked_chunks import make_values
from support.optional import import_optional

import dasknorm as dn
from dasknorm.errors import MismatchError

dd = import_optional("dask.dataframe")
BLOCK = make_values(240, 3)
CHUNKS = (10, 3)

OPENED: dict[str, str] = {
    "open_zarr": "xr.open_zarr('x.zarr').t.data",
    "open_zarr in larger chunks": "xr.open_zarr('x.zarr', chunks={'time': 40}).t.data",
    "open_dataset": "xr.open_dataset('x.nc', engine='h5netcdf', chunks={}).t.data",
    "open_mfdataset": "xr.open_mfdataset(['x.nc'], engine='h5netcdf').t.data",
    "from_zarr": "da.from_zarr('x.zarr', component='t')",
    "an expression": "abs(xr.open_zarr('x.zarr').t[5:] - 273.15).data",
    "a seeded random array": "da.random.default_rng(0).normal(size=100, chunks=10)",
    "command line, Zarr": "datasets.open_data([Path('x.zarr')], OpenOptions(), []).t.data",
    "command line, NetCDF": "datasets.open_data([Path('x.nc')], OpenOptions(), []).t.data",
    "an array in memory": "np.arange(100.0)",
    "a frame in memory": "pd.DataFrame({'a': np.arange(9.0)})",
}
FRAMES: dict[str, str] = {
    "read_parquet": "dd.read_parquet('x.parquet')",
    "columns of Parquet": "dd.read_parquet('x.parquet')[['b', 'a']] * 2",
    "a column of Parquet": "dd.read_parquet('x.parquet')['b']",
    "read_csv": "dd.read_csv('x.csv')",
    "from_pandas": "dd.from_pandas(pd.DataFrame({'a': np.arange(9.0)}), npartitions=2)",
    "command line, Parquet": "parquet.open_data([Path('x.parquet')])",
}
IDENTITIES = """
import warnings
warnings.simplefilter("ignore")
from pathlib import Path
import dask.array as da, numpy as np, pandas as pd, xarray as xr
from dasknorm.chunks import identity_token
from dasknorm.cli import datasets, frames
from dasknorm.cli.opening import OpenOptions
try:
    from dasknorm.cli import parquet
except ImportError:
    pass
try:
    import dask.dataframe as dd
except ImportError:
    pass
for line in open("opened.txt"):
    print(identity_token(eval(line)))
"""


def identities(folder: Path) -> list[str]:
    """Return the identity token of data in a new process."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONHASHSEED": "random",
    }
    result = subprocess.run(
        [sys.executable, "-c", IDENTITIES],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return result.stdout.split()


@pytest.mark.filterwarnings("ignore:.*inplace keyword")  # of dask.dataframe, that pandas 3.1 says
def test_data_are_known_again_in_a_new_process(tmp_path: Path) -> None:
    """However data were opened, a new process that opens them so takes them for the same."""
    for library in ("zarr", "h5netcdf", "click"):
        pytest.importorskip(library)
    ways = OPENED | (FRAMES if dd else {})
    data = xr.Dataset({"t": (("time", "x"), BLOCK)})
    data.to_zarr(tmp_path / "x.zarr", encoding={"t": {"chunks": CHUNKS}}, zarr_format=2)
    data.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    table = pd.DataFrame(BLOCK, columns=list("abc"))
    table.to_csv(tmp_path / "x.csv", index=False)
    if dd:
        dd.from_pandas(table, npartitions=3).to_parquet(tmp_path / "x.parquet", write_index=False)
    (tmp_path / "opened.txt").write_text("\n".join(ways.values()))
    first, again = identities(tmp_path), identities(tmp_path)
    assert dict(zip(ways, first, strict=True)) == dict(zip(ways, again, strict=True))
    assert len(set(first)) == len(first)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: data_of(BLOCK + 1).to_netcdf(path, engine="h5netcdf"),
        lambda path: os.utime(path, (1, 1)),
    ],
)
def test_a_file_that_was_written_again_is_other_data(
    tmp_path: Path, change: Callable[[Path], Any]
) -> None:
    """A NetCDF file is another once it was written to."""
    pytest.importorskip("h5netcdf")
    path = tmp_path / "x.nc"
    data_of(BLOCK).to_netcdf(path, engine="h5netcdf")
    with xr.open_dataset(path, engine="h5netcdf", chunks={"time": 10}) as data:
        dn.adapt(data, over="time", checkpoint=tmp_path / "c.nc")
    change(path)
    with (
        xr.open_dataset(path, engine="h5netcdf", chunks={"time": 10}) as data,
        pytest.raises(MismatchError, match="the data of 't' differ"),
    ):
        dn.adapt(data, over="time", checkpoint=tmp_path / "c.nc")


def data_of(block: np.ndarray) -> xr.Dataset:
    return xr.Dataset({"t": (("time", "x"), block)})
