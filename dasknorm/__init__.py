"""Normalization of arrays, DataFrames and xarray objects of any size, in one pass over the data.

Used by users. `adapt` computes the statistics of data and returns `Stats`; ``stats.normalize`` and
``stats.inverse`` transform data, lazily if the data are lazy. `plan` estimates the cost, `load`
reads saved statistics, and `Normalization` is a layer with Keras' API.
"""

from dasknorm.api.adapt import adapt
from dasknorm.api.load import load
from dasknorm.api.plan import Plan, plan
from dasknorm.api.stats import Stats
from dasknorm.errors import ChunkError, MismatchError, NotAdaptedError, StatsFileError
from dasknorm.layer import Normalization
from dasknorm.reports.provenance import __version__
from dasknorm.statistics import (
    Extrema,
    MaxAbs,
    Moments,
    MultiStatistic,
    Quantiles,
    Statistic,
    Transformed,
)

__all__ = [
    "ChunkError",
    "Extrema",
    "MaxAbs",
    "MismatchError",
    "Moments",
    "MultiStatistic",
    "Normalization",
    "NotAdaptedError",
    "Plan",
    "Quantiles",
    "Statistic",
    "Stats",
    "StatsFileError",
    "Transformed",
    "__version__",
    "adapt",
    "load",
    "plan",
]


def __dir__() -> list[str]:
    """Return the public names only."""
    return __all__
