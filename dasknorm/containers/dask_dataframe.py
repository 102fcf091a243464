"""Dask DataFrames and Series: pandas, a partition at a time."""

from typing import Any

import dask.dataframe as dd

from dasknorm.containers import register
from dasknorm.containers.pandas import Frame, Series

__all__ = ["DaskFrame", "DaskSeries"]


def _series(data: Any, weights: Any) -> Any:
    if not isinstance(weights, dd.Series):
        raise TypeError(
            "weights of a Dask frame are a Dask Series of the same partitions, such as "
            f"ddf['weight']; got {type(weights).__name__}"
        )
    return weights


@register(dd.DataFrame)
class DaskFrame(Frame):
    """A frame in partitions; the columns of each are found by name, whatever their order."""

    def weights(self, data: Any, weights: Any) -> Any:
        return _series(data, weights)


@register(dd.Series)
class DaskSeries(Series):
    """A series in partitions."""

    def rebuild(self, data: Any, fields: Any) -> Any:
        frame = fields[None].data.frame
        return frame[frame.columns[0]].rename(data.name)

    def weights(self, data: Any, weights: Any) -> Any:
        return _series(data, weights)
