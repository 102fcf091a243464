"""Data whose statistics are exported to other programs, and their statistics by level."""

import numpy as np
import pandas as pd
import xarray as xr

LEVELS = [1000, 850, 500]


def make_weather() -> xr.Dataset:
    """Return variables with levels and without, six-hourly, as an xarray Dataset."""
    rng = np.random.default_rng(7)
    return xr.Dataset(
        {
            "t": (("time", "level", "lat"), rng.normal(270, 9, (40, 3, 4)), {"units": "K"}),
            "q": (("time", "level", "lat"), rng.gamma(2, 1e-3, (40, 3, 4)), {"units": "1"}),
            "msl": (("time", "lat"), rng.normal(1e5, 900, (40, 4)), {"units": "Pa"}),
        },
        {"time": pd.date_range("2001", periods=40, freq="6h"), "level": LEVELS},
    )


def compute_by_level(data: xr.Dataset, reading: str) -> xr.Dataset:
    """Return a statistic of each variable, by level."""
    return getattr(data, reading)(["time", "lat"])
