"""`Transformed`: a statistic of a function of the data, such as their logarithm.

Used by statistics. To add a function, add it to `kernels.FUNCTIONS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from dasknorm import kernels
from dasknorm.kernels import Axes, Kernel, Weights
from dasknorm.statistics.base import DEFAULT_FILL, Component, Records, Statistic
from dasknorm.statistics.moments import Moments


@dataclass(frozen=True, repr=False)
class Transformed(Statistic):
    """A statistic of a function of the data, which ``normalize`` applies and ``inverse`` undoes.

    All results are those of the function's values, which are computed in float64. Values outside
    the domain of the function, such as 0 for the logarithm, raise an error when statistics are
    computed. When data are normalized, they become NaN or infinite, as in NumPy.

    Parameters
    ----------
    function : {"log", "log1p", "sqrt", "asinh"}
        The inverse functions are exp, expm1, the square, and sinh.
    statistic : Statistic, default Moments()
        The statistic of the function's values.

    Examples
    --------
    >>> import dasknorm as dn
    >>> import numpy as np
    >>> rain = np.array([0.0, 3.0, 80.0])
    >>> stats = dn.adapt(rain, dn.Transformed("sqrt", dn.Extrema()))
    >>> stats.normalize(np.array([0.0, 20.0, 80.0]))
    array([0. , 0.5, 1. ])
    >>> stats.inverse(np.array([0.0, 0.5, 1.0])).round(6)
    array([ 0., 20., 80.])
    """

    function: Literal["log", "log1p", "sqrt", "asinh"]
    statistic: Statistic = field(default_factory=Moments)

    supports_lag: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.function not in kernels.FUNCTIONS:
            allowed = ", ".join(map(repr, kernels.FUNCTIONS))
            raise ValueError(f"function must be one of {allowed}, got {self.function!r}")
        if not isinstance(self.statistic, Statistic):
            raise TypeError(f"statistic must be a Statistic, got {self.statistic!r}")
        if isinstance(self.statistic, Transformed):
            raise TypeError(f"one function is applied, got another in {self.statistic}")

    @property
    def dtype(self) -> np.dtype[np.void]:  # type: ignore[override]
        """The dtype of one record."""
        return self.statistic.dtype

    @property
    def result_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The results of the statistic, for the function's values."""
        return self.statistic.result_names

    @property
    def description(self) -> str:  # type: ignore[override]
        """The computed results in words."""
        return f"{self.statistic.description} of {self.function}(x)"

    @property
    def transform(self) -> str:  # type: ignore[override]
        """The function that is applied before the affine map."""
        return self.function

    @property
    def unmergeable_reason(self) -> str:  # type: ignore[override]
        """Why records do not merge, if they do not."""
        return self.statistic.unmergeable_reason

    @property
    def is_centred(self) -> bool:  # type: ignore[override]
        """Whether constant data normalize to 0."""
        return self.statistic.is_centred

    @property
    def invalid_reason(self) -> str:  # type: ignore[override]
        """The reason why a record is invalid."""
        domain = kernels.FUNCTIONS[self.function].domain
        return (
            f"values outside of the domain of {self.function}, which is {domain}, infinite values, "
            f"or {DEFAULT_FILL:g}, the default fill of netCDF,"
        )

    def summarize(self, block: np.ndarray, axes: Axes, weights: Weights = None) -> Records:
        return self.statistic.summarize(self._values(block), axes, weights)

    def merge(self, records: Records, axes: Axes) -> Records:
        return self.statistic.merge(records, axes)

    def add(self, total: Records, block: np.ndarray, axes: Axes, weights: Weights = None) -> None:
        self.statistic.add(total, self._values(block), axes, weights)

    def join(self, total: Records, part: Records) -> None:
        self.statistic.join(total, part)

    def add_by_group(
        self, total: Records, values: np.ndarray, codes: np.ndarray, weights: Weights = None
    ) -> None:
        self.statistic.add_by_group(total, self._values(values), codes, weights)

    def result(self, records: Records, name: str) -> np.ndarray:
        return self.statistic.result(records, name)

    def affine(self, records: Records) -> Records:
        return self.statistic.affine(records)

    def kernel(self, kernel: Kernel) -> Kernel:
        by = kernels.standardize_by if kernel is kernels.standardize else kernels.restore_from
        return partial(by, self.function)

    def units(self, result_name: str, units: str) -> str:
        return self.statistic.units(result_name, f"{self.function}({units})")

    def with_one_scale(self, records: Sequence[Records]) -> list[Records]:
        return self.statistic.with_one_scale(records)

    def components(self, records: Records) -> list[Component]:
        inner = self.statistic.components(records)
        return [replace(component, transform=self.function) for component in inner]

    def weights_of(self, records: Records, values: Sequence[float]) -> dict[float, np.ndarray]:
        transformed = kernels.through(self.function, np.array(values)).tolist()
        original = dict(zip(transformed, values, strict=True))
        weights = self.statistic.weights_of(records, [v for v in transformed if np.isfinite(v)])
        return {original[value]: weight for value, weight in weights.items()}

    def is_invalid(self, records: Records) -> np.ndarray:
        return self.statistic.is_invalid(records)

    def _values(self, block: np.ndarray) -> np.ndarray:
        """Return the function's values, infinite outside of its domain."""
        block = np.asarray(block)
        values = kernels.through(self.function, block)
        # Unlike itself, the logarithm of a default fill is not large enough to be found later.
        has_fill = block.dtype.kind == "f" and block.dtype.itemsize > 2
        is_fill = block == DEFAULT_FILL if has_fill else np.zeros(0)
        return np.where(is_fill, np.inf, values) if is_fill.any() else values
