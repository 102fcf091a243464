"""What other statistics cost beside mean and variance, and beside scikit-learn's scalers."""

import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import dask
import dask.array as da
import numpy as np

import dasknorm as dn
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table
from benchmarks.timing import least_seconds

__all__ = ["run"]

CHUNKS = 20
MOMENTS, EXTREMA, MAXABS, QUANTILES = dn.Moments(), dn.Extrema(), dn.MaxAbs(), dn.Quantiles()

OURS: dict[str, Any] = {
    "`Moments()`": MOMENTS,
    "`Extrema()`": EXTREMA,
    "`MaxAbs()`": MAXABS,
    "`Quantiles()`": QUANTILES,
    '`Transformed("log1p")`': dn.Transformed("log1p"),
    "`[Moments(), Extrema()]`": [MOMENTS, EXTREMA],
    "`[Moments(), Extrema(), Quantiles()]`": [MOMENTS, EXTREMA, QUANTILES],
}
NAMES = list(OURS)
ALONE, ENDS, TWO = NAMES[0], NAMES[1], NAMES[5]
NUMPY, SCALER = "NumPy, `min` and `max`", "scikit-learn `MinMaxScaler`"

Seconds = dict[str, dict[str, float]]
"""CPU time of each way, for each case."""


def run(size: float) -> Report:
    """Measure on this many float32 values, of one feature and of ten."""
    rain = np.random.default_rng(0).lognormal(0.0, 2.0, int(size) // 10 * 10).astype("f4")
    cases = {"one feature": rain[:, None], "rows of 10": rain.reshape(-1, 10)}
    seconds: Seconds = {}
    with dask.config.set(scheduler="synchronous"):
        for case, x in cases.items():
            seconds[case] = least_seconds(
                {**_ours(x), **_rivals(x)}, rounds=3, clock=time.process_time
            )
    lead = (
        f"`adapt` on {rain.size:,} float32 values in memory, in {CHUNKS} chunks of a "
        "Dask array, and what others fit on the same values in one; one thread. Times the CPU time "
        "of `Moments()` alone (ns a value)."
    )
    rows = [[who, *(_cost(each, who, rain.size) for each in seconds.values())] for who in _all()]
    costs = table(["", *cases], rows)
    full = "\n\n".join([f"{describe()} {lead}", aims(_aims(seconds)), costs])
    return Report(full, f"What other statistics cost: {lead}\n\n{costs}")


def _ours(x: np.ndarray) -> dict[str, Callable[[], Any]]:
    lazy = da.from_array(x, chunks=(-(-len(x) // CHUNKS), -1), name=False)
    return {who: partial(dn.adapt, lazy, statistic) for who, statistic in OURS.items()}


def _rivals(x: np.ndarray) -> dict[str, Callable[[], Any]]:
    calls: dict[str, Callable[[], Any]] = {
        NUMPY: lambda: (x.min(0), x.max(0)),
        "NumPy, `nanquantile`": lambda: np.nanquantile(x, (0.25, 0.5, 0.75), axis=0),
    }
    if find_spec("sklearn"):
        from sklearn import preprocessing

        for name in ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler"):
            scaler = getattr(preprocessing, name)
            calls[f"scikit-learn `{name}`"] = partial(_fitted, scaler, x)
    return calls


def _fitted(scaler: Callable[[], Any], x: np.ndarray) -> Any:
    return scaler().fit(x)


def _all() -> list[str]:
    return [*OURS, *_rivals(np.zeros((1, 1)))]


def _cost(seconds: dict[str, float], who: str, values: int) -> str:
    return f"{seconds[who] / seconds[ALONE]:.2g} ({seconds[who] / values * 1e9:.2g})"


def _aims(seconds: Seconds) -> list[Aim]:
    reached = []
    for case, each in seconds.items():
        apart = each[TWO] / (each[ALONE] + each[ENDS])
        said = f"{apart:.2f} x their sum"
        reached.append(Aim(f"{TWO}, {case}", "no more than one by one", said, apart <= 1))
        if SCALER in each:
            ratio = each[SCALER] / each[ENDS]
            reached.append(
                Aim(
                    f"{ENDS}, {case}",
                    f"faster than {SCALER}",
                    f"{ratio:.2f} x as fast",
                    ratio > 1,
                )
            )
    return reached
