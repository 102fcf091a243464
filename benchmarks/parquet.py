"""From a folder of Parquet files: mean and variance of each column, each in a fresh process.

``python -m benchmarks.fresh parquet NAME FOLDER`` is one contestant, which answers in JSON.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd

from benchmarks.fresh import Figures, in_turn, spent, warm
from benchmarks.machine import cores, describe
from benchmarks.report import Report, table

__all__ = ["run"]

FILES = 10
DTYPES = ["f4"] * 8 + ["f8"] * 8 + ["i4"] * 4
ROUNDS = 2
FULL = 0.2
"""From this many GB on, all rounds are run; below, one, for a quick look."""


def write(folder: Path, gigabytes: float) -> None:
    """Write files of twenty columns, this many GB as numbers in all."""
    rows = round(gigabytes * 1e9 / FILES / sum(np.dtype(dtype).itemsize for dtype in DTYPES))
    for part in range(FILES):
        rng = np.random.default_rng(part)
        columns = {
            f"{dtype}_{i}": (rng.standard_normal(rows) * 20 + 100 * i).astype(dtype)
            for i, dtype in enumerate(DTYPES)
        }
        pd.DataFrame(columns).to_parquet(folder / f"part-{part:02}.parquet", index=False)


# -- the contestants: each imports what it needs, as its user's script would ----------------------


def _reading(folder: Path) -> Any:
    import dask.dataframe as dd

    return dd.read_parquet(folder).map_partitions(len).compute()


def _dasknorm(folder: Path) -> Any:
    import dask.dataframe as dd

    import dasknorm as dn

    return dn.adapt(dd.read_parquet(folder))


def _dask(folder: Path) -> Any:
    import dask.dataframe as dd

    frame = dd.read_parquet(folder)
    return dask.compute(frame.mean(), frame.var(ddof=0))


def _dask_ml(folder: Path) -> Any:
    import dask.dataframe as dd
    from dask_ml.preprocessing import StandardScaler

    return StandardScaler().fit(dd.read_parquet(folder))


def _polars(folder: Path) -> Any:
    import polars as pl

    columns = pl.all()
    both = (columns.mean().name.prefix("mean "), columns.var(ddof=0).name.prefix("variance "))
    return pl.scan_parquet(folder / "*.parquet").select(*both).collect(engine="streaming")


def _pandas(folder: Path) -> Any:
    frame = pd.read_parquet(folder)
    return frame.mean(), frame.var(ddof=0)


READING, OURS = "reading alone, through Dask", "dasknorm"

CONTESTANTS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    # name: the module that must be installed, and what is timed
    READING: ("dask.dataframe", _reading),
    OURS: ("dask.dataframe", _dasknorm),
    "Dask mean + var": ("dask.dataframe", _dask),
    "dask-ml StandardScaler": ("dask_ml", _dask_ml),
    "polars mean + var, streaming": ("polars", _polars),
    "pandas mean + var, all in memory": ("pandas", _pandas),
}


def measure(name: str, folder: str) -> Figures:
    """Run one contestant on a folder, cold and warm."""
    _, run = CONTESTANTS[name]
    call = partial(run, Path(folder))
    with dask.config.set(scheduler="threads", num_workers=cores()):
        cold, _ = spent(call)
        return {**warm(call), "cold": cold}


# -- all of them ----------------------------------------------------------------------------------


def run(gigabytes: float) -> Report:
    """Measure on a folder of this many GB."""
    names = [name for name, (module, _) in CONTESTANTS.items() if find_spec(module)]
    rounds = ROUNDS if gigabytes >= FULL else 1
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), gigabytes)
        on_disk = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e9
        figures = in_turn("parquet", names, folder, rounds=rounds)
    lead = (
        f"{describe()} {FILES} files of {len(DTYPES)} columns (float32, float64, int32), "
        f"{gigabytes:g} GB as numbers, {on_disk:.2g} GB on disk, in the page cache; {cores()} "
        f"threads; each in a fresh process, once it is warm; the least of {rounds} processes."
    )
    return Report("\n\n".join([lead, _table(figures)]))


def _table(figures: dict[str, Figures]) -> str:
    ours = figures[OURS]
    rows = [
        [
            name,
            *(f"{f[figure] / ours[figure]:.2f}" for figure in ("wall", "cpu")),
            *(f"{f[figure]:.2f}" for figure in ("wall", "cpu", "cold")),
            f"{f['peak']:.0f}",
        ]
        for name, f in figures.items()
    ]
    head = ["", "x dasknorm", "in CPU", "s", "CPU s", "s when first", "peak MB"]
    return table(head, rows)
