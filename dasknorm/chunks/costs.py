"""Costs: what the graph of some reductions asks of a scheduler and of its workers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dask.core import istask

from dasknorm.chunks.assembly import assembled
from dasknorm.chunks.groups import state_bytes
from dasknorm.chunks.reductions import Reduction, tree

__all__ = ["Cost", "cost"]

CHUNKS_HELD = 2
"""A chunk in memory is there as read, compressed, and as decoded."""


@dataclass(frozen=True)
class Cost:
    """How many tasks there are, and the bytes that one of them holds at most."""

    tasks: int = 0
    task_bytes: float = 0.0
    merge_bytes: float = 0.0


def cost(reductions: Sequence[Reduction]) -> Cost:
    """Return the cost of reductions that are computed together."""
    lazy = [reduction for reduction in reductions if reduction.is_lazy]
    if not lazy:
        return Cost()
    assembly = assembled(lazy)
    if assembly is None:
        graphs = [tree(reduction).__dask_graph__() for reduction in lazy]
        return Cost(sum(len(dict(graph)) for graph in graphs), *_bytes(lazy, merging=True))
    tasks = sum(bool(istask(node)) for node in assembly.graph.values())
    merging = any(len(states) < assembly.streams(i) for i, states in enumerate(assembly.states))
    return Cost(tasks, *_bytes(lazy, merging))


def _bytes(reductions: Sequence[Reduction], merging: bool) -> tuple[float, float]:
    """Return the most that a task which streams holds, and one that merges holds beside it."""
    held = max(CHUNKS_HELD * _largest_chunk(each) + state_bytes(each) for each in reductions)
    return held, 2.0 * max(map(state_bytes, reductions)) if merging else 0.0


def _largest_chunk(reduction: Reduction) -> float:
    largest = math.prod(max(sizes, default=0) for sizes in reduction.sizes)
    known = 0.0 if largest != largest else largest  # of a partition nothing is known
    return known * reduction.data.dtype.itemsize
