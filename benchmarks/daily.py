"""Years of daily fields: (time, level, lat, lon), float32, in chunks along time or along space."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from benchmarks import climate

__all__ = ["DAYS", "GRID", "SPACE", "TIME", "WIDE", "first_chunks", "write"]

DAYS = 7300
GRID = (8, 64, 128)
TIME, SPACE = (64, *GRID), (DAYS, 1, 16, 32)
"""Chunks of 16 MiB: some days of the whole grid, or all days of a part of one level."""

WIDE = (4, 8, 256, 512)
"""A chunk of a grid so wide that its twelve months weigh 600 MB."""


def write(path: Path, days: int, chunks: tuple[int, ...]) -> None:
    """Write a variable ``t`` for so many days from 2001 on, which gets warmer with each level."""
    levels, *plane = WIDE[1:] if chunks == WIDE else GRID
    chunks = tuple(map(min, chunks, (days, levels, *plane)))
    time = pd.date_range("2001-01-01", periods=days)
    array = climate.create(path, {"time": time, **climate.grid(levels, *plane)}, chunks)
    aloft = np.linspace(220, 285, levels, dtype="f4")[:, None, None]
    weather, step = np.random.default_rng(0), 96 if chunks == WIDE else 365
    for first in range(0, days, step):
        count = min(step, days - first)
        noise = weather.standard_normal((count, levels, *plane), dtype="f4")
        array[first : first + count] = aloft + 5 * noise


def first_chunks(t: xr.DataArray) -> xr.DataArray:
    """Return what is in the first two chunks along each dimension, to get warm with."""
    return t.isel({dim: slice(2 * sizes[0]) for dim, sizes in t.chunksizes.items()})
