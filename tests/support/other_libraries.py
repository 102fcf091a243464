"""The rivals: ways to a mean, a variance and standard scores, each as its library's users write it.

This is the one table of them. The tests ask which are right, the benchmarks which are fast, and the
figures in README.md and docs/performance.md come from both. Another rival is one more class here.
"""

import math
import os
from abc import ABC, abstractmethod
from importlib.util import find_spec
from typing import Any, ClassVar

import dask
import dask.array as da
import numpy as np
import xarray as xr

import dasknorm as dn

__all__ = ["LIBRARIES", "Dasknorm", "Library", "is_installed"]

CHUNK_BYTES = 1 << 24


class Library(ABC):
    """Statistics of an array over `axes` as one library computes them, in `__init__`."""

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    """The modules that must be installed."""
    sums: ClassVar[str] = "float64"
    """The dtype that sums are kept in, or ``"as given"`` for that of the data."""
    on_chunks: ClassVar[bool] = False
    """Whether it takes Dask arrays."""

    @classmethod
    def take(cls, x: Any, axes: tuple[int, ...]) -> Any:
        """Return a NumPy array as the library takes it. Not its work, and so never timed."""
        return rechunk(x, axes) if cls.on_chunks else x

    @classmethod
    def back(cls, z: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
        """Return scores as a NumPy array of a shape. Not its work either."""
        return z

    @classmethod
    def of(cls, x: Any, axes: tuple[int, ...]) -> "Library":
        """Compute statistics from a NumPy array."""
        return cls(cls.take(x, axes), axes)

    @abstractmethod
    def __init__(self, x: Any, axes: tuple[int, ...]) -> None: ...

    @abstractmethod
    def moments(self) -> tuple[Any, Any]:
        """Return the mean and the population variance of each feature, in kept order."""

    @abstractmethod
    def normalize(self, x: Any) -> Any:
        """Return ``(x - mean) / std`` of the result of `take`, in memory, in its dtype."""


class NumPyFloat64(Library):
    name, needs = "NumPy in float64", ("numpy",)

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        self.mean = x.mean(axes, dtype="f8", keepdims=True)
        self.variance = x.var(axes, dtype="f8", keepdims=True)

    def moments(self) -> tuple[Any, Any]:
        return self.mean.ravel(), self.variance.ravel()

    def normalize(self, x: Any) -> Any:
        return ((x - self.mean) / np.sqrt(self.variance)).astype(x.dtype)


class NumPy(NumPyFloat64):
    name, sums = "NumPy as written", "as given"

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        self.mean = x.mean(axes, keepdims=True)
        self.variance = x.var(axes, keepdims=True)

    def normalize(self, x: Any) -> Any:
        return (x - self.mean) / np.sqrt(self.variance)


class Dask(NumPy):
    name, needs, on_chunks = "Dask", ("dask.array",), True

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        self.mean, self.variance = dask.compute(
            x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        )

    def normalize(self, x: Any) -> Any:
        return super().normalize(x).compute()


class Xarray(Library):
    name, needs, sums = "xarray", ("xarray",), "as given"

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        array = xr.DataArray(x)
        dims = [array.dims[axis] for axis in axes]
        self.mean, self.variance = array.mean(dims), array.var(dims)

    def moments(self) -> tuple[Any, Any]:
        return self.mean.values.ravel(), self.variance.values.ravel()

    def normalize(self, x: Any) -> Any:
        return ((xr.DataArray(x) - self.mean) / np.sqrt(self.variance)).values


class ScikitLearn(Library):
    name, needs = "scikit-learn StandardScaler", ("sklearn",)

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        from sklearn.preprocessing import StandardScaler

        self.axes = axes
        self.scaler = StandardScaler().fit(_rows(x, axes))

    def moments(self) -> tuple[Any, Any]:
        return self.scaler.mean_, self.scaler.var_

    def normalize(self, x: Any) -> Any:
        return _unrowed(self.scaler.transform(_rows(x, self.axes)), x.shape, self.axes)


class DaskML(ScikitLearn):
    name, needs, on_chunks = "dask-ml StandardScaler", ("dask_ml",), True
    sums = "as given"

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        from dask_ml.preprocessing import StandardScaler

        self.axes = axes
        self.scaler = StandardScaler().fit(_rows(x, axes))

    def normalize(self, x: Any) -> Any:
        return super().normalize(x).compute()


class Keras(Library):
    """The layer on JAX on the processor, fed its own tensors: NumPy arrays cost it twice the time.

    Keras sums them in float32, float64 ones too.
    """

    name, needs, sums = "Keras Normalization", ("keras", "jax"), "float32"

    @classmethod
    def take(cls, x: Any, axes: tuple[int, ...]) -> Any:
        return _keras().ops.convert_to_tensor(x, dtype=str(x.dtype))

    @classmethod
    def back(cls, z: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
        return np.asarray(z)

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        axes_kept = tuple(axis for axis in range(x.ndim) if axis not in axes)
        self.layer = _keras().layers.Normalization(axis=axes_kept, dtype=str(x.dtype))
        self.layer.adapt(x)

    def moments(self) -> tuple[Any, Any]:
        return np.ravel(self.layer.mean), np.ravel(self.layer.variance)

    def normalize(self, x: Any) -> Any:
        return self.layer(x).block_until_ready()


class Polars(Library):
    """Columns of an eager DataFrame. Sums are float64; results have the dtype of the data."""

    name, needs = "polars", ("polars",)

    @classmethod
    def take(cls, x: Any, axes: tuple[int, ...]) -> Any:
        import polars

        columns = np.ascontiguousarray(_rows(x, axes).T)
        return polars.DataFrame({str(i): column for i, column in enumerate(columns)})

    @classmethod
    def back(cls, z: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
        return _unrowed(z.to_numpy(), shape, axes)

    def __init__(self, x: Any, axes: tuple[int, ...]) -> None:
        self.mean, self.variance = x.mean(), x.var(ddof=0)

    def moments(self) -> tuple[Any, Any]:
        return self.mean.to_numpy().ravel(), self.variance.to_numpy().ravel()

    def normalize(self, x: Any) -> Any:
        import polars

        learned = zip(x.columns, self.mean.row(0), self.variance.row(0), strict=True)
        return x.select((polars.col(name) - m) / math.sqrt(v) for name, m, v in learned)


class Dasknorm(Library):
    name, needs = "dasknorm", ("dasknorm",)

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


LIBRARIES: tuple[type[Library], ...] = (
    Dasknorm,
    DasknormOnDask,
    NumPyFloat64,
    NumPy,
    Dask,
    Xarray,
    ScikitLearn,
    DaskML,
    Keras,
    Polars,
)


def is_installed(rival: type[Library]) -> bool:
    """Return whether the modules that a library needs are installed."""
    return all(find_spec(module) is not None for module in rival.needs)


def rechunk(x: Any, axes: tuple[int, ...]) -> da.Array:
    """Cut an array along its longest reduced axis into chunks for Dask."""
    cut = max(axes, key=lambda axis: x.shape[axis])
    rows = max(1, CHUNK_BYTES * x.shape[cut] // x.nbytes)
    # name=False: hashing the array for its name would take as long as its mean.
    return da.from_array(x, chunks={cut: rows}, name=False)


def _keras() -> Any:
    """Import Keras on JAX, which has no float64 unless asked for it."""
    os.environ["KERAS_BACKEND"], os.environ["JAX_ENABLE_X64"] = "jax", "1"
    import keras

    return keras


def _rows(x: Any, axes: tuple[int, ...]) -> Any:
    """See an array as rows of features, which is all that a scaler takes."""
    order = _features_last(x.ndim, axes)
    features = math.prod(x.shape[axis] for axis in order[len(axes) :])
    return x.transpose(order).reshape(-1, features)


def _unrowed(rows: Any, shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """Give rows of features the shape of the array that they were seen in."""
    order = _features_last(len(shape), axes)
    back = [order.index(axis) for axis in range(len(shape))]
    return rows.reshape([shape[axis] for axis in order]).transpose(back)


def _features_last(ndim: int, axes: tuple[int, ...]) -> list[int]:
    return [*axes, *(axis for axis in range(ndim) if axis not in axes)]
