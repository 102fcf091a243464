"""Distributed normalization: adapt once, normalize anywhere.

Read in this order: `adapt` learns a `Stats` from data, and `plan` says what that will cost; its
`normalize` and `inverse` map data; `Normalization` is the same as a layer, in Keras' words.
"""

from dasknorm.api.adapt import adapt, plan
from dasknorm.api.load import load
from dasknorm.api.plan import Plan
from dasknorm.api.stats import Stats
from dasknorm.errors import ChunkError, MismatchError, NotAdaptedError, StatsFileError
from dasknorm.layer import Normalization
from dasknorm.reports.provenance import __version__
from dasknorm.statistics import (
    Extrema,
    MaxAbs,
    Moments,
    Quantiles,
    Several,
    Statistic,
    Transformed,
)

__all__ = [
    "ChunkError",
    "Extrema",
    "MaxAbs",
    "MismatchError",
    "Moments",
    "Normalization",
    "NotAdaptedError",
    "Plan",
    "Quantiles",
    "Several",
    "Statistic",
    "Stats",
    "StatsFileError",
    "Transformed",
    "__version__",
    "adapt",
    "load",
    "plan",
]
