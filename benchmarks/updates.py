"""Running statistics: updates a second, of small batches with 100 columns."""

import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

import dasknorm as dn
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table
from benchmarks.timing import least_seconds

__all__ = ["run"]

ROWS, COLUMNS = (32, 1000), 100


def run(updates: float) -> Report:
    """Measure so many updates of each size and kind."""
    lines, reached = [], []
    for rows in ROWS:
        x = np.random.default_rng(2).normal(size=(rows, COLUMNS))
        frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(COLUMNS)])
        calls = _calls(x, frame, int(updates))
        taken = least_seconds(calls, clock=time.perf_counter)
        rates = {who: int(updates) / seconds for who, seconds in taken.items()}
        lines += [[f"{rows} x {COLUMNS}: {who}", f"{rate:,.0f}"] for who, rate in rates.items()]
        for kind in ("array", "frame"):
            theirs = rates.get(f"{kind}, scikit-learn's partial_fit")
            if theirs:
                ratio = rates[f"{kind}, Stats.update"] / theirs
                said = f"{ratio:.2f} x"
                what = f"updates by {kind}s of {rows} rows"
                reached.append(Aim(what, "as many as scikit-learn", said, ratio >= 1))
    lead = f"{describe()} Updates a second, each by a batch of {COLUMNS} columns in float64."
    return Report("\n\n".join([lead, aims(reached), table(["", "updates a second"], lines)]))


def _calls(x: np.ndarray, frame: pd.DataFrame, updates: int) -> dict[str, Callable[[], Any]]:
    calls: dict[str, Callable[[], Any]] = {
        "array, Stats.update": partial(_updated, dn.adapt(x), x, updates),
        "array, adapt on a stream": lambda: dn.adapt(x for _ in range(updates)),
        "frame, Stats.update": partial(_updated, dn.adapt(frame), frame, updates),
    }
    if find_spec("sklearn"):
        from sklearn.preprocessing import StandardScaler as Theirs

        from dasknorm.sklearn import StandardScaler

        for kind, data in {"array": x, "frame": frame}.items():
            for who, scaler in {"dasknorm.sklearn": StandardScaler, "scikit-learn": Theirs}.items():
                calls[f"{kind}, {who}'s partial_fit"] = partial(_fitted, scaler(), data, updates)
    return calls


def _updated(stats: dn.Stats, data: Any, updates: int) -> None:
    for _ in range(updates):
        stats = stats.update(data)


def _fitted(scaler: Any, data: Any, updates: int) -> None:
    for _ in range(updates):
        scaler.partial_fit(data)
