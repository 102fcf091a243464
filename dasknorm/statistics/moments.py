"""`Moments`: the count, the mean and the sum of squared deviations.

Used by statistics, statistics.extrema, statistics.predefined and statistics.transformed. The
record is stored in files; the loops are in `kernels`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from dasknorm import kernels
from dasknorm.statistics.base import Records, is_undefined
from dasknorm.statistics.standard_score import StandardScore

__all__ = ["Moments"]


@dataclass(frozen=True, repr=False)
class Moments(StandardScore):
    """Mean and variance, by which data are brought to mean 0 and standard deviation 1.

    Against the exact rational answer, and whatever the chunks, the mean is within 4 ulp of
    ``max(abs(mean), std)`` and the variance within 16 ulp (weighted: 1e-13, relative).

    Parameters
    ----------
    ddof : float, default 0
        The variance is ``m2 / (count - ddof)``. 0 is the population's variance, as in Keras and
        NumPy; 1 the sample's, as in pandas. NaN where ``count <= ddof``.
    skipna : bool, default True
        Skip missing values (NaN, NA, null, masked). If False, one missing value makes its
        feature's mean and variance NaN.
    epsilon : float, default 0.0
        The scale is ``max(std, epsilon)``; a scale of exactly 0 becomes 1, so that a constant
        feature normalizes to 0.

    Examples
    --------
    >>> import numpy as np
    >>> moments = Moments(ddof=1)
    >>> records = moments.summarize(np.array([1.0, 2.0, np.nan, 6.0]), (0,))
    >>> moments.result(records, "mean"), moments.result(records, "variance")
    (array([3.]), array([7.]))
    """

    ddof: float = 0.0
    skipna: bool = True
    epsilon: float = 0.0

    dtype: ClassVar[np.dtype[np.void]] = kernels.RECORD
    result_names: ClassVar[tuple[str, ...]] = ("count", "mean", "std", "variance")

    @property
    def description(self) -> str:  # type: ignore[override]
        """What is remembered, in words; the spread by what its sum is divided by."""
        kinds = {0: "population standard deviation", 1: "sample standard deviation"}
        return f"mean and {kinds.get(self.ddof, f'standard deviation (ddof {self.ddof:g})')}"  # type: ignore[call-overload]

    def __post_init__(self) -> None:
        if not 0 <= self.ddof < np.inf:
            raise ValueError(f"ddof must be a number of at least 0, got {self.ddof!r}")
        if not 0 <= self.epsilon < np.inf:
            raise ValueError(f"epsilon must be a number of at least 0, got {self.epsilon!r}")

    def summarize(
        self, block: np.ndarray, axes: tuple[int, ...], weights: np.ndarray | None = None
    ) -> Records:
        return kernels.moments(block, axes, weights)

    def merge(self, records: Records, axes: tuple[int, ...]) -> Records:
        return kernels.merge_along(records, axes)

    # The two in place, without a second array of records: a grid's are far larger than a chunk.

    def add(
        self,
        total: Records,
        block: np.ndarray,
        axes: tuple[int, ...],
        weights: np.ndarray | None = None,
    ) -> None:
        kernels.moments(block, axes, weights, out=total)

    def join(self, total: Records, part: Records) -> None:
        kernels.merge_into(total, part)

    def add_by_group(
        self,
        total: Records,
        values: np.ndarray,
        codes: np.ndarray,
        weights: np.ndarray | None = None,
    ) -> None:
        kernels.moments_by_group(total, values, codes, weights)

    def result(self, records: Records, name: str) -> np.ndarray:
        if name == "count":
            return records["count"].copy()
        if name == "mean":
            return np.where(is_undefined(records, self.skipna), np.nan, records["mean"])
        if name == "variance":
            return self._variance(records)
        if name == "std":
            return np.sqrt(self._variance(records))
        raise AttributeError(f"Moments has no {name!r}; it has {', '.join(self.result_names)}")

    def for_comparison(self) -> Self:
        return replace(self, skipna=True)

    def centering(self, records: Records) -> tuple[Self, Records]:
        statistic, result = super().centering(records)
        result["count"] = self.result(records, "count")
        result["mean"] = self.result(records, "mean")
        return replace(statistic, ddof=0.0), result

    def with_one_scale(self, records: Sequence[Records]) -> list[Records]:
        count = sum(records_of_one["count"] for records_of_one in records)
        m2 = sum(records_of_one["m2"] for records_of_one in records)
        result = [records_of_one.copy() for records_of_one in records]
        for records_of_one in result:
            share = records_of_one["count"] / np.where(count == 0, 1.0, count)
            records_of_one["m2"], records_of_one["m2_rest"] = share * m2, 0.0
        return result

    def is_invalid(self, records: Records) -> np.ndarray:
        return (records["count"] > 0) & ~np.isfinite(records["mean"] + records["m2"])

    def _variance(self, records: Records) -> np.ndarray:
        freedom = records["count"] - self.ddof
        none = is_undefined(records, self.skipna) | (freedom <= 0)
        return np.where(none, np.nan, records["m2"] / np.where(none, 1.0, freedom))
