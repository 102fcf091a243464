"""Median and quartiles: in chunks and in memory, beside the truth in float64."""

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

AT = (0.25, 0.5, 0.75)
CHUNKS = 20
OURS, NUMPY, KLL = "dasknorm, buckets=2048", "NumPy in float64", "KLL (datasketches), k=2048"


def run(size: float) -> Report:
    """Measure on this many float32 values of several kinds."""
    lines, reached = [], []
    with dask.config.set(scheduler="synchronous"):
        for case, x in _cases(int(size)).items():
            truth = np.quantile(x.astype("f8"), AT)
            calls = {who: partial(call, x, CHUNKS) for who, call in _calls().items()}
            taken = least_seconds(calls, rounds=3, clock=time.process_time)
            off = {who: _off(call(), truth) for who, call in calls.items()}
            told = _told(x)
            for who in calls:
                again = (
                    "yes" if np.array_equal(calls[who](), _calls()[who](x, 2 * CHUNKS)) else "no"
                )
                figures = [f"{taken[who] / x.size * 1e9:.3g}", f"{off[who]:.1g}"]
                lines.append([f"{case}: {who}", *figures, again])
            said = f"{told:.1g}, and it is {off[OURS]:.1g}"
            reached.append(Aim(case, "off by no more than `error`", said, off[OURS] <= told))
    lead = (
        f"{describe()} {int(size):,} float32 values, one thread, {CHUNKS} chunks where there are "
        "any. CPU time a value; the furthest of the median and the quartiles from NumPy's in "
        "float64, in quartile ranges; and whether twice as many chunks give the same bits."
    )
    head = ["", "ns a value", "off by", "same bits"]
    return Report("\n\n".join([lead, aims(reached), table(head, lines)]))


def _cases(size: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    rain = np.where(rng.random(size) < 0.6, 0.0, rng.lognormal(0.0, 2.0, size))
    return {
        "normal": rng.normal(size=size).astype("f4"),
        "kelvins": rng.normal(288.0, 12.0, size).astype("f4"),
        "rain": rain.astype("f4"),
        "Cauchy": rng.standard_cauchy(size).astype("f4"),
    }


def _calls() -> dict[str, Callable[[np.ndarray, int], np.ndarray]]:
    calls = {
        OURS: _ours,
        NUMPY: lambda x, _: np.quantile(x.astype("f8"), AT),
        "Dask percentile": _dask,
    }
    if find_spec("sklearn"):
        calls["scikit-learn RobustScaler"] = _robust
    if find_spec("datasketches"):
        calls[KLL] = _kll
    return calls


def _chunked(x: np.ndarray, chunks: int) -> Any:
    return da.from_array(x, chunks=-(-len(x) // chunks))


def _dask(x: np.ndarray, chunks: int) -> np.ndarray:
    return np.asarray(da.percentile(_chunked(x, chunks), [100 * q for q in AT]).compute())


def _ours(x: np.ndarray, chunks: int) -> np.ndarray:
    stats = dn.adapt(_chunked(x, chunks), dn.Quantiles())
    return np.array([float(stats.result(name)) for name in ("lower", "median", "upper")])


def _told(x: np.ndarray) -> float:
    """Return the error that our statistics tell, in quartile ranges."""
    stats = dn.adapt(_chunked(x, CHUNKS), dn.Quantiles())
    return float(stats.result("error") / (stats.result("upper") - stats.result("lower")))


def _robust(x: np.ndarray, _: int) -> np.ndarray:
    """Return what the scaler knows: the median, and the range around it."""
    from sklearn.preprocessing import RobustScaler

    scaler = RobustScaler().fit(x[:, None])
    return np.array([scaler.center_[0], scaler.scale_[0]])


def _kll(x: np.ndarray, chunks: int) -> np.ndarray:
    from datasketches import kll_floats_sketch

    total = kll_floats_sketch(2048)
    for part in np.array_split(x, chunks):
        sketch = kll_floats_sketch(2048)
        sketch.update(part)
        total.merge(sketch)
    return np.array(total.get_quantiles(AT))


def _off(found: np.ndarray, truth: np.ndarray) -> float:
    wanted = truth if len(found) == 3 else np.array([truth[1], truth[2] - truth[0]])
    return float(np.abs(found - wanted).max() / (truth[2] - truth[0]))
