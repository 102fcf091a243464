"""Split large jobs into shards that run one after the other and can be resumed.

Used by api and cli. A graph of Dask takes memory and time for every chunk before the first is read,
so very long work has several graphs. With a checkpoint, the states so far are saved after each
shard, in an ordinary statistics file.
"""

import math
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from dasknorm import chunks
from dasknorm.chunks import Reduction
from dasknorm.chunks.progress import Meter
from dasknorm.errors import MismatchError
from dasknorm.fields import State, States, checks, units
from dasknorm.reports.methods_text import describe
from dasknorm.reports.provenance import Attrs, Progress
from dasknorm.statistics import Statistic
from dasknorm.statistics.registry import STATISTICS

MAX_CHUNKS = 100_000
"""Chunks per graph: building it takes a few seconds and a few hundred MB."""

CHECKPOINT_SHARDS = 32
"""Shards with a checkpoint: after a failure, at most a thirtieth of the work is repeated."""

RETRIES = 2
"""Further attempts to read a chunk: storage often fails once, and rarely three times."""

SMALL_STATE_BYTES = 1 << 20
READ_PER_SAVED_BYTE = 2
"""A shard reads at least twice as much as it saves, unless it saves less than 1 MB."""

COUNT = "the number of shards"
"""A key of the job in a checkpoint, in the words of the message about differing keys."""


Job = dict[str, Any]
"""What identifies a job."""


@dataclass(frozen=True)
class Checkpoint:
    """A statistics file that is replaced after each shard.

    Parameters
    ----------
    path : path-like
        With a suffix of statistics files.
    container : str
        As in `Stats`.
    attrs : dict
        The provenance of the statistics when all shards are done.
    """

    path: str | PathLike[str]
    container: str
    attrs: Attrs

    def load(self, job: Job) -> tuple[int, dict[Hashable, State]]:
        """Return the number of finished shards of a job, and the states so far.

        If there is no file, an empty one is saved, so that an error about the path comes before
        any data are read.

        Raises
        ------
        MismatchError
            If the file belongs to another job, or is not a checkpoint.
        """
        from dasknorm.io import store  # takes a fifth of the import time

        if not Path(self.path).exists():
            self.save(job, 0, {})
            return 0, {}
        states, _, attrs = store.read(self.path)
        if "checkpoint" not in attrs:
            raise MismatchError(
                f"{str(self.path)!r} holds statistics and no checkpoint; give another path"
            )
        saved: Progress = attrs["checkpoint"]
        if saved["done"] and (differences := _describe_differences(saved["job"], job)):
            raise MismatchError(
                f"checkpoint {str(self.path)!r} belongs to a different call: {differences}. Use "
                "the same data, opened in the same way, and the same arguments, or another path"
            )
        return saved["done"], states

    def save(self, job: Job, done: int, states: States) -> None:
        """Save the states after `done` shards; the file is replaced atomically."""
        from dasknorm.io import store  # takes a fifth of the import time

        progress: Progress = {"job": dict(job), "done": done, "of": job[COUNT]}
        attrs: Attrs = {**self.attrs, "checkpoint": progress}
        store.write(self.path, states, self.container, attrs, describe(states, attrs))


def progress_of(attrs: Attrs) -> str:
    """Return how much of its work a checkpoint contains; empty if it is complete."""
    checkpoint = attrs.get("checkpoint")
    if not checkpoint or checkpoint["done"] == checkpoint["of"]:
        return ""
    return f"{checkpoint['done']} of {checkpoint['of']} shards of work that is not finished"


def compute_states(
    work: States,
    *,
    retries: int = RETRIES,
    meter: Meter | None = None,
    checkpoint: Checkpoint | None = None,
) -> dict[Hashable, State]:
    """Compute states whose data are Reductions, shard by shard, and check that they are valid."""
    count = shard_count(work, checkpointed=checkpoint is not None)
    job = _describe_job(work, count) if checkpoint else {}
    done, saved = checkpoint.load(job) if checkpoint else (0, {})
    for name, state in saved.items():
        units.check_same(name, work[name].attrs, state.attrs, other_owner="the checkpoint")
    totals = {name: state.records for name, state in saved.items()}
    parts = [dict(shard(work, number, count)) for number in range(done, count)]
    if meter:
        meter.expected += sum(r.chunk_count for part in parts for r in part.values())
    for number, part in enumerate(parts, start=done + 1):
        for name, records in chunks.run(part, retries=retries, meter=meter).items():
            if name in totals:
                chunks.join(work[name].statistic, totals[name], records)
            else:
                totals[name] = records
        if checkpoint:
            checkpoint.save(job, number, _with_records(work, totals))
    states = _with_records(work, totals)
    checks.check_valid(states)
    return states


