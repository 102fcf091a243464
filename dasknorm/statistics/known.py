"""Known: a mean and a variance that were given, not learned."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dasknorm import kernels
from dasknorm.errors import MismatchError
from dasknorm.statistics.base import Records, Statistic

__all__ = ["Known"]


@dataclass(frozen=True, repr=False)
class Known(Statistic):
    """A mean and variance known beforehand; without a count, they merge with nothing.

    Parameters
    ----------
    epsilon : float, default 0.0
        The scale is ``max(std, epsilon)``; a scale of exactly 0 becomes 1.
    """

    epsilon: float = 0.0

    dtype: ClassVar[np.dtype[np.void]] = np.dtype([("mean", "<f8"), ("variance", "<f8")])
    readings: ClassVar[tuple[str, ...]] = ("mean", "std", "variance")
    description: ClassVar[str] = "mean and standard deviation"

    def summarize(
        self, block: np.ndarray, axes: tuple[int, ...], weights: np.ndarray | None = None
    ) -> Records:
        raise MismatchError(
            "given statistics without a count learn nothing from data; write "
            "Stats.from_values(mean=..., variance=..., count=...), or adapt(data) with another "
            "statistic"
        )

    def merge(self, records: Records, axes: tuple[int, ...]) -> Records:
        raise MismatchError(
            "given statistics without a count cannot be merged or updated: how much they weigh is "
            "not known; write Stats.from_values(mean=..., variance=..., count=...)"
        )

    def read(self, records: Records, name: str) -> np.ndarray:
        if name == "std":
            return np.sqrt(records["variance"])
        if name in ("mean", "variance"):
            return records[name].copy()
        raise AttributeError(
            f"given statistics have no {name!r}; they have {', '.join(self.readings)}"
        )

    def affine(self, records: Records) -> Records:
        scale = np.maximum(np.sqrt(records["variance"]), self.epsilon)
        result = np.zeros(records.shape, kernels.AFFINE)
        result["shift"] = records["mean"]
        result["scale"] = np.where(scale == 0, 1.0, scale)
        return result

    def is_invalid(self, records: Records) -> np.ndarray:
        return np.isinf(records["mean"]) | np.isinf(records["variance"])
