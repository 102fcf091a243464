"""Places: which chunk it was, in words, and which of a group's chunks kills the worker it is on."""

import itertools
from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

from dasknorm.chunks import cluster
from dasknorm.chunks.graph import Assembly
from dasknorm.chunks.graph_parts import needs
from dasknorm.chunks.reductions import Reduction

__all__ = ["chunks_that_kill", "chunks_that_need", "place"]

Index = tuple[int, ...]
Key = Hashable


def place(reduction: Reduction, indices: Sequence[Index]) -> str:
    """Say where chunks stand in the array: ``time 40:50, lat 0:90``; all their range, if several.

    A partition of a frame has no place but its number.
    """
    words = []
    for axis, sizes in enumerate(reduction.sizes):
        before = reduction.before[axis] if reduction.before else ()
        along = [len(before) + index[axis] for index in indices]
        if reduction.is_frame:
            return f"partition {_range(along)}"
        ends = list(itertools.accumulate((*before, *sizes), initial=0.0))
        first, last = ends[min(along)], ends[max(along) + 1]
        dim = reduction.dims[axis] if reduction.dims else axis - len(reduction.sizes)
        named = f"axis {dim}" if isinstance(dim, int) else str(dim)
        known = first == first and last == last  # sizes that are not known are NaN
        words.append(
            f"{named} {first:.0f}:{last:.0f}" if known else f"{named}, chunk {_range(along)}"
        )
    return ", ".join(words) or "the only chunk"


def chunks_that_need(assembly: Assembly, key: Key) -> dict[int, list[Index]]:
    """Return, by the number of their reduction, the chunks for which a key is computed."""
    above = defaultdict(list)
    for task, node in assembly.graph.items():
        for below in _needs(node):
            above[below].append(task)
    found: dict[int, list[Index]] = {}
    waiting, seen = [key], set()
    while waiting:
        task = waiting.pop()
        if task in assembly.chunks and task not in seen:
            number, indices = assembly.chunks[task]
            found.setdefault(number, []).extend(indices)
        elif task not in seen:
            waiting.extend(above[task])
        seen.add(task)
    return found


def chunks_that_kill(assembly: Assembly, task: Key) -> dict[int, list[Index]]:
    """Run a task again, each of its chunks alone; return those that kill workers: one, or none.

    What several chunks share is run as it is, and all of them are returned.
    """
    needed = chunks_that_need(assembly, task)
    if not needed:  # it merges states, and would have all their chunks read again
        return {}
    if task not in assembly.chunks:
        return needed if cluster.is_deadly(_closure(assembly.graph, [task]), task) else {}
    number, indices = assembly.chunks[task]
    stream, beside = assembly.graph[task]
    below = _closure(assembly.graph, beside)
    for index, alone in zip(indices, stream.apart(), strict=True):
        key = ("alone", task, index)
        if cluster.is_deadly({**below, key: (alone, beside)}, key):
            return {number: [index]}
    return {}


def _closure(graph: Mapping[Key, Any], keys: Sequence[Key]) -> dict[Key, Any]:
    found: dict[Key, Any] = {}
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found[key] = graph[key]
            waiting.extend(_needs(found[key]))
    return found


def _needs(node: Any) -> Collection[Key]:
    """Return the keys that a node of an assembly needs: a tuple of ours, or one of Dask's."""
    return node[1] if isinstance(node, tuple) else needs(node) or ()


def _range(numbers: Sequence[int]) -> str:
    first, last = min(numbers), max(numbers)
    return str(first) if first == last else f"{first} to {last}"
