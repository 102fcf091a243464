"""From a Zarr store: time, memory, tasks and reads, beside reading alone, each in a fresh process.

``python -m benchmarks.stores NAME STORE`` is one contestant, which answers in JSON.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import numpy as np

import dasknorm as dn
from benchmarks import climate
from benchmarks.climate import OVER
from benchmarks.fresh import answer, ask, peak_megabytes, spent
from benchmarks.graphs import tasks
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table

__all__ = ["run"]

READING, OURS, OURS_WEIGHTED = "reading alone", "dasknorm", "dasknorm, weighted"
ROUNDS = 3
FULL = 0.5
"""From this many GB on, all rounds are run; below, one, for a quick look."""
THREADS = 2

Figures = dict[str, float]


# -- the contestants: what is built lazily, and what is then computed in turn ---------------------


def _weights(t: Any) -> Any:
    return np.cos(np.deg2rad(t.lat))


CONTESTANTS: dict[str, Callable[[Any], list[Any]]] = {
    READING: lambda t: [t.data.max()],
    OURS: lambda t: [dn.adapt(t, keep="level", compute=False)],
    "Dask mean + var": lambda t: [(t.data.mean((0, 2, 3)), t.data.var((0, 2, 3)))],
    "xarray mean + std": lambda t: [(t.mean(OVER), t.std(OVER))],
    "xarray mean, then std": lambda t: [t.mean(OVER), t.std(OVER)],
    OURS_WEIGHTED: lambda t: [dn.adapt(t, keep="level", weights=_weights(t), compute=False)],
    "xarray weighted mean + std": lambda t: [
        (t.weighted(_weights(t)).mean(OVER), t.weighted(_weights(t)).std(OVER))
    ],
}


def measure(name: str, path: Path) -> Figures:
    """Run one contestant on a store twice, cold and warm; its reads are those of one run."""
    t = climate.opened(path)
    steps = CONTESTANTS[name](t)
    count = sum(tasks(step) for step in steps)

    def compute() -> None:
        for step in CONTESTANTS[name](t):
            dask.compute(step)

    with dask.config.set(scheduler="threads", num_workers=THREADS):
        cold, _ = spent(compute)
        reads = list(climate.CountingStore.reads.values())
        wall, cpu = spent(compute)
    return {
        "wall": wall,
        "cpu": cpu,
        "cold": cold,
        "peak": peak_megabytes(),
        "tasks": count / t.data.npartitions,
        "reads": sum(reads) / t.data.npartitions,
        "most reads": max(reads),
    }


# -- all of them ----------------------------------------------------------------------------------


def run(gigabytes: float) -> Report:
    """Measure on a compressed store of this size, and on one as it is in memory."""
    sections, reached = [], []
    rounds = ROUNDS if gigabytes >= FULL else 1
    for compressed in (True, False):
        kind = "zstd" if compressed else "not compressed"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "t.zarr"
            climate.write(path, gigabytes, compressed)
            figures = _in_turn(path, rounds)
        sections += [f"**{kind}**", _table(figures)]
        reached += _aims(figures, kind)
    head = (
        f"{describe()} A store of {gigabytes:g} GB in chunks of 16 MiB, in the page cache; "
        f"{THREADS} Dask threads; each in a fresh process, its second run; the least of {rounds}."
    )
    return Report("\n\n".join([head, aims(reached), *sections]))


def _in_turn(path: Path, count: int) -> dict[str, Figures]:
    """Ask each contestant in turn, a few rounds, and keep the least of its figures."""
    rounds = [{name: ask("stores", name, path) for name in CONTESTANTS} for _ in range(count)]
    return {
        name: {figure: min(each[name][figure] for each in rounds) for figure in rounds[0][name]}
        for name in CONTESTANTS
    }


def _table(figures: dict[str, Figures]) -> str:
    alone = figures[READING]
    rows = [
        [
            name,
            f"{f['wall'] / alone['wall']:.2f}",
            f"{f['cpu'] / alone['cpu']:.2f}",
            f"{f['wall']:.2f}",
            f"{f['cpu']:.2f}",
            f"{f['cold']:.2f}",
            f"{f['peak']:.0f}",
            f"{f['tasks']:.2f}",
            f"{f['reads']:.2f}",
        ]
        for name, f in figures.items()
    ]
    head = "x reading alone,in CPU,s,CPU s,s when first,peak MB,tasks a chunk,reads a chunk"
    return table(["", *head.split(",")], rows)


def _aims(figures: dict[str, Figures], kind: str) -> list[Aim]:
    wall, cpu = (figures[OURS][f] / figures[READING][f] for f in ("wall", "cpu"))
    # By the worse of the two: reading alone may have had to wait for its turn, which flatters us.
    reached = max(wall, cpu) <= 1.15
    once = all(
        figures[name][figure] == 1
        for name in (OURS, OURS_WEIGHTED)
        for figure in ("reads", "most reads")
    )
    return [
        Aim(
            f"adapt, {kind}",
            "1.15 x reading alone",
            f"{wall:.2f}, {cpu:.2f} in CPU",
            reached,
        ),
        Aim(f"reads of each chunk, {kind}", "1", "1" if once else "more", once),
    ]


if __name__ == "__main__":
    answer(measure(sys.argv[1], Path(sys.argv[2])))
