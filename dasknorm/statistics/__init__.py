"""What is remembered of data: one file for each statistic."""

from dasknorm.statistics.base import Statistic
from dasknorm.statistics.known import Known
from dasknorm.statistics.moments import Moments

__all__ = ["Known", "Moments", "Statistic"]
