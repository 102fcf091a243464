"""A small grid of days, for tests of climatologies and of tendencies."""

import numpy as np
import pandas as pd
import xarray as xr

__all__ = ["DAYS", "VALUES", "make_air"]

DAYS = pd.date_range("2001-01-01", periods=40, name="time")
VALUES = np.random.default_rng(0).normal(280, 5, (40, 3, 4))


def make_air(values=VALUES, **coords):
    """Return temperatures of forty days on three latitudes, four longitudes."""
    coords = {"time": DAYS, "lat": [10, 0, -10], **coords}
    return xr.DataArray(values, dims=("time", "lat", "lon"), coords=coords, name="t")
