"""`Quantiles`: the median and the range between two quantiles, for data with outliers.

Used by statistics. The record is stored in files; the histogram is in `kernels.sketches`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dasknorm import kernels
from dasknorm.kernels import Axes, Weights, part_of
from dasknorm.statistics.base import CountedStatistic, Records, Reducer, is_near, make_affine


@dataclass(frozen=True, repr=False)
class Quantiles(CountedStatistic):
    """Median and quantile range, for data with outliers.

    The shift is the median, and the scale is the difference of two quantiles, as in scikit-learn's
    ``RobustScaler``, but for data in chunks. The records are histograms that depend only on the
    data: any chunks, order of merging and scheduler give the same bits, if the weights are whole
    numbers. If the data have at most ``buckets`` distinct values, the quantiles equal NumPy's
    (``method="linear"``) up to rounding. Otherwise they are estimates, and the result ``error`` is
    an upper bound of their distance to the exact quantiles.

    The error is less than ``2 * d / (buckets - 1)`` of the larger neighbouring value, if the data
    are in ``d`` ranges from a power of two to the next; negative and positive ranges count
    separately. If they are in one range, as kelvins from 256 to 512, it is less than
    ``2 * (max - min) / (buckets - 2)``. Most estimates are much closer.

    Parameters
    ----------
    lower, upper : float, default 0.25 and 0.75
        The quantiles whose difference is the scale, from 0 to 1.
    buckets : int, default 2048
        The size of the histograms: 16 bytes per bucket and output element.
    skipna : bool, default True
        Skip missing values (NaN, NA, null, masked). If False, one missing value makes its
        feature's quantiles NaN.
    epsilon : float, default 0.0
        The scale is ``max(upper - lower, epsilon)``; a scale of exactly 0 becomes 1, so that a
        constant feature normalizes to 0.

    Notes
    -----
    An integer weight has the effect of repeating the value. If weights are less than 1 on average,
    as fractions of an area are, their mean counts as one value.

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
        """The computed results in words."""
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
        """The dtype of one record: 16 bytes per bucket."""
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

    # The base class would make a record for each value.

    def add_by_group(
        self, total: Records, values: np.ndarray, codes: np.ndarray, weights: Weights = None
    ) -> None:
        order = np.argsort(codes, kind="stable")
        order = order[codes[order] >= 0]
        groups, starts = np.unique(codes[order], return_index=True)
        for group, rows in zip(groups.tolist(), np.split(order, starts[1:]), strict=False):
            self.add(total[group : group + 1], values[rows], (0,), part_of(weights, rows))

    def _result(self, records: Records, name: str) -> np.ndarray:
        at = {"lower": self.lower, "median": 0.5, "upper": self.upper}
        if name != "error":
            estimates, _, _ = kernels.sketch_quantiles(records, (at[name],))
            return estimates[..., 0]
        estimates, least, highest = kernels.sketch_quantiles(records, tuple(at.values()))
        return np.maximum(highest - estimates, estimates - least).max(axis=-1)

    def affine(self, records: Records) -> Records:
        at = (self.lower, 0.5, self.upper)
        lower, median, upper = np.moveaxis(kernels.sketch_quantiles(records, at)[0], -1, 0)
        with np.errstate(over="ignore"):
            scale = np.clip(upper - lower, self.epsilon, np.finfo("f8").max)
        return make_affine(self._defined(records, median), self._defined(records, scale))

    def weights_of(self, records: Records, values: Sequence[float]) -> dict[float, np.ndarray]:
        weights = {}
        for value in values:
            if (occurs := is_near(records["high" if value > 0 else "low"], value)).any():
                buckets = records["weights"]  # in order, and 0 after the last one in use
                last = np.count_nonzero(buckets, axis=-1)[..., None] - 1 if value > 0 else 0
                index = np.broadcast_to(np.maximum(last, 0), (*records.shape, 1))
                of_bucket = np.take_along_axis(buckets, index, axis=-1)[..., 0]
                weights[value] = np.where(occurs, of_bucket, 0.0)
        return weights

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
