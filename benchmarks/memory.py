"""Peak memory of `adapt` over stores far larger than what is held, and beside frames in memory.

``python -m benchmarks.fresh memory NAME STORE`` is one contestant, which answers in JSON.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dask

import dasknorm as dn
from benchmarks import climate, frames
from benchmarks.clusters import cluster, workers_peak
from benchmarks.fresh import ask, peak_megabytes
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table

__all__ = ["run"]

OURS, OURS_WEIGHTED, OURS_WIDE = "dasknorm", "dasknorm, weighted", "dasknorm, every grid point"
ON_CLUSTER = ", on a cluster"
LIMIT = 600
RUNS, FULL = 2, 1.0
"""From this many GB on, all is run, and compiled anew; below, two contestants for a quick look."""
THREADS = 2
NOISE = 1.05


def _weighted(t: Any) -> Any:
    return dn.adapt(t, keep="level", weights=climate.weights(t))


CONTESTANTS: dict[str, Callable[[Any], Any]] = {
    "imports, and the store opened": lambda t: None,
    "reading alone": lambda t: t.data.max().compute(),
    OURS: lambda t: dn.adapt(t, keep="level"),
    OURS_WEIGHTED: _weighted,
    OURS_WIDE: lambda t: dn.adapt(t, over="time"),
    "xarray mean + std": lambda t: dask.compute(t.mean(climate.OVER), t.std(climate.OVER)),
    f"{OURS}{ON_CLUSTER}": lambda t: dn.adapt(t, keep="level"),
    f"{OURS_WEIGHTED}{ON_CLUSTER}": _weighted,
}
FLAT = (OURS, OURS_WEIGHTED, OURS_WIDE, f"{OURS}{ON_CLUSTER}", f"{OURS_WEIGHTED}{ON_CLUSTER}")


def measure(name: str, path: str) -> float:
    """Run one contestant on a store; return the peak of this process, or of a worker, in MB."""
    t = climate.opened(Path(path))
    if name.endswith(ON_CLUSTER):
        with cluster(THREADS) as client:
            CONTESTANTS[name](t)
            return workers_peak(client)
    with dask.config.set(scheduler="threads", num_workers=THREADS):
        CONTESTANTS[name](t)
    return peak_megabytes()


def run(gigabytes: float) -> Report:
    """Measure on a store of this size and on one twice as large."""
    sizes = (gigabytes, 2 * gigabytes)
    full = gigabytes >= FULL
    runs, names = (RUNS, tuple(CONTESTANTS)) if full else (1, (OURS, f"{OURS}{ON_CLUSTER}"))
    once, twice = (_peaks(size, names, runs) for size in sizes)
    rows = [[name, f"{once[name]:.0f}", f"{twice[name]:.0f}"] for name in names]
    most = max(once[OURS], twice[OURS])
    reached = [Aim(f"peak, {OURS}", f"under {LIMIT} MB", f"{most:.0f} MB", most < LIMIT)]
    reached += [
        Aim(
            f"twice the data, {name}",
            "no more (5 % for noise)",
            f"{twice[name] / once[name]:.2f} x",
            twice[name] <= NOISE * once[name],
        )
        for name in names
        if name in FLAT
    ]
    lead = (
        f"{describe()} Stores in chunks of 16 MiB; {THREADS} Dask threads, or a LocalCluster of "
        f"{THREADS} worker processes with a thread each; each in fresh processes; the most of "
        f"{runs} runs, and of the workers, in MB resident."
    )
    head = ["peak MB", *(f"{size:g} GB" for size in sizes)]
    beside = frames.section(gigabytes)
    return Report("\n\n".join([lead, aims(reached), table(head, rows), beside]))


def _peaks(gigabytes: float, names: Sequence[str], runs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.zarr"
        climate.write_repeated(path, gigabytes)
        peaks = dict.fromkeys(names, 0.0)
        for run in range(runs):
            for name in names:
                # Compiling takes memory too: in an empty folder everything is compiled.
                code = Path(folder) / f"{run} {name}" if runs > 1 else None
                peaks[name] = max(peaks[name], ask("memory", name, path, machine_code=code))
    return peaks
