"""`Predefined`: a mean and a variance that the user gives.

Used by statistics. The record is stored in files.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dasknorm.errors import MismatchError
from dasknorm.statistics.base import Records, Statistic
from dasknorm.statistics.moments import Moments
from dasknorm.statistics.standard_score import StandardScore

__all__ = ["Predefined"]


@dataclass(frozen=True, repr=False)
class Predefined(StandardScore):
    """A mean and variance known beforehand; without a count, they merge with nothing.

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

    def summarize(
        self, block: np.ndarray, axes: tuple[int, ...], weights: np.ndarray | None = None
    ) -> Records:
        raise MismatchError(
            "given statistics without a count learn nothing from data; write "
            "Stats.from_values(mean=..., variance=..., count=...), or adapt(data) with another "
            "statistic"
        )

    def merge(self, records: Records, axes: tuple[int, ...]) -> Records:
        raise MismatchError(self.unmergeable_reason)

    def result(self, records: Records, name: str) -> np.ndarray:
        if name == "std":
            return np.sqrt(records["variance"])
        if name in ("mean", "variance"):
            return records[name].copy()
        raise AttributeError(
            f"given statistics have no {name!r}; they have {', '.join(self.result_names)}"
        )

    def for_comparison(self) -> Statistic:
        return Moments()

    def is_invalid(self, records: Records) -> np.ndarray:
        return np.isinf(records["mean"]) | np.isinf(records["variance"])
