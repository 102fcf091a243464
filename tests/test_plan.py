"""Plans: estimates of the data read, held and sent are compared with real runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from dask.callbacks import Callback
from support.marked_chunks import (
    count_all_loads,
    count_loads,
    make_marked_frame,
    make_values,
    mark_loads,
)
from support.memory import measure_peak
from support.optional import needs

import dasknorm as dn
from dasknorm.api import plan as plans
from dasknorm.api import shards
from dasknorm.chunks.progress import track_progress

BLOCK = make_values(240, 3)


class Tasks(Callback):
    """Count the tasks that Dask's threads run."""

    def __init__(self) -> None:
        self.count = 0

    def _pretask(self, *_: Any) -> None:
        self.count += 1


def dataset(marks: Path) -> xr.Dataset:
    one = mark_loads(BLOCK, (10, 3), marks, "one")
    two = mark_loads(BLOCK.astype("f4"), (40, 1), marks, "two")
    return xr.Dataset({"one": (("t", "c"), one), "two": (("t", "c"), two)})


WORK: dict[str, tuple[Callable[[Path], Any], dict[str, Any]]] = {
    "array": (lambda p: mark_loads(BLOCK, (10, 3), p), {}),
    "many chunks": (lambda p: mark_loads(make_values(3000), 10, p), {}),
    "kept and cut": (lambda p: mark_loads(BLOCK, (10, 1), p), {}),
    "weighted": (lambda p: mark_loads(BLOCK, (10, 3), p), {"weights": abs(BLOCK[:, :1])}),
    "recut": (lambda p: mark_loads(BLOCK, (10, 3), p).rechunk((16, 2)), {}),
    "dataset": (dataset, {"over": "t"}),
    "grid": (lambda p: mark_loads(make_values(24, 60, 60), (1, 60, 60), p), {"keep": (1, 2)}),
}


@pytest.mark.parametrize("what", WORK)
def test_a_plan_is_what_happens(tmp_path: Path, what: str) -> None:
    """Bytes, chunks, tasks and the state's size are those of the run; planning reads nothing."""
    make, settings = WORK[what]
    data = make(tmp_path)
    with dask.config.set(scheduler="threads", num_workers=2):
        plan = dn.plan(data, **settings)
        assert count_all_loads(tmp_path) == 0
        with Tasks() as counter, track_progress("adapt") as meter:
            stats = dn.adapt(data, progress=meter, **settings)
    assert set(count_loads(tmp_path).values()) == {1}
    assert (plan.bytes, plan.chunks) == (meter.bytes, meter.chunks)
    assert plan.tasks == counter.count
    assert plan.state_bytes == sum(state.data.nbytes for state in stats.states.values())
    assert (plan.threads, plan.shards) == (2, 1)


@needs("pyarrow")
def test_a_plan_of_a_frame(tmp_path: Path) -> None:
    """The plan of a DataFrame has its partitions, and not the bytes in them."""
    table = make_marked_frame(BLOCK, tmp_path)
    plan = dn.plan(table)
    assert (plan.bytes, plan.chunks, plan.state_bytes) == (None, 60, 3 * 48)
    with Tasks() as counter, dask.config.set(scheduler="threads"):
        assert count_all_loads(tmp_path) == 0
        dn.adapt(table)
    assert counter.count == plan.tasks
    assert count_all_loads(tmp_path) == 60


def test_a_plan_of_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that is too much for one graph is planned as several, the tasks of all of them."""
    monkeypatch.setattr(shards, "MAX_CHUNKS", 5)
    x = mark_loads(BLOCK, (10, 3), tmp_path)
    plan = dn.plan(x)
    with Tasks() as counter, dask.config.set(scheduler="threads"):
        dn.adapt(x)
    assert (plan.shards, plan.chunks, plan.tasks) == (5, 24, counter.count)


def test_a_plan_of_data_in_memory() -> None:
    """Data in memory need no task and no chunk."""
    plan = dn.plan(BLOCK)
    assert (plan.bytes, plan.chunks, plan.tasks) == (BLOCK.nbytes, 0, 0)
    assert plan.fits


def test_a_plan_of_what_a_cluster_holds(client: Any) -> None:
    """A plan uses the cluster's threads and memory, and persisted data need no reading."""
    x = client.persist(da.from_array(BLOCK, (10, 3)))
    plan = dn.plan(x)
    limits = [item["memory_limit"] for item in client.scheduler_info()["workers"].values()]
    assert (plan.threads, plan.memory_bytes) == (2, min(limits))
    assert plan.chunks == 24
    assert plan.tasks >= 24


def test_a_plan_of_groups_that_a_cluster_holds(client: Any) -> None:
    """A plan of a climatology works, too, for an array that a cluster holds."""
    x = client.persist(da.from_array(BLOCK, (10, 3)))
    times = np.datetime64("2001-01-01") + np.arange(240)
    plan = dn.plan(xr.DataArray(x, {"time": times}, ("time", "c")), over="time", by="time.month")
    assert plan.chunks == 24
    assert plan.tasks >= 24


def test_what_does_not_fit_is_said() -> None:
    """Chunks or a state larger than a worker's memory give a warning with a remedy."""
    slices = da.zeros((4, 10**6, 10**6), chunks=(1, -1, -1))  # of 8 TB
    rows = da.zeros((4, 10**6, 10**6), chunks=(1, 10**4, -1))  # with states of 48 TB in all
    for x, keep in [(slices, ()), (rows, (1, 2))]:
        plan = dn.plan(x, keep=keep)
        assert not plan.fits
        assert "a worker is expected to use" in plan.warning
        assert "give workers fewer threads or more memory, use smaller chunks" in plan.warning
        assert f"warning: {plan.warning}" in plan.lines()
    small = dn.plan(da.zeros((100, 100), chunks=10))
    assert small.fits
    assert small.warning == ""
    assert not any("warning" in line for line in small.lines())


def test_a_worker_that_is_too_small() -> None:
    """A plan looks at the smallest memory of all workers, and leaves a fifth of it free."""
    plan = plans.Plan(10, 1, 1, 1, 1, 1, peak_bytes=800, memory_bytes=1000)
    assert plan.fits
    assert not plans.Plan(10, 1, 1, 1, 1, 1, peak_bytes=801, memory_bytes=1000).fits
    assert plans.Plan(10, 1, 1, 1, 1, 1, peak_bytes=801, memory_bytes=0).fits


def test_the_peak_is_near_what_is_held() -> None:
    """The peak memory of a run, over all its threads, is at most 1.5 times the estimate."""
    x = da.random.default_rng(0).normal(size=(24, 400, 500), chunks=(1, 400, 500))
    with dask.config.set(scheduler="threads", num_workers=2):
        dn.adapt(x[:2], keep=(1, 2))  # what is imported and compiled once
        plan = dn.plan(x, keep=(1, 2))
        peak, _ = measure_peak(lambda: dn.adapt(x, keep=(1, 2)))
    expected = plan.peak_bytes - plans.PROCESS_BYTES
    assert peak <= 1.5 * expected


def test_a_plan_in_words() -> None:
    """A plan is read as a few lines."""
    text = repr(dn.plan(da.zeros((1000, 100), chunks=(10, 100))))
    assert text.startswith("dasknorm.Plan\n  reads   800.0 kB in 100 chunks, each once\n  tasks   ")
    assert "state   4.8 kB" in text
