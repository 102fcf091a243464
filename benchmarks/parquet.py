"""From a folder of Parquet files: mean and variance of each column, each in a fresh process.

``python -m benchmarks.fresh parquet NAME FOLDER`` is one contestant, which answers in JSON.
"""

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd

from benchmarks.fresh import Figures, in_turn, spent, warm
from benchmarks.machine import cores, describe
from benchmarks.report import Aim, Report, aims, table

__all__ = ["run"]

FILES = 10
DTYPES = ["f4"] * 8 + ["f8"] * 8 + ["i4"] * 4
NUMBERS = [f"{dtype}_{i}" for i, dtype in enumerate(DTYPES)]
ROUNDS = 2
FULL = 0.2
"""From this many GB on, all rounds are run; below, one, for a quick look."""

MOST = 1.2
"""Times reading the columns alone that learning from them may take."""


def write(folder: Path, gigabytes: float) -> None:
    """Write files of twenty columns of numbers, this many GB as such, and of words and dates."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = round(gigabytes * 1e9 / FILES / sum(np.dtype(dtype).itemsize for dtype in DTYPES))
    for part in range(FILES):
        rng = np.random.default_rng(part)
        columns = {}
        for i, (name, dtype) in enumerate(zip(NUMBERS, DTYPES, strict=True)):
            values = (rng.standard_normal(rows) * 20 + 100 * i).astype(dtype)
            missing = rng.random(rows) < 0.05 if i % 4 == 3 else None
            columns[name] = pa.array(values, mask=missing)
        columns["station"] = pa.array(
            np.array(["north", "south", "west"])[rng.integers(3, size=rows)]
        )
        columns["day"] = pa.array(rng.integers(20_000, size=rows, dtype="i4"), pa.date32())
        pq.write_table(pa.table(columns), folder / f"part-{part:02}.parquet")


# -- the contestants: each imports what it needs, as its user's script would ----------------------


def _reading(folder: Path) -> Any:
    import pyarrow.parquet as pq

    def read(path: Path, group: int) -> int:
        with pq.ParquetFile(path) as file:
            return file.read_row_group(group, NUMBERS, use_threads=False).num_rows

    paths = sorted(folder.glob("*.parquet"))
    groups = [(path, i) for path in paths for i in range(pq.read_metadata(path).num_row_groups)]
    with ThreadPoolExecutor(cores()) as pool:
        return sum(pool.map(read, *zip(*groups, strict=True)))


def _command(folder: Path) -> Any:
    from dasknorm.cli import main

    line = ["adapt", str(folder), "-o", str(folder.with_suffix(".json")), "--overwrite"]
    return main(line, standalone_mode=False)


def _frame(folder: Path) -> Any:
    import dask.dataframe as dd

    return dd.read_parquet(folder, columns=NUMBERS)


def _reading_dask(folder: Path) -> Any:
    return _frame(folder).map_partitions(len).compute()


def _library(folder: Path) -> Any:
    import dasknorm as dn

    return dn.adapt(_frame(folder))


def _dask(folder: Path) -> Any:
    frame = _frame(folder)
    return dask.compute(frame.mean(), frame.var(ddof=0))


def _dask_ml(folder: Path) -> Any:
    from dask_ml.preprocessing import StandardScaler

    return StandardScaler().fit(_frame(folder))


def _polars(folder: Path) -> Any:
    import polars as pl

    columns = pl.col(NUMBERS)
    both = (columns.mean().name.prefix("mean "), columns.var(ddof=0).name.prefix("variance "))
    return pl.scan_parquet(folder / "*.parquet").select(*both).collect(engine="streaming")


def _pandas(folder: Path) -> Any:
    frame = pd.read_parquet(folder, columns=NUMBERS)
    return frame.mean(), frame.var(ddof=0)


READING, OURS = "reading the columns alone, pyarrow", "`dasknorm adapt`"

CONTESTANTS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    # name: the module that must be installed, and what is timed
    READING: ("pyarrow", _reading),
    OURS: ("pyarrow", _command),
    "reading the columns alone, Dask": ("dask.dataframe", _reading_dask),
    "dasknorm on a Dask DataFrame": ("dask.dataframe", _library),
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
        f"{describe()} {FILES} files of {len(DTYPES)} columns of numbers (float32, float64, int32; "
        "a quarter of them with nulls), and of words and of dates that nobody reads, as pyarrow "
        f"writes them: {gigabytes:g} GB as numbers, {on_disk:.2g} GB on disk, in the page "
        f"cache; {cores()} threads; each in a fresh process, once it is warm; the least of "
        f"{rounds} processes."
    )
    return Report("\n\n".join([lead, aims(_aims(figures)), _table(figures)]))


def _aims(figures: dict[str, Figures]) -> list[Aim]:
    ours, reading = figures[OURS], figures[READING]
    ratios = {
        "in CPU time": ours["cpu"] / reading["cpu"],
        "on the clock": ours["wall"] / reading["wall"],
    }
    return [
        Aim(f"{OURS}, {how}", f"at most {MOST} x reading", f"{ratio:.2f} x", ratio <= MOST)
        for how, ratio in ratios.items()
    ]


def _table(figures: dict[str, Figures]) -> str:
    reading = figures[READING]
    rows = [
        [
            name,
            *(f"{f[figure] / reading[figure]:.2f}" for figure in ("wall", "cpu")),
            *(f"{f[figure]:.2f}" for figure in ("wall", "cpu", "cold")),
            f"{f['peak']:.0f}",
        ]
        for name, f in figures.items()
    ]
    head = ["", "x reading", "in CPU", "s", "CPU s", "s when first", "peak MB"]
    return table(head, rows)
