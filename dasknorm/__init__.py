"""Distributed normalization: adapt once, normalize anywhere.

Read in this order: `adapt` learns a `Stats` from data; its `normalize` and `inverse` map data;
`Normalization` is the same as a layer, in Keras' words.
"""

from dasknorm.errors import MismatchError, NotAdaptedError, StatsFileError
from dasknorm.layer import Normalization
from dasknorm.provenance import __version__
from dasknorm.statistics import Moments, Statistic
from dasknorm.stats import Stats, adapt, load

__all__ = [
    "MismatchError",
    "Moments",
    "Normalization",
    "NotAdaptedError",
    "Statistic",
    "Stats",
    "StatsFileError",
    "__version__",
    "adapt",
    "load",
]
