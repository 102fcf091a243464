"""The scalers in scikit-learn's words: fit, transform, partial_fit, in memory and on Dask."""

import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import dask
import dask.array as da
import numpy as np
import sklearn.preprocessing

import dasknorm.sklearn
from benchmarks.machine import cores, describe
from benchmarks.report import Aim, Report, aims, table
from benchmarks.timing import least_seconds

__all__ = ["run"]

OURS, THEIRS, DASK_ML = "dasknorm", "scikit-learn", "dask-ml"
COLUMNS = 10
CHUNKS = 16
BATCH = (32, 100)

Seconds = dict[str, dict[str, float]]
"""By what was done, and by whom."""


def run(rows: float) -> Report:
    """Measure scalers on this many rows of ten columns, on all cores, by the clock."""
    with dask.config.set(scheduler="threads", num_workers=cores()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn asks Dask for what it has not
        seconds: Seconds = {}
        for dtype in ("float32", "float64"):
            x = np.random.default_rng(1).normal(3.0, 2.0, (int(rows), COLUMNS)).astype(dtype)
            seconds |= _in_memory(x) | _on_dask(x)
        seconds |= _in_batches()
    names = list(_scalers())
    rows_of = [[what, *(_shown(taken, name) for name in names)] for what, taken in seconds.items()]
    lead = (
        f"{describe()} {int(rows):,} rows of {COLUMNS} columns, chunks of "
        f"{int(rows) // CHUNKS:,} rows on Dask's threads; `partial_fit` of "
        f"{BATCH[0]} rows of {BATCH[1]} columns. Times dasknorm's time (seconds):"
    )
    return Report("\n\n".join([lead, table(["", *names], rows_of), aims(_aims(seconds))]))


def _scalers() -> dict[str, Callable[[], Any]]:
    found = {
        OURS: dasknorm.sklearn.StandardScaler,
        THEIRS: sklearn.preprocessing.StandardScaler,
    }
    if find_spec("dask_ml"):
        import dask_ml.preprocessing

        found[DASK_ML] = dask_ml.preprocessing.StandardScaler
    return found


def _in_memory(x: np.ndarray) -> Seconds:
    return _taken(x, f"{x.dtype}, in memory", lambda result: result)


def _on_dask(x: np.ndarray) -> Seconds:
    """scikit-learn makes one array of the chunks first, as it does of anything."""
    chunked = da.from_array(x, chunks=(len(x) // CHUNKS, -1))

    def done(result: Any) -> None:
        # A result is used chunk by chunk: who makes one large array of it measures the copy.
        if isinstance(result, da.Array):
            result.map_blocks(_last, chunks=(1, 1)).compute()

    return _taken(chunked, f"{x.dtype}, Dask array", done)


def _last(block: np.ndarray) -> np.ndarray:
    return block[-1:, -1:]


def _taken(x: Any, on: str, done: Callable[[Any], Any]) -> Seconds:
    fits, maps = {}, {}
    for name, scaler in _scalers().items():
        fits[name] = partial(_fit, scaler, x)
        fitted = scaler().fit(x)
        maps[name] = partial(_transform, fitted, x, done)
    clock = time.perf_counter
    return {
        f"fit, {on}": least_seconds(fits, patience=2.0, clock=clock),
        f"transform, {on}": least_seconds(maps, patience=2.0, clock=clock),
    }


def _fit(scaler: Callable[[], Any], x: Any) -> Any:
    return scaler().fit(x)


def _transform(fitted: Any, x: Any, done: Callable[[Any], Any]) -> None:
    done(fitted.transform(x))


def _in_batches() -> Seconds:
    """Two hundred updates; dask-ml's partial_fit raises NotImplementedError."""
    x = np.random.default_rng(2).normal(size=BATCH)
    scalers = {name: scaler() for name, scaler in _scalers().items() if name != DASK_ML}
    calls = {name: partial(_updates, scaler, x) for name, scaler in scalers.items()}
    return {"partial_fit, 200 batches": least_seconds(calls, clock=time.perf_counter)}


def _updates(scaler: Any, x: np.ndarray) -> None:
    for _ in range(200):
        scaler.partial_fit(x)


def _shown(taken: dict[str, float], name: str) -> str:
    if name not in taken:
        return ""
    return f"{taken[name] / taken[OURS]:.3g} ({taken[name]:.2g})"


def _aims(seconds: Seconds) -> list[Aim]:
    def ratios(verb: str) -> list[float]:
        rivals = [
            taken[name] / taken[OURS]
            for what, taken in seconds.items()
            if what.startswith(verb)
            for name in taken
            if name != OURS
        ]
        return sorted(rivals)

    fits, maps = ratios("fit"), ratios("transform")
    return [
        Aim("fit, than both", "5 x faster", f"{fits[0]:.2f} to {fits[-1]:.2f}", fits[0] >= 5),
        Aim(
            "transform, than the fastest",
            "no slower",
            f"{maps[0]:.2f} to {maps[-1]:.2f}",
            maps[0] >= 1,
        ),
    ]
