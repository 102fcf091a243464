"""Small data of each type for the tests of the layer, and an adapted layer."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dasknorm.layer import Normalization

__all__ = ["DATA", "DATASET", "FIELD", "FRAME", "make_adapted_layer"]

DATA = np.array([[0.0, 7.0, 4.0], [2.0, 9.0, 6.0], [0.0, 7.0, 4.0], [2.0, 9.0, 6.0]])
FRAME = pd.DataFrame(DATA, columns=list("abc"))
FIELD = xr.DataArray(
    np.arange(24.0).reshape(2, 3, 4),
    dims=("time", "level", "x"),
    coords={"level": [1000, 500, 100]},
    name="t",
    attrs={"units": "K"},
)
DATASET = xr.Dataset({"t": FIELD, "p": FIELD.isel(level=0, drop=True) * 2 + 1})


def make_adapted_layer(data: Any, *args: Any, **settings: Any) -> Normalization:
    """Return a layer adapted on data."""
    layer = Normalization(*args, **settings)
    layer.adapt(data)
    return layer
