"""Costs: what the graph of some reductions asks of a scheduler and of its workers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dask.core import istask

from dasknorm.chunks.graph import assembled
from dasknorm.chunks.reductions import Reduction
from dasknorm.chunks.task_sizes import state_bytes
from dasknorm.chunks.tree_reduction import tree

__all__ = ["Cost", "cost"]

CHUNKS_HELD = 2
"""A chunk in memory is there as read, compressed, and as decoded."""


@dataclass(frozen=True)
class Cost:
    """How many tasks there are, and the bytes that they hold.

    Parameters
    ----------
    tasks : int
    task_bytes : float
        Of the largest task that streams chunks.
    state_bytes : int
        Of the largest state.
    waiting : int
        States that wait to be merged, at most; 0 if none is.
    done_bytes : float
        Of the states that wait to be put together: where kept axes are cut, and of groups, where
        streams of chunks hold some each.
    """

    tasks: int = 0
    task_bytes: float = 0.0
    state_bytes: int = 0
    waiting: int = 0
    done_bytes: float = 0.0


def cost(reductions: Sequence[Reduction]) -> Cost:
    """Return the cost of reductions that are computed together."""
    lazy = [reduction for reduction in reductions if reduction.is_lazy]
    if not lazy:
        return Cost()
    assembly = assembled(lazy)
    if assembly is None:
        graphs = [dict(tree(reduction).__dask_graph__()) for reduction in lazy]
        tasks = sum(map(len, graphs))
        streams = [reduction.chunk_count for reduction in lazy]
    else:
        tasks = sum(bool(istask(node)) for node in assembly.graph.values())
        streams = [assembly.streams(number) for number in range(len(lazy))]
    places = [_places(reduction) for reduction in lazy]
    return Cost(
        tasks,
        max(CHUNKS_HELD * _largest_chunk(each) + state_bytes(each) for each in lazy),
        max(map(state_bytes, lazy)),
        max(_waiting(n / kept) for n, kept in zip(streams, places, strict=True)),
        sum(
            each.record_bytes
            for each, kept in zip(lazy, places, strict=True)
            if kept > 1 or each.is_placed
        ),
    )


def _places(reduction: Reduction) -> int:
    """Return in how many places the kept axes are cut."""
    kept = (len(cut) for axis, cut in enumerate(reduction.sizes) if axis not in reduction.axes)
    return math.prod(kept)


def _waiting(states: float) -> int:
    """Return how many states wait at a time while all are merged in pairs: one a level."""
    return math.ceil(math.log2(states)) + 1 if states > 1 else 0


def _largest_chunk(reduction: Reduction) -> float:
    largest = math.prod(max(sizes, default=0) for sizes in reduction.sizes)
    known = 0.0 if largest != largest else largest  # of a partition nothing is known
    return known * reduction.data.dtype.itemsize