def shard_count(work: States, checkpointed: bool) -> int:
    """Return the number of shards: whole chunks, along the axis with the most chunks."""
    lazy = [state.data for state in work.values() if state.data.is_lazy]
    if not lazy:
        return 1
    count = math.ceil(sum(reduction.chunk_count for reduction in lazy) / MAX_CHUNKS)
    if checkpointed:
        read = sum(reduction.nbytes for reduction in lazy)
        saved = sum(reduction.record_bytes for reduction in lazy)
        is_small = math.isnan(read) or saved <= SMALL_STATE_BYTES
        most = CHECKPOINT_SHARDS if is_small else read / (READ_PER_SAVED_BYTE * saved)
        count = max(count, min(CHECKPOINT_SHARDS, math.floor(most)))
    axes = [(reduction, reduction.shard_axis()) for reduction in lazy]
    chunk_counts = [len(reduction.sizes[axis]) for reduction, axis in axes if axis is not None]
    return max(1, min(count, max(chunk_counts, default=1)))


def shard(work: States, number: int, count: int) -> Iterator[tuple[Hashable, Reduction]]:
    """Yield the part of each reduction that belongs to a shard.

    Data in memory belong to the first shard, and so do reductions without a reduced axis.
    """
    for name, state in work.items():
        reduction = state.data
        axis = reduction.shard_axis() if count > 1 and reduction.is_lazy else None
        if axis is None:
            if number == 0:
                yield name, reduction
            continue
        chunk_count = len(reduction.sizes[axis])
        start, stop = number * chunk_count // count, (number + 1) * chunk_count // count
        if start < stop:
            yield name, reduction.select_chunks(axis, start, stop)


def _with_records(work: States, totals: Mapping[Hashable, Any]) -> dict[Hashable, State]:
    """Return the states that have records already, in the order of the work."""
    return {key: state.with_records(totals[key]) for key, state in work.items() if key in totals}


def _describe_job(work: States, count: int) -> Job:
    """Return what identifies a job: for data, the name of their graph or their content."""
    statistics = dict.fromkeys(_stored_text(state.statistic) for state in work.values())
    job: Job = {"the statistic": ", ".join(statistics), COUNT: count}
    for name, state in work.items():
        reduction, of = state.data, "" if name is None else f" of {name!r}"
        job[f"the data{of}"] = chunks.identity_token(reduction.data)
        job[f"the weights{of}"] = chunks.identity_token(reduction.weights)
        job[f"the merged dimensions{of}"] = [str(d) for d in reduction.dims if d not in state.dims]
    return job


def _describe_differences(saved: Job, job: Job) -> str:
    """Return what differs between two jobs, one clause per topic; empty if nothing does."""
    names, saved_names = (_variables_of(keys) for keys in (job, saved))
    if names != saved_names:
        return f"its variables are {', '.join(saved_names)}, and now {', '.join(names)}"
    topics: dict[str, list[str]] = {}
    for key in dict.fromkeys([*saved, *job]):
        if saved.get(key) != job.get(key):
            topics.setdefault(key.partition(" of '")[0], []).append(key)
    clauses = []
    for topic, keys in topics.items():
        if topic.endswith(("data", "weights")):
            clauses.append(f"{topic}{_format_variables(keys)} differ")
        else:
            shown = topic.replace("merged", "reduced")
            clauses.append(f"{shown} in it: {saved.get(keys[0])}, and now: {job.get(keys[0])}")
    return "; ".join(clauses)


def _variables_of(keys: Iterable[str]) -> list[str]:
    """Return the variables in the keys of a job, in quotes."""
    return [key.removeprefix("the data of ") for key in keys if key.startswith("the data of ")]


def _format_variables(keys: Sequence[str]) -> str:
    names = [name for key in keys if (name := key.partition(" of ")[2])]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f" of {', '.join(names[:3])}{more}" if names else ""


def _stored_text(statistic: Statistic) -> str:
    """Return the text of a statistic with the names in files, which never change."""
    names = {cls.__name__: name for name, cls in STATISTICS.defined().items()}
    return re.sub(r"\w+(?=\()", lambda match: names.get(match[0], match[0]), str(statistic))
