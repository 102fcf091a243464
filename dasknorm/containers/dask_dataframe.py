"""Dask DataFrames and Series: pandas objects in partitions.

Used by users: `containers` imports this module with the first such object.
"""

from collections.abc import Hashable
from functools import partial

import dask.dataframe as dd
import numpy as np
import pandas as pd

from dasknorm.containers import Fields, Selection, register
from dasknorm.containers.pandas import Frame, Series, check_columns


def _check_partition(
    frame: pd.DataFrame, names: list[Hashable], selection: Selection
) -> pd.DataFrame:
    check_columns(frame, dict.fromkeys(names, np.dtype(object)), selection)
    return frame


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

    def check_excluded(self, data: dd.DataFrame, selection: Selection) -> dd.DataFrame:
        excluded = self.excluded_dtypes(data)
        is_object = pd.api.types.is_object_dtype
        check_columns(data, {n: d for n, d in excluded.items() if not is_object(d)}, selection)
        objects = [n for n, d in excluded.items() if is_object(d) and selection.includes(n)]
        if not objects:
            return data
        # Their values are unknown until a partition is read, together with the numeric columns.
        unread = [n for n in excluded if n not in objects and n not in selection.by]
        data = data[[name for name in data.columns if name not in unread]]
        check = partial(_check_partition, names=objects, selection=selection)
        return data.map_partitions(check)

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
