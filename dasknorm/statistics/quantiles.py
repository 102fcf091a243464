"""`Quantiles`: the median and the range between two quantiles, for data with outliers.

Used by statistics. The record is stored in files; the histogram is in `kernels.sketches`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dasknorm import kernels
from dasknorm.kernels import Axes, Weights
from dasknorm.statistics.base import CountedStatistic, Records, Reducer, make_affine


@dataclass(frozen=True, repr=False)
class Quantiles(CountedStatistic):
    """Median and quantile range, by which data are normalized however far their outliers lie.

    The shift is the median, the scale the difference of two quantiles: as scikit-learn's
    ``RobustScaler``, but of data in chunks. What is remembered is a histogram, in
    ``kernels.sketches``, that is a function of the data alone: any chunks, any order of merging and
    any scheduler give the same bits, if the weights are whole numbers. Of no more than ``buckets``
    different values the quantiles are NumPy's (``method="linear"``), to rounding. Of more they are
    estimates, and the reading ``error`` is the furthest that one of them can be from the truth.

    That error is less than ``2 * d / (buckets - 1)`` of the larger value beside it, where the data
    lie in ``d`` ranges from a power of two to the next (those below 0 count for themselves). Where
    they lie in one, as kelvins from 256 to 512 do, it is less than ``2 * (max - min) / (buckets -
    2)``. The estimates are mostly far nearer than that.

    Parameters
    ----------
    lower, upper : float, default 0.25 and 0.75
        The quantiles whose difference is the scale, from 0 to 1.
    buckets : int, default 2048
        As far as memory goes: 16 bytes each, for each kept position.
    skipna : bool, default True
        Skip missing values (NaN, NA, null, masked). If False, one missing value makes its
        feature's quantiles NaN.
    epsilon : float, default 0.0
        The scale is ``max(upper - lower, epsilon)``; a scale of exactly 0 becomes 1, so that a
        constant feature normalizes to 0.

    Notes
    -----
    Weights count as so many values: an integer weight gives what repeating the value would. If they
    are less than 1 on average, as parts of an area are, their mean stands for one value.

    Integers beyond 2**53 are rounded to float64.

    Examples
    --------
    >>> import numpy as np
    >>> quantiles = Quantiles()
    >>> records = quantiles.summarize(np.array([1.0, 2.0, np.nan, 4.0, 1e9, 3.0]), (0,))
    >>> quantiles.result(records, "median"), quantiles.result(records, "upper")
    (array([3.]), array([4.]))
    >>> quantiles.result(records, "error")
    array([0.])
    """

    lower: float = 0.25
    upper: float = 0.75
    buckets: int = 2048
    skipna: bool = True
    epsilon: float = 0.0

    result_names: ClassVar[tuple[str, ...]] = ("count", "median", "lower", "upper", "error")
    invalid_reason: ClassVar[str] = "infinite values"

    @property
    def description(self) -> str:  # type: ignore[override]
        """What is remembered, in words."""
        return f"median and quantiles {self.lower:g} and {self.upper:g}"

    def __post_init__(self) -> None:
        if not 0 <= self.lower < self.upper <= 1:
            raise ValueError(
                "lower and upper must be quantiles, 0 <= lower < upper <= 1, "
                f"got {self.lower!r} and {self.upper!r}"
            )
        if isinstance(self.buckets, bool) or int(self.buckets) != self.buckets or self.buckets < 2:
            raise ValueError(f"buckets must be a whole number of at least 2, got {self.buckets!r}")
        if not 0 <= self.epsilon < np.inf:
            raise ValueError(f"epsilon must be a number of at least 0, got {self.epsilon!r}")

    @property
    def dtype(self) -> np.dtype[np.void]:  # type: ignore[override]
        """Of one record: as many bytes as its buckets need, 16 each."""
        return kernels.sketch_dtype(self.buckets)

    def summarize(self, block: np.ndarray, axes: Axes, weights: Weights = None) -> Records:
        total = Reducer(self, axes).empty(block.shape)
        self.add(total, block, axes, weights)
        return total

    def merge(self, records: Records, axes: Axes) -> Records:
        return kernels.merge_sketches(records, axes)

    def add(self, total: Records, block: np.ndarray, axes: Axes, weights: Weights = None) -> None:
        kernels.add_to_sketches(total, block, axes, weights)

    def join(self, total: Records, part: Records) -> None:
        kernels.fold_sketches(total, part)

    # The base's would make a record of each value.

    def add_by_group(
        self, total: Records, values: np.ndarray, codes: np.ndarray, weights: Weights = None
    ) -> None:
        order = np.argsort(codes, kind="stable")
        order = order[codes[order] >= 0]
        groups, starts = np.unique(codes[order], return_index=True)
        for group, rows in zip(groups.tolist(), np.split(order, starts[1:]), strict=False):
            group_weights = None if weights is None else weights[rows]
            self.add(total[group : group + 1], values[rows], (0,), group_weights)

    def _result(self, records: Records, name: str) -> np.ndarray:
        at = {"lower": self.lower, "median": 0.5, "upper": self.upper}
        if name != "error":
            estimates, _, _ = kernels.sketch_quantiles(records, (at[name],))
            return estimates[..., 0]
        estimates, least, most = kernels.sketch_quantiles(records, tuple(at.values()))
        return np.maximum(most - estimates, estimates - least).max(axis=-1)

    def affine(self, records: Records) -> Records:
        at = (self.lower, 0.5, self.upper)
        lower, median, upper = np.moveaxis(kernels.sketch_quantiles(records, at)[0], -1, 0)
        with np.errstate(over="ignore"):
            scale = np.clip(upper - lower, self.epsilon, np.finfo("f8").max)
        return make_affine(self._defined(records, median), self._defined(records, scale))

    @property
    def comparison_settings(self) -> tuple[float, float]:
        """The two quantiles."""
        return self.lower, self.upper

    def to_sklearn(self, records: Records) -> Any:
        from sklearn.preprocessing import RobustScaler

        scaler = RobustScaler(quantile_range=(100 * self.lower, 100 * self.upper))
        affine = self.affine(records)
        scaler.center_, scaler.scale_ = affine["shift"].copy(), affine["scale"].copy()
        return scaler

    def is_invalid(self, records: Records) -> np.ndarray:
        return np.asarray(records["spoiled"] > 0)
