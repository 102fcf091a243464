"""``.norm`` on xarray, pandas and Dask DataFrame objects, once this module is imported.

xarray says ``dim`` for the dimensions that are merged away, and so does its accessor here; a
frame's statistics are always kept for each column.

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
from typing import Any

import pandas as pd
import xarray as xr

from dasknorm.api.adapt import adapt
from dasknorm.api.stats import Stats
from dasknorm.fields import Axes
from dasknorm.statistics import Statistic

__all__ = ["FrameNorm", "XarrayNorm"]


class _Norm:
    """The maps, the same for every container."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def normalize(self, stats: Stats, **how: Any) -> Any:
        """Return ``stats.normalize`` of this object; also with ``dtype=``, ``unseen=``."""
        return stats.normalize(self._data, **how)

    def inverse(self, stats: Stats, **how: Any) -> Any:
        """Return ``stats.inverse`` of this object, with what else it takes."""
        return stats.inverse(self._data, **how)


@xr.register_dataarray_accessor("norm")  # type: ignore[no-untyped-call]
@xr.register_dataset_accessor("norm")  # type: ignore[no-untyped-call]
@xr.register_datatree_accessor("norm")  # type: ignore[no-untyped-call]
class XarrayNorm(_Norm):
    """``ds.norm``, ``array.norm`` and ``tree.norm``."""

    def adapt(self, dim: Axes = None, *, statistic: Statistic | None = None, **how: Any) -> Stats:
        """Learn the statistics over `dim`; over all dimensions by default, as xarray's mean.

        What else is given, such as ``weights=``, is given on to `dasknorm.adapt`.
        """
        return adapt(self._data, statistic, over=dim, **how)


@pd.api.extensions.register_dataframe_accessor("norm")
@pd.api.extensions.register_series_accessor("norm")
class FrameNorm(_Norm):
    """``frame.norm`` and ``series.norm``, in pandas and in Dask."""

    def adapt(self, *, statistic: Statistic | None = None, **how: Any) -> Stats:
        """Learn the statistics of each numeric column.

        What is given, such as ``columns=`` or ``by=``, is given on to `dasknorm.adapt`.
        """
        return adapt(self._data, statistic, **how)


if importlib.util.find_spec("pyarrow"):  # what dask.dataframe needs beyond dask itself
    from dask.dataframe.extensions import register_dataframe_accessor, register_series_accessor

    register_dataframe_accessor("norm")(FrameNorm)
    register_series_accessor("norm")(FrameNorm)
