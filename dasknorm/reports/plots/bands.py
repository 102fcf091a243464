"""`Band`: the location and range of data, from whichever results a statistic has.

Used by reports.plots.panels and reports.plots.plan. To plot other results, add a case to `band_of`.
"""

from dataclasses import dataclass, replace

import numpy as np

from dasknorm.fields import State

__all__ = ["Band", "band_of"]


@dataclass(frozen=True)
class Band:
    """Location and range at each output element, in the units of the data.

    Parameters
    ----------
    centre, low, high : ndarray of float64
        NaN where there are no values.
    words : tuple of str
        Names of the centre, the band and its width: "mean", "mean ± std", "std".
    """

    centre: np.ndarray
    low: np.ndarray
    high: np.ndarray
    words: tuple[str, str, str]

    @property
    def width(self) -> np.ndarray:
        """The standard deviation, or else the distance between the ends."""
        return (self.high - self.low) / (2 if self.words[2] == "std" else 1)

    def at(self, index: tuple[int | slice, ...]) -> "Band":
        """Return the band at some positions."""
        return replace(self, centre=self.centre[index], low=self.low[index], high=self.high[index])


def band_of(state: State) -> Band:
    """Return mean and standard deviation, or else median and quantiles, or else the range.

    Raises
    ------
    TypeError
        If the statistic has none of these results.
    """
    statistic, records = state.statistic, np.asarray(state.data)
    available = {*statistic.result_names}

    def read(*names: str) -> list[np.ndarray]:
        return [statistic.result(records, name) for name in names]

    if {"mean", "std"} <= available:
        mean, std = read("mean", "std")
        return Band(mean, mean - std, mean + std, ("mean", "mean ± std", "std"))
    if {"median", "lower", "upper"} <= available:
        words = ("median", "median, and between the two quantiles", "quantile range")
        median, low, high = read("median", "lower", "upper")
        return Band(median, low, high, words)
    if {"min", "max"} <= available:
        low, high = read("min", "max")
        return Band((low + high) / 2, low, high, ("middle", "from min to max", "range"))
    if "max_abs" in available:
        (most,) = read("max_abs")
        return Band(np.zeros_like(most), -most, most, ("0", "± max_abs", "range"))
    if names := statistic.location_scale_names:
        location, scale = statistic.location_scale(*read(*names))
        words = ("centre", f"centre ± {names[-1]}", "range")
        return Band(location, location - scale, location + scale, words)
    raise TypeError(
        f"{type(statistic).__name__} reads {', '.join(statistic.result_names)}: there is no mean, "
        "median or range among these to be drawn"
    )
