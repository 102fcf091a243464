"""pandas DataFrames and Series. A frame is one field; its columns are the features."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.blocks import is_numeric
from dasknorm.blocks.pandas_columns import PandasSource
from dasknorm.blocks.row_keys import is_column
from dasknorm.blocks.tables import Table
from dasknorm.containers import NO_SELECTION, Container, Selection, register
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Fields, States

__all__ = ["Frame", "Series", "frame_field"]


@register(pd.DataFrame)
class Frame(Container):
    """The numeric columns of a frame, matched by name; the other columns ride along."""

    name = several = "pandas.DataFrame"

    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        return {None: frame_field(data, selection)}

    def rebuild(self, data: Any, fields: Fields) -> Any:
        return fields[None].data.frame

    def report(self, values: Fields) -> Any:
        field = values[None]
        if not field.dims:
            return field.data[()]
        if field.group_dim is None:
            return pd.Series(np.asarray(field.data), field.labels["columns"])
        groups = field.labels[field.group_dim]
        if not field.has_columns:
            return pd.Series(np.asarray(field.data), groups)
        return pd.DataFrame(np.asarray(field.data), groups, field.labels["columns"])

    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        raise TypeError("give the numbers for columns as a Series, such as df.mean()")

    def lacking(self, fields: Fields, states: States) -> list[Hashable]:
        found = fields[None].labels["columns"]
        known = [state.labels["columns"] for state in states.values() if state.has_columns]
        return [n for index in known if not index.equals(found) for n in index.difference(found)]

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

    def lacking(self, fields: Fields, states: States) -> list[Hashable]:
        return []

    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        return {None: frame_field(data.to_frame(), selection)}

    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        data = values.to_numpy("f8", na_value=np.nan).copy()
        labels: dict[Hashable, pd.Index] = {"columns": values.index}
        return Frame.name, {None: Field(data, ("columns",), labels, ("columns",))}

    def rebuild(self, data: Any, fields: Fields) -> Any:
        result = fields[None].data.frame.iloc[:, 0]
        return result.rename(data.name)

    def report(self, values: Fields) -> Any:
        if values[None].group_dim is not None:
            return super().report(values)
        return values[None].data.reshape(())[()]


def frame_field(frame: Any, selection: Selection) -> Field:
    """Return the columns of a pandas or Dask frame that a view looks at, as one field."""
    if not frame.columns.is_unique:
        doubled = list(frame.columns[frame.columns.duplicated()])
        raise ValueError(f"column names are not unique: {doubled}")
    columns = _columns(frame, selection)
    labels: dict[Hashable, pd.Index] = {"columns": columns}
    dims = ("index", "columns")
    data = Table(PandasSource(frame), columns, selection.by)
    field = Field(data, dims, labels, ("columns",), selected_columns=selection.columns)
    if not selection.by:
        return field
    levels = [n for n in _levels(frame) if not is_column(frame.columns, n)]
    selection.check_keys([*frame.columns, *levels])
    return field.with_groups(selection.dim, "index")


def _columns(frame: Any, selection: Selection) -> pd.Index:
    """Return the columns that take part, numeric all of them."""
    names = frame.columns
    numeric = np.array([is_numeric(dtype) for dtype in frame.dtypes], bool)
    if selection == NO_SELECTION and numeric.all() and len(names):
        return names  # without a look at each of them, of which there may be thousands
    taken = selection.select_columns(dict(zip(names, frame.dtypes, strict=True)), names[numeric])
    return names[names.get_indexer(pd.Index(taken, tupleize_cols=names.nlevels > 1))]


def _levels(frame: Any) -> list[Hashable]:
    index = frame.index
    return [name for name in getattr(index, "names", [index.name]) if name is not None]
