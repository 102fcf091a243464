"""Plan: what a pass over data will read, hold and send, said before anything is read."""

import math
import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from dasknorm.api import shards
from dasknorm.chunks import Cost, cluster, cost, threads
from dasknorm.chunks.progress import size_text
from dasknorm.fields import Field

__all__ = ["Plan", "of"]

PROCESS_BYTES = 250_000_000
"""What a process with Python, NumPy, Dask, Numba and xarray holds before it has read anything."""


@dataclass(frozen=True)
class Plan:
    """What `adapt` would read, hold and send. Bytes are as in memory, not as compressed on disk.

    Parameters
    ----------
    bytes : int or None
        To be read; None if it is not known, as of Dask frames.
    chunks : int
        To be loaded, each once.
    tasks : int
        Of Dask's scheduler: streams of chunks, merges, and what chunks share.
    shards : int
        Graphs, one after the other.
    state_bytes : int
        The size of the statistics; by group, that of one group.
    threads : int
        Tasks at a time, on all workers together.
    peak_bytes : int
        What a worker is expected to hold at most, its own `PROCESS_BYTES` among it.
    memory_bytes : int
        What a worker may hold: its limit, or the memory of this machine. 0 if not known.
    grouped : bool
        Whether there is a state for each group, of which the number is not known.
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
        """Whether a worker has the memory for it, with a fifth to spare (Dask pauses one there)."""
        return not self.memory_bytes or self.peak_bytes <= 0.8 * self.memory_bytes

    @property
    def warning(self) -> str:
        """What to do if it does not fit; else nothing."""
        if self.fits:
            return ""
        return (
            f"a worker is expected to hold {size_text(self.peak_bytes)} and may hold "
            f"{size_text(self.memory_bytes)}: give workers fewer threads or more memory, cut "
            "smaller chunks, or keep fewer positions"
        )

    def lines(self) -> list[str]:
        """Return it all in words, a line for each thing."""
        per_worker = f"{size_text(self.peak_bytes)} expected in each worker"
        if self.memory_bytes:
            per_worker += f", of {size_text(self.memory_bytes)}"
        read = "a size not known" if self.bytes is None else size_text(self.bytes)
        found = [
            f"reads   {read} in {self.chunks:,} chunks, each once",
            f"tasks   {self.tasks:,} for {self.threads:,} threads, in {self.shards:,} graphs",
            f"state   {size_text(self.state_bytes)}{' for each group' if self.grouped else ''}",
            f"memory  {per_worker}",
        ]
        return found + ([f"warning: {self.warning}"] if self.warning else [])

    def __repr__(self) -> str:
        return "\n".join(["dasknorm.Plan", *(f"  {line}" for line in self.lines())])


def of(work: Mapping[Hashable, Field]) -> Plan:
    """Return the plan of states that are still to be computed."""
    reductions = [field.data for field in work.values()]
    count = shards.shard_count(work, checkpointed=False)
    read = float(sum(each.nbytes for each in reductions))
    costs = [cost(list(dict(shards.shard(work, i, count)).values())) for i in range(count)]
    workers, at_a_time, memory = _workers()
    largest = max(costs, key=lambda each: each.task_bytes, default=Cost())
    merging = max(2, largest.waiting / workers) if largest.waiting else 0
    held = (
        at_a_time * largest.task_bytes
        + merging * largest.state_bytes
        + 2 * largest.done_bytes / workers  # one by one, and then as one array
    )
    return Plan(
        bytes=None if math.isnan(read) else int(read),
        chunks=sum(each.chunk_count for each in reductions),
        tasks=sum(each.tasks for each in costs),
        shards=count,
        state_bytes=int(sum(each.record_bytes for each in reductions)),
        threads=threads(),
        peak_bytes=int(PROCESS_BYTES + held),
        memory_bytes=memory,
        grouped=any(each.is_grouped and not each.is_placed for each in reductions),
    )


def _workers() -> tuple[int, int, int]:
    """Return how many workers there are, the most threads of one, and the least memory of one."""
    client = cluster.client()
    workers = client.scheduler_info(n_workers=-1)["workers"].values() if client else []
    if workers:
        limits = [each["memory_limit"] for each in workers if each["memory_limit"]]
        return len(workers), max(each["nthreads"] for each in workers), min(limits, default=0)
    names = os.sysconf_names if hasattr(os, "sysconf_names") else {}
    if {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= set(names):
        return 1, threads(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 1, threads(), 0
