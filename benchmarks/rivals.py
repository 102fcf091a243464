"""In memory: dasknorm beside its rivals and the machine's limits, on one thread and on all."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import dask
import numpy as np

from benchmarks.limits import COPY, COPYING, READ, READING, limits
from benchmarks.machine import cores, describe
from benchmarks.report import Aim, Report, aims, table
from benchmarks.timing import least_seconds
from tests.support.other_libraries import (
    LIBRARIES,
    Dask,
    Dasknorm,
    Library,
    ScikitLearn,
    is_installed,
)

__all__ = ["run"]


@dataclass(frozen=True)
class Case:
    """How the features of an array lie in memory, and its dtype."""

    layout: str
    dtype: str
    shape: tuple[int, ...]
    axes: tuple[int, ...] = (0,)

    def __str__(self) -> str:
        return f"{self.layout}, {self.dtype}"


FLAT = Case("one feature", "float32", (-1,))
FLAT_WIDE = Case("one feature", "float64", (-1,))
FIVE = Case("rows of 5", "float32", (-1, 5))
HUNDRED = Case("rows of 100", "float32", (-1, 100))
HUNDRED_WIDE = Case("rows of 100", "float64", (-1, 100))
FIRST = Case("100 features first", "float32", (100, -1), (1,))

CASES = (FLAT, FLAT_WIDE, FIVE, HUNDRED, HUNDRED_WIDE, FIRST)
ON_ALL_CORES = (FLAT, HUNDRED, FIRST)
CONTIGUOUS, ROWS = (FLAT, FLAT_WIDE, FIRST), (FIVE, HUNDRED, HUNDRED_WIDE)

LEARN, MAP = "moments", "normalize"
ONE, ALL = "one thread", "all cores"

Speeds = dict[tuple[str, Case], dict[str, float]]
"""GB/s of input by rival or limit, for each verb and case."""


def run(gigabytes: float) -> Report:
    """Measure arrays of this size in memory."""
    with dask.config.set(scheduler="sync"):
        alone = _measure(CASES, gigabytes, 1)
        wrong = _errors(gigabytes)
    with dask.config.set(scheduler="threads", num_workers=cores()):
        together = _measure(ON_ALL_CORES, gigabytes, cores())
    full = _full(alone, together, wrong, gigabytes)
    return Report(full, _short(alone, together, wrong))


# -- what is timed ------------------------------------------------------------------------------


def _measure(cases: Sequence[Case], gigabytes: float, threads: int) -> Speeds:
    """On one thread by CPU time, on several by the clock."""
    clock = time.process_time if threads == 1 else time.perf_counter
    speeds: Speeds = {}
    for case in cases:
        x = _data(case, gigabytes)
        for verb, calls in {LEARN: _learning(x, case), MAP: _mapping(x, case)}.items():
            seconds = least_seconds({**calls, **limits(x, threads)}, clock=clock)
            speeds[verb, case] = {name: x.nbytes / 1e9 / s for name, s in seconds.items()}
    return speeds


def _data(case: Case, gigabytes: float) -> np.ndarray:
    size = round(gigabytes * 1e9 / np.dtype(case.dtype).itemsize / 1000) * 1000
    return np.random.default_rng(1).normal(3.0, 2.0, size).astype(case.dtype).reshape(case.shape)


def _here() -> list[type[Library]]:
    return [rival for rival in LIBRARIES if is_installed(rival)]


def _learning(x: np.ndarray, case: Case) -> dict[str, Callable[[], Any]]:
    return {
        rival.name: partial(_learn, rival, rival.take(x, case.axes), case.axes) for rival in _here()
    }


def _learn(rival: type[Library], x: Any, axes: tuple[int, ...]) -> Any:
    return rival(x, axes).moments()


def _mapping(x: np.ndarray, case: Case) -> dict[str, Callable[[], Any]]:
    return {
        rival.name: partial(rival.of(x, case.axes).normalize, rival.take(x, case.axes))
        for rival in _here()
    }


def _errors(gigabytes: float) -> dict[str, tuple[float, float]]:
    """Measure how far off moments of float32 rows around 1e4 are, in deviations and as a ratio."""
    size = round(gigabytes * 1e9 / 8)
    x = np.random.default_rng(2).normal(1e4, 1.0, (size, 2)).astype("f4")
    wide = x.astype("f8") - 1e4
    mean, variance = wide.mean(0), wide.var(0)
    errors = {}
    for rival in _here():
        got_mean, got_variance = rival.of(x, (0,)).moments()
        off = np.max(np.abs(np.asarray(got_mean, "f8") - 1e4 - mean) / np.sqrt(variance))
        errors[rival.name] = float(off), float(np.max(np.abs(got_variance / variance - 1)))
    return errors


# -- what is said of it -------------------------------------------------------------------------


def _full(
    alone: Speeds, together: Speeds, wrong: dict[str, tuple[float, float]], size: float
) -> str:
    lead = f"{describe()} Arrays of {size:g} GB in memory; the least of five runs taken in turn."
    both = [(verb, case) for verb in (LEARN, MAP) for case in ON_ALL_CORES]
    return "\n\n".join(
        [
            lead,
            aims([*_aims(alone, ONE), *_aims(together, ALL)]),
            "**Mean and variance, one thread**: times dasknorm's CPU time (GB/s of input)",
            _speed_table(alone, [(LEARN, case) for case in CASES], READING),
            "**(x - mean) / std, one thread**: times dasknorm's CPU time (GB/s of input)",
            _speed_table(alone, [(MAP, case) for case in CASES], COPYING),
            f"**{cores()} cores**: times dasknorm's time on the clock (GB/s of input)",
            _speed_table(together, both, (*READING, *COPYING)),
            "**Right or wrong**: mean and variance of float32 rows around 1e4, deviation 1",
            table(
                ["", "mean is off by (standard deviations)", "variance is off by (ratio)"],
                [[name, f"{mean:.1g}", f"{var:.1g}"] for name, (mean, var) in wrong.items()],
            ),
            *_absent(),
        ]
    )


def _speed_table(speeds: Speeds, columns: Sequence[tuple[str, Case]], beside: Sequence[str]) -> str:
    names = [*(rival.name for rival in _here()), *beside]
    rows = [[name, *(_ratio(speeds[column], name) for column in columns)] for name in names]
    several = len({verb for verb, _ in columns}) > 1
    return table(
        ["", *(f"{verb}: {case}" if several else str(case) for verb, case in columns)], rows
    )


def _ratio(speeds: dict[str, float], name: str) -> str:
    """Write how many times dasknorm's time a rival takes, and its speed."""
    return f"{speeds[Dasknorm.name] / speeds[name]:.2g} ({speeds[name]:.2g})"


