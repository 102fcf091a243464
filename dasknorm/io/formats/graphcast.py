"""GraphCast and GenCast: ``mean_by_level.nc`` and its kin, in one folder.

Read by ``graphcast.normalization`` of google-deepmind/graphcast, at 9497729 (2024): variables by
the names of the data, those with levels along ``level``, looked up as xarray does, by label. A
variable that is not there is left as it is, with a warning; residuals are divided by
``diffs_stddev_by_level.nc`` and not centred, so that changes read from there have a mean of 0.
``min_by_level.nc`` is GenCast's. graph-ufs has the same, with a level called ``pfull``.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from dasknorm.errors import MismatchError
from dasknorm.io.formats.format_values import Arrays, FormatValues, refuse_unnamed
from dasknorm.io.formats.netcdf import NetCDFFiles

__all__ = ["GraphCast"]


@dataclass(frozen=True)
class GraphCast(NetCDFFiles):
    """A scalar for each variable, or a number for each level; one lag."""

    name = "graphcast"
    takes = ("mean", "std", "min")
    of_changes = ("std",)
    files: ClassVar = {
        "mean_by_level.nc": "mean",
        "stddev_by_level.nc": "std",
        "diffs_stddev_by_level.nc": "change std",
        "min_by_level.nc": "min",
    }

    def arranged(self, arrays: Arrays) -> Arrays:
        refuse_unnamed(arrays, self.name, most=1)
        dims = sorted({str(dim) for array in arrays.values() for dim in array.dims})
        if len(dims) > 1:
            raise MismatchError(
                f"graphcast has one kind of level, and variables are kept along {', '.join(dims)}: "
                "take those of one kind, stats.select([...])"
            )
        return arrays

    def said(self, numbers: FormatValues) -> dict[str, Any]:
        if numbers.period is None:
            return {}
        return {"stats_start_date": numbers.period[0], "stats_end_date": numbers.period[1]}
