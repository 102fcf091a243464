"""GraphCast and GenCast: ``mean_by_level.nc`` and similar files in one folder.

Used by users. Everything that the reader of these files accepts may change. These files
are read by ``graphcast.normalization`` of google-deepmind/graphcast (commit 9497729, 2024):
variables by the names of the data, matched by label along ``level``. Missing variables are not
normalized, with a warning. Residuals are divided by ``diffs_stddev_by_level.nc`` and not centred,
so tendencies read from these files have a mean of 0. GenCast adds ``min_by_level.nc``; graph-ufs
has the same files with a level named ``pfull``.
"""

from dataclasses import dataclass
from typing import ClassVar

from dasknorm.errors import MismatchError
from dasknorm.io.formats import Arrays, FormatValues, check_labelled
from dasknorm.io.formats.netcdf import NetCDFFiles


@dataclass(frozen=True)
class GraphCast(NetCDFFiles):
    """A scalar per variable, or a number per level; one lag."""

    name = "graphcast"
    takes = ("mean", "std", "min")
    of_changes = ("std",)
    files: ClassVar = {
        "mean_by_level.nc": "mean",
        "stddev_by_level.nc": "std",
        "diffs_stddev_by_level.nc": "change std",
        "min_by_level.nc": "min",
    }

    def arrange(self, arrays: Arrays) -> Arrays:
        check_labelled(arrays, self.name, most=1)
        dims = sorted({str(dim) for array in arrays.values() for dim in array.dims})
        if len(dims) > 1:
            raise MismatchError(
                f"graphcast supports one level dimension, got {', '.join(dims)}: "
                "select variables with the same dimension, stats.select([...])"
            )
        return arrays

    def file_attrs(self, numbers: FormatValues) -> dict[str, object]:
        if numbers.period is None:
            return {}
        return {"stats_start_date": numbers.period[0], "stats_end_date": numbers.period[1]}
