"""Chunks that leave a mark in a folder when they are loaded, and that can be made to fail."""

import itertools
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd

from support.optional import import_optional

dd = import_optional("dask.dataframe")

__all__ = [
    "ALWAYS",
    "count_all_loads",
    "count_loads",
    "make_marked_frame",
    "make_values",
    "mark_loads",
    "wait_or_fail",
]

ALWAYS = 1000
"""More often than anybody tries."""


def make_values(*shape: int, seed: int = 0) -> np.ndarray:
    """Return numbers far from zero."""
    return np.random.default_rng(seed).normal(1e3, 10.0, shape)


def add_mark(folder: str, name: str) -> int:
    """Leave a mark, and return how many of this name there were before."""
    for n in itertools.count():
        try:
            Path(folder, f"{name}-{n}").touch(exist_ok=False)
        except FileExistsError:
            continue
        return n
    raise AssertionError("unreachable")


def count_loads(folder: Any) -> Counter[str]:
    """Return how often each chunk has been loaded: of ``x.2.0``, the third along the first axis."""
    return Counter(path.name.rpartition("-")[0] for path in Path(folder).iterdir())


def count_all_loads(folder: Any) -> int:
    return len(os.listdir(folder))


def wait_or_fail(before: int, times: int = 0, kill: bool = False, wait: float = 0.0) -> None:
    """Wait; then fail, or kill the process, the first `times` times."""
    time.sleep(wait)
    if before < times and kill:
        os.kill(os.getpid(), signal.SIGKILL)
    if before < times:
        raise OSError("the disk is tired")


def load(
    block: Any,
    *,
    folder: str,
    name: str,
    where: Sequence[int],
    wait: float,
    kill_at: int = 0,
    block_info: Any = None,
    **how: Any,
) -> Any:
    """Load a chunk; those with the numbers `where` along the first axis may fail.

    The process that loads chunk `kill_at`, counted over all processes, is killed while it loads it;
    this happens once, with a mark next to the folder.
    """
    location = block_info[0]["chunk-location"]
    before = add_mark(folder, ".".join([name, *map(str, location)]))
    if (
        kill_at
        and count_all_loads(folder) >= kill_at
        and not add_mark(str(Path(folder).parent), "killed")
    ):
        os.kill(os.getpid(), signal.SIGKILL)
    wait_or_fail(before, wait=wait, **(how if location and location[0] in where else {}))
    return block


def mark_loads(
    data: Any,
    chunks: Any,
    folder: Any,
    name: str = "x",
    where: Sequence[int] = (),
    wait: float = 0.0,
    **how: Any,
) -> da.Array:
    """Return an array in chunks whose loads are marked in a folder."""
    lazy = data if isinstance(data, da.Array) else da.from_array(data, chunks)
    function = partial(load, folder=str(folder), name=name, where=tuple(where), wait=wait, **how)
    return lazy.map_blocks(function, dtype=lazy.dtype, meta=lazy._meta)


def load_rows(part: int, data: np.ndarray, folder: str, where: Sequence[int], **how: Any) -> Any:
    wait_or_fail(add_mark(folder, f"f.{part}"), **(how if part in where else {}))
    return pd.DataFrame(data[4 * part : 4 * part + 4], columns=list("abc"))


def make_marked_frame(data: np.ndarray, folder: Any, where: Sequence[int] = (), **how: Any) -> Any:
    """Return a Dask frame of partitions of four rows, whose loads are marked in a folder."""
    function = partial(load_rows, data=data, folder=str(folder), where=tuple(where), **how)
    return dd.from_map(function, range(len(data) // 4), meta=make_meta())


def make_meta() -> pd.DataFrame:
    return pd.DataFrame(columns=list("abc"), dtype="f8")
