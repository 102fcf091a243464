"""Memory that `adapt` and `normalize` take beside a frame of columns of every kind.

``python -m benchmarks.fresh frames NAME GIGABYTES`` is one contestant, which answers in JSON.
"""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import dasknorm as dn
from benchmarks.fresh import ask, peak_megabytes
from benchmarks.report import Aim, aims, table

__all__ = ["section"]

LIMIT = 200
KINDS = ("f8", "f4", "i8", "Int64", "bool", "double[pyarrow]")
ROW_BYTES = 3 * (8 + 4 + 8 + 9 + 1 + 8) + 12
"""Three columns of each kind, and a word."""


def _frame(gigabytes: float) -> pd.DataFrame:
    """Return a frame of columns of every kind, side by side; each was added by itself."""
    rows = int(gigabytes * 1e9 / ROW_BYTES)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(index=pd.RangeIndex(rows))
    for i in range(3):
        for kind in KINDS:
            frame[f"{kind} {i}"] = _column(rng, rows, kind)
    frame["word"] = pd.array(np.array(["a", "bc"])[rng.integers(0, 2, rows, "i1")], "str")
    return frame


def _column(rng: np.random.Generator, rows: int, kind: str) -> Any:
    if kind in ("f8", "f4"):
        return rng.standard_normal(rows, kind)
    if kind == "bool":
        return rng.integers(0, 2, rows, "i1").astype(bool)
    if kind == "i8":
        return rng.integers(0, 1000, rows)
    missing = rng.integers(0, 10, rows, "i1") == 0
    if kind == "Int64":
        return pd.arrays.IntegerArray(rng.integers(0, 1 << 60, rows), missing)
    return pd.array(np.where(missing, np.nan, rng.standard_normal(rows)), kind)


def _in_blocks(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame as pandas copies it: one block for each of NumPy's dtypes."""
    return frame.copy()


def _normalized(frame: pd.DataFrame) -> int:
    """Normalize; return the bytes of the columns that are new."""
    numbers = dn.adapt(frame).normalize(frame).drop(columns="word")
    return int(numbers.memory_usage(index=False).sum())


def _as_matrix(frame: pd.DataFrame) -> None:
    x = frame.drop(columns="word").to_numpy("f8", na_value=np.nan)
    np.nanmean(x, axis=0)
    np.nanstd(x, axis=0)


CONTESTANTS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    # name: what is made of the frame beforehand, what is measured: it returns the bytes it keeps
    "adapt, of columns added one by one": (lambda frame: frame, dn.adapt),
    "adapt, of blocks": (_in_blocks, dn.adapt),
    "adapt and normalize, beside the result": (_in_blocks, _normalized),
    "df.to_numpy(), np.nanmean, np.nanstd": (_in_blocks, _as_matrix),
}


def measure(name: str, gigabytes: str) -> float:
    """Return the MB that one contestant takes at most beside its frame."""
    prepare, act = CONTESTANTS[name]
    frame = prepare(_frame(float(gigabytes)))
    gc.collect()
    before = _resident()
    result = act(frame)
    kept = result / 1e6 if isinstance(result, int) else 0.0
    return peak_megabytes() - before - kept


def _resident() -> float:
    """Return what this process has resident, in MB; its peak is forgotten, and begins anew."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_megabytes()


def section(gigabytes: float) -> str:
    """Measure all, each in a fresh process, and lay out the figures."""
    extra = {name: ask("frames", name, gigabytes) for name in CONTESTANTS}
    reached = [
        Aim(name, f"under {LIMIT} MB", f"{megabytes:.0f} MB", megabytes < LIMIT)
        for name, megabytes in extra.items()
        if name.startswith("adapt")
    ]
    lead = (
        f"**Beside a frame in memory** of {gigabytes:g} GB: three columns each of "
        f"{', '.join(KINDS)}, in turn, with a tenth missing of the kinds that can have it, and a "
        "column of words. What is resident at most beyond the frame, in MB, the machine code of "
        "the first call among it; each in a fresh process."
    )
    rows = [[name, f"{megabytes:.0f}"] for name, megabytes in extra.items()]
    return "\n\n".join([lead, aims(reached), table(["", "MB beside the frame"], rows)])
