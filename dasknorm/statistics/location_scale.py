"""Yardsticks: where data lie and how wide, in whatever words a statistic has for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dasknorm.errors import MismatchError
from dasknorm.statistics import Extrema, MaxAbs, Moments, Quantiles, Several, Statistic, Transformed
from dasknorm.statistics.base import Records

__all__ = ["Part", "comparable", "extremes", "like", "parts"]

WORDS = (("mean", "std"), ("median", "lower", "upper"), ("min", "max"), ("max_abs",))
"""Readings by which two statistics can be compared, the ones that say most first."""


@dataclass(frozen=True)
class Part:
    """A statistic that is no combination of others, and its records.

    Parameters
    ----------
    statistic : Statistic
    records : Records
    function : str
        That whose values the statistic is of; empty for the data themselves.
    """

    statistic: Statistic
    records: Records
    function: str = ""

    def has(self, *readings: str) -> bool:
        """Tell whether all of these can be read."""
        return set(readings) <= set(self.statistic.readings)

    def read(self, name: str) -> np.ndarray:
        """Return a reading; NaN if there is none of that name."""
        if not self.has(name):
            return np.full(self.records.shape, np.nan)
        return self.statistic.read(self.records, name)

    @property
    def words(self) -> tuple[str, ...]:
        """The readings that say where the data lie, and how wide.

        Raises TypeError if there are none.
        """
        for words in WORDS:
            if self.has(*words):
                return words
        raise TypeError(
            f"{self.statistic} says in no known word where data lie and how wide; a check needs "
            f"the readings {', or '.join(' and '.join(words) for words in WORDS)}"
        )

    def yardstick(self, words: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return where the data lie, and how wide."""
        if words == ("max_abs",):
            width = self.read("max_abs")
            return np.full(width.shape, np.nan), width
        if words == ("mean", "std"):
            return self.read("mean"), self.read("std")
        low, high = self.read(words[-2]), self.read(words[-1])
        return (self.read("median") if "median" in words else (low + high) / 2), high - low

    @property
    def missing(self) -> np.ndarray:
        """The number of missing values, or the sum of their weights; NaN if not known."""
        return self._remembered("missing", np.nan)

    @property
    def mean_rest(self) -> np.ndarray:
        """What of the mean is less than its last digit; 0 if not known."""
        return self._remembered("mean_rest", 0.0)

    def _remembered(self, name: str, otherwise: float) -> np.ndarray:
        if name not in (self.records.dtype.names or ()):
            return np.full(self.records.shape, otherwise)
        return np.asarray(self.records[name], float)


def parts(statistic: Statistic, records: Records, function: str = "") -> Iterator[Part]:
    """Yield the statistics that one is made of; the first is the one that normalizes."""
    if isinstance(statistic, Transformed):
        yield from parts(statistic.statistic, records, statistic.function)
    elif isinstance(statistic, Several):
        for part, own in statistic.apart(records):
            yield from parts(part, own, function)
    else:
        yield Part(statistic, records, function)


def comparable(statistic: Statistic) -> Statistic:
    """Return what to learn of other data, to compare them: the same, and the extrema.

    Missing values are skipped, whatever the statistic does with them: they are counted.
    """
    first = next(parts(statistic, np.zeros(1, statistic.dtype)))
    own: Statistic = Moments()
    if isinstance(first.statistic, (Moments, Quantiles, MaxAbs)):
        own = replace(first.statistic, skipna=True)
    both = Several((own, Extrema()))
    return Transformed(first.function, both) if first.function else both  # type: ignore[arg-type]


def like(mine: Part, others: Sequence[Part]) -> Part:
    """Return what of others says in the same words where data lie; MismatchError if nothing."""
    for other in others:
        if other.function == mine.function and other.has(*mine.words):
            quantiles = [
                (part.statistic.lower, part.statistic.upper)
                for part in (mine, other)
                if isinstance(part.statistic, Quantiles)
            ]
            if len(set(quantiles)) > 1:
                raise MismatchError(f"quantiles differ: {quantiles[0]} and {quantiles[1]}")
            return other
    of = f" of {mine.function}(x)" if mine.function else ""
    raise MismatchError(
        f"the others have no {' and '.join(mine.words)}{of}, by which these could be compared"
    )


def extremes(mine: Part, others: Sequence[Part]) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest value that others know, NaN if none does."""
    for other in others:
        if other.function == mine.function and other.has("min", "max"):
            return other.read("min"), other.read("max")
    return others[0].read("min"), others[0].read("max")
