"""`MaxAbs`: the largest absolute value, by which data are divided.

Used by statistics. Its record is the one of `Extrema`.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from dasknorm import kernels
from dasknorm.statistics.base import Records, is_undefined
from dasknorm.statistics.extrema import ExtremaRecords

__all__ = ["MaxAbs"]


@dataclass(frozen=True, repr=False)
class MaxAbs(ExtremaRecords):
    """The largest absolute value, by which data are brought to between -1 and 1; 0 stays 0.

    Exact, whatever the chunks. What is remembered is the least and the greatest value.

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

    def result(self, records: Records, name: str) -> np.ndarray:
        if name == "count":
            return records["count"].copy()
        if name != "max_abs":
            raise AttributeError(f"MaxAbs has no {name!r}; it has {', '.join(self.result_names)}")
        largest = np.maximum(-records["min"], records["max"])
        return np.where(is_undefined(records, self.skipna), np.nan, largest)

    def affine(self, records: Records) -> Records:
        largest = self.result(records, "max_abs")
        result = np.zeros(records.shape, kernels.AFFINE)
        result["scale"] = np.where(largest == 0, 1.0, largest)
        return result

    def for_comparison(self) -> Self:
        return replace(self, skipna=True)

    def to_sklearn(self, records: Records) -> Any:
        from sklearn.preprocessing import MaxAbsScaler

        scaler = MaxAbsScaler()
        scaler.max_abs_ = self.result(records, "max_abs")
        scaler.scale_ = self.affine(records)["scale"].copy()
        return scaler

    def is_invalid(self, records: Records) -> np.ndarray:
        return np.isinf(records["min"]) | np.isinf(records["max"])
