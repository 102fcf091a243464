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

__all__ = ["run", "tasks", "tasks_of_adapt"]

OURS, LAZY = "dasknorm", "dasknorm, compute=False"


def run(chunks: float) -> Report:
    """Build each graph over this many chunks of an array that is never computed."""
    chunks = int(chunks)
    zeros = da.zeros((chunks, 1000, 10), chunks=(1, 1000, 10))
    x = xr.DataArray(zeros, dims=("time", "lat", "level"))
    over = ("time", "lat")
    lazy: dict[str, Callable[[], Any]] = {
        LAZY: lambda: dn.adapt(x, keep="level", compute=False),
        "Dask mean + var": lambda: (x.data.mean((0, 1)), x.data.var((0, 1))),
        "xarray mean + std": lambda: (x.mean(over), x.std(over)),
    }
    count = {OURS: tasks_of_adapt(x, keep="level")}
    count |= {name: tasks(build()) for name, build in lazy.items()}
    # A plan builds the graphs that `adapt` would run.
    builders = {OURS: lambda: dn.plan(x, keep="level")}
    builders |= {name: partial(_optimised, build) for name, build in lazy.items()}
    seconds = least_seconds(builders)
    each = {name: count[name] / chunks for name in builders}
    micros = {name: seconds[name] / chunks * 1e6 for name in builders}
    rows = [[name, f"{each[name]:.3f}", f"{micros[name]:.0f}"] for name in builders]
    most, longest = (max(figures[OURS], figures[LAZY]) for figures in (each, micros))
    reached = [
        Aim("tasks a chunk", "1.05", f"{most:.3f}", most <= 1.05),
        Aim("built and optimised, a chunk", "60 µs", f"{longest:.0f} µs", longest <= 60),
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


def tasks_of_adapt(data: Any, **how: Any) -> int:
    """Count the tasks that `adapt` runs, as it says itself."""
    return dn.plan(data, **how).tasks


def _optimised(build: Callable[[], Any]) -> Any:
    return dask.optimize(build())
