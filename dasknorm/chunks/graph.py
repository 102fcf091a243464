"""Assembly: the graph in which tasks stream groups of chunks, and their states are merged.

Dask's own optimised graph is cut in parts. What only one chunk needs, its loading above all,
becomes part of the task that streams it. What several chunks need stays a task beside these, and
where that is more than a value, as in a rechunk or a difference, each chunk has a task of its own:
streaming would hold in memory, or load again, what its chunks share.
"""

import itertools
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from dasknorm.chunks.dask_internals import dependencies, meta
from dasknorm.chunks.graph_parts import Owners
from dasknorm.chunks.lazy import merge_states
from dasknorm.chunks.reductions import Reduction
from dasknorm.chunks.streams import Attempts, Step, Stream
from dasknorm.chunks.task_sizes import group_sizes, state_bytes
from dasknorm.chunks.tree_reduction import FAN_IN_BYTES, frame_to_read, table_partition

__all__ = ["Assembly", "assembled"]

Key = Hashable
Index = tuple[int, ...]
_Part = tuple[dict[Key, Any], list[Key]]
"""The nodes of the graph that are a chunk's own, and the keys that it needs beside them."""


@dataclass
class Assembly:
    """A graph, the keys of the states in it, and which chunks each of its tasks streams.

    Parameters
    ----------
    graph : dict
        For any scheduler of Dask.
    states : list of dict
        For each reduction, the key of the state at each place among the kept chunks.
    chunks : dict of key to (number of the reduction, indices of chunks)
        For each task that streams, what it streams.
    sources : list
        For each reduction, the keys of its chunks.
    """

    graph: dict[Key, Any] = field(default_factory=dict)
    states: list[dict[Index, Key]] = field(default_factory=list)
    chunks: dict[Key, tuple[int, list[Index]]] = field(default_factory=dict)
    sources: list["_Source"] = field(default_factory=list)

    def streams(self, number: int) -> int:
        """Return how many tasks stream the chunks of a reduction."""
        return sum(which == number for which, _ in self.chunks.values())

    def chunk_of(self, key: Key) -> tuple[int, Index] | None:
        """Return the number of the reduction and the index of the chunk of Dask that has a key."""
        for number, source in enumerate(self.sources):
            for index, keys in source.keys.items():
                if key in keys:
                    return number, index
        return None


@dataclass(frozen=True)
class _Source:
    """The chunks of one reduction, as keys of the optimised graph, and where they stand."""

    reduction: Reduction
    collections: tuple[Any, ...]
    shape: Index
    keys: dict[Index, tuple[Key, ...]]
    places: Sequence[Any] = ()

    def said(self, index: Index) -> Any:
        """Return what is to be said of where a chunk stands; None if that is of no account."""
        return self.places[index[self.reduction.data.axis]] if self.places else None

    def along_kept(self) -> Iterator[tuple[Index, list[Index]]]:
        """Yield each place among the kept chunks, and the chunks to be merged there."""
        axes = self.reduction.streamed_axes
        kept = [range(1) if i in axes else range(n) for i, n in enumerate(self.shape)]
        merged = [range(n) if i in axes else range(1) for i, n in enumerate(self.shape)]
        steps = list(itertools.product(*merged))
        if self.places:
            axis = self.reduction.data.axis
            steps.sort(key=lambda step: self.places[step[axis]].order())
        for place in itertools.product(*kept):
            yield place, [tuple(map(sum, zip(place, step, strict=True))) for step in steps]

    def state_shape(self, place: Index) -> Index:
        """Return the shape of the state at a place among the kept chunks."""
        axes = self.reduction.axes
        sizes = enumerate(zip(self.reduction.sizes, place, strict=True))
        return tuple(1 if i in axes else int(size[at]) for i, (size, at) in sizes)


def assembled(
    reductions: Sequence[Reduction], retries: int = 0, topic: str = ""
) -> Assembly | None:
    """Return the graph of lazy reductions, which share what they load.

    None if not all they need is in their graphs, but held by a cluster, as after ``persist``.
    """
    sources = [_source(reduction, reductions) for reduction in reductions]
    graph = _optimised(sources)
    owners = Owners(graph, [keys for source in sources for keys in source.keys.values()])
    if not owners.complete:
        return None
    builder = _Builder(owners, retries, topic)
    for source in sources:
        builder.add(source)
    return builder.assembly


def _source(reduction: Reduction, reductions: Sequence[Reduction]) -> _Source:
    if reduction.is_frame:
        together = [each for each in reductions if _same_frame(reduction, each)]
        weights = [] if reduction.weights is None else [reduction.weights]
        frame = frame_to_read(*together)
        function = partial(table_partition, table=reduction.data.with_frame(None))
        # What comes out is no frame, but a block and its weights; nobody but a stream will see it.
        pairs = frame.map_partitions(function, *weights, meta=meta(frame), enforce_metadata=False)
        # Fused, each would have a loading of its own.
        pairs = pairs.optimize(fuse=len(together) == 1)
        found = list(pairs.__dask_keys__())
        keys: dict[Index, tuple[Key, ...]] = {(i, 0): (key,) for i, key in enumerate(found)}
        return _Source(reduction, (pairs,), (len(found), 1), keys)
    weights = [] if reduction.weights is None else [reduction.chunked_weights]
    arrays = [reduction.array, *weights]
    grids = [(each.name, each.numblocks) for each in arrays]
    shape = arrays[0].numblocks
    keys = {
        index: tuple(
            (name, *(0 if n == 1 else i for i, n in zip(index, blocks, strict=True)))
            for name, blocks in grids
        )
        for index in np.ndindex(*shape)
    }
    return _Source(reduction, tuple(arrays), shape, keys, reduction.places())


