"""Graphs: how many tasks a chunk, and how long they take to build and optimise; nothing is read."""

from collections.abc import Callable
from functools import partial
from typing import Any

import dask
import dask.array as da
import xarray as xr
from dask.base import unpack_collections

import dasknorm as dn
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table
from benchmarks.timing import least_seconds

__all__ = ["run", "tasks"]

OURS, DASK, XARRAY = "dasknorm", "Dask mean + var", "xarray mean + std"


def run(chunks: float) -> Report:
    """Build each graph over this many chunks of an array that is never computed."""
    chunks = int(chunks)
    zeros = da.zeros((chunks, 1000, 10), chunks=(1, 1000, 10))
    x = xr.DataArray(zeros, dims=("time", "lat", "level"))
    over = ("time", "lat")
    builders: dict[str, Callable[[], Any]] = {
        OURS: lambda: dn.adapt(x, keep="level", compute=False),
        DASK: lambda: (x.data.mean((0, 1)), x.data.var((0, 1))),
        XARRAY: lambda: (x.mean(over), x.std(over)),
    }
    count = {name: tasks(build()) for name, build in builders.items()}
    seconds = least_seconds({name: partial(_optimised, b) for name, b in builders.items()})
    each = {name: count[name] / chunks for name in builders}
    micros = {name: seconds[name] / chunks * 1e6 for name in builders}
    rows = [[name, f"{each[name]:.2f}", f"{micros[name]:.0f}"] for name in builders]
    reached = [
        Aim("tasks a chunk", "1.05", f"{each[OURS]:.3f}", each[OURS] <= 1.05),
        Aim("built and optimised, a chunk", "60 µs", f"{micros[OURS]:.0f} µs", micros[OURS] <= 60),
    ]
    full = [
        f"{describe()} Graphs over {chunks:,} chunks; CPU time, the least of five.",
        aims(reached),
        table(["", "tasks a chunk", "µs a chunk"], rows),
    ]
    return Report("\n\n".join(full))


def tasks(lazy: Any) -> int:
    """Count the tasks of the optimised graph of a lazy value, or of several."""
    (optimised,) = dask.optimize(lazy)
    collections, _ = unpack_collections(optimised)
    return len({key for each in collections for key in each.__dask_graph__()})


def _optimised(build: Callable[[], Any]) -> Any:
    return dask.optimize(build())
