"""Scale: what one graph of Dask's bears, what shards take instead, and what that makes of 10 PB.

``python -m benchmarks.fresh scale WHAT NUMBER`` is one measurement, which answers in JSON.
"""

import math
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import cloudpickle
import dask.array as da
import numpy as np
import xarray as xr

import dasknorm as dn
from benchmarks.clusters import cluster
from benchmarks.fresh import Figures, ask, peak_megabytes, spent
from benchmarks.graphs import tasks
from benchmarks.machine import describe
from benchmarks.report import Report, table
from dasknorm.api.request import Request
from dasknorm.api.shards import MAX_CHUNKS, shard, shard_count
from dasknorm.chunks import Reduction
from dasknorm.chunks.graph import TASK_READ_BYTES, group_sizes, make_assembly
from dasknorm.fields import States
from dasknorm.statistics import Moments
from dasknorm.statistics.base import Reducer

__all__ = ["run"]

GRID = (721, 1440)
DIMS = ("time", "lat", "lon")
NUMBERS = 1000
ONE, SHARDS, STORE, DASK = "one graph", "in shards", "one graph, of a Zarr store", "Dask mean + var"
STREAMED, TASKS, DASK_TASKS = "chunks streamed", "a task for each chunk", "a task of Dask's own"
ON_CLUSTER = {STREAMED: 50, TASKS: 200, DASK_TASKS: 200}
"""Of so many chunks one is run on a cluster, and at least so many."""
IN_STORE = 100_000
PATIENCE = 60.0
"""Seconds beyond which Dask's own graph is not built: known from that of a tenth of the chunks."""


# -- one measurement, in a process of its own ---------------------------------------------------


def measure(what: str, number: str) -> Figures:
    """Measure one thing over this many chunks, or tasks."""
    count = int(number)
    if what in (STREAMED, TASKS, DASK_TASKS):
        return _on_cluster(what, count)
    with _steps(what, count) as x:
        before = peak_megabytes()
        if what == DASK:
            return _figures(before, partial(tasks, (x.data.mean(), x.data.var())))
        states = Request(over=DIMS).prepare(x).states
        return _sizes(before, states, shard_count(states, False) if what == SHARDS else 1)


def _sizes(before: float, states: States, count: int) -> Figures:
    """Assemble each shard, and drop it before the next; what is sent, and its packing, is extra."""
    found: Figures = dict.fromkeys(("tasks", "cpu", "peak", "sent"), 0.0)
    for number in range(count):
        graph: dict[Any, Any] = {}
        once = _figures(before, partial(_assemble, states, number, count, graph))
        found["sent"] += len(cloudpickle.dumps(graph))
        found["tasks"] += once["tasks"]
        found["cpu"] += once["cpu"]
        found["peak"] = max(found["peak"], once["peak"])
    return found


def _assemble(states: States, number: int, count: int, graph: dict[Any, Any]) -> int:
    part = [reduction for _, reduction in shard(states, number, count)]
    graph.update(make_assembly(part).graph)
    return len(graph)


def _figures(before: float, build: Callable[[], int]) -> Figures:
    count: list[int] = []
    _, cpu = spent(lambda: count.append(build()))
    return {"tasks": count[0], "cpu": cpu, "peak": peak_megabytes() - before}


@contextmanager
def _steps(what: str, count: int) -> Iterator[xr.DataArray]:
    """Yield time steps of a quarter-degree grid, a chunk each; none is ever read."""
    if what != STORE:
        made = da.map_blocks(
            _step, chunks=((1,) * count, *((n,) for n in GRID)), dtype="f4", meta=np.empty(())
        )
        yield xr.DataArray(made, dims=DIMS)
        return
    import zarr

    with tempfile.TemporaryDirectory() as folder:
        group = zarr.open_group(folder, mode="w")
        shape = {"shape": (count, *GRID), "chunks": (1, *GRID)}
        group.create_array("t", dtype="f4", dimension_names=DIMS, **shape)
        yield xr.open_zarr(folder, consolidated=False, chunks={"time": 1})["t"]


def _step(block_id: tuple[int, ...]) -> np.ndarray:
    return np.full((1, *GRID), block_id[0], "f4")


def _on_cluster(what: str, count: int) -> Figures:
    """Return the CPU seconds of client and scheduler, for chunks that are next to no work."""
    chunks = ((1,) * count, (NUMBERS,))
    x = da.map_blocks(_numbers, chunks=chunks, dtype="f8", meta=np.empty((0, 0)))
    calls: dict[str, Callable[[], Any]] = {
        STREAMED: lambda: dn.adapt(x, over=(0, 1)),
        TASKS: lambda: dn.adapt(x, over=1),  # nothing to merge, so nothing to stream
        DASK_TASKS: lambda: x.sum(1).compute(),
    }
    with cluster(2), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sending large graph")
        dn.adapt(x[:50], over=1)
        return {"cpu": spent(calls[what])[1]}


def _numbers(block_id: tuple[int, ...]) -> np.ndarray:
    return np.arange(block_id[0], block_id[0] + NUMBERS, dtype="f8")[None]


# -- all of them --------------------------------------------------------------------------------


