"""`Extrema` and `MaxAbs`: the least and the greatest value, and the maps made from them.

Used by statistics. To change how the two ends are computed, change `kernels.extrema`; the record is
stored in files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from dasknorm import kernels
from dasknorm.kernels import Axes, Weights, arithmetic
from dasknorm.statistics.base import CountedStatistic, Records, Statistic, is_near, make_affine
from dasknorm.statistics.moments import Moments


class ExtremaRecords(CountedStatistic):
    """Base class of statistics that are computed from the least and the greatest value."""

    dtype: ClassVar[np.dtype[np.void]] = kernels.EXTREMA

    def summarize(self, block: np.ndarray, axes: Axes, weights: Weights = None) -> Records:
        return kernels.extrema(block, axes, weights)

    def merge(self, records: Records, axes: Axes) -> Records:
        return kernels.merge_extrema(records, axes)

    def weights_of(self, records: Records, values: Sequence[float]) -> dict[float, np.ndarray]:
        weights = {}
        for value in values:
            end, other_end = ("max", "min") if value > 0 else ("min", "max")
            if (occurs := is_near(records[end], value)).any():
                is_constant = records[other_end] == records[end]
                weights[value] = np.where(
                    occurs, np.where(is_constant, records["count"], np.nan), 0.0
                )
        return weights


@dataclass(frozen=True, repr=False)
class Extrema(ExtremaRecords):
    """Minimum and maximum, to scale data to a range: min-max scaling.

    Both are exact for any chunks, and so is merging. Constant data, which have no range, become 0,
    or the end of the range that is nearest to 0.

    Parameters
    ----------
    low, high : float, default 0.0 and 1.0
        The range of normalized data: the minimum becomes ``low``, and the maximum ``high``.
    skipna : bool, default True
        Skip missing values. If False, one missing value makes the extrema of its feature NaN.

    Examples
    --------
    >>> import dasknorm as dn
    >>> import numpy as np
    >>> stats = dn.adapt(np.array([[2.0], [6.0], [3.0]]), dn.Extrema())
    >>> stats.min, stats.max
    (array([2.]), array([6.]))
    >>> stats.normalize(np.array([[2.0], [6.0], [3.0]])).ravel()
    array([0.  , 1.  , 0.25])
    """

    low: float = 0.0
    high: float = 1.0
    skipna: bool = True

    result_names: ClassVar[tuple[str, ...]] = ("count", "min", "max")
    description: ClassVar[str] = "minimum and maximum"
    invalid_reason: ClassVar[str] = "infinite values, or a range too large for float64,"

    @property
    def is_centred(self) -> bool:  # type: ignore[override]
        """Whether 0 is in the range."""
        return self.low <= 0 <= self.high

    def __post_init__(self) -> None:
        if not all(isinstance(end, Real) for end in (self.low, self.high)):
            raise TypeError(
                f"low and high must be two numbers, got {self.low!r} and {self.high!r}. Write "
                "Extrema(0, 1)"
            )
        if not -np.inf < self.low < self.high < np.inf:
            raise ValueError(
                f"low must be less than high, got low={self.low!r} and high={self.high!r}"
            )

    def _result(self, records: Records, name: str) -> np.ndarray:
        return records[name]

    def affine(self, records: Records) -> Records:
        with np.errstate(all="ignore"):
            least, least_rest = (records[name] for name in ("min", "min_rest"))
            span, _ = arithmetic.add(records["max"], records["max_rest"], -least, -least_rest)
            scale = np.where(span > 0, span / (self.high - self.low), 1.0)
            end = np.where(span > 0, self.low, np.clip(0.0, self.low, self.high))
            shift, shift_rest = arithmetic.add(
                least, least_rest, *arithmetic.two_product(-end, scale)
            )
        result = np.empty(records.shape, kernels.AFFINE)
        result["shift"] = self._defined(records, shift)
        result["shift_rest"], result["scale"] = shift_rest, scale
        return result

    def for_comparison(self) -> Statistic:
        return Moments()

    def to_sklearn(self, records: Records) -> Any:
        from sklearn.preprocessing import MinMaxScaler

        scaler = MinMaxScaler(feature_range=(self.low, self.high))
        scaler.data_min_ = self.result(records, "min")
        scaler.data_max_ = self.result(records, "max")
        scaler.data_range_ = scaler.data_max_ - scaler.data_min_
        affine = self.affine(records)
        scaler.scale_ = 1 / affine["scale"]
        scaler.min_ = -affine["shift"] / affine["scale"]
        return scaler

    def is_invalid(self, records: Records) -> np.ndarray:
        with np.errstate(all="ignore"):
            return (records["count"] != 0) & ~np.isfinite(records["max"] - records["min"])


@dataclass(frozen=True, repr=False)
class MaxAbs(ExtremaRecords):
    """The largest absolute value, to scale data to between -1 and 1; 0 stays 0.

    It is exact for any chunks. The records contain the least and the greatest value.

    Parameters
    ----------
    skipna : bool, default True
        Skip missing values. If False, one missing value makes its feature's maximum NaN.

    Examples
    --------
    >>> import dasknorm as dn
    >>> import numpy as np
    >>> stats = dn.adapt(np.array([[2.0], [-8.0], [0.0]]), dn.MaxAbs())
    >>> stats.max_abs, stats.normalize(np.array([[2.0], [-8.0], [0.0]])).ravel()
    (array([8.]), array([ 0.25, -1.  ,  0.  ]))
    """

    skipna: bool = True

    result_names: ClassVar[tuple[str, ...]] = ("count", "max_abs")
    description: ClassVar[str] = "largest absolute value"
    is_centred: ClassVar[bool] = False
    invalid_reason: ClassVar[str] = "infinite values"

    def _result(self, records: Records, name: str) -> np.ndarray:
        return np.maximum(-records["min"], records["max"])

    def affine(self, records: Records) -> Records:
        return make_affine(0.0, self.result(records, "max_abs"))

    def to_sklearn(self, records: Records) -> Any:
        from sklearn.preprocessing import MaxAbsScaler

        scaler = MaxAbsScaler()
        scaler.max_abs_ = self.result(records, "max_abs")
        scaler.scale_ = self.affine(records)["scale"].copy()
        return scaler

    def is_invalid(self, records: Records) -> np.ndarray:
        return np.isinf(records["min"]) | np.isinf(records["max"])
