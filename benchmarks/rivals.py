"""In memory: dasknorm beside its rivals, one thread each, and beside the machine's own limits."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import dask
import numpy as np

from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table
from benchmarks.timing import least_seconds
from tests.rivals import RIVALS, Dasknorm, Rival, installed

__all__ = ["run"]


@dataclass(frozen=True)
class Layout:
    """How the features of an array lie in memory."""

    name: str
    shape: tuple[int, ...]
    axes: tuple[int, ...]


LAYOUTS = (
    Layout("one feature", (-1,), (0,)),
    Layout("rows of 5", (-1, 5), (0,)),
    Layout("rows of 100", (-1, 100), (0,)),
    Layout("rows of 1000", (-1, 1000), (0,)),
    Layout("100 features first", (100, -1), (1,)),
)
DTYPES = ("float32", "float64")
LIMITS = ("np.sum", "np.max", "np.copyto", "x.copy()")

Speeds = dict[tuple[str, str], dict[str, float]]
"""GB/s of input by rival or limit, for each layout and dtype."""


def run(gigabytes: float) -> Report:
    """Measure arrays of this size in memory."""
    speeds: dict[str, Speeds] = {"moments": {}, "normalize": {}}
    with dask.config.set(scheduler="sync"):
        for layout, dtype in product(LAYOUTS, DTYPES):
            x = _data(layout, dtype, gigabytes)
            speeds["moments"][layout.name, dtype] = _speeds(x, _learning(x, layout))
            speeds["normalize"][layout.name, dtype] = _speeds(x, _mapping(x, layout))
        wrong = _errors(gigabytes)
    return Report(_full(speeds, wrong, gigabytes), _short(speeds, wrong))


# -- what is timed ------------------------------------------------------------------------------


def _data(layout: Layout, dtype: str, gigabytes: float) -> np.ndarray:
    size = round(gigabytes * 1e9 / np.dtype(dtype).itemsize / 1000) * 1000
    flat = np.random.default_rng(1).normal(3.0, 2.0, size).astype(dtype)
    return flat.reshape(layout.shape)


def _speeds(x: np.ndarray, calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    seconds = least_seconds(calls)
    return {name: x.nbytes / 1e9 / least for name, least in seconds.items()}


def _here() -> list[type[Rival]]:
    return [rival for rival in RIVALS if installed(rival)]


def _learning(x: np.ndarray, layout: Layout) -> dict[str, Callable[[], Any]]:
    calls = {
        rival.name: partial(_learn, rival, rival.take(x, layout.axes), layout.axes)
        for rival in _here()
    }
    return {**calls, **_limits(x)}


def _learn(rival: type[Rival], x: Any, axes: tuple[int, ...]) -> Any:
    return rival(x, axes).moments()


def _mapping(x: np.ndarray, layout: Layout) -> dict[str, Callable[[], Any]]:
    calls = {
        rival.name: partial(rival.of(x, layout.axes).normalize, rival.take(x, layout.axes))
        for rival in _here()
    }
    return {**calls, **_limits(x)}


def _limits(x: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Do what no one can be faster than: read it once; write it, to pages new or used."""
    used = np.zeros_like(x)
    limits = (lambda: np.sum(x), lambda: np.max(x), lambda: np.copyto(used, x), x.copy)
    return dict(zip(LIMITS, limits, strict=True))


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


def _full(speeds: dict[str, Speeds], wrong: dict[str, tuple[float, float]], size: float) -> str:
    parts = [
        f"{describe()} Arrays of {size:g} GB in memory, one thread, "
        "CPU time, the least of five runs taken in turn.",
        aims(_aims(speeds)),
    ]
    titles = {"moments": "Mean and variance", "normalize": "(x - mean) / std"}
    for verb, title in titles.items():
        for dtype in DTYPES:
            parts += [f"**{title}, {dtype}**: times dasknorm's time (GB/s of input)"]
            parts += [_speed_table(speeds[verb], dtype)]
    parts += [
        "**Right or wrong**: mean and variance of float32 rows around 1e4, standard deviation 1",
        table(
            ["", "mean is off by (standard deviations)", "variance is off by (ratio)"],
            [[name, f"{mean:.1g}", f"{variance:.1g}"] for name, (mean, variance) in wrong.items()],
        ),
        *_absent(),
    ]
    return "\n\n".join(parts)


def _speed_table(speeds: Speeds, dtype: str) -> str:
    columns = [speeds[layout.name, dtype] for layout in LAYOUTS]
    rows = [[name, *(_ratio(column, name) for column in columns)] for name in columns[0]]
    return table(["", *(layout.name for layout in LAYOUTS)], rows)


def _ratio(speeds: dict[str, float], name: str) -> str:
    """Write how many times dasknorm's time a rival takes, and its speed."""
    return f"{speeds[Dasknorm.name] / speeds[name]:.2g} ({speeds[name]:.2g})"


def _absent() -> list[str]:
    names = [rival.name for rival in RIVALS if not installed(rival)]
    return [f"Not installed, and so not measured: {', '.join(names)}."] if names else []


def _aims(speeds: dict[str, Speeds]) -> list[Aim]:
    reached = []
    for layout in LAYOUTS[:4]:
        for dtype in DTYPES:
            flat = layout.name == "one feature"
            if not flat and dtype == "float64":
                continue
            reach = (15 if dtype == "float32" else 20) if flat else 9
            all_of = speeds["moments"][layout.name, dtype]
            got = all_of[Dasknorm.name]
            limit = got / all_of["np.sum"]
            what = f"moments, {layout.name}, {dtype}"
            said = f"{limit:.2f} of np.sum; {got:.1f} GB/s"
            reached.append(Aim(what, f"{reach} GB/s", said, got >= reach))
    for (name, dtype), all_of in speeds["normalize"].items():
        copied = all_of[Dasknorm.name] / all_of["np.copyto"]
        fresh = all_of[Dasknorm.name] / all_of["x.copy()"]
        said = f"{copied:.2f}; {fresh:.2f} of x.copy()"
        reached.append(Aim(f"normalize, {name}, {dtype}", "0.9 of np.copyto", said, copied >= 0.9))
    return reached


def _short(speeds: dict[str, Speeds], wrong: dict[str, tuple[float, float]]) -> str:
    shown = (("moments", "one feature"), ("moments", "rows of 100"), ("normalize", "rows of 100"))
    columns = [speeds[verb][layout, "float32"] for verb, layout in shown]
    rows = [
        [name, *(f"{c[Dasknorm.name] / c[name]:.2g}" for c in columns), f"{wrong[name][0]:.1g}"]
        for name in wrong
    ]
    head = ["float32", *(f"{verb}, {layout}" for verb, layout in shown), "mean of 1e4 ± 1 off by"]
    return "\n\n".join(
        [
            "Times dasknorm's time, one thread; how many standard deviations the mean is off by:",
            table(head, rows),
            *_absent(),
        ]
    )
