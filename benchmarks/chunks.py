"""Many small chunks under a cluster: what one costs the client, the scheduler and the clock.

``python -m benchmarks.fresh chunks NUMBER`` runs the contestants, which answer in JSON.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np

import dasknorm as dn
from benchmarks.clusters import cluster
from benchmarks.fresh import Figures, ask, warm
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table

__all__ = ["run"]

SIZE = 1000
WORKERS = 2
FEW = 50
TIMES_LESS = 10
DASK, OURS = "Dask mean + var", "dasknorm"

CONTESTANTS: dict[str, Callable[[Any], Any]] = {
    DASK: lambda x: dask.compute(x.mean(), x.var()),
    OURS: lambda x: dn.adapt(x, over=0),
}


def numbers(block_id: tuple[int, ...]) -> np.ndarray:
    """Make one chunk, for next to nothing."""
    return np.arange(block_id[0], block_id[0] + SIZE, dtype="f8")


def array(chunks: int) -> da.Array:
    """Return an array each of whose chunks is made by a task of its own."""
    return da.map_blocks(numbers, chunks=((SIZE,) * chunks,), dtype="f8", meta=np.empty(0))


def measure(chunks: str) -> dict[str, Figures]:
    """Run each contestant on a cluster that has done some chunks with it already."""
    figures = {}
    with cluster(WORKERS):
        for name, call in CONTESTANTS.items():
            call(array(FEW))
            figures[name] = warm(partial(call, array(int(chunks))))
    return figures


def run(chunks: float) -> Report:
    """Measure this many chunks of a thousand numbers."""
    figures = ask("chunks", int(chunks))
    rows = [
        [
            name,
            *(f"{f[figure] / chunks * 1e6:.0f}" for figure in ("cpu", "wall")),
            *(f"{f[figure]:.2f}" for figure in ("cpu", "wall")),
        ]
        for name, f in figures.items()
    ]
    lead = (
        f"{describe()} {int(chunks):,} chunks of {SIZE:,} numbers, each made by a task; a "
        f"LocalCluster of {WORKERS} worker processes with a thread each, warm. "
        "CPU is that of the process that holds the client and the scheduler."
    )
    head = ["", "CPU µs a chunk", "µs a chunk on the clock", "CPU s", "s"]
    reached = [_times_less(figures, "cpu", "CPU"), _times_less(figures, "wall", "on the clock")]
    return Report("\n\n".join([lead, aims(reached), table(head, rows)]))


def _times_less(figures: dict[str, Figures], figure: str, said: str) -> Aim:
    ratio = figures[DASK][figure] / figures[OURS][figure]
    reach = f"{TIMES_LESS} x less than Dask"
    return Aim(f"a chunk, {said}", reach, f"{ratio:.1f} x", ratio >= TIMES_LESS)
