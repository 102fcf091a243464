"""Compute the records of reductions, and name the chunk in every error.

Used by chunks. The order of merges here and in `chunks.graph` decides the last bits of a result.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import dask
import dask.threaded
import numpy as np
from dask.base import get_scheduler
from dask.typing import Key

from dasknorm.blocks.groups import GroupRecords
from dasknorm.blocks.lagged_arrays import Stretch
from dasknorm.chunks import cluster
from dasknorm.chunks.dask_internals import dependencies
from dasknorm.chunks.graph import Assembly, Graph, make_assembly
from dasknorm.chunks.graph_parts import walk
from dasknorm.chunks.lazy import BlockState
from dasknorm.chunks.progress import Meter
from dasknorm.chunks.reductions import Index, Reduction, in_memory
from dasknorm.chunks.streams import Misfit, Stream, Unreadable
from dasknorm.chunks.tree_reduction import tree
from dasknorm.errors import ChunkError, MismatchError
from dasknorm.statistics.base import Records

ChunksByReduction = Mapping[int, Sequence[Index]]
"""Chunks of several reductions, by the number of the reduction."""


def run(
    reductions: Mapping[Hashable, Reduction], *, retries: int = 0, meter: Meter | None = None
) -> dict[Hashable, Records | GroupRecords]:
    """Return the records of each reduction, in the order given; lazy data are read in one pass."""
    lazy = {name: reduction for name, reduction in reductions.items() if reduction.is_lazy}
    states = dict(zip(lazy, _compute(lazy, retries, meter), strict=True)) if lazy else {}
    return {
        name: reduction.to_records(states[name] if name in states else in_memory(reduction))
        for name, reduction in reductions.items()
    }


def _compute(
    reductions: Mapping[Hashable, Reduction], retries: int, meter: Meter | None
) -> Sequence[BlockState]:
    ordered = list(reductions.values())
    assembly = make_assembly(ordered, retries, meter.topic if meter else "")
    if assembly is None:
        results = dask.compute(*map(tree, ordered))
        return [
            _combine(reduction, result) if isinstance(result, dict) else result
            for reduction, result in zip(ordered, results, strict=True)
        ]
    get: Callable[..., Sequence[Sequence[BlockState]]] = get_scheduler() or dask.threaded.get
    try:
        values = get(assembly.graph, [list(keys.values()) for keys in assembly.states])
    except Misfit as error:
        raise MismatchError(_misfit(error, reductions, assembly)) from (error.__cause__ or error)
    except Unreadable as error:
        raise ChunkError(_unreadable(error, reductions, assembly)) from (error.__cause__ or error)
    except Exception as error:
        if not cluster.is_killed_worker(error):
            raise
        raise ChunkError(_killed(error, reductions, assembly)) from error
    pairs = zip(assembly.states, values, strict=True)
    states = [dict(zip(keys, parts, strict=True)) for keys, parts in pairs]
    del values  # so that each state can be released when it is combined
    return [_combine(reduction, parts) for reduction, parts in zip(ordered, states, strict=True)]


def _combine(reduction: Reduction, states: dict[Index, BlockState]) -> BlockState:
    """Return the states of the kept chunks as one; each is released once it is copied."""
    if len(states) == 1:
        return next(iter(states.values()))
    sizes = [(1,) if axis in reduction.axes else size for axis, size in enumerate(reduction.sizes)]
    ends = [np.cumsum([0, *size]).astype(int) for size in sizes]
    total: Any = reduction.make_empty(tuple(int(end[-1]) for end in ends))()
    for chunk_index in list(states):
        state = states.pop(chunk_index)
        kept = [0 if axis in reduction.axes else i for axis, i in enumerate(chunk_index)]
        where = tuple(slice(end[i], end[i + 1]) for end, i in zip(ends, kept, strict=True))
        if isinstance(state, GroupRecords):
            positions = total.find_or_add(state.labels)
            total.records[(positions, *where)] = state.records
        elif isinstance(state, Stretch):
            reduction.statistic.join(total.records[(slice(None), *where)], state.records)
        else:
            total[where] = state
    return total


# -- errors that name the chunk -----------------------------------------------------------------

CRASH_ADVICE = (
    "its code may have crashed, or the memory of a worker is too small: see dasknorm.plan"
)


def _unreadable(
    error: Unreadable, reductions: Mapping[Hashable, Reduction], assembly: Assembly
) -> str:
    position = assembly.chunk_of(error.key)
    if position is not None:
        number, index = position
        return f"cannot read {_format({number: [index]}, reductions)}: {error.reason}"
    shared = _format(_chunks_that_need(assembly, error.key), reductions)
    return f"cannot compute what is needed for {shared}: {error.reason}"


def _misfit(error: Misfit, reductions: Mapping[Hashable, Reduction], assembly: Assembly) -> str:
    number, index = assembly.chunk_of(error.key) or (0, ())
    return f"{_format({number: [index]}, reductions)}: {error.reason}" if index else error.reason


def _killed(error: Any, reductions: Mapping[Hashable, Reduction], assembly: Assembly) -> str:
    for task in cluster.get_suspects(error):
        if chunks := _chunks_that_crash(assembly, task):
            name = _format(chunks, reductions)
            return f"{name} kills every worker that reads it; {CRASH_ADVICE}"
    chunks = _chunks_that_need(assembly, error.task)
    if not chunks:
        return f"the workers that ran {error.task} died, one after the other; {CRASH_ADVICE}"
    name = _format(chunks, reductions)
    return f"the workers that read {name} died, though each chunk alone can be read; {CRASH_ADVICE}"


def _format(chunks: ChunksByReduction, reductions: Mapping[Hashable, Reduction]) -> str:
    """Return the names of the reductions, and the positions of the chunks in them."""
    items = list(reductions.items())
    parts = []
    for number, indices in chunks.items():
        name, reduction = items[number]
        data = "the data" if name is None else repr(name)
        parts.append(f"{data} at {reduction.format_chunks(indices)}")
    return " and ".join(parts)


# -- searches in the graph ----------------------------------------------------------------------


def _chunks_that_need(assembly: Assembly, key: Key) -> ChunksByReduction:
    """Return the chunks for which a key is computed."""
    dependents = defaultdict(list)
    for task, node in assembly.graph.items():
        for needed in _inputs(node):
            dependents[needed].append(task)
    chunks: dict[int, list[Index]] = {}
    for task in walk([key], lambda task: () if task in assembly.chunks else dependents[task]):
        if task in assembly.chunks:
            number, indices = assembly.chunks[task]
            chunks.setdefault(number, []).extend(indices)
    return chunks


def _chunks_that_crash(assembly: Assembly, task: Key) -> ChunksByReduction:
    """Run a task again for each of its chunks, and return the first chunk that crashes a worker.

    A task whose result several chunks need is run as it is, and all these chunks are returned.
    """
    chunks = _chunks_that_need(assembly, task)
    if not chunks:  # it merges states, and all their chunks would be read again
        return {}
    node = assembly.graph[task]
    stream, inputs = node if isinstance(node, tuple) else (None, [])
    if not isinstance(stream, Stream):
        graph = _subgraph(assembly.graph, [task])
        return chunks if cluster.crashes_worker(graph, task) else {}
    number, indices = assembly.chunks[task]
    shared = _subgraph(assembly.graph, inputs)
    for index, single in zip(indices, stream.split(), strict=True):
        key: Key = ("alone", task, index)
        if cluster.crashes_worker({**shared, key: (single, inputs)}, key):
            return {number: [index]}
    return {}


def _subgraph(graph: Graph, keys: Sequence[Key]) -> Graph:
    """Return the nodes with these keys, and all that they need."""
    return {key: graph[key] for key in walk(keys, lambda key: _inputs(graph[key]))}


def _inputs(node: object) -> Sequence[Key]:
    """Return the keys that a node of an assembly needs: one of our tuples, or a node of Dask."""
    return node[1] if isinstance(node, tuple) else list(dependencies(node) or ())
