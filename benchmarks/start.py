"""The first seconds: imports, a small frame, and the first large array, in fresh processes.

``python -m benchmarks.start CASE`` is one of them, which answers in JSON.
"""

import statistics
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.fresh import answer, ask, spent
from benchmarks.machine import describe
from benchmarks.report import Aim, Report, aims, table

__all__ = ["run"]

LARGE = 10_000_000
FRAME = "frame"
IMPORT_LIMIT, FRAME_LIMIT, FIRST_LIMIT = 0.15, 0.3, 1.5

SHAPES: dict[str, tuple[str, tuple[int, ...]]] = {
    "float32, one feature": ("f4", (-1,)),
    "float64, one feature": ("f8", (-1,)),
    "float32, rows of 5": ("f4", (-1, 5)),
    "float64, rows of 5": ("f8", (-1, 5)),
    "float32, rows of 100": ("f4", (-1, 100)),
}
"""Large arrays, to each of which a fresh process first adapts, and which it then normalizes."""


def measure(case: str) -> dict[str, float]:
    """Time the imports in this fresh process, then the first use and the next."""
    figures = {}
    peers = ("xarray", "dask.array")
    figures["peers"], _ = spent(lambda: [import_module(name) for name in peers])
    figures["import"], figures["import, CPU"] = spent(lambda: import_module("dasknorm"))
    calls = _frame() if case == FRAME else _array(*SHAPES[case])
    for name, call in calls.items():
        figures[f"{name}, first"], figures[f"{name}, first, CPU"] = spent(call)
        figures[name], figures[f"{name}, CPU"] = map(
            min, zip(*(spent(call) for _ in range(3)), strict=True)
        )
    return figures


def _frame() -> dict[str, Callable[[], Any]]:
    import numpy as np
    import pandas as pd

    import dasknorm as dn

    data = pd.DataFrame(np.random.default_rng(0).normal(size=(1000, 10)))
    return {"both": lambda: dn.adapt(data).normalize(data)}


def _array(dtype: str, shape: tuple[int, ...]) -> dict[str, Callable[[], Any]]:
    import numpy as np

    import dasknorm as dn

    x = np.random.default_rng(0).normal(size=LARGE).astype(dtype).reshape(shape)
    made = {}

    def learn() -> None:
        made["stats"] = dn.adapt(x)

    return {"adapt": learn, "normalize": lambda: made["stats"].normalize(x)}


# -- all of them ----------------------------------------------------------------------------------


def run(processes: float) -> Report:
    """Measure every case in this many fresh processes each, in turn; the medians count."""
    cases = [FRAME, *SHAPES]
    rounds = [{case: ask("start", case) for case in cases} for _ in range(int(processes))]
    frame, *large = (_medians([each[case] for each in rounds]) for case in cases)
    rows = [
        [
            case,
            f"{_more(m, 'adapt'):.2f}",
            f"{_more(m, 'adapt', ', CPU'):.2f}",
            f"{m['adapt']:.3f}",
            f"{_more(m, 'normalize'):.2f}",
            f"{_more(m, 'normalize', ', CPU'):.2f}",
            f"{m['normalize']:.3f}",
        ]
        for case, m in zip(SHAPES, large, strict=True)
    ]
    head = f"{describe()} Medians of {int(processes)} fresh processes, in seconds."
    columns = "first large array,adapt: more when first,in CPU s,adapt,"
    columns += "normalize: more when first,in CPU s,normalize"
    body = [head, aims(_aims(frame, large)), table(columns.split(","), rows)]
    return Report("\n\n".join(body))


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(each[name] for each in runs) for name in runs[0]}


def _more(figures: dict[str, float], name: str, unit: str = "") -> float:
    """How much longer the first call took than the later ones."""
    return figures[f"{name}, first{unit}"] - figures[f"{name}{unit}"]


def _aims(frame: dict[str, float], large: list[dict[str, float]]) -> list[Aim]:
    beyond, both = frame["import"], frame["both, first"]
    first, in_cpu = (max(_more(m, "adapt", unit) for m in large) for unit in ("", ", CPU"))
    return [
        Aim(
            f"`import dasknorm`, beyond `import xarray, dask.array` ({frame['peers']:.2f} s)",
            f"{IMPORT_LIMIT} s",
            f"{beyond:.3f} s, {frame['import, CPU']:.3f} in CPU",
            beyond <= IMPORT_LIMIT,
        ),
        Aim(
            "adapt and normalize a 1000 x 10 frame, first thing in a process",
            f"under {FRAME_LIMIT} s",
            f"{both:.3f} s, {frame['both, first, CPU']:.3f} in CPU",
            both < FRAME_LIMIT,
        ),
        Aim(
            "adapt to a large array, first thing in a process: more than later",
            f"under {FIRST_LIMIT} s",
            f"{first:.2f} s at most, {in_cpu:.2f} in CPU",
            first < FIRST_LIMIT,
        ),
    ]


if __name__ == "__main__":
    answer(measure(sys.argv[1]))
