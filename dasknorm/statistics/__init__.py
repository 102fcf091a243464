"""Statistics: records of data, how they merge and the affine map that they give.

Used by accessors, api, blocks, chunks, cli, containers, fields, io, layer, reports, sklearn and
testing. A new statistic is one new file here, found by `registry`; export it here if users should
import it.
"""

from dasknorm.statistics.base import Statistic
from dasknorm.statistics.extrema import Extrema, MaxAbs
from dasknorm.statistics.moments import Moments, Predefined, StandardScore
from dasknorm.statistics.multi_statistic import MultiStatistic
from dasknorm.statistics.quantiles import Quantiles
from dasknorm.statistics.transformed import Transformed

__all__ = [
    "Extrema",
    "MaxAbs",
    "Moments",
    "MultiStatistic",
    "Predefined",
    "Quantiles",
    "StandardScore",
    "Statistic",
    "Transformed",
]
