"""Checkpoints: a resumed run reads only what is missing and returns the same bits."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.marked_chunks import (
    ALWAYS,
    count_all_loads,
    count_loads,
    make_marked_frame,
    make_values,
    mark_loads,
)
from support.optional import import_optional, needs
from support.store_contents import count_finished_shards

import dasknorm as dn
from dasknorm.api import shards
from dasknorm.errors import ChunkError, MismatchError, StatsFileError

pytest.importorskip("h5netcdf")
dd = import_optional("dask.dataframe")
BLOCK = make_values(240, 3)
CHUNKS = (10, 3)  # 24 of them, of which two are read for each shard's state


def fresh(folder: Path, data: Any, **settings: Any) -> dn.Stats:
    """Return the statistics of an undisturbed run with a checkpoint."""
    return dn.adapt(data, checkpoint=folder / "undisturbed.nc", **settings)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dn.Stats:
    """Return the statistics of an undisturbed run over the block, made once for all tests."""
    return fresh(tmp_path_factory.mktemp("undisturbed"), da.from_array(BLOCK, CHUNKS))


# -- going on -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".json"])
@pytest.mark.parametrize("where", [0, 7, 12, 23])
def test_an_interrupted_run_goes_on(
    tmp_path: Path, undisturbed: dn.Stats, where: int, suffix: str
) -> None:
    """A run that fails at some chunk goes on from there, and ends with the same bits."""
    path, marks = tmp_path / f"c{suffix}", tmp_path / "marks"
    marks.mkdir()
    x = mark_loads(BLOCK, CHUNKS, marks, where=[where], times=1)
    with dask.config.set(scheduler="synchronous"):
        with pytest.raises(ChunkError):
            dn.adapt(x, checkpoint=path, retries=0)
        before, saved = count_loads(marks), count_finished_shards(path)
        stats = dn.adapt(x, checkpoint=path, retries=0)
    again = {chunk for chunk, count in count_loads(marks).items() if count > 1}
    count = shards.shard_count(shards_of(x), checkpointed=True)
    assert saved == where * count // 24
    assert again <= set(before)
    assert len(again) <= -(-24 // count)  # of one shard
    assert len(count_loads(marks)) == 24
    assert stats == undisturbed


def shards_of(x: Any) -> Any:
    """Return the work of adapting to an array."""
    field = dn.fields.Field(x, (-2, -1), features=(-1,), statistic=dn.Moments())
    return {None: field.summarize((-1,))}


def test_a_finished_run_is_read_from_its_checkpoint(tmp_path: Path) -> None:
    """With all shards done nothing is read, and the same comes out."""
    marks = tmp_path / "marks"
    marks.mkdir()
    x = mark_loads(BLOCK, CHUNKS, marks)
    first = dn.adapt(x, checkpoint=tmp_path / "c.nc")
    assert count_all_loads(marks) == 24
    assert dn.adapt(x, checkpoint=tmp_path / "c.nc") == first
    assert count_all_loads(marks) == 24


def test_a_checkpoint_is_within_the_laws(tmp_path: Path) -> None:
    """Merged shards equal statistics without shards, up to the last digits."""
    x = da.from_array(BLOCK, CHUNKS)
    stats, plain = fresh(tmp_path, x), dn.adapt(x)
    np.testing.assert_allclose(stats.mean, plain.mean, rtol=1e-15)
    np.testing.assert_allclose(stats.variance, plain.variance, rtol=4e-15)
    assert count_finished_shards(tmp_path / "undisturbed.nc") > 5


JOB = """
import sys
import dasknorm as dn
from support.marked_chunks import mark_loads, make_values
x = mark_loads(make_values(240, 3), (10, 3), sys.argv[1], wait=0.01)
dn.adapt(x, checkpoint=sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.parametrize("reads", [3, 15])
def test_a_killed_run_goes_on_in_another_process(
    tmp_path: Path, undisturbed: dn.Stats, reads: int
) -> None:
    """A process killed at any time leaves a whole checkpoint, from which another goes on."""
    path, marks = tmp_path / "c.nc", tmp_path / "marks"
    marks.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", JOB, marks, path], env=environment)
    while count_all_loads(marks) < reads and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    count_finished_shards(path)  # whole
    stats = dn.adapt(mark_loads(BLOCK, CHUNKS, marks, wait=0.01), checkpoint=path)
    assert len(count_loads(marks)) == 24
    assert 24 <= count_all_loads(marks) <= 28
    assert stats == undisturbed


# -- whatever is adapted to -----------------------------------------------------------------------


def dataset(marks: Path, **how: Any) -> xr.Dataset:
    """Return variables of different dimensions, one of them in memory."""
    return xr.Dataset(
        {
            "t": (("time", "x"), mark_loads(BLOCK, CHUNKS, marks, "t", **how)),
            "p": (("time",), mark_loads(BLOCK[:, 0], 30, marks, "p")),
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
    assert count_finished_shards(tmp_path / "c.nc") > 0
    stats = dn.adapt(data, over="time", weights=weights, checkpoint=tmp_path / "c.nc")
    other = tmp_path / "other"
    other.mkdir()
    assert stats == fresh(tmp_path, dataset(other), over="time", weights=weights)
    for name, variable in stats.mean.data_vars.items():
        expected = data[name].weighted(weights).mean("time")
        np.testing.assert_allclose(variable, expected.compute(), rtol=1e-12)


def test_a_variable_that_merges_nothing(tmp_path: Path) -> None:
    """A variable all of whose dimensions are kept is done as a whole."""
    data = xr.Dataset(
        {
            "t": (("x", "time"), da.from_array(np.tile(BLOCK.T, 20), (1, 40))),
            "h": (("x",), da.from_array(BLOCK[0], 1)),
        }
    )
    stats = dn.adapt(data, keep="x", checkpoint=tmp_path / "c.nc")
    assert count_finished_shards(tmp_path / "c.nc") > 1
    np.testing.assert_array_equal(stats.mean["h"], BLOCK[0])
    np.testing.assert_allclose(stats.mean["t"], BLOCK.mean(axis=0), rtol=1e-14)


@needs("pyarrow")
def test_a_frame_goes_on(tmp_path: Path) -> None:
    """A frame goes on partition by partition."""
    marks = tmp_path / "marks"
    marks.mkdir()
    table = make_marked_frame(BLOCK, marks, [40], times=1)
    with pytest.raises(ChunkError, match="partition 40"):
        dn.adapt(table, checkpoint=tmp_path / "c.json", retries=0)
    result = count_finished_shards(tmp_path / "c.json")
    assert result == 40 * shards.CHECKPOINT_SHARDS // 60
    stats = dn.adapt(table, checkpoint=tmp_path / "c.json")
    assert 60 <= count_all_loads(marks) <= 64
    np.testing.assert_allclose(stats.mean, BLOCK.mean(axis=0), rtol=1e-14)


def test_data_in_memory(tmp_path: Path) -> None:
    """Data in memory are one shard, and are identified by their content."""
    first = dn.adapt(BLOCK, checkpoint=tmp_path / "c.nc")
    assert dn.adapt(BLOCK.copy(), checkpoint=tmp_path / "c.nc") == first == dn.adapt(BLOCK)
    with pytest.raises(MismatchError, match="different call: the data differ"):
        dn.adapt(BLOCK + 1, checkpoint=tmp_path / "c.nc")
    table = pd.DataFrame(BLOCK, columns=list("abc"))
    assert dn.adapt(table, checkpoint=tmp_path / "t.nc") == dn.adapt(table)


# -- other work is refused ------------------------------------------------------------------------

X = da.from_array(BLOCK, CHUNKS)
OTHER: dict[str, tuple[Any, dict[str, Any], str]] = {
    "data": (da.from_array(BLOCK + 1, CHUNKS), {}, "the data differ"),
    "chunks": (
        X.rechunk((20, 3)),
        {},
        "the number of shards in it: 24, and now: 12; the data differ",
    ),
    "weights": (X, {"weights": BLOCK[:, :1]}, "the weights differ"),
    "statistic": (
        X,
        {"statistic": dn.Moments(ddof=1)},
        r"the statistic in it: Moments\(\), and now: Moments\(ddof=1\)",
    ),
    "dimensions": (
        X,
        {"keep": ()},
        r"the reduced dimensions in it: \['-2'\], and now: \['-2', '-1'\]",
    ),
}


@pytest.mark.parametrize("what", OTHER)
def test_other_work_is_refused(tmp_path: Path, what: str) -> None:
    """A checkpoint of other work raises an error with the differences, and stays unchanged."""
    path = tmp_path / "c.json"
    dn.adapt(X, checkpoint=path)
    before = path.read_bytes()
    data, settings, message = OTHER[what]
    with pytest.raises(MismatchError, match=f"belongs to a different call: {message}"):
        dn.adapt(data, checkpoint=path, **settings)
    assert path.read_bytes() == before


def test_other_variables_are_refused(tmp_path: Path) -> None:
    """One variable less, or more, is other work."""
    both = xr.Dataset({"t": (("time", "x"), X), "u": (("time", "x"), X + 1)})
    dn.adapt(both, over="time", checkpoint=tmp_path / "both.nc")
    dn.adapt(both[["t"]], over="time", checkpoint=tmp_path / "one.nc")
    for data, name in [(both[["t"]], "both.nc"), (both, "one.nc")]:
        with pytest.raises(MismatchError, match=r"its variables are 't'.*, and now 't'"):
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
    """A bad path for the checkpoint raises an error before any chunk is read."""
    marks = tmp_path / "marks"
    marks.mkdir()
    x = mark_loads(BLOCK, CHUNKS, marks)
    with pytest.raises(ValueError, match=r".nc, .zarr or .json"):
        dn.adapt(x, checkpoint=tmp_path / "c.csv")
    with pytest.raises(FileNotFoundError):
        dn.adapt(x, checkpoint=tmp_path / "nowhere" / "c.nc")
    assert count_all_loads(marks) == 0


def test_a_checkpoint_of_nothing_binds_nobody(tmp_path: Path) -> None:
    """A run that failed before its first shard leaves the path free for other work."""
    marks = tmp_path / "marks"
    marks.mkdir()
    with pytest.raises(ChunkError):
        dn.adapt(
            mark_loads(BLOCK, CHUNKS, marks, where=[0], times=ALWAYS),
            checkpoint=tmp_path / "c.nc",
            retries=0,
        )
    assert count_finished_shards(tmp_path / "c.nc") == 0
    assert dn.adapt(X, checkpoint=tmp_path / "c.nc") == fresh(tmp_path, X)


def test_a_checkpoint_has_the_stored_names_of_statistics(tmp_path: Any) -> None:
    """Work with several statistics that an earlier version began under another name is resumed."""
    data, path = da.arange(40.0, chunks=4), tmp_path / "c.json"
    statistic = dn.Transformed("log1p", dn.MultiStatistic((dn.Moments(), dn.Extrema())))
    stats = dn.adapt(data, statistic, checkpoint=path)
    assert "Transformed(function='log1p', statistic=Several(parts=" in path.read_text()
    assert dn.adapt(data, statistic, checkpoint=path) == stats
