"""The rivals: ways to a mean, a variance and standard scores, each as its library's users write it.

This is the one table of them. The tests ask which are right, the benchmarks which are fast, and the
figures in README.md and docs/performance.md come from both. Another rival is one more class here.
"""

import math
from abc import ABC, abstractmethod
from importlib.util import find_spec
from typing import Any, ClassVar

import dask
import dask.array as da
import numpy as np
import xarray as xr

import dasknorm as dn

__all__ = ["RIVALS", "Dasknorm", "Rival", "installed"]

CHUNK_BYTES = 1 << 24


class Rival(ABC):
    """What one library learns of an array over `axes`, and does with it. Learning is `__init__`."""

    name: ClassVar[str]
    needs: ClassVar[str]
    """The module that must be installed."""
    in_float64: ClassVar[bool] = True
    """Whether sums are kept in float64, whatever comes in."""
    on_chunks: ClassVar[bool] = False
    """Whether it takes Dask arrays."""

    @classmethod
    def take(cls, x: Any, axes: tuple[int, ...]) -> Any:
        """Return a NumPy array as the library takes it. Not its work, and so never timed."""
        return chunked(x, axes) if cls.on_chunks else x

    @classmethod
    def of(cls, x: Any, axes: tuple[int, ...]) -> "Rival":
        """Learn from a NumPy array."""
        return cls(cls.take(x, axes), axes)

    @abstractmethod
    def __init__(self, x: Any, axes: tuple[int, ...]) -> None: ...

    @abstractmethod
    def moments(self) -> tuple[Any, Any]:
        """Return the mean and the population variance of each feature, in kept order."""

    @abstractmethod
    def normalize(self, x: Any) -> Any:
        """Return ``(x - mean) / std`` in memory, in the dtype that comes out by itself."""


class NumPyFloat64(Rival):
    name, needs = "NumPy in float64", "numpy"

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        self.mean = x.mean(axes, dtype="f8", keepdims=True)
        self.variance = x.var(axes, dtype="f8", keepdims=True)

    def moments(self) -> tuple[Any, Any]:
        return self.mean.ravel(), self.variance.ravel()

    def normalize(self, x: Any) -> Any:
        return ((x - self.mean) / np.sqrt(self.variance)).astype(x.dtype)


class NumPy(NumPyFloat64):
    name, in_float64 = "NumPy as written", False

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        self.mean = x.mean(axes, keepdims=True)
        self.variance = x.var(axes, keepdims=True)

    def normalize(self, x: Any) -> Any:
        return (x - self.mean) / np.sqrt(self.variance)


class Dask(NumPy):
    name, needs, on_chunks = "Dask", "dask.array", True

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        self.mean, self.variance = dask.compute(
            x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        )

    def normalize(self, x: Any) -> Any:
        return super().normalize(x).compute()


class Xarray(Rival):
    name, needs, in_float64 = "xarray", "xarray", False

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        array = xr.DataArray(x)
        dims = [array.dims[axis] for axis in axes]
        self.mean, self.variance = array.mean(dims), array.var(dims)

    def moments(self) -> tuple[Any, Any]:
        return self.mean.values.ravel(), self.variance.values.ravel()

    def normalize(self, x: Any) -> Any:
        return ((xr.DataArray(x) - self.mean) / np.sqrt(self.variance)).values


class ScikitLearn(Rival):
    name, needs = "scikit-learn StandardScaler", "sklearn"

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        from sklearn.preprocessing import StandardScaler

        self.axes = axes
        self.scaler = StandardScaler().fit(_rows(x, axes))

    def moments(self) -> tuple[Any, Any]:
        return self.scaler.mean_, self.scaler.var_

    def normalize(self, x: Any) -> Any:
        return _unrowed(self.scaler.transform(_rows(x, self.axes)), x, self.axes)


class DaskML(ScikitLearn):
    name, needs, in_float64, on_chunks = "dask-ml StandardScaler", "dask_ml", False, True

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        from dask_ml.preprocessing import StandardScaler

        self.axes = axes
        self.scaler = StandardScaler().fit(_rows(x, axes))

    def normalize(self, x: Any) -> Any:
        return super().normalize(x).compute()


class Dasknorm(Rival):
    name, needs = "dasknorm", "dasknorm"

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        self.stats = dn.adapt(x, over=axes)

    def moments(self) -> tuple[Any, Any]:
        return np.ravel(self.stats.mean), np.ravel(self.stats.variance)

    def normalize(self, x: Any) -> Any:
        return self.stats.normalize(x)


class DasknormOnDask(Dasknorm):
    name, on_chunks = "dasknorm on Dask", True

    def normalize(self, x: Any) -> Any:
        return super().normalize(x).compute()


RIVALS: tuple[type[Rival], ...] = (
    Dasknorm,
    DasknormOnDask,
    NumPyFloat64,
    NumPy,
    Dask,
    Xarray,
    ScikitLearn,
    DaskML,
)


def installed(rival: type[Rival]) -> bool:
    """Tell whether a rival's library is there to be compared with."""
    return find_spec(rival.needs) is not None


def chunked(x: Any, axes: tuple[int, ...]) -> da.Array:
    """Cut an array along its longest reduced axis into chunks for Dask."""
    cut = max(axes, key=lambda axis: x.shape[axis])
    rows = max(1, CHUNK_BYTES * x.shape[cut] // x.nbytes)
    # name=False: hashing the array for its name would take as long as its mean.
    return da.from_array(x, chunks={cut: rows}, name=False)


def _rows(x: Any, axes: tuple[int, ...]) -> Any:
    """See an array as rows of features, which is all that a scaler takes."""
    order = _features_last(x, axes)
    features = math.prod(x.shape[axis] for axis in order[len(axes) :])
    return x.transpose(order).reshape(-1, features)


def _unrowed(rows: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Give rows of features the shape of the array that they were seen in."""
    order = _features_last(x, axes)
    back = [order.index(axis) for axis in range(x.ndim)]
    return rows.reshape([x.shape[axis] for axis in order]).transpose(back)


def _features_last(x: Any, axes: tuple[int, ...]) -> list[int]:
    return [*axes, *(axis for axis in range(x.ndim) if axis not in axes)]
