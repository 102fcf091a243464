"""Register the ``.norm`` accessor for xarray objects and for pandas and Dask DataFrames.

Used by users. The methods are thin: arguments are documented by `adapt` and `Stats`.

xarray's reductions name the reduced dimensions ``dim``, and so does its accessor. Statistics of a
DataFrame are always per column.

Examples
--------
>>> import pandas as pd
>>> import dasknorm.accessors
>>> frame = pd.DataFrame({"a": [1.0, 3.0], "name": ["x", "y"]})
>>> stats = frame.norm.adapt()
>>> frame.norm.normalize(stats)
     a name
0 -1.0    x
1  1.0    y
"""

import importlib.util
from typing import Any, Generic, TypeVar

import pandas as pd
import xarray as xr

from dasknorm.api.adapt import adapt
from dasknorm.api.stats import Stats
from dasknorm.fields import Axes
from dasknorm.statistics import Statistic

__all__ = ["FrameNorm", "XarrayNorm"]

T = TypeVar("T")


class _Norm(Generic[T]):
    """Methods of the accessors of all types."""

    def __init__(self, data: T) -> None:
        self._data = data

    def normalize(self, stats: Stats, **options: Any) -> T:
        """Return ``stats.normalize`` of this object; `options` are `dtype` and `unseen`."""
        return stats.normalize(self._data, **options)

    def inverse(self, stats: Stats, **options: Any) -> T:
        """Return ``stats.inverse`` of this object; `options` are `dtype` and `unseen`."""
        return stats.inverse(self._data, **options)


@xr.register_dataarray_accessor("norm")
@xr.register_dataset_accessor("norm")
@xr.register_datatree_accessor("norm")
class XarrayNorm(_Norm[T]):
    """The accessors ``ds.norm``, ``array.norm`` and ``tree.norm``."""

    def adapt(
        self, dim: Axes = None, *, statistic: Statistic | None = None, **options: Any
    ) -> Stats:
        """Compute statistics over `dim`, by default over all dimensions like xarray's mean.

        All `options`, such as ``weights=``, are passed to `dasknorm.adapt`.
        """
        return adapt(self._data, statistic, over=dim, **options)


@pd.api.extensions.register_dataframe_accessor("norm")
@pd.api.extensions.register_series_accessor("norm")
class FrameNorm(_Norm[T]):
    """The accessors ``frame.norm`` and ``series.norm``, in pandas and in Dask."""

    def adapt(self, *, statistic: Statistic | None = None, **options: Any) -> Stats:
        """Compute the statistics of each numeric column.

        All `options`, such as ``columns=`` or ``by=``, are passed to `dasknorm.adapt`.
        """
        return adapt(self._data, statistic, **options)


if importlib.util.find_spec("pyarrow"):  # an optional library that dask.dataframe needs
    from dask.dataframe.extensions import register_dataframe_accessor, register_series_accessor

    register_dataframe_accessor("norm")(FrameNorm)
    register_series_accessor("norm")(FrameNorm)
