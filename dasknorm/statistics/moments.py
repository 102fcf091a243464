"""`Moments`, `Predefined` and their base class: a mean and a standard deviation.

Used by statistics. The record is stored in files; the loops are in `kernels`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from dasknorm import kernels
from dasknorm.errors import MismatchError
from dasknorm.kernels import Axes, Weights
from dasknorm.statistics.base import CountedStatistic, Records, Statistic, make_affine

RELATIVE_ERROR = 1e-6
"""Of the variance of data that consist of one large value and of negligible ones."""

ORDINARY_SIZE = 1e30
"""The size of a mean and of a sum of squares up to which a record shows no fill value."""

SMALLEST_FRACTION = 1e-15
"""The smallest fraction of the data that one large value can be found by."""


class StandardScore(Statistic):
    """A statistic with the results mean, std and variance, and a least scale `epsilon`.

    Its affine map is ``(x - mean) / max(std, epsilon)``; a scale of exactly 0 becomes 1.
    """

    epsilon: float

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon < np.inf:
            raise ValueError(f"epsilon must be a number of at least 0, got {self.epsilon!r}")

    def affine(self, records: Records) -> Records:
        scale = np.maximum(self.result(records, "std"), self.epsilon)
        result = make_affine(self.result(records, "mean"), scale)
        if "mean_rest" in (records.dtype.names or ()):
            result["shift_rest"] = records["mean_rest"]
        return result

    def with_epsilon(self, epsilon: float) -> Self:
        """Return the statistic with another least scale."""
        return replace(self, epsilon=epsilon)  # type: ignore[type-var]

    def centering(self, records: Records) -> tuple[Self, Records]:
        """Return the statistic and the records whose affine map only subtracts the mean."""
        result = np.zeros(records.shape, records.dtype)
        for name in {"mean", "mean_rest"} & set(records.dtype.names or ()):
            result[name] = records[name]
        return self.with_epsilon(0.0), result

    def to_sklearn(self, records: Records) -> Any:
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler()
        scaler.mean_ = self.result(records, "mean")
        scaler.var_ = self.result(records, "variance")
        scaler.scale_ = self.affine(records)["scale"].copy()
        return scaler


@dataclass(frozen=True, repr=False)
class Moments(StandardScore, CountedStatistic):
    """Mean and variance, to scale data to mean 0 and standard deviation 1.

    For any chunks, the error of the mean is at most 4 ulp of ``max(abs(mean), std)``, and that of
    the variance 16 ulp (weighted: 1e-13, relative).

    Parameters
    ----------
    ddof : float, default 0
        The variance is ``m2 / (count - ddof)``: with 0 the population variance, as in Keras and
        NumPy; with 1 the sample variance, as in pandas. It is NaN where ``count <= ddof``.
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
        """The computed results in words."""
        kinds = {0: "population standard deviation", 1: "sample standard deviation"}
        return f"mean and {kinds.get(self.ddof, f'standard deviation (ddof {self.ddof:g})')}"  # type: ignore[call-overload]

    def __post_init__(self) -> None:
        if not 0 <= self.ddof < np.inf:
            raise ValueError(f"ddof must be a number of at least 0, got {self.ddof!r}")
        super().__post_init__()

    def summarize(self, block: np.ndarray, axes: Axes, weights: Weights = None) -> Records:
        return kernels.moments(block, axes, weights)

    def merge(self, records: Records, axes: Axes) -> Records:
        return kernels.merge_along(records, axes)

    # Both in place, without a second array of records: records of a grid are larger than a chunk.

    def add(self, total: Records, block: np.ndarray, axes: Axes, weights: Weights = None) -> None:
        kernels.moments(block, axes, weights, out=total)

    def join(self, total: Records, part: Records) -> None:
        kernels.merge_into(total, part)

    def add_by_group(
        self, total: Records, values: np.ndarray, codes: np.ndarray, weights: Weights = None
    ) -> None:
        kernels.moments_by_group(total, values, codes, weights)

    def _result(self, records: Records, name: str) -> np.ndarray:
        if name == "mean":
            return records["mean"]
        freedom = records["count"] - self.ddof
        divisor = np.where(freedom > 0, freedom, np.nan)
        variance = records["m2"] / divisor
        return np.sqrt(variance) if name == "std" else variance

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

    def is_ordinary(self, records: Records) -> bool:
        # A fill value of 1e20 and weight w among zeros makes m2 about w * 1e40.
        with np.errstate(all="ignore"):
            size = np.abs(records["mean"] + records["m2"]).max(initial=0.0)
        return bool(size < ORDINARY_SIZE)

    def weights_of(self, records: Records, values: Sequence[float]) -> dict[float, np.ndarray]:
        largest = np.abs(records["mean"]).max(initial=0.0)
        likely = [value for value in values if largest >= SMALLEST_FRACTION * abs(value)]
        weights = {value: self._weight_of(records, value) for value in likely}
        return {value: weight for value, weight in weights.items() if weight.any()}

    def _weight_of(self, records: Records, value: float) -> np.ndarray:
        """Return the weight of a value F from the moments, to which negligible values add nothing.

        If a fraction p of the data equals F, the mean is p F, and the variance p (1 - p) F^2.
        """
        with np.errstate(all="ignore"):
            fraction = records["mean"] / value
            variance = records["m2"] / records["count"] / value / value
            error = np.abs(variance - fraction * (1 - fraction))
            occurs = (fraction > 0) & (error <= RELATIVE_ERROR * fraction)
            return np.where(occurs, fraction * records["count"], 0.0)

    def is_invalid(self, records: Records) -> np.ndarray:
        return (records["count"] > 0) & ~np.isfinite(records["mean"] + records["m2"])


@dataclass(frozen=True, repr=False)
class Predefined(StandardScore):
    """A given mean and variance; without a count, they cannot be merged.

    Parameters
    ----------
    epsilon : float, default 0.0
        The scale is ``max(std, epsilon)``; a scale of exactly 0 becomes 1.
    """

    epsilon: float = 0.0

    stored_name: ClassVar[str] = "Known"

    dtype: ClassVar[np.dtype[np.void]] = np.dtype([("mean", "<f8"), ("variance", "<f8")])
    result_names: ClassVar[tuple[str, ...]] = ("mean", "std", "variance")
    description: ClassVar[str] = "mean and standard deviation"
    unmergeable_reason: ClassVar[str] = (
        "predefined statistics without a count cannot be merged or updated, because their "
        "weight is unknown; write Stats.from_values(mean=..., variance=..., count=...)"
    )

    def summarize(self, block: np.ndarray, axes: Axes, weights: Weights = None) -> Records:
        raise MismatchError(
            "predefined statistics without a count cannot be computed from data; write "
            "Stats.from_values(mean=..., variance=..., count=...), or adapt(data) with another "
            "statistic"
        )

    def merge(self, records: Records, axes: Axes) -> Records:
        raise MismatchError(self.unmergeable_reason)

    def result(self, records: Records, name: str) -> np.ndarray:
        if name == "std":
            return np.sqrt(records["variance"])
        if name in ("mean", "variance"):
            return records[name].copy()
        raise AttributeError(
            f"predefined statistics have no {name!r}; they have {', '.join(self.result_names)}"
        )

    def for_comparison(self) -> Statistic:
        return Moments()

    def is_invalid(self, records: Records) -> np.ndarray:
        return np.isinf(records["mean"]) | np.isinf(records["variance"])
