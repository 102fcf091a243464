"""`Assembly`: a graph in which each task streams a group of chunks, and states are merged.

Used by chunks.costs and chunks.execute. Dask's own optimized graph is split. The nodes that only
one chunk needs, above all its loading, become part of the task that streams it. A node that several
chunks need stays a task. If such a node is more than a value, as in a rechunk or a difference, each
chunk has a task: a stream would keep the shared results of its chunks in memory, or load them
again.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from dask.typing import Key

from dasknorm.blocks.positioned import PositionedArray
from dasknorm.chunks.cluster import thread_count
from dasknorm.chunks.dask_internals import DaskNode, dependencies, meta
from dasknorm.chunks.graph_parts import Owners
from dasknorm.chunks.lazy import merge_states
from dasknorm.chunks.reductions import Index, Reduction
from dasknorm.chunks.streams import Attempts, Step, Stream, StreamSpec
from dasknorm.chunks.tree_reduction import FAN_IN, FAN_IN_BYTES, frame_to_read, table_partition

TASK_READ_BYTES = 1 << 26  # per task: tenths of a second, where a task costs a millisecond
TASK_READ_FOR_STATE = 16  # states: a task reads more than it allocates, sends and merges
MIN_TASKS = 64  # for small data, so that a few cores share them evenly; more for more cores
ALL_STATES_BYTES = 1 << 28  # the states of `MIN_TASKS` tasks have at most so many bytes

Graph = dict[Key, DaskNode | tuple[Callable[..., object], list[Key]]]
"""Nodes of Dask, and pairs of a function and the keys whose values it takes as one list."""

ChunkPart = tuple[dict[Key, DaskNode], list[Key]]
"""The nodes that only one chunk needs, and the keys of their other inputs."""


@dataclass
class Assembly:
    """A graph for any scheduler of Dask; `states` and `sources` have one element per reduction."""

    graph: Graph = field(default_factory=dict)
    states: list[dict[Index, Key]] = field(default_factory=list)  # by index among the kept chunks
    # For each task that streams: the number of the reduction, and the indices of the chunks.
    chunks: dict[Key, tuple[int, list[Index]]] = field(default_factory=dict)
    sources: list["_Source"] = field(default_factory=list)

    def stream_count(self, number: int) -> int:
        """Return how many tasks stream the chunks of a reduction."""
        return sum(reduction == number for reduction, _ in self.chunks.values())

    def chunk_of(self, key: Key) -> tuple[int, Index] | None:
        """Return the number of the reduction and the index of the chunk of Dask that has a key."""
        for number, source in enumerate(self.sources):
            for index, keys in source.keys.items():
                if key in keys:
                    return number, index
        return None


@dataclass(frozen=True)
class _Source:
    """The chunks of one reduction, as keys of the optimized graph, and their positions."""

    reduction: Reduction
    collections: tuple[da.Array, ...]
    shape: Index
    keys: dict[Index, tuple[Key, ...]]
    positions: Sequence[PositionedArray] = ()

    def position_of(self, index: Index) -> PositionedArray | None:
        """Return the position of a chunk in the array; None if it does not affect the result."""
        return self.positions[index[self.reduction.data.axis]] if self.positions else None

    def by_kept_chunk(self) -> Iterator[tuple[Index, list[Index]]]:
        """Yield each index among the kept chunks, and the chunks to merge there."""
        axes = self.reduction.merged_axes
        kept = [range(1) if i in axes else range(n) for i, n in enumerate(self.shape)]
        merged = [range(n) if i in axes else range(1) for i, n in enumerate(self.shape)]
        offsets = list(itertools.product(*merged))
        if self.positions:
            axis = self.reduction.data.axis
            offsets.sort(key=lambda offset: self.positions[offset[axis]].order())
        for index in itertools.product(*kept):
            yield index, [tuple(map(sum, zip(index, offset, strict=True))) for offset in offsets]

    def state_shape(self, index: Index) -> Index:
        """Return the shape of the state at an index among the kept chunks."""
        axes = self.reduction.axes
        sizes = enumerate(zip(self.reduction.sizes, index, strict=True))
        return tuple(1 if axis in axes else int(size[i]) for axis, (size, i) in sizes)


def make_assembly(
    reductions: Sequence[Reduction], retries: int = 0, topic: str = ""
) -> Assembly | None:
    """Return the graph of lazy reductions; None if values are on a cluster, as after `persist`."""
    sources = [
        _frame_source(reduction, reductions) if reduction.is_frame else _array_source(reduction)
        for reduction in reductions
    ]
    graph = _optimize(sources)
    owners = Owners(graph, [keys for source in sources for keys in source.keys.values()])
    if not owners.is_complete:
        return None
    builder = _Builder(owners, retries, topic)
    for source in sources:
        builder.add(source)
    return builder.assembly


def _frame_source(reduction: Reduction, reductions: Sequence[Reduction]) -> _Source:
    token = tokenize(reduction.data.frame)
    same_frame = [r for r in reductions if r.is_frame and tokenize(r.data.frame) == token]
    weights = [] if reduction.weights is None else [reduction.weights]
    frame = frame_to_read(*same_frame)
    function = partial(table_partition, table=reduction.data.with_frame(None))
    # A partition of the result is a block and its weights, not a frame; only a stream uses it.
    pairs = frame.map_partitions(function, *weights, meta=meta(frame), enforce_metadata=False)
    # Fused, each reduction would load the frame again.
    pairs = pairs.optimize(fuse=len(same_frame) == 1)
    names = list(pairs.__dask_keys__())
    keys: dict[Index, tuple[Key, ...]] = {(i, 0): (key,) for i, key in enumerate(names)}
    return _Source(reduction, (pairs,), (len(names), 1), keys)


def _array_source(reduction: Reduction) -> _Source:
    weights = reduction.chunked_weights
    arrays = (reduction.array,) if weights is None else (reduction.array, weights)
    grids = [(array.name, array.numblocks) for array in arrays]
    shape = arrays[0].numblocks
    keys: dict[Index, tuple[Key, ...]] = {
        index: tuple(
            (name, *(0 if n == 1 else i for i, n in zip(index, numblocks, strict=True)))
            for name, numblocks in grids
        )
        for index in np.ndindex(*shape)
    }
    return _Source(reduction, arrays, shape, keys, reduction.positions())


def _optimize(sources: Sequence[_Source]) -> dict[Key, DaskNode]:
    """Return one graph of all sources, in which Dask has fused tasks."""
    graph: dict[Key, DaskNode] = {}
    frames = [source for source in sources if source.reduction.is_frame]
    for source in frames:
        graph.update(source.collections[0].__dask_graph__())
    arrays = [source for source in sources if not source.reduction.is_frame]
    if arrays:
        # Not dask.optimize, which since 2025 fuses the loading into the tasks of each array.
        graphs = [array.__dask_graph__() for source in arrays for array in source.collections]
        outputs = [key for source in arrays for keys in source.keys.values() for key in keys]
        graph.update(da.optimize(HighLevelGraph.merge(*graphs), outputs))
    return graph


class _Builder:
    """Adds the tasks of one reduction after the other to an assembly."""

    def __init__(self, owners: Owners, retries: int, topic: str) -> None:
        self.assembly = Assembly()
        self._owners, self._retries, self._topic = owners, retries, topic
        self._chunk_count = 0

    def add(self, source: _Source) -> None:
        """Add the streams and the merges of one reduction."""
        parts, share_work = self._split(source)
        reduction, kept_chunks = source.reduction, list(source.by_kept_chunk())
        steps = len(kept_chunks[0][1])
        sizes = [1] * steps if share_work else group_sizes(reduction, steps, len(kept_chunks))
        bounds = list(itertools.accumulate(sizes, initial=0))
        name = tokenize(reduction.reducer, next(iter(source.keys.values())), bounds)
        states = {}
        for kept_index, indices in kept_chunks:
            keys: list[Key] = []
            for start, stop in itertools.pairwise(bounds):
                group = indices[start:stop]
                key: Key = (f"summarize-{name}", *kept_index, start)
                self._add_stream(key, source, kept_index, {index: parts[index] for index in group})
                self.assembly.chunks[key] = (len(self.assembly.states), group)
                keys.append(key)
            states[kept_index] = self._add_merges(keys, (f"merge-{name}", *kept_index), reduction)
        self.assembly.states.append(states)
        self.assembly.sources.append(source)

    def _split(self, source: _Source) -> tuple[dict[Index, ChunkPart], bool]:
        """Return the part of the graph for each chunk, and whether chunks share work to be done."""
        parts, share_work = {}, False
        for number, (index, keys) in enumerate(source.keys.items(), start=self._chunk_count):
            parts[index] = self._owners.part(number, keys)
            _, inputs = parts[index]
            if len(keys) > 1:  # weights may be shared
                _, inputs = self._owners.part(number, keys[:1])
            share_work = share_work or any(map(self._owners.is_task, inputs))
        self._chunk_count += len(parts)
        return parts, share_work

    def _add_stream(
        self, key: Key, source: _Source, kept_index: Index, parts: dict[Index, ChunkPart]
    ) -> None:
        """Add the task that streams a group of chunks, and the tasks of its inputs."""
        steps = [
            Step(source.keys[index], nodes, source.position_of(index))
            for index, (nodes, _) in parts.items()
        ]
        inputs = list(dict.fromkeys(key for _, keys in parts.values() for key in keys))
        positions = [step.position for step in steps if step.position is not None]
        reduction = source.reduction
        make_empty = reduction.make_empty(source.state_shape(kept_index), positions)
        spec = StreamSpec(steps, inputs, reduction.reducer, make_empty, self._retries, self._topic)
        self.assembly.graph[key] = (Stream(spec), inputs)
        self._add_shared(inputs)

    def _add_shared(self, keys: Sequence[Key]) -> None:
        """Add tasks that several chunks share; these, too, run again if they fail."""
        graph = self.assembly.graph
        waiting = [key for key in keys if key not in graph]
        while waiting:
            key = waiting.pop()
            if key in graph:
                continue
            node = graph[key] = self._owners.graph[key]
            if self._owners.is_task(key):
                inputs = list(dependencies(node) or ())
                graph[key] = (partial(Attempts({key: node}, self._retries), inputs), inputs)
                waiting.extend(inputs)

    def _add_merges(self, keys: list[Key], name: tuple[Key, ...], reduction: Reduction) -> Key:
        """Add a tree that merges a few states at a time, and return its root."""
        merge = partial(merge_states, reduction.statistic)
        fan_in = FAN_IN if FAN_IN * reduction.state_bytes <= FAN_IN_BYTES else 2
        for level in itertools.count():
            if len(keys) == 1:
                return keys[0]
            groups = [keys[i : i + fan_in] for i in range(0, len(keys), fan_in)]
            keys = []
            for i, group in enumerate(groups):
                if len(group) == 1:
                    keys += group
                    continue
                keys.append((*name, level, i))
                self.assembly.graph[keys[-1]] = (merge, group)
        raise AssertionError("unreachable")


def group_sizes(reduction: Reduction, steps: int, kept: int) -> list[int]:
    """Return the numbers of chunks per task, for `steps` chunks at each of `kept` positions."""
    read = reduction.nbytes / max(kept, 1)
    if math.isnan(read):  # partitions, which are large
        return [1] * steps
    state, cores = reduction.state_bytes, thread_count()
    min_tasks = max(cores, min(max(MIN_TASKS, 4 * cores), ALL_STATES_BYTES // max(state, 1)))
    bytes_per_task = max(TASK_READ_BYTES, TASK_READ_FOR_STATE * state)
    tasks = math.ceil(max(read / bytes_per_task, min_tasks / max(kept, 1)))
    count = max(1, min(steps, tasks))
    return [(i + 1) * steps // count - i * steps // count for i in range(count)]
