"""Checkpoints: work goes on where it stopped, reads only what is missing, and ends the same."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from loads import ALWAYS, frame, loads, marked, total, values
from optional import needs, optional

import dasknorm as dn
from dasknorm import shards, store
from dasknorm.errors import ChunkError, MismatchError, StatsFileError

dd = optional("dask.dataframe")
BLOCK = values(240, 3)
CHUNKS = (10, 3)  # 24 of them, of which two are read for each shard's state


def done(path: Path) -> int:
    """Return how many shards a checkpoint holds."""
    return store.read(path)[-1]["checkpoint"]["done"]


def fresh(folder: Path, data: Any, **settings: Any) -> dn.Stats:
    """Return the statistics of an undisturbed run with a checkpoint."""
    return dn.adapt(data, checkpoint=folder / "undisturbed.nc", **settings)


# -- going on -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".json"])
@pytest.mark.parametrize("where", [0, 7, 12, 23])
def test_an_interrupted_run_goes_on(tmp_path: Path, where: int, suffix: str) -> None:
    """A run that fails at some chunk goes on from there, and ends with the same bits."""
    path, marks = tmp_path / f"c{suffix}", tmp_path / "marks"
    marks.mkdir()
    x = marked(BLOCK, CHUNKS, marks, where=[where], times=1)
    with dask.config.set(scheduler="synchronous"):
        with pytest.raises(ChunkError):
            dn.adapt(x, checkpoint=path, retries=0)
        before, saved = loads(marks), done(path)
        stats = dn.adapt(x, checkpoint=path, retries=0)
    again = {chunk for chunk, count in loads(marks).items() if count > 1}
    count = shards.shard_count(shards_of(x), checkpointed=True)
    assert saved == where * count // 24
    assert again <= set(before)
    assert len(again) <= -(-24 // count)  # of one shard
    assert len(loads(marks)) == 24
    assert stats == fresh(tmp_path, da.from_array(BLOCK, CHUNKS))


def shards_of(x: Any) -> Any:
    """Return the work of adapting to an array."""
    field = dn.fields.Field(x, (-2, -1), features=(-1,))
    return {None: field.summarize(dn.Moments(), (-1,))}


def test_a_finished_run_is_read_from_its_checkpoint(tmp_path: Path) -> None:
    """With all shards done nothing is read, and the same comes out."""
    marks = tmp_path / "marks"
    marks.mkdir()
    x = marked(BLOCK, CHUNKS, marks)
    first = dn.adapt(x, checkpoint=tmp_path / "c.nc")
    assert total(marks) == 24
    assert dn.adapt(x, checkpoint=tmp_path / "c.nc") == first
    assert total(marks) == 24


def test_a_checkpoint_is_within_the_laws(tmp_path: Path) -> None:
    """Shards merge to what is learned without them, but for the last digits."""
    x = da.from_array(BLOCK, CHUNKS)
    stats, plain = fresh(tmp_path, x), dn.adapt(x)
    np.testing.assert_allclose(stats.mean, plain.mean, rtol=1e-15)
    np.testing.assert_allclose(stats.variance, plain.variance, rtol=4e-15)
    assert done(tmp_path / "undisturbed.nc") > 5


JOB = """
import sys
import dasknorm as dn
from loads import marked, values
x = marked(values(240, 3), (10, 3), sys.argv[1], wait=0.03)
dn.adapt(x, checkpoint=sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("reads", [3, 12, 21])
def test_a_killed_run_goes_on_in_another_process(tmp_path: Path, reads: int) -> None:
    """A process killed at any time leaves a whole checkpoint, from which another goes on."""
    path, marks = tmp_path / "c.nc", tmp_path / "marks"
    marks.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", JOB, marks, path], env=environment)
    while total(marks) < reads and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    done(path)  # whole
    stats = dn.adapt(marked(BLOCK, CHUNKS, marks, wait=0.03), checkpoint=path)
    assert len(loads(marks)) == 24
    assert 24 <= total(marks) <= 28
    assert stats == fresh(tmp_path, da.from_array(BLOCK, CHUNKS))


# -- whatever is adapted to -----------------------------------------------------------------------


def dataset(marks: Path, **how: Any) -> xr.Dataset:
    """Return variables of different dimensions, one of them in memory."""
    return xr.Dataset(
        {
            "t": (("time", "x"), marked(BLOCK, CHUNKS, marks, "t", **how)),
            "p": (("time",), marked(BLOCK[:, 0], 30, marks, "p")),
            "few": (("y", "time"), da.from_array(BLOCK[:9].T @ BLOCK[:9] @ BLOCK.T[:, :240], -1)),
            "here": (("time", "x"), BLOCK + 1),
        },
    )


def test_a_dataset_goes_on(tmp_path: Path) -> None:
    """Variables of different dimensions and chunks go on together."""
    marks = tmp_path / "marks"
    marks.mkdir()
    data = dataset(marks, where=[15], times=1)
    weights = xr.DataArray(np.linspace(0, 1, 240), dims="time")
    with pytest.raises(ChunkError, match=r"'t' at time 150:160"):
        dn.adapt(data, over="time", weights=weights, checkpoint=tmp_path / "c.nc", retries=0)
    assert done(tmp_path / "c.nc") > 0
    stats = dn.adapt(data, over="time", weights=weights, checkpoint=tmp_path / "c.nc")
    other = tmp_path / "other"
    other.mkdir()
    assert stats == fresh(tmp_path, dataset(other), over="time", weights=weights)
    for name, variable in stats.mean.data_vars.items():
        wanted = data[name].weighted(weights).mean("time")
        np.testing.assert_allclose(variable, wanted.compute(), rtol=1e-12)


def test_a_variable_that_merges_nothing(tmp_path: Path) -> None:
    """A variable all of whose dimensions are kept is done as a whole."""
    data = xr.Dataset(
        {
            "t": (("x", "time"), da.from_array(np.tile(BLOCK.T, 20), (1, 40))),
            "h": (("x",), da.from_array(BLOCK[0], 1)),
        }
    )
    stats = dn.adapt(data, keep="x", checkpoint=tmp_path / "c.nc")
    assert done(tmp_path / "c.nc") > 1
    np.testing.assert_array_equal(stats.mean["h"], BLOCK[0])
    np.testing.assert_allclose(stats.mean["t"], BLOCK.mean(axis=0), rtol=1e-14)


@needs("pyarrow")
def test_a_frame_goes_on(tmp_path: Path) -> None:
    """A frame goes on partition by partition."""
    marks = tmp_path / "marks"
    marks.mkdir()
    table = frame(BLOCK, marks, [40], times=1)
    with pytest.raises(ChunkError, match="partition 40"):
        dn.adapt(table, checkpoint=tmp_path / "c.json", retries=0)
    found = done(tmp_path / "c.json")
    assert found == 40 * shards.SHARDS // 60
    stats = dn.adapt(table, checkpoint=tmp_path / "c.json")
    assert 60 <= total(marks) <= 64
    np.testing.assert_allclose(stats.mean, BLOCK.mean(axis=0), rtol=1e-14)


def test_data_in_memory(tmp_path: Path) -> None:
    """What is in memory is one shard, and is known again by its content."""
    first = dn.adapt(BLOCK, checkpoint=tmp_path / "c.nc")
    assert dn.adapt(BLOCK.copy(), checkpoint=tmp_path / "c.nc") == first == dn.adapt(BLOCK)
    with pytest.raises(MismatchError, match="other work: the data differ"):
        dn.adapt(BLOCK + 1, checkpoint=tmp_path / "c.nc")
    table = pd.DataFrame(BLOCK, columns=list("abc"))
    assert dn.adapt(table, checkpoint=tmp_path / "t.nc") == dn.adapt(table)


# -- other work is refused ------------------------------------------------------------------------

X = da.from_array(BLOCK, CHUNKS)
OTHER: dict[str, tuple[Any, dict[str, Any], str]] = {
    "data": (da.from_array(BLOCK + 1, CHUNKS), {}, "the data differ"),
    "chunks": (X.rechunk((20, 3)), {}, "the number of shards, the data differ"),
    "weights": (X, {"weights": BLOCK[:, :1]}, "the weights differ"),
    "statistic": (X, {"statistic": dn.Moments(ddof=1)}, "the statistic differ"),
    "dimensions": (X, {"keep": ()}, "the merged dimensions differ"),
}


@pytest.mark.parametrize("what", OTHER)
def test_other_work_is_refused(tmp_path: Path, what: str) -> None:
    """A checkpoint of other work is refused, with what differs, and is left as it is."""
    path = tmp_path / "c.json"
    dn.adapt(X, checkpoint=path)
    before = path.read_bytes()
    data, settings, message = OTHER[what]
    with pytest.raises(MismatchError, match=f"is of other work: {message}"):
        dn.adapt(data, checkpoint=path, **settings)
    assert path.read_bytes() == before


def test_other_variables_are_refused(tmp_path: Path) -> None:
    """One variable less, or more, is other work."""
    both = xr.Dataset({"t": (("time", "x"), X), "u": (("time", "x"), X + 1)})
    dn.adapt(both, over="time", checkpoint=tmp_path / "both.nc")
    dn.adapt(both[["t"]], over="time", checkpoint=tmp_path / "one.nc")
    for data, name in [(both[["t"]], "both.nc"), (both, "one.nc")]:
        with pytest.raises(MismatchError, match="the data of 'u'"):
            dn.adapt(data, over="time", checkpoint=tmp_path / name)


def test_statistics_are_no_checkpoint(tmp_path: Path) -> None:
    """A file of statistics is not gone on with, nor is one that holds something else."""
    dn.adapt(BLOCK).save(tmp_path / "s.nc")
    with pytest.raises(MismatchError, match=r"s.nc' holds statistics and no checkpoint"):
        dn.adapt(X, checkpoint=tmp_path / "s.nc")
    (tmp_path / "c.nc").write_bytes(b"something else")
    with pytest.raises(StatsFileError):
        dn.adapt(X, checkpoint=tmp_path / "c.nc")
    assert (tmp_path / "c.nc").read_bytes() == b"something else"


def test_paths_that_cannot_be_written_are_refused_at_once(tmp_path: Path) -> None:
    """A bad path for the checkpoint is known before any chunk is read."""
    marks = tmp_path / "marks"
    marks.mkdir()
    x = marked(BLOCK, CHUNKS, marks)
    with pytest.raises(ValueError, match=r"\.nc, \.zarr or \.json files"):
        dn.adapt(x, checkpoint=tmp_path / "c.csv")
    with pytest.raises(FileNotFoundError):
        dn.adapt(x, checkpoint=tmp_path / "nowhere" / "c.nc")
    assert total(marks) == 0


def test_a_checkpoint_of_nothing_binds_nobody(tmp_path: Path) -> None:
    """A run that failed before its first shard leaves the path free for other work."""
    marks = tmp_path / "marks"
    marks.mkdir()
    with pytest.raises(ChunkError):
        dn.adapt(
            marked(BLOCK, CHUNKS, marks, where=[0], times=ALWAYS),
            checkpoint=tmp_path / "c.nc",
            retries=0,
        )
    assert done(tmp_path / "c.nc") == 0
    assert dn.adapt(X, checkpoint=tmp_path / "c.nc") == fresh(tmp_path, X)


# -- the same data in another process -------------------------------------------------------------

OPENED: dict[str, str] = {
    "open_zarr": "xr.open_zarr('x.zarr').t.data",
    "open_zarr in larger chunks": "xr.open_zarr('x.zarr', chunks={'time': 40}).t.data",
    "open_dataset": "xr.open_dataset('x.nc', engine='h5netcdf', chunks={}).t.data",
    "open_mfdataset": "xr.open_mfdataset(['x.nc'], engine='h5netcdf').t.data",
    "from_zarr": "da.from_zarr('x.zarr', component='t')",
    "an expression": "abs(xr.open_zarr('x.zarr').t[5:] - 273.15).data",
    "a seeded random array": "da.random.default_rng(0).normal(size=100, chunks=10)",
    "command line, Zarr": "arrays.opened([Path('x.zarr')], 'zarr').t.data",
    "command line, NetCDF": "arrays.opened([Path('x.nc')], 'netcdf').t.data",
    "an array in memory": "np.arange(100.0)",
    "a frame in memory": "pd.DataFrame({'a': np.arange(9.0)})",
}
FRAMES: dict[str, str] = {
    "read_parquet": "dd.read_parquet('x.parquet')",
    "columns of Parquet": "dd.read_parquet('x.parquet')[['b', 'a']] * 2",
    "a column of Parquet": "dd.read_parquet('x.parquet')['b']",
    "read_csv": "dd.read_csv('x.csv')",
    "from_pandas": "dd.from_pandas(pd.DataFrame({'a': np.arange(9.0)}), npartitions=2)",
    "command line, Parquet": "frames.opened([Path('x.parquet')], 'parquet')",
}
IDENTITIES = """
import warnings
warnings.simplefilter("ignore")
from pathlib import Path
import dask.array as da, numpy as np, pandas as pd, xarray as xr
from dasknorm.chunks import identity
from dasknorm.cli import arrays, frames
try:
    import dask.dataframe as dd
except ImportError:
    pass
for line in open("opened.txt"):
    print(identity(eval(line)))
"""


def identities(folder: Path) -> list[str]:
    """Return what a new process takes data to be."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONHASHSEED": "random",
    }
    found = subprocess.run(
        [sys.executable, "-c", IDENTITIES],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found.stdout.split()


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
