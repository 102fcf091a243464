"""Tendencies: what it takes more to learn of changes in the same pass, and beside xarray.

``python -m benchmarks.fresh tendencies NAME STORE`` is one contestant, which answers in JSON.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import dask
import xarray as xr

import dasknorm as dn
from benchmarks import climate, daily
from benchmarks.fresh import Figures, in_turn, peak_megabytes, spent
from benchmarks.graphs import tasks
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table

__all__ = ["run"]

ROUNDS = 2
THREADS = 2
FULL = 0.5
"""From this many GB on there are several rounds; below, one, for a quick look."""

PLAIN, ONE, TWO = "dasknorm", "dasknorm, changes by 1", "dasknorm, changes by 1 and by 4"
READING, XARRAY = "reading alone", "xarray mean + std + diff's mean + std"
LAGS: dict[str, Any] = {PLAIN: None, ONE: {"time": 1}, TWO: {"time": [1, 4]}}


def _xarray(t: xr.DataArray) -> tuple[Any, ...]:
    changes = t.diff("time")
    return tuple(f(climate.OVER) for each in (t, changes) for f in (each.mean, each.std))


RIVALS: dict[str, Callable[[xr.DataArray], Any]] = {
    READING: lambda t: (t.data.max(),),
    XARRAY: _xarray,
}


def measure(name: str, path: str) -> Figures:
    """Run one contestant on the first chunks, and then on all of the store."""
    t = climate.opened(Path(path))
    call = partial(_run, name)
    with dask.config.set(scheduler="threads", num_workers=THREADS):
        call(daily.first_chunks(t))
        climate.CountingStore.reads.clear()
        wall, cpu = spent(partial(call, t))
    reads, chunks = climate.CountingStore.reads.values(), t.data.npartitions
    figures = {"wall": wall, "cpu": cpu, "peak": peak_megabytes()}
    return {**figures, "reads": sum(reads) / chunks, "tasks": _tasks(name, t) / chunks}


def _run(name: str, t: xr.DataArray) -> None:
    if name in LAGS:
        dn.adapt(t, keep="level", lag=LAGS[name])
    else:
        dask.compute(RIVALS[name](t))


def _tasks(name: str, t: xr.DataArray) -> int:
    if name in LAGS:
        return dn.plan(t, keep="level", lag=LAGS[name]).tasks
    return tasks(RIVALS[name](t))


# -- all of them ----------------------------------------------------------------------------------


def run(gigabytes: float) -> Report:
    """Measure on a store of about this size, in chunks along time."""
    rounds = ROUNDS if gigabytes >= FULL else 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.zarr"
        daily.write(path, round(daily.DAYS * gigabytes / 2), daily.TIME)
        figures = in_turn("tendencies", [*LAGS, *RIVALS], path, rounds=rounds)
    head = (
        f"{describe()} Daily fields of 8 x 64 x 128 in float32, {gigabytes:g} GB, in chunks of 64 "
        f"days, in the page cache; {THREADS} Dask threads; each in a fresh process that has seen "
        f"the first chunks; the least of {rounds} processes."
    )
    return Report("\n\n".join([head, aims(_aims(figures)), _table(figures)]))


def _table(figures: dict[str, Figures]) -> str:
    plain = figures[PLAIN]["cpu"]
    units = {"cpu": ".1f", "wall": ".1f", "peak": ".0f", "tasks": ".2f", "reads": ".2f"}
    rows = [
        [name, f"{f['cpu'] / plain:.2f}", *(format(f[unit], how) for unit, how in units.items())]
        for name, f in figures.items()
    ]
    head = ["", "CPU: x dasknorm", "CPU s", "s", "peak MB", "tasks a chunk", "reads a chunk"]
    return table(head, rows)


def _aims(figures: dict[str, Figures]) -> list[Aim]:
    found = []
    for name in (ONE, TWO):
        ratio = figures[name]["cpu"] / figures[PLAIN]["cpu"]
        more = figures[name]["tasks"] - figures[PLAIN]["tasks"]
        reads = figures[name]["reads"]
        found += [
            Aim(f"{name}, beside without", "1.50 x CPU", f"{ratio:.2f}", ratio <= 1.5),
            Aim(f"{name}, tasks a chunk more", "1.2", f"{more:.2f}", more <= 1.2),
            Aim(f"{name}, reads of each chunk", "1", f"{reads:g}", reads == 1),
        ]
    return found
