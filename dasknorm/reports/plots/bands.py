"""Bands: where most values lie, a centre and two ends, by whatever readings a statistic has."""

from dataclasses import dataclass, replace

import numpy as np

from dasknorm.fields import State

__all__ = ["Band", "band_of"]


@dataclass(frozen=True)
class Band:
    """A centre and two ends at each kept position, in the units of the data.

    Parameters
    ----------
    centre, low, high : ndarray of float64
        NaN where nothing was counted.
    words : tuple of str
        What the centre, the band and its width are: "mean", "mean ± std", "std".
    """

    centre: np.ndarray
    low: np.ndarray
    high: np.ndarray
    words: tuple[str, str, str]

    @property
    def width(self) -> np.ndarray:
        """From the centre to an end if both are as far, else from end to end."""
        return (self.high - self.low) / (2 if self.words[2] == "std" else 1)

    def at(self, index: tuple[int | slice, ...]) -> "Band":
        """Return the band of some positions."""
        return replace(self, centre=self.centre[index], low=self.low[index], high=self.high[index])


def band_of(state: State) -> Band:
    """Return the mean and a standard deviation around it; else the median, else the middle.

    Raises
    ------
    TypeError
        If none of them can be read.
    """
    statistic, records = state.statistic, np.asarray(state.data)
    has = {*statistic.result_names}

    def read(*names: str) -> list[np.ndarray]:
        return [statistic.result(records, name) for name in names]

    if {"mean", "std"} <= has:
        mean, std = read("mean", "std")
        return Band(mean, mean - std, mean + std, ("mean", "mean ± std", "std"))
    if {"median", "lower", "upper"} <= has:
        words = ("median", "median, and between the two quantiles", "quantile range")
        median, low, high = read("median", "lower", "upper")
        return Band(median, low, high, words)
    if {"min", "max"} <= has:
        low, high = read("min", "max")
        return Band((low + high) / 2, low, high, ("middle", "from min to max", "range"))
    if "max_abs" in has:
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
