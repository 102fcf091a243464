"""Estimate what `adapt` will read and how much memory it needs (`plan`, `Plan`).

Used by `dasknorm` and `cli`. The estimate of one graph is that of `chunks.costs`.
"""

import math
import os
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from dasknorm.api import shards
from dasknorm.api.request import Request
from dasknorm.chunks import Cost, cluster, estimate_cost, thread_count
from dasknorm.chunks.progress import format_bytes
from dasknorm.containers.batches import check_single
from dasknorm.containers.per_variable import StatisticSpec
from dasknorm.fields import Axes, States
from dasknorm.fields.lags import Lag
from dasknorm.fields.selection import Selection

PROCESS_BYTES = 250_000_000
"""Memory of a process that has imported NumPy, Dask, Numba and xarray, before it reads data."""


@dataclass(frozen=True)
class Plan:
    """The estimated cost of `adapt`. Sizes are in memory, not compressed on disk.

    Parameters
    ----------
    bytes : int or None
        Bytes to read; None if unknown, as for Dask DataFrames.
    chunks : int
        Chunks to load, each once.
    tasks : int
        Tasks of Dask's scheduler: groups of chunks, merges, and what chunks share.
    shards : int
        Graphs, which run one after the other.
    state_bytes : int
        Size of the statistics; with ``by=``, per group.
    threads : int
        Tasks that run at the same time, on all workers together.
    peak_bytes : int
        Largest expected memory use of a worker, with `PROCESS_BYTES` for the process itself.
    memory_bytes : int
        Memory limit of a worker, or the memory of this machine; 0 if unknown.
    grouped : bool
        Whether there is a state per group, with an unknown number of groups.
    """

    bytes: int | None
    chunks: int
    tasks: int
    shards: int
    state_bytes: int
    threads: int
    peak_bytes: int
    memory_bytes: int
    grouped: bool = False

    @property
    def fits(self) -> bool:
        """Whether the memory suffices, with a fifth to spare (Dask pauses a worker at 80 %)."""
        return not self.memory_bytes or self.peak_bytes <= 0.8 * self.memory_bytes

    @property
    def warning(self) -> str:
        """Advice if the memory does not suffice; otherwise empty."""
        if self.fits:
            return ""
        return (
            f"a worker is expected to use {format_bytes(self.peak_bytes)}, with a limit of "
            f"{format_bytes(self.memory_bytes)}: give workers fewer threads or more memory, use "
            "smaller chunks, or keep fewer dimensions"
        )

    def lines(self) -> list[str]:
        """Return the plan as text, one line per resource."""
        memory = f"{format_bytes(self.peak_bytes)} expected in each worker"
        if self.memory_bytes:
            memory += f", of {format_bytes(self.memory_bytes)}"
        size = "an unknown size" if self.bytes is None else format_bytes(self.bytes)
        lines = [
            f"reads   {size} in {self.chunks:,} chunks, each once",
            f"tasks   {self.tasks:,} for {self.threads:,} threads, in {self.shards:,} "
            f"{'graph' if self.shards == 1 else 'graphs'}",
            f"state   {format_bytes(self.state_bytes)}{' per group' if self.grouped else ''}",
            f"memory  {memory}",
        ]
        return lines + ([f"warning: {self.warning}"] if self.warning else [])

    def __repr__(self) -> str:
        return "\n".join(["dasknorm.Plan", *(f"  {line}" for line in self.lines())])


def plan(
    data: object,
    statistic: StatisticSpec = None,
    *,
    keep: Axes = None,
    over: Axes = None,
    columns: Hashable | Sequence[Hashable] | None = None,
    by: Hashable | Sequence[Hashable] | None = None,
    weights: object = None,
    where: object = None,
    lag: Lag = None,
) -> Plan:
    """Estimate the data read, memory used and tasks sent by `adapt`, without reading any data.

    The graph is built as `adapt` builds it, to count its tasks. The workers are those of the
    current Dask client, or the threads of this process.

    Parameters
    ----------
    data, statistic, keep, over, columns, by, weights, where, lag
        See `adapt`.

    Returns
    -------
    Plan

    Raises
    ------
    TypeError, ValueError, MismatchError
        See `adapt`.

    Examples
    --------
    >>> import dask.array as da
    >>> import dasknorm as dn
    >>> estimate = dn.plan(da.zeros((1000, 100), chunks=(10, 100)))
    >>> estimate.bytes, estimate.chunks, estimate.state_bytes
    (800000, 100, 4800)
    """
    check_single(data, "plan")
    selection = Selection.from_arguments(columns, by)
    request = Request(statistic, keep, over, selection, weights, where, lag)
    return _estimate(request.prepare(data).states)


def _estimate(work: States) -> Plan:
    """Return the plan of states that are still to be computed."""
    reductions = [state.data for state in work.values()]
    count = shards.shard_count(work, checkpointed=False)
    size = float(sum(reduction.nbytes for reduction in reductions))
    costs = [estimate_cost(list(dict(shards.shard(work, i, count)).values())) for i in range(count)]
    workers, threads_per_worker, memory = _workers()
    largest = max(costs, key=lambda shard_cost: shard_cost.task_bytes, default=Cost())
    merging = max(2, largest.unmerged_states / workers) if largest.unmerged_states else 0
    used = (
        threads_per_worker * largest.task_bytes
        + merging * largest.state_bytes
        + 2 * largest.combined_bytes / workers  # one by one, and then as one array
    )
    return Plan(
        bytes=None if math.isnan(size) else int(size),
        chunks=sum(reduction.chunk_count for reduction in reductions),
        tasks=sum(shard_cost.tasks for shard_cost in costs),
        shards=count,
        state_bytes=int(sum(reduction.record_bytes for reduction in reductions)),
        threads=thread_count(),
        peak_bytes=int(PROCESS_BYTES + used),
        memory_bytes=memory,
        grouped=any(r.is_grouped and not r.is_positioned for r in reductions),
    )


def _workers() -> tuple[int, int, int]:
    """Return the number of workers, the most threads and the least memory that one has."""
    client = cluster.get_client()
    workers = client.scheduler_info(n_workers=-1)["workers"].values() if client else []
    if workers:
        limits = [worker["memory_limit"] for worker in workers if worker["memory_limit"]]
        return len(workers), max(worker["nthreads"] for worker in workers), min(limits, default=0)
    names = os.sysconf_names if hasattr(os, "sysconf_names") else {}
    if {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= set(names):
        return 1, thread_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 1, thread_count(), 0
