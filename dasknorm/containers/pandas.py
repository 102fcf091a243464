"""pandas DataFrames and Series: a DataFrame is one field, whose features are its columns.

Used by `containers.dask_dataframe`, `containers.parquet`, `containers.polars` and
`containers.pyarrow`, whose classes are derived from `Frame`.
"""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.blocks import is_numeric
from dasknorm.blocks.group_labels import is_column
from dasknorm.blocks.pandas_columns import PandasSource
from dasknorm.blocks.tables import ColumnSource, Table
from dasknorm.containers import NO_SELECTION, Container, Selection, register
from dasknorm.containers.object_columns import describe_objects, format_selection, make_error
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Fields, States


@register(pd.DataFrame)
class Frame(Container[pd.DataFrame]):
    """The numeric columns of a DataFrame, matched by name; other columns are unchanged."""

    name = combined_name = "pandas.DataFrame"

    def fields(self, data: pd.DataFrame, selection: Selection = NO_SELECTION) -> Fields:
        return {None: make_frame_field(data, selection)}

    def rebuild(self, data: pd.DataFrame, fields: Fields) -> pd.DataFrame:
        return fields[None].data.frame

    def make_results(self, values: Fields) -> Any:
        field = values[None]
        if not field.dims:
            return field.data[()]
        if field.group_dim is None:
            return pd.Series(np.asarray(field.data), field.labels["columns"])
        groups = field.labels[field.group_dim]
        if not field.has_columns:
            return pd.Series(np.asarray(field.data), groups)
        return pd.DataFrame(np.asarray(field.data), groups, field.labels["columns"])

    def parse_values(self, values: Any) -> tuple[str, Fields]:
        raise TypeError("give the numbers for columns as a Series, such as df.mean()")

    def missing_names(self, fields: Fields, states: States) -> list[Hashable]:
        columns = fields[None].labels["columns"]
        indexes = [state.labels["columns"] for state in states.values() if state.has_columns]
        return [
            name
            for index in indexes
            if not index.equals(columns)
            for name in index.difference(columns)
        ]

    def check_excluded(self, data: pd.DataFrame, selection: Selection) -> pd.DataFrame:
        if data.columns.is_unique:
            check_columns(data, excluded_dtypes(data), selection)
        return data

    def excluded_dtypes(self, data: pd.DataFrame) -> dict[Hashable, object]:
        return excluded_dtypes(data)

    def parse_weights(self, data: pd.DataFrame, weights: object) -> object:
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
    """A Series is a DataFrame of one column."""

    name = "pandas.Series"

    def missing_names(self, fields: Fields, states: States) -> list[Hashable]:
        return []

    def check_excluded(self, data: pd.Series, selection: Selection) -> pd.Series:
        super().check_excluded(data.to_frame(), selection)
        return data

    def excluded_dtypes(self, data: pd.Series) -> dict[Hashable, object]:
        return excluded_dtypes(data.to_frame())

    def fields(self, data: pd.Series, selection: Selection = NO_SELECTION) -> Fields:
        return {None: make_frame_field(data.to_frame(), selection)}

    def parse_values(self, values: pd.Series) -> tuple[str, Fields]:
        data = values.to_numpy("f8", na_value=np.nan).copy()
        labels: dict[Hashable, pd.Index] = {"columns": values.index}
        return Frame.name, {None: Field(data, ("columns",), labels, ("columns",))}

    def rebuild(self, data: pd.Series, fields: Fields) -> pd.Series:
        result = fields[None].data.frame.iloc[:, 0]
        return result.rename(data.name)

    def make_results(self, values: Fields) -> Any:
        if values[None].group_dim is not None:
            return super().make_results(values)
        return values[None].data.reshape(())[()]


def make_field(source: ColumnSource, columns: pd.Index, selection: Selection) -> Field:
    """Return columns of any type of table as one field, with the selected groups."""
    table = Table(source, columns, selection.by)
    labels: dict[Hashable, pd.Index] = {"columns": columns}
    field = Field(
        table, ("index", "columns"), labels, ("columns",), selected_columns=selection.columns
    )
    return field.with_groups(selection.dim, "index") if selection.by else field


def make_frame_field(frame: Any, selection: Selection) -> Field:
    """Return the selected columns of a pandas or Dask DataFrame as one field."""
    if not frame.columns.is_unique:
        duplicates = list(frame.columns[frame.columns.duplicated()])
        raise ValueError(f"column names are not unique: {duplicates}")
    columns = _select_columns(frame, selection)
    if selection.by:
        index = frame.index
        levels = [name for name in getattr(index, "names", [index.name]) if name is not None]
        levels = [name for name in levels if not is_column(frame.columns, name)]
        selection.check_keys([*frame.columns, *levels])
    return make_field(PandasSource(frame), columns, selection)


def _select_columns(frame: Any, selection: Selection) -> pd.Index:
    """Return the selected columns, all of which are numeric."""
    names = frame.columns
    numeric = np.array([is_numeric(dtype) for dtype in frame.dtypes], bool)
    if selection == NO_SELECTION and numeric.all() and len(names):
        return names  # at once, as there may be thousands
    selected = selection.select_columns(dict(zip(names, frame.dtypes, strict=True)), names[numeric])
    return names[names.get_indexer(pd.Index(selected, tupleize_cols=names.nlevels > 1))]


def excluded_dtypes(frame: Any) -> dict[Hashable, object]:
    """Return the columns of a pandas or Dask DataFrame that are not numeric, with their dtypes."""
    if all(map(is_numeric, set(frame.dtypes))):
        return {}
    return {name: dtype for name, dtype in frame.dtypes.items() if not is_numeric(dtype)}


def check_columns(
    frame: pd.DataFrame, dtypes: Mapping[Hashable, object], selection: Selection
) -> None:
    """Raise TypeError if one of the columns that are not numeric has numbers."""
    for name, dtype in dtypes.items():
        if not selection.includes(name):
            continue
        expression = f"df[{name!r}]"
        if pd.api.types.is_object_dtype(dtype):
            reason = describe_objects(frame[name], expression)
        elif isinstance(dtype, pd.ArrowDtype):
            from dasknorm.containers.nested_columns import describe_type  # needs pyarrow

            reason = describe_type(dtype.pyarrow_dtype)
        else:
            is_wide = isinstance(dtype, np.dtype) and dtype.kind == "f"
            reason = f"cast it with {expression}.astype('float64')" if is_wide else ""
        if reason:
            numeric = (n for n in frame.columns if n not in dtypes and selection.includes(n))
            raise make_error(name, dtype, reason, format_selection(numeric))
