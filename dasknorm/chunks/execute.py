"""Running: the records of reductions, computed now, and errors that say which chunk it was."""

import sys
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import dask
import dask.threaded
import numpy as np
from dask.base import get_scheduler

from dasknorm.blocks.groups import GroupRecords
from dasknorm.blocks.lagged_arrays import Stretch
from dasknorm.chunks import cluster
from dasknorm.chunks.chunk_names import chunks_that_kill, chunks_that_need, place
from dasknorm.chunks.graph import Assembly, assembled
from dasknorm.chunks.progress import Meter
from dasknorm.chunks.reductions import Reduction, in_memory
from dasknorm.chunks.streams import Misfit, Unreadable
from dasknorm.chunks.tree_reduction import tree
from dasknorm.errors import ChunkError, MismatchError
from dasknorm.statistics.base import Records

__all__ = ["run"]


def run(
    reductions: Mapping[Hashable, Reduction], *, retries: int = 0, meter: Meter | None = None
) -> dict[Hashable, Records]:
    """Return the records of each reduction, in the order given; all that is lazy in one pass."""
    later = {name: reduction for name, reduction in reductions.items() if reduction.is_lazy}
    found = dict(zip(later, _computed(later, retries, meter), strict=True)) if later else {}
    return {
        name: reduction.to_records(found[name] if name in later else in_memory(reduction))
        for name, reduction in reductions.items()
    }


def _computed(
    reductions: Mapping[Hashable, Reduction], retries: int, meter: Meter | None
) -> Sequence[Records]:
    many = list(reductions.values())
    assembly = assembled(many, retries, meter.topic if meter else "")
    if assembly is None:
        done = zip(many, dask.compute(*(tree(each) for each in many)), strict=True)
        return [_put_together(each, f) if isinstance(f, dict) else f for each, f in done]
    get = get_scheduler() or dask.threaded.get
    try:
        states = get(assembly.graph, [list(keys.values()) for keys in assembly.states])
    except Misfit as error:
        raise MismatchError(_misfit(error, reductions, assembly)) from (error.__cause__ or error)
    except Unreadable as error:
        raise ChunkError(_unreadable(error, reductions, assembly)) from (error.__cause__ or error)
    except Exception as error:
        if not _is_killed(error):
            raise
        raise ChunkError(_killed(error, reductions, assembly)) from error
    pairs = zip(assembly.states, states, strict=True)
    found = [dict(zip(keys, parts, strict=True)) for keys, parts in pairs]
    del states  # so that each can be let go by itself
    return [_put_together(reduction, each) for reduction, each in zip(many, found, strict=True)]


def _put_together(reduction: Reduction, states: dict[tuple[int, ...], Any]) -> Any:
    """Return the states of the kept chunks as one; each is let go as soon as it was taken in."""
    if len(states) == 1:
        return next(iter(states.values()))
    sizes = [(1,) if axis in reduction.axes else size for axis, size in enumerate(reduction.sizes)]
    ends = [np.cumsum([0, *size]).astype(int) for size in sizes]
    whole = reduction.empty(tuple(int(end[-1]) for end in ends))()
    for at in list(states):
        state = states.pop(at)
        kept = [0 if axis in reduction.axes else i for axis, i in enumerate(at)]
        where = tuple(slice(end[i], end[i + 1]) for end, i in zip(ends, kept, strict=True))
        if isinstance(state, GroupRecords):
            places = whole.places(state.labels)
            whole.records[(places, *where)] = state.records
        elif isinstance(state, Stretch):
            reduction.statistic.join(whole.records[(slice(None), *where)], state.records)
        else:
            whole[where] = state
    return whole


# -- errors that name the chunk -----------------------------------------------------------------


def _unreadable(
    error: Unreadable, reductions: Mapping[Hashable, Reduction], assembly: Assembly
) -> str:
    where = assembly.chunk_of(error.key)
    if where is not None:
        return f"cannot read {_named({where[0]: [where[1]]}, reductions)}: {error.reason}"
    shared = _named(chunks_that_need(assembly, error.key), reductions)
    return f"cannot compute what is needed for {shared}: {error.reason}"


def _misfit(error: Misfit, reductions: Mapping[Hashable, Reduction], assembly: Assembly) -> str:
    number, index = assembly.chunk_of(error.key) or (0, ())
    return f"{_named({number: [index]}, reductions)}: {error.reason}" if index else error.reason


def _killed(error: Any, reductions: Mapping[Hashable, Reduction], assembly: Assembly) -> str:
    for task in cluster.suspects(error):
        if found := chunks_that_kill(assembly, task):
            return f"{_named(found, reductions)} kills every worker that reads it; {MEMORY}"
    blamed = chunks_that_need(assembly, error.task)
    if not blamed:
        return f"the workers that ran {error.task} died, one after the other; {MEMORY}"
    which = _named(blamed, reductions)
    return f"the workers that read {which} died, though each chunk alone can be read; {MEMORY}"


MEMORY = "its code may have crashed, or the memory of a worker is too small: see dasknorm.plan"


def _named(
    chunks: Mapping[int, list[tuple[int, ...]]], reductions: Mapping[Hashable, Reduction]
) -> str:
    """Say in words which chunks of which reductions, by their numbers."""
    named = []
    for number, indices in chunks.items():
        name, reduction = list(reductions.items())[number]
        what = "the data" if name is None else repr(name)
        named.append(f"{what} at {place(reduction, indices)}")
    return " and ".join(named)


def _is_killed(error: Exception) -> bool:
    if "distributed" not in sys.modules:
        return False
    from distributed import KilledWorker  # optional, and here already

    return isinstance(error, KilledWorker)
