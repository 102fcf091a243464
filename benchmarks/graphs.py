"""Graphs: how many tasks a chunk, and how long they take to build and optimise; nothing is read."""

import time
from collections.abc import Callable
from typing import Any

import dask
import dask.array as da
import xarray as xr
from dask.base import unpack_collections

import dasknorm as dn
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table

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
    loading = tasks(x)
    found = {name: _least([_measured(build) for _ in range(5)]) for name, build in builders.items()}
    beyond = {name: (count - loading + chunks) / chunks for name, (count, _) in found.items()}
    micros = {name: seconds / chunks * 1e6 for name, (_, seconds) in found.items()}
    rows = [[name, f"{beyond[name]:.2f}", f"{micros[name]:.0f}"] for name in found]
    reached = [
        Aim("tasks a chunk", "1.05", f"{beyond[OURS]:.3f}", beyond[OURS] <= 1.05),
        Aim("built and optimised, a chunk", "60 µs", f"{micros[OURS]:.0f} µs", micros[OURS] <= 60),
    ]
    full = [
        f"{describe()} Graphs over {chunks:,} chunks.",
        aims(reached),
        table(["", "tasks a chunk", "µs a chunk"], rows),
    ]
    return Report("\n\n".join(full))


def tasks(lazy: Any) -> int:
    """Count the tasks of the optimised graph of a lazy value, or of several."""
    (optimised,) = dask.optimize(lazy)
    collections, _ = unpack_collections(optimised)
    return len({key for each in collections for key in each.__dask_graph__()})


def _measured(build: Callable[[], Any]) -> tuple[int, float]:
    start = time.perf_counter()
    count = tasks(build())
    return count, time.perf_counter() - start


def _least(runs: list[tuple[int, float]]) -> tuple[int, float]:
    return runs[0][0], min(seconds for _, seconds in runs)