def _same_frame(one: Reduction, other: Reduction) -> bool:
    return other.is_frame and tokenize(one.data.frame) == tokenize(other.data.frame)


def _optimised(sources: Sequence[_Source]) -> dict[Key, Any]:
    """Return one graph of all sources, in which Dask has fused what it can."""
    frames = [each for s in sources if s.reduction.is_frame for each in s.collections]
    arrays = [each for s in sources if not s.reduction.is_frame for each in s.collections]
    graph: dict[Key, Any] = {}
    for frame in frames:
        graph.update(frame.__dask_graph__())
    if arrays:
        # Not dask.optimize, which since 2025 fuses each array's loading into its own tasks.
        merged = HighLevelGraph.merge(*(each.__dask_graph__() for each in arrays))
        each_chunk = [s.keys.values() for s in sources if not s.reduction.is_frame]
        wanted = [key for chunks in each_chunk for keys in chunks for key in keys]
        graph.update(da.optimize(merged, wanted))
    return graph


class _Builder:
    """Adds the tasks of one reduction after the other to an assembly."""

    def __init__(self, owners: Owners, retries: int, topic: str) -> None:
        self.assembly = Assembly()
        self._owners, self._retries, self._topic = owners, retries, topic
        self._chunks = 0

    def add(self, source: _Source) -> None:
        """Add the streams and the merges of one reduction."""
        parts, alone = self._parts(source)
        reduction, places = source.reduction, list(source.along_kept())
        steps = len(places[0][1])
        merge = partial(merge_states, reduction.statistic)
        few = 32 if 32 * state_bytes(reduction) <= FAN_IN_BYTES else 2
        sizes = [1] * steps if alone else group_sizes(reduction, steps, len(places))
        cuts = list(itertools.accumulate(sizes, initial=0))
        name = tokenize(reduction.reducer, next(iter(source.keys.values())), cuts)
        states = {}
        for place, indices in places:
            keys: list[Key] = []
            for start, stop in itertools.pairwise(cuts):
                group = indices[start:stop]
                key = (f"summarize-{name}", *place, start)
                self._stream(key, source, place, {index: parts[index] for index in group})
                self.assembly.chunks[key] = (len(self.assembly.states), group)
                keys.append(key)
            states[place] = self._merge(keys, (f"merge-{name}", *place), merge, few)
        self.assembly.states.append(states)
        self.assembly.sources.append(source)

    def _parts(self, source: _Source) -> tuple[dict[Index, _Part], bool]:
        """Return what each chunk needs, and whether some chunks share work that is still to do."""
        parts, alone = {}, False
        for number, (index, keys) in enumerate(source.keys.items(), start=self._chunks):
            parts[index] = self._owners.part(number, keys)
            beside = parts[index][1]
            if len(keys) > 1:  # weights may well be shared
                _, beside = self._owners.part(number, keys[:1])
            alone = alone or any(map(self._owners.is_task, beside))
        self._chunks += len(parts)
        return parts, alone

    def _stream(self, key: Key, source: _Source, place: Index, parts: dict[Index, _Part]) -> None:
        """Add the task that streams a group of chunks, and the tasks that it needs."""
        steps = [Step(source.keys[i], own, source.said(i)) for i, (own, _) in parts.items()]
        beside = list(dict.fromkeys(b for _, keys in parts.values() for b in keys))
        reduction = source.reduction
        stream = Stream(
            steps,
            beside,
            reduction.reducer,
            reduction.empty(
                source.state_shape(place), [step.place for step in steps if step.place is not None]
            ),
            self._retries,
            self._topic,
        )
        self.assembly.graph[key] = (stream, beside)
        self._need(beside)

    def _need(self, keys: Sequence[Key]) -> None:
        """Add tasks that several chunks share; they are tried again if they fail, too."""
        graph = self.assembly.graph
        waiting = [key for key in keys if key not in graph]
        while waiting:
            key = waiting.pop()
            if key in graph:
                continue
            node = graph[key] = self._owners.graph[key]
            if self._owners.is_task(key):
                below = list(dependencies(node) or ())
                graph[key] = (partial(Attempts({key: node}, self._retries), below), below)
                waiting.extend(below)

    def _merge(self, keys: list[Key], name: tuple[Any, ...], merge: Any, few: int) -> Key:
        """Add a tree that merges a few states at a time, and return its top."""
        for level in itertools.count():
            if len(keys) == 1:
                return keys[0]
            parts = [keys[i : i + few] for i in range(0, len(keys), few)]
            keys = [(*name, level, i) if len(part) > 1 else part[0] for i, part in enumerate(parts)]
            pairs = zip(keys, parts, strict=True)
            self.assembly.graph |= {key: (merge, part) for key, part in pairs if len(part) > 1}
        raise AssertionError("unreachable")
