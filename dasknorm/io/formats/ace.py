"""ACE: ``centering.nc``, ``scaling-full-field.nc`` and ``scaling-residual.nc``, in one folder.

Read by ``fme.core.normalizer`` of ai2cm/ace, at fme 2026.5.1: a scalar for each name, which is cast
to float32. Its layers are variables of their own, ``air_temperature_0`` and so on from the top. Of
residuals the scaling alone is read, so that changes read from there have a mean of 0.
``time-mean.nc``, a map of the mean, is for its reports and not for normalizing.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import xarray as xr

from dasknorm.io.formats.channels import channels_of, taken_apart
from dasknorm.io.formats.format_values import Arrays, FormatValues
from dasknorm.io.formats.netcdf import NetCDFFiles

__all__ = ["ACE"]


@dataclass(frozen=True)
class ACE(NetCDFFiles):
    """A scalar for each variable; one lag.

    Parameters
    ----------
    levels : str, optional
        What layers are called that are no variables of their own yet: ``"{name}_{index}"``. To
        take them together again when read: ``"{name}_{level}"``.
    """

    levels: str | None = None

    name = "ace"
    of_changes = ("std",)
    files: ClassVar = {
        "centering.nc": "mean",
        "scaling-full-field.nc": "std",
        "scaling-residual.nc": "change std",
    }

    def arranged(self, arrays: Arrays) -> Arrays:
        found = channels_of(arrays, self.levels, self.name)
        return {name: xr.DataArray(value) for name, value in found.items()}

    def found(self, arrays: Arrays) -> Arrays:
        scalars = {name: float(array) for name, array in arrays.items() if not array.ndim}
        return taken_apart(scalars, self.levels)

    def said(self, numbers: FormatValues) -> dict[str, Any]:
        when = f", of {' to '.join(numbers.period)}" if numbers.period else ""
        return {"history": f"Created by dasknorm{when}."}
