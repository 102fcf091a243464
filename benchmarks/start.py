"""The first seconds: imports, a small frame, and the first large array, in fresh processes.

``python -m benchmarks.fresh start CASE`` is one of them, which answers in JSON.
"""

import statistics
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.fresh import ask, spent
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

CASES = (FRAME, *SHAPES)
VERBS = ("adapt", "normalize")
IMPORTS = ("peers", "import", "import, CPU")

Measured = dict[str, dict[str, float]]
"""Figures by case."""


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


def run(rounds: float) -> Report:
    """Measure every case in two fresh processes a round: the first compiles, the next need not."""
    pairs = [_round() for _ in range(int(rounds))]
    compiling, kept = (
        {case: _medians([pair[i][case] for pair in pairs]) for case in CASES} for i in (0, 1)
    )
    imports = _medians([m for pair in pairs for half in pair for m in half.values()], IMPORTS)
    rows = [[case, *_cells(compiling[case], kept[case])] for case in SHAPES]
    head = (
        f"{describe()} Medians of {int(rounds)} fresh processes for each, of "
        f"{int(rounds) * 2 * len(CASES)} for the imports, in seconds (and seconds of CPU)."
    )
    columns = [
        f"{verb}: {what}"
        for verb in VERBS
        for what in ("first use ever, more", "first in a process, more", "later")
    ]
    body = [
        head,
        aims(_aims(imports, compiling, kept)),
        table(["10,000,000 numbers", *columns], rows),
    ]
    return Report("\n\n".join(body))


def _round() -> tuple[Measured, Measured]:
    with tempfile.TemporaryDirectory() as folder:
        # A folder of its own for each case: what one compiles, another would find.
        code = {case: Path(folder) / str(i) for i, case in enumerate(CASES)}
        compiling, kept = (
            {case: ask("start", case, machine_code=code[case]) for case in CASES} for _ in range(2)
        )
    return compiling, kept


def _medians(runs: list[dict[str, float]], names: Sequence[str] = ()) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in names or runs[0]}


def _cells(compiling: dict[str, float], kept: dict[str, float]) -> list[str]:
    cells = []
    for verb in VERBS:
        for figures in (compiling, kept):
            cells.append(f"{_more(figures, verb):.2f} ({_more(figures, verb, ', CPU'):.2f})")
        cells.append(f"{kept[verb]:.3f}")
    return cells


def _more(figures: dict[str, float], name: str, unit: str = "") -> float:
    """How much longer the first call took than the later ones."""
    return figures[f"{name}, first{unit}"] - figures[f"{name}{unit}"]


def _aims(imports: dict[str, float], compiling: Measured, kept: Measured) -> list[Aim]:
    def reached(what: str, limit: float, wall: float, cpu: float) -> Aim:
        return Aim(what, f"{limit} s", f"{wall:.3f} s ({cpu:.3f} of CPU)", wall <= limit)

    def slowest(measured: Measured) -> list[float]:
        return [max(_more(measured[c], "adapt", unit) for c in SHAPES) for unit in ("", ", CPU")]

    peers, wall, cpu = (imports[name] for name in IMPORTS)
    beyond = f"`import dasknorm`, beyond `import xarray, dask.array` ({peers:.2f} s)"
    frame = "adapt and normalize a 1000 x 10 frame, first thing in a process"
    both = [compiling[FRAME][f"both, first{unit}"] for unit in ("", ", CPU")]
    return [
        reached(beyond, IMPORT_LIMIT, wall, cpu),
        reached(frame, FRAME_LIMIT, *both),
        reached("the first large adapt ever, beyond a later one", FIRST_LIMIT, *slowest(compiling)),
        reached("the first of a later process", FIRST_LIMIT, *slowest(kept)),
    ]
