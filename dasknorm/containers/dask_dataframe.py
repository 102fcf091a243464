"""Dask DataFrames and Series: pandas objects in partitions.

Used by users: `containers` imports this module with the first such object.
"""

import dask.dataframe as dd

from dasknorm.containers import Fields, register
from dasknorm.containers.pandas import Frame, Series


def _check_series(weights: object) -> dd.Series:
    if not isinstance(weights, dd.Series):
        raise TypeError(
            "weights of a Dask frame are a Dask Series of the same partitions, such as "
            f"ddf['weight']; got {type(weights).__name__}"
        )
    return weights


@register(dd.DataFrame)
class DaskFrame(Frame):
    """A DataFrame in partitions, whose columns are found by name, in any order."""

    def parse_weights(self, data: dd.DataFrame, weights: object) -> dd.Series:
        return _check_series(weights)


@register(dd.Series)
class DaskSeries(Series):
    """A Series in partitions."""

    def rebuild(self, data: dd.Series, fields: Fields) -> dd.Series:
        frame = fields[None].data.frame
        return frame[frame.columns[0]].rename(data.name)

    def parse_weights(self, data: dd.Series, weights: object) -> dd.Series:
        return _check_series(weights)
