"""Shards: long work cut into parts that are done one after the other, and can be gone on with.

A graph of Dask's takes memory and time for every chunk before the first is read, so that work of
very many chunks is done a shard at a time. With a checkpoint, what has been learned so far is
saved after each shard, in a statistics file like any other.
"""

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from dasknorm import chunks
from dasknorm.chunks import Reduction
from dasknorm.chunks.progress import Meter
from dasknorm.errors import MismatchError
from dasknorm.fields import State, States
from dasknorm.reports.methods_text import describe

__all__ = ["RETRIES", "Checkpoint", "compute_states", "progress_of", "shard", "shard_count"]

MOST_CHUNKS = 100_000
"""Chunks of one graph: some seconds of building, and a few hundred MB."""

COUNT = "the number of shards"

SHARDS = 32
"""Shards of work with a checkpoint: at most a thirtieth of it is done again."""

RETRIES = 2
"""Tries more of a chunk that cannot be read: storage often fails once, and seldom three times."""

LIGHT_BYTES = 1 << 20
READ_FOR_STATE = 2
"""Where more than 1 MB is saved after each shard, it reads at least twice as much."""


@dataclass(frozen=True)
class Checkpoint:
    """A statistics file that is brought up to date after each shard.

    Parameters
    ----------
    path : path-like
        Ends in a suffix that statistics are saved with.
    container : str
        As in `Stats`.
    attrs : dict
        The provenance of the statistics when all shards are done.
    """

    path: str | PathLike[str]
    container: str
    attrs: Mapping[str, Any]

    def saved(self, job: Mapping[str, Any]) -> tuple[int, dict[Hashable, State]]:
        """Return how many shards of a job are done, and the states so far.

        If there is no file, one that holds nothing is saved: a path that cannot be written is
        refused before anything is read.

        Raises
        ------
        MismatchError
            If what is there is of another job, or no checkpoint.
        """
        from dasknorm.io import store  # as in Stats.save

        if not Path(self.path).exists():
            self.save(job, 0, {})
            return 0, {}
        states, _, attrs = store.read(self.path)
        if "checkpoint" not in attrs:
            raise MismatchError(
                f"{str(self.path)!r} holds statistics and no checkpoint; give another path"
            )
        found = attrs["checkpoint"]
        keys = dict.fromkeys([*job, *found["job"]])
        differing = [key for key in keys if found["job"].get(key) != job.get(key)]
        if differing and found["done"]:
            raise MismatchError(
                f"the checkpoint {str(self.path)!r} is of other work: {', '.join(differing)} "
                "differ. Give the same data, opened in the same way, and the same arguments; or "
                "another path to begin anew"
            )
        return found["done"], states

    def save(self, job: Mapping[str, Any], done: int, states: States) -> None:
        """Save what the first `done` shards have given; the file is replaced whole."""
        from dasknorm.io import store  # as in Stats.save

        of = job[COUNT]
        attrs = {**self.attrs, "checkpoint": {"job": dict(job), "done": done, "of": of}}
        store.write(self.path, states, self.container, attrs, describe(states, attrs))


def progress_of(attrs: Mapping[str, Any]) -> str:
    """Say how much of the work a checkpoint holds, if not all of it; else nothing."""
    found = attrs.get("checkpoint")
    if not found or found["done"] == found["of"]:
        return ""
    return f"{found['done']} of {found['of']} shards of work that is not finished"


def compute_states(
    work: States,
    *,
    retries: int = RETRIES,
    meter: Meter | None = None,
    checkpoint: Checkpoint | None = None,
) -> dict[Hashable, State]:
    """Return the states that are still to be computed in `work`, a shard after the other."""
    count = shard_count(work, checkpointed=checkpoint is not None)
    job = _job(work, count) if checkpoint else {}
    done, saved = checkpoint.saved(job) if checkpoint else (0, {})
    totals = {name: state.records for name, state in saved.items()}
    parts = [dict(shard(work, number, count)) for number in range(done, count)]
    if meter:
        meter.expected += sum(each.chunk_count for part in parts for each in part.values())
    for number, part in enumerate(parts, start=done + 1):
        for name, records in chunks.run(part, retries=retries, meter=meter).items():
            if name in totals:
                chunks.join(work[name].statistic, totals[name], records)
            else:
                totals[name] = records
        if checkpoint:
            checkpoint.save(job, number, _fields(work, totals))
    return _fields(work, totals)


def shard_count(work: States, checkpointed: bool) -> int:
    """Return in how many shards work is cut: whole chunks, along the axis cut in the most."""
    lazy = [field.data for field in work.values() if field.data.is_lazy]
    if not lazy:
        return 1
    count = math.ceil(sum(each.chunk_count for each in lazy) / MOST_CHUNKS)
    if checkpointed:
        read = sum(each.nbytes for each in lazy)
        saved = sum(each.record_bytes for each in lazy)
        light = math.isnan(read) or saved <= LIGHT_BYTES
        room = SHARDS if light else read / (READ_FOR_STATE * saved)
        count = max(count, min(SHARDS, math.floor(room)))
    axes = [(each, each.shard_axis()) for each in lazy]
    most = max((len(each.sizes[axis]) for each, axis in axes if axis is not None), default=1)
    return max(1, min(count, most))


def shard(work: States, number: int, count: int) -> Iterator[tuple[Hashable, Reduction]]:
    """Yield the part of each reduction that belongs to a shard.

    What is in memory belongs to the first as a whole, and so does what merges no axis away.
    """
    for name, field in work.items():
        reduction = field.data
        axis = reduction.shard_axis() if count > 1 and reduction.is_lazy else None
        if axis is None:
            if number == 0:
                yield name, reduction
            continue
        cut = len(reduction.sizes[axis])
        first, last = number * cut // count, (number + 1) * cut // count
        if first < last:
            yield name, reduction.select_chunks(axis, first, last)


def _fields(work: States, totals: Mapping[Hashable, Any]) -> dict[Hashable, State]:
    """Return the states of the fields there are already, in the order of the work."""
    return {
        name: field.with_records(totals[name]) for name, field in work.items() if name in totals
    }


def _job(work: States, count: int) -> dict[str, Any]:
    """Return what makes work the same work: of data, their graph's name or their content."""
    said = dict.fromkeys(str(field.statistic) for field in work.values())
    job: dict[str, Any] = {"the statistic": ", ".join(said), COUNT: count}
    for name, field in work.items():
        of = "" if name is None else f" of {name!r}"
        job[f"the data{of}"] = chunks.identity_token(field.data.data)
        job[f"the weights{of}"] = chunks.identity_token(field.data.weights)
        job[f"the merged dimensions{of}"] = [str(d) for d in field.data.dims if d not in field.dims]
    return job
