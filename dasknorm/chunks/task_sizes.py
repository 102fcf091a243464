"""Groups: how many chunks one task streams, by the bytes it reads and the state it holds."""

import math

import dask
from dask.system import CPU_COUNT

from dasknorm.chunks import cluster
from dasknorm.chunks.reductions import Reduction

__all__ = ["group_sizes", "state_bytes", "threads"]

READ_BYTES = 1 << 26
"""A task reads about 64 MB: tenths of a second, against the millisecond that a task costs."""

READ_FOR_STATE = 16
"""And not less than 16 times its state, which has to be made, sent and merged."""

LEAST = 64
"""Tasks made of small data, so that a few cores share them evenly; more for more cores."""

STATES_BYTES = 1 << 28
"""As far as the states of so many tasks weigh no more than this: a quarter of a GB."""


def group_sizes(reduction: Reduction, steps: int, kept: int) -> list[int]:
    """Return how many of the `steps` chunks, of each of `kept` positions, go to each task."""
    read = reduction.nbytes / max(kept, 1)
    if math.isnan(read):  # of partitions, which are large
        return [1] * steps
    state, cores = state_bytes(reduction), threads()
    least = max(cores, min(max(LEAST, 4 * cores), STATES_BYTES // max(state, 1)))
    wanted = math.ceil(max(read / max(READ_BYTES, READ_FOR_STATE * state), least / max(kept, 1)))
    count = max(1, min(steps, wanted))
    return [(i + 1) * steps // count - i * steps // count for i in range(count)]


def state_bytes(reduction: Reduction) -> int:
    """Return the size of the state of one chunk, the largest there is."""
    sizes = (max(c, default=0) for i, c in enumerate(reduction.sizes) if i not in reduction.axes)
    places = reduction.places()
    several = max((each.record_count() for each in places), default=1)
    return int(math.prod(sizes)) * reduction.statistic.dtype.itemsize * several + _edges(reduction)


def _edges(reduction: Reduction) -> int:
    """Return the bytes of the places of data that are held beside a state."""
    if not reduction.is_placed:
        return 0
    axis = reduction.data.axis
    beside = (max(c, default=0) for i, c in enumerate(reduction.sizes) if i != axis)
    return int(math.prod(beside)) * reduction.data.edge_places() * reduction.data.dtype.itemsize


def threads() -> int:
    """Return how many tasks run at a time: of the cluster there is, else of this machine.

    A cluster that has no workers yet counts as this machine.
    """
    client = cluster.get_client()
    found = sum(client.nthreads().values()) if client else 0
    return found or int(dask.config.get("num_workers", None) or CPU_COUNT)
