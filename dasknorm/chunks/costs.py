"""Estimate the number of tasks for some reductions, and the memory that these use.

Used by chunks. `dasknorm.plan` shows the estimates; `tests/test_plan.py` compares them with runs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dask.core import istask

from dasknorm.chunks.graph import make_assembly
from dasknorm.chunks.reductions import Reduction
from dasknorm.chunks.tree_reduction import tree

CHUNK_COPIES = 2  # in memory while a chunk is read: compressed, and decoded


@dataclass(frozen=True)
class Cost:
    """The number of tasks, and the bytes that they use."""

    tasks: int = 0
    task_bytes: float = 0.0  # of the largest task that streams chunks
    state_bytes: int = 0  # of the largest state
    unmerged_states: int = 0  # the most states in memory at once; 0 if there are no merges
    combined_bytes: float = 0.0  # of states that are combined: of kept chunks, and of groups


def estimate_cost(reductions: Sequence[Reduction]) -> Cost:
    """Return the cost of reductions that are computed together."""
    lazy = [reduction for reduction in reductions if reduction.is_lazy]
    if not lazy:
        return Cost()
    assembly = make_assembly(lazy)
    if assembly is None:
        tasks = sum(map(_tree_tasks, lazy))
        streams = [reduction.chunk_count for reduction in lazy]
    else:
        tasks = sum(bool(istask(node)) for node in assembly.graph.values())
        streams = [assembly.stream_count(number) for number in range(len(lazy))]
    kept = [_kept_chunks(reduction) for reduction in lazy]
    return Cost(
        tasks,
        max(
            CHUNK_COPIES * _largest_chunk_bytes(reduction) + reduction.state_bytes
            for reduction in lazy
        ),
        max(reduction.state_bytes for reduction in lazy),
        max(_unmerged(n / count) for n, count in zip(streams, kept, strict=True)),
        sum(
            reduction.record_bytes
            for reduction, count in zip(lazy, kept, strict=True)
            if count > 1 or reduction.is_positioned
        ),
    )


def _tree_tasks(reduction: Reduction) -> int:
    """Return the number of nodes in the graph that `tree` makes."""
    states = tree(reduction)
    collections = states.values() if isinstance(states, dict) else [states]
    return len({key for collection in collections for key in collection.__dask_graph__()})


def _kept_chunks(reduction: Reduction) -> int:
    """Return the number of chunks of the kept axes."""
    sizes = enumerate(reduction.sizes)
    return math.prod(len(chunks) for axis, chunks in sizes if axis not in reduction.axes)


def _unmerged(states: float) -> int:
    """Return how many states are in memory while all are merged in pairs: one for each level."""
    return math.ceil(math.log2(states)) + 1 if states > 1 else 0


def _largest_chunk_bytes(reduction: Reduction) -> float:
    size = math.prod(max(sizes, default=0) for sizes in reduction.sizes)
    return 0.0 if math.isnan(size) else size * float(reduction.data.dtype.itemsize)
