"""Data with channels for the tests of serving, exact scores, and a process without dasknorm."""

import subprocess
import sys
from typing import Any

import numpy as np
import xarray as xr

__all__ = [
    "COLUMNS",
    "compute_exact_scores",
    "error_in_roundings",
    "make_maps",
    "run_without_dasknorm",
    "stack_channels",
]

RNG = np.random.default_rng(20)

COLUMNS = {
    "near 0": RNG.normal(0, 1, 500),
    "1e4 ± 1": 1e4 + RNG.normal(0, 1, 500),
    "1e8 ± 100": 1e8 + RNG.normal(0, 100, 500),
    "small": RNG.normal(3e-5, 1e-6, 500),
    "large": RNG.normal(-2e7, 3e6, 500),
}
"""Columns of float32 numbers whose means have more digits than float32."""


def make_maps() -> xr.Dataset:
    """Return float32 maps of a variable on levels and of one without, some values missing."""
    size = {"time": 5, "level": 3, "lat": 4, "lon": 6}
    t = 1e4 + RNG.normal(size=tuple(size.values())).astype("f4")
    t[0, 1, 2, 3] = np.nan
    dims = tuple(size)
    sst = ("time", "lat", "lon"), RNG.normal(300, 5, (5, 4, 6)).astype("f4")
    coords = {"level": [1000, 850, 500], "lat": [60.0, 30.0, 0.0, -30.0]}
    return xr.Dataset({"t": (dims, t.astype("f4")), "sst": sst}, coords)


def stack_channels(ds: xr.Dataset, channels: list[Any], dims: tuple[str, ...]) -> np.ndarray:
    """Return one array of some (variable, level) or variables, along an axis named channel."""
    parts = [
        ds[name] if isinstance(name, str) else ds[name[0]].sel(level=name[1], drop=True)
        for name in channels
    ]
    return xr.concat(parts, "channel").transpose(*dims).values


def compute_exact_scores(x: np.ndarray) -> np.ndarray:
    """Return the standard score of each column in extended precision; of a constant one 0."""
    wide = x.astype(np.longdouble)
    mean = wide.mean(axis=0)
    std = np.sqrt(((wide - mean) ** 2).mean(axis=0))
    return (wide - mean) / np.where(std == 0, 1, std)


def error_in_roundings(z: Any, exact: np.ndarray) -> np.ndarray:
    """Return errors in units of float32's rounding: 2**-24 of the score, or of 1e-2 if smaller."""
    error = np.abs(np.asarray(z).astype(np.longdouble) - exact)
    return (error / (2.0**-24 * np.maximum(np.abs(exact), 1e-2))).astype("f8")


def run_without_dasknorm(code: str, **settings: str) -> str:
    """Return the output of a new process in which dasknorm cannot be imported."""
    import os

    blocked = "import sys; sys.modules['dasknorm'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", blocked + code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **settings},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
