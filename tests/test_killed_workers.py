"""Chunks that crash their worker, workers that are killed, and Ctrl-C."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from support.marked_chunks import ALWAYS, count_all_loads, count_loads, make_values, mark_loads

import dasknorm as dn
from dasknorm.chunks import graph
from dasknorm.errors import ChunkError

BLOCK = make_values(24, 3)

# -- chunks that kill -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mortal() -> Iterator[Any]:
    """Run a cluster that blames a task for the second death, and is patient with restarts."""
    distributed = pytest.importorskip("distributed")
    settings = {
        "distributed.scheduler.allowed-failures": 1,
        "distributed.deploy.lost-worker-timeout": "120s",
    }
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


KILLERS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "in a group": (
        lambda p: mark_loads(BLOCK, (1, 3), p, where=[14], times=ALWAYS, kill=True, wait=0.01),
        r"^'t' at time 14:15, c 0:3 kills every worker that reads it",
    ),
    "shared": (
        lambda p: da.diff(mark_loads(BLOCK, (4, 3), p, where=[2], times=ALWAYS, kill=True), axis=0),
        r"^'t' at time 7:12, c 0:3 kills every worker that reads it",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", KILLERS)
def test_a_chunk_that_kills_is_named(
    mortal: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    """A chunk that kills its worker ends in one error that names it, and the cluster goes on."""
    monkeypatch.setattr(graph, "MIN_TASKS", 8)
    make, message = KILLERS[what]
    with pytest.raises(ChunkError, match=message):
        dn.adapt(xr.DataArray(make(tmp_path), dims=("time", "c"), name="t"), over="time")
    stats = dn.adapt(da.from_array(BLOCK, (4, 3)))
    np.testing.assert_allclose(stats.mean, BLOCK.mean(axis=0), rtol=1e-14)


# -- workers that are killed ----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("percent", [20, 50, 90])
def test_a_worker_killed_on_the_way_changes_no_bit(
    mortal: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, percent: int
) -> None:
    """With a worker killed at 20, 50 and 90 %, adapt ends with the bits of an undisturbed run."""
    monkeypatch.setattr(graph, "MIN_TASKS", 16)
    mortal.wait_for_workers(2, timeout=60)
    block = make_values(80, 3)
    undisturbed = dn.adapt(da.from_array(block, (1, 3)))
    workers = set(mortal.run(os.getpid).values())
    marks = tmp_path / "marks"
    marks.mkdir()
    x = mark_loads(block, (1, 3), marks, wait=0.02, kill_at=80 * percent // 100)
    assert dn.adapt(x) == undisturbed
    mortal.wait_for_workers(2, timeout=60)
    assert len(workers - set(mortal.run(os.getpid).values())) == 1
    counts = count_loads(marks)
    assert len(counts) == 80
    assert (
        80 < count_all_loads(marks) <= 160
    )  # the chunks that the killed worker had read were read again


# -- Ctrl-C ---------------------------------------------------------------------------------------

JOB = """
import sys
import dasknorm as dn
from support.marked_chunks import mark_loads, make_values
folder, checkpoint, out = sys.argv[1:]
x = mark_loads(make_values(400, 3), (10, 3), folder, wait=0.02)
dn.adapt(x, checkpoint=checkpoint).save(out)
"""


def test_ctrl_c_leaves_the_checkpoint_whole(tmp_path: Path) -> None:
    """Ctrl-C ends a run at once: no statistics, and a checkpoint from which it goes on."""
    marks, checkpoint, out = tmp_path / "marks", tmp_path / "c.json", tmp_path / "s.json"
    marks.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", JOB, marks, checkpoint, out],
        env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while count_all_loads(marks) < 15 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in stderr
    assert not out.exists()
    assert sorted(os.listdir(tmp_path)) == ["c.json", "marks"]
    x = mark_loads(make_values(400, 3), (10, 3), marks, wait=0.02)
    stats = dn.adapt(x, checkpoint=checkpoint)
    assert 40 <= count_all_loads(marks) <= 42  # a shard is one chunk, or two
    fresh = dn.adapt(
        da.from_array(make_values(400, 3), (10, 3)), checkpoint=tmp_path / "fresh.json"
    )
    assert stats == fresh
