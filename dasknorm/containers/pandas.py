"""pandas DataFrames and Series. A frame is one field; its columns are the features."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.blocks import is_numeric
from dasknorm.containers import Container, Fields, register
from dasknorm.errors import MismatchError
from dasknorm.fields import Field
from dasknorm.tables import Table

__all__ = ["Frame", "Series", "frame_field"]


@register(pd.DataFrame)
class Frame(Container):
    """The numeric columns of a frame, matched by name; the other columns ride along."""

    name = several = "pandas.DataFrame"

    def fields(self, data: Any) -> dict[Hashable, Field]:
        return {None: frame_field(data)}

    def rebuild(self, data: Any, fields: Fields) -> Any:
        return fields[None].data.frame

    def report(self, values: Fields) -> Any:
        field = values[None]
        if not field.dims:
            return field.data[()]
        return pd.Series(np.asarray(field.data), field.labels["columns"])

    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        raise TypeError("give the numbers for columns as a Series, such as df.mean()")

    def lacking(self, fields: Fields, states: Fields) -> list[Hashable]:
        known = [state.labels["columns"] for state in states.values() if "columns" in state.labels]
        return [
            name for index in known for name in index.difference(fields[None].labels["columns"])
        ]

    def weights(self, data: Any, weights: Any) -> Any:
        if isinstance(weights, pd.Series):
            if not weights.index.equals(data.index):
                raise MismatchError("the index of the weights is not the index of the data")
            weights = weights.to_numpy("f8", na_value=np.nan)
        array = np.asarray(weights)
        if array.shape != (len(data),):
            raise MismatchError(
                f"weights of a frame are one number for each of its {len(data)} rows, "
                f"got shape {array.shape}"
            )
        return Field(array, ("index",))


@register(pd.Series)
class Series(Frame):
    """A series is a frame of one column."""

    name = "pandas.Series"

    def lacking(self, fields: Fields, states: Fields) -> list[Hashable]:
        return []

    def fields(self, data: Any) -> dict[Hashable, Field]:
        return {None: frame_field(data.to_frame())}

    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        data = values.to_numpy("f8", na_value=np.nan).copy()
        labels: dict[Hashable, pd.Index] = {"columns": values.index}
        return Frame.name, {None: Field(data, ("columns",), labels, ("columns",))}

    def rebuild(self, data: Any, fields: Fields) -> Any:
        result = fields[None].data.frame.iloc[:, 0]
        return result.rename(data.name)

    def report(self, values: Fields) -> Any:
        return values[None].data.reshape(())[()]


def frame_field(frame: Any) -> Field:
    """Return the numeric columns of a pandas or Dask frame as one field."""
    columns = frame.columns
    if not columns.is_unique:
        raise ValueError(f"column names are not unique: {list(columns[columns.duplicated()])}")
    dtypes = list(frame.dtypes)
    numeric = columns[[is_numeric(dtype) for dtype in dtypes]]
    if not len(numeric):
        found = ", ".join(f"{n!r} ({t})" for n, t in zip(columns, dtypes, strict=True))
        raise TypeError(f"no numeric columns to normalize; found {found or 'no columns'}")
    return Field(Table(frame, numeric), ("index", "columns"), {"columns": numeric}, ("columns",))