def run(most: float) -> Report:
    """Measure graphs of a thousand chunks, and ten times more, up to this many."""
    sizes = [10**power for power in range(3, round(math.log10(most)) + 1)]
    found = {(ONE, size): ask("scale", ONE, size) for size in sizes}
    found |= {(SHARDS, size): ask("scale", SHARDS, size) for size in sizes if size > MAX_CHUNKS}
    if most >= IN_STORE:
        found[STORE, IN_STORE] = ask("scale", STORE, IN_STORE)
    last = 0.0
    for size in sizes:
        if 10 * last <= PATIENCE:
            found[DASK, size] = ask("scale", DASK, size)
            last = found[DASK, size]["cpu"]
    lead = (
        f"{describe()} Each row in a fresh process. Chunks are time steps of {GRID[0]} x {GRID[1]} "
        "float32 that are never read; those of the Zarr store have no files. MB is what the "
        "process held at most beyond its imports and the array; sent is the pickled graph."
    )
    skipped = [size for size in sizes if (DASK, size) not in found]
    if skipped:
        lead += (
            f" Dask's own graph of {skipped[0]:,} chunks was not built: it would take more than "
            f"{PATIENCE:.0f} s, ten times what a tenth of it took."
        )
    sent = found[ONE, sizes[-1]]["sent"] / sizes[-1]
    return Report("\n\n".join([lead, _graphs(found), *_overheads(most, sent)]), page="scale.md")


def _graphs(found: dict[tuple[str, int], Figures]) -> str:
    rows = [
        [
            what,
            f"{size:,}",
            f"{f['tasks']:,.0f}",
            f"{f['cpu']:.2f}",
            f"{f['cpu'] / size * 1e6:.0f}",
            f"{f['peak']:.0f}",
            f"{f['sent'] / 1e6:.1f}" if "sent" in f else "",
        ]
        for (what, size), f in found.items()
    ]
    head = ["", "chunks", "tasks", "CPU s", "µs a chunk", "MB", "MB sent"]
    return table(head, rows)


def _overheads(most: float, sent: float) -> Iterator[str]:
    numbers = {what: max(share, round(most / share)) for what, share in ON_CLUSTER.items()}
    found = {what: ask("scale", what, number) for what, number in numbers.items()}
    cpu = {what: figures["cpu"] / numbers[what] for what, figures in found.items()}
    yield (
        "**Client and scheduler**: CPU of the process that holds both, under a LocalCluster of "
        f"two workers with a thread each, of chunks of {NUMBERS:,} numbers. The first row is a "
        "chunk in a task with many others, from the building of the graph to the result."
    )
    rows = [[what, f"{numbers[what]:,}", f"{each * 1e6:.0f}"] for what, each in cpu.items()]
    yield table(["", "chunks", "CPU µs each"], rows)
    task = max(cpu[TASKS] - cpu[STREAMED], 1e-6)
    yield (
        f"**What that makes of large data**, at {cpu[STREAMED] * 1e6:.0f} µs a chunk and "
        f"{task * 1e6:.0f} µs a task, the difference of the first two rows: one scheduler hands "
        f"out {1 / task:,.0f} tasks, or {TASK_READ_BYTES / task / 1e9:.0f} GB, a second. In hours; "
        f"float32, everything merged; jobs of at most {JOB:,} chunks; each worker is taken to read "
        f"{RATE} MB/s."
    )
    yield table(*_large(_Costs(cpu[STREAMED], task, sent)))


# -- 10 PB, computed ----------------------------------------------------------------------------

RATE = 200
JOB = 1_000_000
AT_A_TIME = (1, 10)
WORKERS = (100, 1000)
DATA = {
    # name: (bytes, chunks)
    "ERA5, 11 variables, 18.6 TB": (18.6e12, 594_616),
    "10 PB in chunks of 16 MB": (1e16, 625_000_000),
    "10 PB in chunks of 64 MB": (1e16, 156_250_000),
}


@dataclass(frozen=True)
class _Costs:
    """What was measured: seconds for a chunk, and for a task; bytes sent for a chunk."""

    chunk: float
    task: float
    sent: float


def _large(costs: _Costs) -> tuple[list[str], list[list[str]]]:
    head = ["", "chunks", "jobs", "tasks", "GB sent", "client", "scheduler"]
    head += [f"reading by {n:,} workers" for n in WORKERS]
    head += [f"{jobs} at a time, {n:,} workers" for jobs in AT_A_TIME for n in WORKERS]
    return head, [[name, *_row(costs, *data)] for name, data in DATA.items()]


def _row(costs: _Costs, nbytes: float, chunks: int) -> list[str]:
    jobs, number = math.ceil(chunks / JOB), round(chunks * _tasks_a_chunk(nbytes / chunks))
    client, scheduler = chunks * costs.chunk / 3600, number * costs.task / 3600
    reading = [nbytes / (n * RATE * 1e6) / 3600 for n in WORKERS]
    # A graph is built while no worker of its job reads; the scheduler works beside them.
    whole = [
        client / min(jobs, some) + max(hours, scheduler / min(jobs, some))
        for some in AT_A_TIME
        for hours in reading
    ]
    counts = [f"{chunks:,}", f"{jobs:,}", f"{number:,}", f"{chunks * costs.sent / 1e9:.1f}"]
    hours = [client, scheduler, *reading, *whole]
    return counts + [f"{each:.2f}" if each < 10 else f"{each:.0f}" for each in hours]


def _tasks_a_chunk(nbytes: float) -> float:
    """Return how many tasks there are for a chunk of so many bytes, in a graph that is full."""
    data = da.zeros((MAX_CHUNKS, round(nbytes / 4)), chunks=(1, -1), dtype="f4")
    level = len(group_sizes(Reduction(data, Reducer(Moments(), (0, 1))), MAX_CHUNKS, 1))
    count = level
    while level > 1:
        level = math.ceil(level / 32)
        count += level
    return count / MAX_CHUNKS
