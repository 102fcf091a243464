"""Cut blocks into slabs, and process the slabs on all cores.

Used by blocks, containers and sklearn. A size below can be changed alone: it affects the last bits
of results, and the speed. The threads are those of Dask's threaded scheduler, with its settings
(``num_workers``, ``pool``). A task in a thread of a pool, such as a task of Dask, and a scheduler
without threads use one thread. The slabs do not depend on the threads, so neither does any result.
"""

import itertools
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import dask
import dask.threaded
import numpy as np

# -- sizes: each can be changed alone -------------------------------------------------------------

SLAB_BYTES = 1 << 24  # of a thread's slab: milliseconds of work, compared with 0.1 ms to start it
CONVERTED_ELEMENTS = 1 << 18  # converted at a time if a block cannot be read as it is: 2 MB
CACHED_ELEMENTS = 1 << 19  # gathered or subtracted at a time: 2 to 4 MB stay in a cache
COLUMN_ROWS = 1 << 20  # of a column read in place: a call costs as much as 100,000 of them
LARGE_RECORD_BYTES = 1 << 20  # from here on slabs share the records of a block, without merging
LARGE_RECORD_COUNT = 1 << 12  # per group: from here on joining each is faster than copying all
LARGE_GROUP_ELEMENTS = 1 << 17  # per group on average: from here on a group is worth a call
SMALL_GROUP_ELEMENTS = 1 << 11  # per group on average: below, values are handled one by one ...
SINGLE_VALUE_COLUMNS = 16  # ... for at most so many output elements; more are faster together
LONG_RUN_ELEMENTS = 1 << 15  # per run of positions on average: from here on it is worth a call
SHORT_RUN_POSITIONS = 4  # per run on average: below, positions are gathered, not read in place

# -- cuts -----------------------------------------------------------------------------------------

Result = TypeVar("Result")


def map_slabs(function: Callable[[slice], Result], slabs: Sequence[slice]) -> list[Result]:
    """Call a function with each slab, on all cores; return the results in order."""
    if len(slabs) < 2 or not _may_use_threads():
        return [function(slab) for slab in slabs]
    graph = {("slab", i): (partial(function, slab),) for i, slab in enumerate(slabs)}
    return list(dask.threaded.get(graph, list(graph)))


def cut_axis(size: int, nbytes: float | None = None) -> list[slice]:
    """Cut an axis with `nbytes` in all into slabs of about `SLAB_BYTES`; without, into elements."""
    if nbytes is None:
        return [slice(i, i + 1) for i in range(size)]
    count = max(1, min(size, math.ceil(nbytes / SLAB_BYTES))) if nbytes >= 2 * SLAB_BYTES else 1
    step = max(1, -(-size // count))
    return [slice(start, min(start + step, size)) for start in range(0, max(size, 1), step)]


def cut_block(
    shape: tuple[int, ...], axes: Sequence[int], elements: int
) -> Iterator[tuple[slice, ...]]:
    """Cut a block into slabs of at most `elements`, along the first of these axes that suffice."""
    steps, inner_size = list(shape), math.prod(shape)
    for axis in axes:
        if inner_size <= elements:
            break
        inner_size //= shape[axis]
        steps[axis] = max(1, elements // inner_size)
    cuts = [range(0, size, max(step, 1)) for size, step in zip(shape, steps, strict=True)]
    for starts in itertools.product(*cuts):
        yield tuple(slice(start, start + step) for start, step in zip(starts, steps, strict=True))


def outermost_axis(block: np.ndarray, axes: Sequence[int]) -> int:
    """Return which axis is outermost in memory, so that slabs along it are contiguous."""
    # An axis with too few elements is not cut.
    needed = min(8, max(block.shape[axis] for axis in axes))
    return max(
        (axis for axis in axes if block.shape[axis] >= needed),
        key=lambda axis: abs(block.strides[axis]),
    )


def _may_use_threads() -> bool:
    scheduler = dask.config.get("scheduler", None)
    # A function is a scheduler too, and only a name can be trusted to have no threads.
    is_single = scheduler in ("sync", "synchronous", "single-threaded") or callable(scheduler)
    return not is_single and threading.current_thread() is threading.main_thread()
