"""What no one can be faster than: reading an array once, and writing it, on one core or on all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

__all__ = ["COPY", "COPYING", "READ", "READING", "limits"]

READ, COPY = "np.max", "x.copy()"
READING, COPYING = (READ, "np.sum"), (COPY, "np.copyto")


def limits(x: np.ndarray, threads: int = 1) -> dict[str, Callable[[], Any]]:
    """Return calls that read a contiguous array, and that copy it: to new pages, and to used ones.

    With several threads each takes a part of the array.
    """
    if threads > 1:
        return _shared(x, threads)
    used = np.zeros_like(x)
    return {
        "np.max": lambda: np.max(x),
        "np.sum": lambda: np.sum(x),
        "x.copy()": x.copy,
        "np.copyto": lambda: np.copyto(used, x),
    }


def _shared(x: np.ndarray, threads: int) -> dict[str, Callable[[], Any]]:
    parts = np.array_split(x.reshape(-1), threads)
    used = [np.zeros_like(part) for part in parts]
    pool = ThreadPoolExecutor(threads)
    return {
        "np.max": lambda: list(pool.map(np.max, parts)),
        "np.sum": lambda: list(pool.map(np.sum, parts)),
        "x.copy()": lambda: list(pool.map(np.copy, parts)),
        "np.copyto": lambda: list(pool.map(np.copyto, used, parts)),
    }
