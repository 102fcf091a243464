"""Choose how many chunks one task streams, from the bytes it reads and the size of its state.

Used by chunks. Other sizes change the last bits of results, but not accuracy.
"""

import math

import dask
from dask.system import CPU_COUNT

from dasknorm.chunks import cluster
from dasknorm.chunks.reductions import Reduction

__all__ = ["group_sizes", "state_bytes", "thread_count"]

TASK_READ_BYTES = 1 << 26
"""A task reads about 64 MB: tenths of a second, compared with the millisecond a task costs."""

TASK_READ_FOR_STATE = 16
"""A task reads at least 16 times its state, which is allocated, sent and merged."""

MIN_TASKS = 64
"""The tasks for small data, so that a few cores share them evenly; more for more cores."""

ALL_STATES_BYTES = 1 << 28
"""The limit of `MIN_TASKS`: the states of all these tasks have at most a quarter of a GB."""


def group_sizes(reduction: Reduction, steps: int, kept: int) -> list[int]:
    """Return the numbers of chunks per task, for `steps` chunks at each of `kept` positions."""
    read = reduction.nbytes / max(kept, 1)
    if math.isnan(read):  # partitions, which are large
        return [1] * steps
    state, cores = state_bytes(reduction), thread_count()
    min_tasks = max(cores, min(max(MIN_TASKS, 4 * cores), ALL_STATES_BYTES // max(state, 1)))
    bytes_per_task = max(TASK_READ_BYTES, TASK_READ_FOR_STATE * state)
    tasks = math.ceil(max(read / bytes_per_task, min_tasks / max(kept, 1)))
    count = max(1, min(steps, tasks))
    return [(i + 1) * steps // count - i * steps // count for i in range(count)]


def state_bytes(reduction: Reduction) -> int:
    """Return the size of the largest state of a chunk."""
    sizes = enumerate(reduction.sizes)
    kept = (max(chunks, default=0) for axis, chunks in sizes if axis not in reduction.axes)
    records = max((position.record_count() for position in reduction.positions()), default=1)
    record_bytes = int(math.prod(kept)) * reduction.statistic.dtype.itemsize
    return record_bytes * records + _edge_bytes(reduction)


def _edge_bytes(reduction: Reduction) -> int:
    """Return the size of the rows at both ends of the data, which are a part of some states."""
    if not reduction.is_positioned:
        return 0
    axis = reduction.data.axis
    row = (max(sizes, default=0) for i, sizes in enumerate(reduction.sizes) if i != axis)
    return int(math.prod(row)) * reduction.data.edge_places() * reduction.data.dtype.itemsize


def thread_count() -> int:
    """Return the number of tasks that run in parallel: on the cluster, or on this machine.

    A cluster without workers counts as this machine.
    """
    client = cluster.get_client()
    threads = sum(client.nthreads().values()) if client else 0
    return threads or int(dask.config.get("num_workers", None) or CPU_COUNT)
