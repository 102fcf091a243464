"""Monthly climatologies of each grid point, and z-scores by them, from Zarr stores of daily data.

``python -m benchmarks.fresh climatology NAME STORE`` is one contestant, which answers in JSON.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dask
import numpy as np
import xarray as xr

import dasknorm as dn
from benchmarks import climate, daily
from benchmarks.fresh import Figures, in_turn, peak_megabytes, spent
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table

__all__ = ["run"]

ROUNDS = 2
THREADS = 2
FULL = 0.5
"""From this many GB on, all is run; below, one round, for a quick look."""
MONTH = "time.month"
LAYOUTS = {"in chunks along time": daily.TIME, "in chunks along space": daily.SPACE}
WIDE = "a wide grid, 480 days of 8 x 256 x 512, in chunks of four days"


# -- the contestants ------------------------------------------------------------------------------


def _ours(t: xr.DataArray) -> dn.Stats:
    return dn.adapt(t, over="time", by=MONTH)


def _xarray(t: xr.DataArray, flox: bool = True) -> tuple[Any, Any]:
    with xr.set_options(use_flox=flox):
        groups = t.groupby(MONTH)
        return dask.compute(groups.mean(), groups.std())


def _scores(t: xr.DataArray) -> xr.DataArray:
    mean, std = _xarray(t)
    anomalies = t.groupby(MONTH) - mean
    scores = anomalies.groupby(MONTH) / std
    return scores.drop_vars("month").chunk(dict(zip(t.dims, t.data.chunksize, strict=True)))


READING, OURS, FLOX, PLAIN = "reading alone", "dasknorm", "xarray with flox", "xarray without flox"
COPY, SCORES, THEIRS = "a copy", "dasknorm, adapt + normalize", "xarray with flox, (g - mean) / std"

LEARNED: dict[str, Callable[[xr.DataArray], Any]] = {
    READING: lambda t: t.data.max().compute(),
    OURS: _ours,
    FLOX: _xarray,
    PLAIN: partial(_xarray, flox=False),
}
WRITTEN: dict[str, Callable[[xr.DataArray], xr.DataArray]] = {
    COPY: lambda t: t,
    SCORES: lambda t: _ours(t).normalize(t),
    THEIRS: _scores,
}


def measure(name: str, path: str) -> Figures:
    """Run one contestant on its first chunks, and then on all of the store."""
    t = climate.opened(Path(path))
    target = Path(path).with_name("new.zarr")
    call = partial(_write, WRITTEN[name], target) if name in WRITTEN else LEARNED[name]
    with dask.config.set(scheduler="threads", num_workers=THREADS):
        call(daily.first_chunks(t))
        climate.CountingStore.reads.clear()
        wall, cpu = spent(partial(call, t))
    shutil.rmtree(target, ignore_errors=True)
    reads = sum(climate.CountingStore.reads.values()) / t.data.npartitions
    return {"wall": wall, "cpu": cpu, "peak": peak_megabytes(), "reads": reads}


def _write(scores: Callable[[Any], xr.DataArray], target: Path, t: xr.DataArray) -> None:
    """Write what becomes of a variable to a new store, in the same chunks."""
    new = scores(t).to_dataset(name="t").drop_encoding()
    new.to_zarr(target, mode="w", consolidated=False)


def _entered(names: Iterable[str], chunks: tuple[int, ...]) -> list[str]:
    """Leave out what needs flox where there is none, and what takes minutes for a twentieth."""
    lacking = {FLOX, THEIRS} if find_spec("flox") is None else set()
    endless = {THEIRS} if chunks == daily.SPACE else set()
    return [name for name in names if name not in lacking | endless]


# -- all of them ----------------------------------------------------------------------------------


def run(gigabytes: float) -> Report:
    """Measure on stores of about this size, cut along time and along space, and on a wide one."""
    rounds, days = ROUNDS if gigabytes >= FULL else 1, round(daily.DAYS * gigabytes / 2)
    sections, reached = [], []
    for words, chunks in LAYOUTS.items():
        figures, off = _on_store(days, chunks, rounds)
        sections += [f"**{words}**", _table(figures)]
        reached += [*_aims(figures, words), _aim_of_numbers(off, words)]
    if gigabytes >= FULL:
        figures, _ = _on_store(480, daily.WIDE, 1, [OURS, FLOX])
        sections += [
            "**a wide grid: 480 days of 8 x 256 x 512, in chunks of four**",
            _table(figures),
        ]
    head = (
        f"{describe()} Daily fields of 8 x 64 x 128 in float32, {gigabytes:g} GB, in chunks of 16 "
        f"MiB with the default codec, in the page cache; {THREADS} Dask threads; each in a fresh "
        f"process that has seen the first chunks; the least of {rounds} processes."
    )
    return Report("\n\n".join([head, aims(reached), *sections]))


def _on_store(
    days: int, chunks: tuple[int, ...], rounds: int, names: Iterable[str] = (*LEARNED, *WRITTEN)
) -> tuple[dict[str, Figures], float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.zarr"
        daily.write(path, days, chunks)
        found = in_turn("climatology", _entered(names, chunks), path, rounds=rounds)
        return found, _off_by(climate.opened(path).isel(lat=slice(3, 5), lon=slice(40, 45)))


def _off_by(part: xr.DataArray) -> float:
    """Return how far mean and std of a part are from NumPy's in float64, in ratio."""
    stats, values = _ours(part), part.values.astype("f8")
    found = []
    for month in stats.mean["month"].values:
        own = values[part["time.month"].values == month]
        for ours, theirs in ((stats.mean, own.mean(0)), (stats.std, own.std(0))):
            found.append(np.abs(ours.sel(month=month).values / theirs - 1).max())
    return float(max(found))


def _table(figures: dict[str, Figures]) -> str:
    rows = []
    for name, f in figures.items():
        beside = figures.get(COPY if name in WRITTEN else OURS, f)
        ratio = f"{f['cpu'] / beside['cpu']:.2f} x {'copy' if name in WRITTEN else 'dasknorm'}"
        counted = [f"{f['peak']:.0f}", f"{f['reads']:.2f}"]
        rows.append([name, ratio, f"{f['cpu']:.1f}", f"{f['wall']:.1f}", *counted])
    return table(["", "CPU", "CPU s", "s", "peak MB", "reads a chunk"], rows)


def _aims(figures: dict[str, Figures], words: str) -> list[Aim]:
    ours, copied = figures[OURS], figures[COPY]["cpu"] + figures[OURS]["cpu"]
    written = figures[SCORES]["cpu"] / copied
    reads = ours["reads"]
    found = [
        Aim(f"z-scores, {words}", "1.30 x CPU of a copy + adapt", f"{written:.2f}", written <= 1.3),
        Aim(f"reads of each chunk, {words}", "1", f"{reads:g}", reads == 1),
    ]
    if FLOX not in figures:
        return found
    less, peak = figures[FLOX]["cpu"] / ours["cpu"], ours["peak"] / figures[FLOX]["peak"]
    return [
        Aim(f"climatology, {words}", "4 x less CPU than flox", f"{less:.1f}", less >= 4),
        Aim(f"its peak of memory, {words}", "no higher than flox'", f"{peak:.2f} x", peak <= 1),
        *found,
    ]


def _aim_of_numbers(off: float, words: str) -> Aim:
    return Aim(f"as NumPy in float64, {words}", "to 1e-12", f"{off:.0e}", off <= 1e-12)
