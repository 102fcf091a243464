"""Statistics as wide as the data: kept at every point, on a worker with room for a few chunks.

``python -m benchmarks.fresh wide NAME CHUNKS`` is one contestant, which answers in JSON.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

import dasknorm as dn
from benchmarks.clusters import cluster, workers_peak
from benchmarks.fresh import ask
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table

__all__ = ["run"]

POINTS = 5_000_000
MEMORY = "1GiB"
LIMIT = 600
PATIENCE, PATIENCE_A_CHUNK = 30.0, 2.0
"""Seconds before a contestant is given up."""
MIB = 1.048576
"""Megabytes."""
DONE = "done"
OURS = "dasknorm"

CONTESTANTS: dict[str, Callable[[xr.DataArray], Any]] = {
    OURS: lambda x: dn.adapt(x, over="time"),
    "Dask var": lambda x: x.data.var(0).compute(),
}


def points(block_id: tuple[int, ...]) -> np.ndarray:
    """Make one time step."""
    rng = np.random.default_rng(block_id[0])
    return rng.standard_normal((1, POINTS), dtype="f4") * 3 + 280


def array(count: int) -> xr.DataArray:
    """Return an array of time steps, each made by a task of its own."""
    lengths = ((1,) * count, (POINTS,))
    made = da.map_blocks(points, chunks=lengths, dtype="f4", meta=np.empty((0, 0), "f4"))
    return xr.DataArray(made, dims=("time", "point"))


def measure(name: str, count: str) -> dict[str, Any]:
    """Run one contestant on a cluster of one small worker: how it ended, its seconds and peak."""
    with cluster(1, MEMORY) as client:
        before = client.run(os.getpid)
        start = time.perf_counter()
        ended = _outcome(
            partial(CONTESTANTS[name], array(int(count))), PATIENCE + PATIENCE_A_CHUNK * int(count)
        )
        seconds = time.perf_counter() - start
        if ended is None:
            states = [w["status"] for w in client.scheduler_info()["workers"].values()]
            ended = f"worker {states[0] if states else 'killed'}, given up"
        same = ended == DONE and client.run(os.getpid) == before
        return {"ended": ended, "s": seconds, "peak": workers_peak(client) if same else None}


def _outcome(call: Callable[[], Any], patience: float) -> str | None:
    """Run a call in a thread; say how it ended, or nothing if it has not after some seconds."""
    ended: list[str] = []

    def attempt() -> None:
        try:
            call()
        except Exception as error:
            ended.append("worker killed" if "KilledWorker" in repr(error) else repr(error)[:80])
        else:
            ended.append(DONE)

    thread = Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(patience)
    return ended[0] if ended else None


# -- all of them ----------------------------------------------------------------------------------


def run(count: float) -> Report:
    """Measure this many time steps."""
    count = int(count)
    ends = {name: ask("wide", name, count) for name in CONTESTANTS}
    rows = [
        [name, end["ended"], f"{end['s']:.1f}", f"{end['peak'] / MIB:.0f}" if end["peak"] else ""]
        for name, end in ends.items()
    ]
    peak = ends[OURS]["peak"]
    got = f"{peak / MIB:.0f} MiB" if peak else ends[OURS]["ended"]
    reached = [Aim(OURS, f"done, under {LIMIT} MiB", got, bool(peak and peak / MIB < LIMIT))]
    lead = (
        f"{describe()} {count} time steps of {POINTS:,} float32 points, each made by a task; a "
        f"LocalCluster of one worker with a thread and {MEMORY}."
    )
    head = ["", "ended", "s", "peak MiB of the worker"]
    return Report("\n\n".join([lead, aims(reached), table(head, rows)]))
