"""What is remembered of data: one file for each statistic."""

from dasknorm.statistics.base import Statistic
from dasknorm.statistics.extrema import Extrema
from dasknorm.statistics.known import Known
from dasknorm.statistics.maxabs import MaxAbs
from dasknorm.statistics.moments import Moments
from dasknorm.statistics.quantiles import Quantiles
from dasknorm.statistics.several import Several
from dasknorm.statistics.transformed import Transformed

__all__ = [
    "Extrema",
    "Known",
    "MaxAbs",
    "Moments",
    "Quantiles",
    "Several",
    "Statistic",
    "Transformed",
]
