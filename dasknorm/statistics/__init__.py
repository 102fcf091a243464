"""What is remembered of data: one file for each statistic."""

from dasknorm.statistics.base import Statistic
from dasknorm.statistics.known import Known
from dasknorm.statistics.moments import Moments
from dasknorm.statistics.quantiles import Quantiles

__all__ = ["Known", "Moments", "Quantiles", "Statistic"]
