"""Places: which chunk it was, in words, and which of a group's chunks kills the worker it is on."""

import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from dasknorm.chunks.assembly import Assembly
from dasknorm.chunks.owners import needs
from dasknorm.chunks.reductions import Reduction

__all__ = ["chunk_that_kills", "place"]

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


def chunk_that_kills(
    assembly: Assembly, task: Key, get: Callable[..., Any], is_killed: Callable[[Exception], bool]
) -> list[Index]:
    """Run a task's chunks again, one at a time; return the one that kills workers, or all.

    Several tasks are on a worker when it dies, and all of them are blamed; one alone is not
    blamed for another.
    """
    _, indices = assembly.chunks[task]
    stream, beside = assembly.graph[task]
    below = _closure(assembly.graph, beside)
    for index, alone in zip(indices, stream.apart(), strict=True):
        key = ("alone", task, index)
        try:
            get({**below, key: (alone, beside)}, key)
        except Exception as error:
            if is_killed(error):
                return [index]
            raise
    return indices


def _closure(graph: Mapping[Key, Any], keys: Sequence[Key]) -> dict[Key, Any]:
    found: dict[Key, Any] = {}
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found[key] = graph[key]
            waiting.extend(needs(found[key]) or ())
    return found


def _range(numbers: Sequence[int]) -> str:
    first, last = min(numbers), max(numbers)
    return str(first) if first == last else f"{first} to {last}"
