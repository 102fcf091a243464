"""Convert transformed values to the dtype of --dtype.

Used by cli.arrays, cli.frames and cli.parquet.
"""

from typing import Any

import numpy as np
import xarray as xr


def cast_array(array: xr.DataArray, dtype: str) -> xr.DataArray:
    """Return an array of another float dtype; attributes stay."""
    return xr.apply_ufunc(
        cast, array, kwargs={"dtype": dtype}, dask="parallelized", output_dtypes=[dtype],
        keep_attrs=True,
    )  # fmt: skip


def cast(values: Any, dtype: str) -> np.ndarray:
    """Return values in a float dtype; ValueError if a finite value is too large for it."""
    array = np.asarray(values)
    try:
        with np.errstate(over="raise"):
            return array.astype(dtype, copy=False)
    except FloatingPointError:
        largest = np.max(np.abs(array[np.isfinite(array)]))
        raise ValueError(
            f"{largest:g} is too large for {dtype}, whose largest number is "
            f"{np.finfo(dtype).max:g}: choose another --dtype"
        ) from None