def _absent() -> list[str]:
    names = [rival.name for rival in LIBRARIES if not is_installed(rival)]
    return [f"Not installed, and so not measured: {', '.join(names)}."] if names else []


def _aims(speeds: Speeds, on: str) -> list[Aim]:
    def times(verb: str, name: str, cases: Sequence[Case] = CASES) -> list[float]:
        """How many times dasknorm's time someone takes, from the least to the most."""
        columns = [speeds[verb, case] for case in cases if (verb, case) in speeds]
        return sorted(column[Dasknorm.name] / column[name] for column in columns)

    def faster(what: str, least: float, got: list[float]) -> Aim:
        return Aim(f"{what}, {on}", f"{least:g} x faster", _span(got), got[0] >= least)

    def near(what: str, most: float, got: list[float]) -> Aim:
        slower = sorted(1 / ratio for ratio in got)
        return Aim(f"{what}, {on}", f"within {most:g} x", _span(slower), slower[-1] <= most)

    return [
        faster("moments of rows, than Dask", 8, times(LEARN, Dask.name, ROWS)),
        faster("moments of contiguous features, than Dask", 3, times(LEARN, Dask.name, CONTIGUOUS)),
        *(
            [faster("moments, than scikit-learn's fit", 5, times(LEARN, ScikitLearn.name))]
            if is_installed(ScikitLearn)
            else []
        ),
        near(f"moments of contiguous features, of `{READ}`", 2, times(LEARN, READ, CONTIGUOUS)),
        near(f"normalize, of `{COPY}`", 1.15, times(MAP, COPY)),
    ]


def _span(ratios: list[float]) -> str:
    return f"{ratios[0]:.2f} to {ratios[-1]:.2f}"


def _short(alone: Speeds, together: Speeds, wrong: dict[str, tuple[float, float]]) -> str:
    shown = {
        "moments, one feature": alone[LEARN, FLAT],
        "moments, rows of 100": alone[LEARN, HUNDRED],
        "normalize, rows of 100": alone[MAP, HUNDRED],
        f"the same on {cores()} cores": together[MAP, HUNDRED],
    }
    rows = [
        [
            name,
            *(f"{c[Dasknorm.name] / c[name]:.2g}" for c in shown.values()),
            f"{wrong[name][0]:.1g}",
        ]
        for name in wrong
    ]
    said = (
        "Times dasknorm's time, in CPU time on one thread and by the clock on all cores; how many "
        "standard deviations the mean is off by:"
    )
    head = ["float32, in memory", *shown, "mean of 1e4 ± 1 off by"]
    return "\n\n".join([said, table(head, rows), *_absent()])
