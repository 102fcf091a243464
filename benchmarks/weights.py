"""Weights and masks: what they cost beside `adapt` without them, from a Zarr store.

``python -m benchmarks.fresh weights NAME STORE`` is one contestant, which answers in JSON.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import dask
import numpy as np
import xarray as xr

import dasknorm as dn
from benchmarks import climate
from benchmarks.fresh import Figures, in_turn, warm
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table

__all__ = ["run"]

KINDS = ("zstd", "not compressed")
ROUNDS = 2
FULL = 0.5
THREADS = 2
MOST = 1.2

PLAIN = "without weights"


def _mask(t: Any, *dims: str) -> Any:
    """Return a mask in which three of ten values are missing, here and there."""
    sizes = [t.sizes[dim] for dim in dims]
    some = np.random.default_rng(0).random(100_003) < 0.7  # and no float64 for each of them
    return xr.DataArray(np.resize(some, sizes), dims=dims)


def _areas(t: Any) -> Any:
    return climate.weights(t) * xr.ones_like(t["lon"])


CONTESTANTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    PLAIN: lambda t: {},
    '`weights="coslat"`': lambda t: {"weights": "coslat"},
    '`weights="area"`': lambda t: {"weights": "area"},
    "areas of cells": lambda t: {"weights": _areas(t)},
    "areas of cells in float32": lambda t: {"weights": _areas(t).astype("f4")},
    "`where=` a mask of cells": lambda t: {"where": _mask(t, "lat", "lon")},
    "`where=` a mask of each time": lambda t: {"where": _mask(t, "time", "lat", "lon")},
    'a mask of cells and `"area"`': lambda t: {"where": _mask(t, "lat", "lon"), "weights": "area"},
}


def measure(name: str, path: str) -> Figures:
    """Run one contestant on a store, warm, and count its tasks and reads."""
    t = climate.opened(Path(path))
    how = CONTESTANTS[name](t)
    with dask.config.set(scheduler="threads", num_workers=THREADS):
        call = partial(dn.adapt, t, keep="level", **how)
        call()
        reads = max(climate.CountingStore.reads.values())
        tasks = dn.plan(t, keep="level", **how).tasks / t.data.npartitions
        return {**warm(call), "reads": reads, "tasks": tasks}


def run(gigabytes: float) -> Report:
    """Measure on a compressed store of this size, and on one as it is in memory."""
    rounds, kinds = (ROUNDS, KINDS) if gigabytes >= FULL else (1, KINDS[:1])
    measured = {kind: _on_store(kind, gigabytes, rounds) for kind in kinds}
    head = (
        f"{describe()} Stores of {gigabytes:g} GB of float32 in chunks of 16 MiB, (time, level, "
        f"lat, lon), in the page cache; {THREADS} Dask threads; each in a fresh process, once it "
        f"is warm; the least of {rounds} processes, run in turn."
    )
    sections = [part for kind, f in measured.items() for part in (f"**{kind}**", _table(f))]
    reached = [aim for kind, figures in measured.items() for aim in _aims(figures, kind)]
    return Report("\n\n".join([head, aims(reached), *sections]), page="weights.md")


def _on_store(kind: str, gigabytes: float, rounds: int) -> dict[str, Figures]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.zarr"
        climate.write(path, gigabytes, compressed=kind == "zstd")
        return in_turn("weights", CONTESTANTS, path, rounds=rounds)


def _table(figures: dict[str, Figures]) -> str:
    plain = figures[PLAIN]
    rows = [
        [
            name,
            f"{f['cpu'] / plain['cpu']:.2f}",
            *(f"{f[unit]:.2f}" for unit in ("cpu", "wall")),
            f"{f['peak']:.0f}",
            f"{f['tasks']:.2f}",
            f"{f['reads']:.0f}",
        ]
        for name, f in figures.items()
    ]
    head = ["", "CPU: x without", "CPU s", "s", "peak MB", "tasks a chunk", "reads of a chunk"]
    return table(head, rows)


def _aims(figures: dict[str, Figures], kind: str) -> list[Aim]:
    plain = figures[PLAIN]
    found = []
    for unit, what in (("cpu", "CPU"), ("peak", "peak of memory")):
        worst = max(figures, key=lambda name: figures[name][unit])
        got = figures[worst][unit] / plain[unit]
        found.append(
            Aim(f"{what}, {kind}: {worst}", f"{MOST} x without", f"{got:.2f}", got <= MOST)
        )
    reads = max(f["reads"] for f in figures.values())
    found.append(Aim(f"reads of each chunk, {kind}", "1", f"{reads:g}", reads == 1))
    return found
