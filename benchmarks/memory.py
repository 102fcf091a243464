"""Peak memory of `adapt` over a Zarr store far larger than what is held, on two threads.

``python -m benchmarks.memory NAME STORE`` is one contestant, which answers in JSON.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask

import dasknorm as dn
from benchmarks import climate
from benchmarks.fresh import answer, ask, peak_megabytes
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table

__all__ = ["run"]

OURS, IMPORTS = "dasknorm", "imports, and the store opened"
LIMIT = 600
RUNS = 2
NOISE = 1.05

CONTESTANTS: dict[str, Callable[[Any], Any]] = {
    IMPORTS: lambda t: None,
    "reading alone": lambda t: t.data.max().compute(),
    OURS: lambda t: dn.adapt(t, keep="level"),
    "dasknorm, every grid point": lambda t: dn.adapt(t, over="time"),
    "xarray mean + std": lambda t: dask.compute(t.mean(climate.OVER), t.std(climate.OVER)),
}


def measure(name: str, path: Path) -> float:
    """Run one contestant on a store and return the peak of this process, in MB."""
    with dask.config.set(scheduler="threads", num_workers=2):
        CONTESTANTS[name](climate.opened(path))
    return peak_megabytes()


def run(gigabytes: float) -> Report:
    """Measure on a store of this size and on one twice as large."""
    sizes = (gigabytes, 2 * gigabytes)
    peaks = [_peaks(size) for size in sizes]
    rows = [[name, *(f"{peak[name]:.0f}" for peak in peaks)] for name in CONTESTANTS]
    once, twice = (peak[OURS] for peak in peaks)
    reached = [
        Aim("peak", f"under {LIMIT} MB", f"{max(once, twice):.0f} MB", max(once, twice) < LIMIT),
        Aim(
            "twice the data",
            "no more (5 % for noise)",
            f"{twice / once:.2f} x",
            twice <= NOISE * once,
        ),
    ]
    head = (
        f"{describe()} Stores in chunks of 16 MiB, 2 Dask threads, each in a fresh process; "
        f"the most of {RUNS} runs, in MB resident."
    )
    head_row = ["peak MB", *(f"{size:g} GB" for size in sizes)]
    return Report("\n\n".join([head, aims(reached), table(head_row, rows)]))


def _peaks(gigabytes: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.zarr"
        climate.write_repeated(path, gigabytes)
        runs = [
            {name: _compiling(Path(folder) / f"{run} {name}", name, path) for name in CONTESTANTS}
            for run in range(RUNS)
        ]
    return {name: max(peak[name] for peak in runs) for name in CONTESTANTS}


def _compiling(code: Path, name: str, path: Path) -> float:
    """Ask in a process that compiles, which takes memory too."""
    return ask("memory", name, path, machine_code=code)


if __name__ == "__main__":
    answer(measure(sys.argv[1], Path(sys.argv[2])))
