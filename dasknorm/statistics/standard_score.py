"""`StandardScore`: base class of statistics with a mean and a standard deviation.

Used by statistics, statistics.moments and statistics.predefined. A change of `affine` changes
what `normalize` returns.
"""

from dataclasses import replace
from typing import Any, Self

import numpy as np

from dasknorm import kernels
from dasknorm.statistics.base import Records, Statistic

__all__ = ["StandardScore"]


class StandardScore(Statistic):
    """A statistic with the results mean, std and variance, and a least scale `epsilon`.

    Its affine map is ``(x - mean) / max(std, epsilon)``; a scale of exactly 0 becomes 1.
    """

    epsilon: float

    def affine(self, records: Records) -> Records:
        scale = np.maximum(self.result(records, "std"), self.epsilon)
        result = np.zeros(records.shape, kernels.AFFINE)
        result["shift"] = self.result(records, "mean")
        if "mean_rest" in (records.dtype.names or ()):
            result["shift_rest"] = records["mean_rest"]
        result["scale"] = np.where(scale == 0, 1.0, scale)
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
