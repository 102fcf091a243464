"""From a Zarr store: time, memory, tasks and reads, beside reading alone, each in a fresh process.

``python -m benchmarks.fresh stores NAME STORE`` is one contestant, which answers in JSON.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import dask

import dasknorm as dn
from benchmarks import climate
from benchmarks.climate import OVER, weights
from benchmarks.fresh import Figures, in_turn, spent, warm
from benchmarks.graphs import tasks, tasks_of_adapt
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table

__all__ = ["run"]

KINDS = ("zstd", "not compressed")
ROUNDS = 2
FULL = 0.5
"""From this many GB on, all is run; below, one round on one store, for a quick look."""
THREADS = 2


# -- the contestants ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contestant:
    """What is run on a variable, and how many tasks that takes."""

    run: Callable[[Any], Any]
    tasks: Callable[[Any], int]


def _of_dask(build: Callable[[Any], Any]) -> Contestant:
    return Contestant(lambda t: dask.compute(build(t)), lambda t: tasks(build(t)))


def _ours(how: Callable[[Any], dict[str, Any]]) -> Contestant:
    return Contestant(
        lambda t: dn.adapt(t, keep="level", **how(t)),
        lambda t: tasks_of_adapt(t, keep="level", **how(t)),
    )


READING, XARRAY, XARRAY_WEIGHTED = (
    "reading alone",
    "xarray mean + std",
    "xarray weighted mean + std",
)
OURS, OURS_WEIGHTED = "dasknorm", "dasknorm, weighted"

CONTESTANTS = {
    READING: _of_dask(lambda t: t.data.max()),
    OURS: _ours(lambda t: {}),
    "Dask mean + var": _of_dask(lambda t: (t.data.mean((0, 2, 3)), t.data.var((0, 2, 3)))),
    XARRAY: _of_dask(lambda t: (t.mean(OVER), t.std(OVER))),
    OURS_WEIGHTED: _ours(lambda t: {"weights": weights(t)}),
    XARRAY_WEIGHTED: _of_dask(
        lambda t: (t.weighted(weights(t)).mean(OVER), t.weighted(weights(t)).std(OVER))
    ),
}


def measure(name: str, path: str) -> Figures:
    """Run one contestant on a store, cold and warm; its reads are those of its first run."""
    t = climate.opened(Path(path))
    contestant = CONTESTANTS[name]
    chunks = t.data.npartitions
    with dask.config.set(scheduler="threads", num_workers=THREADS):
        cold, _ = spent(partial(contestant.run, t))
        reads = list(climate.CountingStore.reads.values())
        figures = warm(partial(contestant.run, t))
    return {
        **figures,
        "cold": cold,
        "tasks": contestant.tasks(t) / chunks,
        "reads": sum(reads) / chunks,
        "most reads": max(reads),
    }


# -- all of them ----------------------------------------------------------------------------------


def run(gigabytes: float) -> Report:
    """Measure on a compressed store of this size, and on one as it is in memory."""
    rounds, kinds = (ROUNDS, KINDS) if gigabytes >= FULL else (1, KINDS[:1])
    measured = {kind: _on_store(kind, gigabytes, rounds) for kind in kinds}
    head = (
        f"A Zarr store of {gigabytes:g} GB in chunks of 16 MiB, in the page cache; {THREADS} Dask "
        f"threads; each in a fresh process, once it is warm; the least of {rounds} processes."
    )
    sections = [part for kind, f in measured.items() for part in (f"**{kind}**", _table(f))]
    reached = [aim for kind, figures in measured.items() for aim in _aims(figures, kind)]
    full = "\n\n".join([f"{describe()} {head}", aims(reached), *sections])
    return Report(full, "\n\n".join([head, _table(measured[KINDS[0]], short=True)]))


def _on_store(kind: str, gigabytes: float, rounds: int) -> dict[str, Figures]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.zarr"
        climate.write(path, gigabytes, compressed=kind == "zstd")
        return in_turn("stores", CONTESTANTS, path, rounds=rounds)


def _table(figures: dict[str, Figures], short: bool = False) -> str:
    alone = figures[READING]

    def cells(f: Figures) -> list[str]:
        times = [f"{f[unit] / alone[unit]:.2f}" for unit in ("cpu", "wall")]
        seconds = [f"{f[unit]:.2f}" for unit in ("cpu", "wall", "cold")]
        counts = [f"{f['peak']:.0f}", f"{f['tasks']:.2f}", f"{f['reads']:.2f}"]
        return [*times, *counts] if short else [*times, *seconds, *counts]

    words = ["CPU: x reading alone", "on the clock", "CPU s", "s", "s when first"]
    counted = ["peak MB", "tasks a chunk", "reads a chunk"]
    head = ["", *(words[:2] if short else words), *counted]
    return table(head, [[name, *cells(f)] for name, f in figures.items()])


def _aims(figures: dict[str, Figures], kind: str) -> list[Aim]:
    def cpu(name: str, beside: str, most: float) -> Aim:
        got = figures[name]["cpu"] / figures[beside]["cpu"]
        return Aim(
            f"{name}, beside {beside}, {kind}", f"{most:.2f} x CPU", f"{got:.2f}", got <= most
        )

    ours = (figures[OURS], figures[OURS_WEIGHTED])
    reads = max(max(f["reads"], f["most reads"]) for f in ours)
    count = max(f["tasks"] for f in ours)
    return [
        cpu(OURS, READING, 1.15),
        cpu(OURS, XARRAY, 1 / 2),
        cpu(OURS_WEIGHTED, XARRAY_WEIGHTED, 1 / 3),
        cpu(OURS_WEIGHTED, OURS, 1.2),
        Aim(f"reads of each chunk, {kind}", "1", f"{reads:g}", reads == 1),
        Aim(f"tasks a chunk, {kind}", "1.05", f"{count:.2f}", count <= 1.05),
    ]
