"""Slabs: a large array in memory, cut where it lies, and worked on by all cores.

The threads are Dask's: its threaded scheduler with its settings (``num_workers``, ``pool``). Work
that is in a pool's thread already, such as a task of Dask, and work under a scheduler that has no
threads stays in one thread. The cuts do not depend on that, and so neither does any result.
"""

import math
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import dask
import dask.threaded
import numpy as np

__all__ = ["SLAB_BYTES", "each", "outermost", "rows"]

SLAB_BYTES = 1 << 24
"""16 MB: milliseconds of work, against a tenth of one to hand it to a thread."""

ALONE = ("sync", "synchronous", "single-threaded")

Result = TypeVar("Result")


def each(function: Callable[[slice], Result], slabs: Sequence[slice]) -> list[Result]:
    """Call a function with each slab, by all cores; return the results in order."""
    if len(slabs) < 2 or not _may_use_threads():
        return [function(slab) for slab in slabs]
    graph = {("slab", i): (partial(function, slab),) for i, slab in enumerate(slabs)}
    return list(dask.threaded.get(graph, list(graph)))


def rows(size: int, nbytes: float) -> list[slice]:
    """Cut an axis of `size` elements, `nbytes` in all, into slabs of about `SLAB_BYTES`."""
    count = max(1, min(size, math.ceil(nbytes / SLAB_BYTES))) if nbytes >= 2 * SLAB_BYTES else 1
    step = max(1, -(-size // count))
    return [slice(start, min(start + step, size)) for start in range(0, max(size, 1), step)]


def outermost(block: np.ndarray, among: Sequence[int]) -> int:
    """Return which of some axes lies outermost in memory: cut there, slabs are each in one piece.

    Axes are passed over that have too few elements to cut.
    """
    needed = min(8, max(block.shape[axis] for axis in among))
    return max(
        (axis for axis in among if block.shape[axis] >= needed),
        key=lambda axis: abs(block.strides[axis]),
    )


def _may_use_threads() -> bool:
    scheduler = dask.config.get("scheduler", None)
    # A function is a scheduler too, and only a name can be trusted to say that it has threads.
    alone = scheduler in ALONE or callable(scheduler)
    return not alone and threading.current_thread() is threading.main_thread()
