"""Workers that die, reads that fail, jobs that are cut off: the same statistics in the end."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from optional import optional

import dasknorm as dn

distributed = optional("distributed")
N = 40


def read(
    folder: str, wait: float, fails: int, bad: int, how: str, block_info: Any = None
) -> np.ndarray:
    """Make a chunk, leaving a mark that it was read; fail now and then, or always."""
    i = block_info[None]["chunk-location"][0]
    marks = Path(folder)
    seen = len(list(marks.glob(f"{i}-*")))
    (marks / f"{i}-{seen}-{os.getpid()}").touch()
    if seen < fails or i == bad:
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError("the disk is on fire")
    time.sleep(wait)
    return np.random.default_rng(i).normal(size=(5, 4))


def data(
    folder: Path, wait: float = 0.0, fails: int = 0, bad: int = -1, how: str = "raise", n: int = N
) -> xr.DataArray:
    """Return chunks that are counted, slow, or bad."""
    folder.mkdir(exist_ok=True)
    x = da.map_blocks(
        read, folder=str(folder), wait=wait, fails=fails, bad=bad, how=how,
        chunks=((5,) * n, (4,)), dtype="f8", meta=np.empty((0, 0)),
    )  # fmt: skip
    return xr.DataArray(x, dims=("time", "level"), name="t")


def reads(folder: Path) -> dict[int, int]:
    """Return how often each chunk was read."""
    found = [int(path.name.split("-")[0]) for path in folder.iterdir()]
    return {i: found.count(i) for i in sorted(set(found))}


@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_passing_errors_are_tried_again(tmp_path: Path, scheduler: str) -> None:
    """A chunk that fails twice is read at the third attempt, on every scheduler."""
    with dask.config.set(scheduler=scheduler):
        stats = dn.adapt(data(tmp_path / "a", fails=2, n=4), over="time", retries=2)
        wanted = dn.adapt(data(tmp_path / "b", n=4), over="time")
        assert stats == wanted
        assert set(reads(tmp_path / "a").values()) == {3}
        with pytest.raises(dn.ChunkError, match=r"cannot read 't' at time \d+:\d+, level 0:4: OS"):
            dn.adapt(data(tmp_path / "c", fails=2, n=4), over="time", retries=1)


def test_a_chunk_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """The error names the variable and the place of the chunk, in shards too."""
    poison = data(tmp_path / "a", bad=33)
    for settings in ({}, {"checkpoint": tmp_path / "sofar.nc"}):
        with pytest.raises(dn.ChunkError, match=r"'t' at time 165:170, level 0:4.*on fire"):
            dn.adapt(poison, over="time", retries=0, **settings)


def test_an_interrupted_job_goes_on(tmp_path: Path) -> None:
    """What a checkpoint holds is not read again, and the bits are those of an undisturbed job."""
    wanted = dn.adapt(data(tmp_path / "a"), over="time", checkpoint=tmp_path / "whole.nc")
    marks = tmp_path / "marks"
    for bad in (9, 20, 36):
        with pytest.raises(dn.ChunkError):
            # The same name for the data: what makes them fail is no part of it.
            dn.adapt(
                named(data(marks, bad=bad)), over="time", retries=0, checkpoint=tmp_path / "c.nc"
            )
    before = reads(marks)
    stats = dn.adapt(named(data(marks)), over="time", checkpoint=tmp_path / "c.nc")
    assert stats == wanted
    after = reads(marks)
    assert sum(after.values()) - sum(before.values()) <= N - 34
    assert stats == dn.adapt(named(data(marks)), over="time", checkpoint=tmp_path / "c.nc")
    assert reads(marks) == after
    with pytest.raises(dn.MismatchError, match="the data of 't' differ"):
        dn.adapt(data(tmp_path / "d"), over="time", checkpoint=tmp_path / "c.nc")


def test_an_unfinished_checkpoint_is_no_statistics(tmp_path: Path) -> None:
    """What holds only a part of the data is not taken for all of it."""
    with pytest.raises(dn.ChunkError):
        dn.adapt(data(tmp_path / "a", bad=30), over="time", retries=0, checkpoint=tmp_path / "c.nc")
    with pytest.raises(dn.StatsFileError, match=r"\d+ of 32 shards of work that is not finished"):
        dn.load(tmp_path / "c.nc")


def named(array: xr.DataArray) -> xr.DataArray:
    """Return the array under a name that does not tell how its chunks are made."""
    graph = {("t", *key[1:]): key for keys in array.data.__dask_keys__() for key in keys}
    layer = {**dict(array.data.__dask_graph__()), **graph}
    return array.copy(data=da.Array(layer, "t", array.data.chunks, array.dtype))


@pytest.fixture(scope="module")
def cluster() -> Any:
    """Two worker processes that are started again when they die."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as found,
        distributed.Client(found) as client,
    ):
        yield client


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_killed_worker_changes_no_bit(tmp_path: Path, cluster: Any, part: float) -> None:
    """A worker killed on the way is replaced, and the statistics are the same to the bit."""
    wanted = dn.adapt(data(tmp_path / "a"), over="time")
    folder = tmp_path / "b"
    slow = data(folder, wait=0.03)

    def kill() -> None:
        while len(list(folder.iterdir())) < part * N:
            time.sleep(0.005)
        newest = max(folder.iterdir(), key=lambda path: path.stat().st_mtime)
        os.kill(int(newest.name.split("-")[-1]), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    stats = dn.adapt(slow, over="time")
    killer.join()
    assert stats == wanted
    assert sum(reads(folder).values()) > N


def test_a_chunk_that_kills_is_named(tmp_path: Path, cluster: Any) -> None:
    """Of many chunks in a task the one that kills its worker is found, and the cluster lives."""
    with pytest.raises(dn.ChunkError, match=r"'t' at time 60:65, level 0:4 kills every worker"):
        dn.adapt(data(tmp_path / "a", bad=12, how="die"), over="time")
    assert (dn.adapt(data(tmp_path / "b"), over="time").count == 5 * N).all()
