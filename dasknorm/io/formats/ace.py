"""ACE: ``centering.nc``, ``scaling-full-field.nc`` and ``scaling-residual.nc`` in one folder.

Used by users. Everything that the reader of these files accepts may change. These files
are read by ``fme.core.normalizer`` of ai2cm/ace (fme 2026.5.1): a scalar per name, cast to float32.
Layers are separate variables, ``air_temperature_0`` and so on from the top. Residuals have a
scaling only, so tendencies read from these files have a mean of 0. ``time-mean.nc``, a map of the
mean, is used in reports and not for normalizing.
"""

from dataclasses import dataclass
from typing import ClassVar

import xarray as xr

from dasknorm.io.formats import Arrays, FormatValues
from dasknorm.io.formats.channels import channels_of, split_channels
from dasknorm.io.formats.netcdf import NetCDFFiles


@dataclass(frozen=True)
class ACE(NetCDFFiles):
    """A scalar per variable; one lag.

    Parameters
    ----------
    levels : str, optional
        Names of layers of a variable with levels, ``"{name}_{index}"``. To combine layers into
        one variable when reading: ``"{name}_{level}"``.
    """

    levels: str | None = None

    name = "ace"
    of_changes = ("std",)
    files: ClassVar = {
        "centering.nc": "mean",
        "scaling-full-field.nc": "std",
        "scaling-residual.nc": "change std",
    }

    def arrange(self, arrays: Arrays) -> Arrays:
        channels = channels_of(arrays, self.levels, self.name)
        return {name: xr.DataArray(value) for name, value in channels.items()}

    def restore(self, arrays: Arrays) -> Arrays:
        scalars = {name: float(array) for name, array in arrays.items() if not array.ndim}
        return split_channels(scalars, self.levels)

    def file_attrs(self, numbers: FormatValues) -> dict[str, object]:
        when = f", of {' to '.join(numbers.period)}" if numbers.period else ""
        return {"history": f"Created by dasknorm{when}."}
