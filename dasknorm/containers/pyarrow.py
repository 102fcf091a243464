"""Arrow tables and record batches: each is one field, whose features are its columns.

Used by `containers.parquet`, `containers.polars` and `sklearn.inputs`. The update of pandas
metadata can change without other changes.
"""

import json
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dasknorm.blocks.arrow_tables import ArrowSource, is_numeric
from dasknorm.containers import NO_SELECTION, Selection, register
from dasknorm.containers.nested_columns import describe_type, is_nested
from dasknorm.containers.object_columns import format_selection, make_error
from dasknorm.containers.pandas import Frame, make_field
from dasknorm.fields import Field, Fields


@register(pa.Table)
class Tables(Frame):
    """The numeric columns of a table, matched by name; results are those of a pandas DataFrame.

    Columns that pandas metadata mark as the index of a DataFrame are unchanged.
    """

    def fields(self, data: pa.Table, selection: Selection = NO_SELECTION) -> Fields:
        kinds = dict(zip(data.column_names, data.schema.types, strict=True))
        if len(kinds) < data.num_columns:
            names = pd.Index(data.column_names)
            raise ValueError(f"column names are not unique: {list(names[names.duplicated()])}")
        numeric = [name for name in data_columns(data) if is_numeric(kinds[name])]
        selection.check_keys(list(kinds))
        return {None: make_arrow_field(data, selection.select_columns(kinds, numeric), selection)}

    def rebuild(self, data: pa.Table, fields: Fields) -> pa.Table:
        return _update_pandas_metadata(fields[None].data.frame, data.schema)

    def check_excluded(self, data: pa.Table, selection: Selection) -> pa.Table:
        check_types(data.schema, selection)
        return data

    def excluded_dtypes(self, data: pa.Table) -> dict[Hashable, object]:
        return excluded_types(data.schema)

    def parse_weights(self, data: pa.Table, weights: object) -> object:
        return super().parse_weights(data, parse_row_weights(weights))


@register(pa.RecordBatch)
class Batches(Tables):
    """A record batch is a table of one chunk."""

    def fields(self, data: pa.RecordBatch, selection: Selection = NO_SELECTION) -> Fields:
        return super().fields(pa.Table.from_batches([data]), selection)

    def rebuild(self, data: pa.RecordBatch, fields: Fields) -> pa.RecordBatch:
        table = super().rebuild(data, fields)
        return pa.RecordBatch.from_arrays([c.chunk(0) for c in table.columns], schema=table.schema)


def excluded_types(schema: pa.Schema) -> dict[Hashable, object]:
    """Return the columns of a schema that are not numeric, with their types."""
    return {f.name: f.type for f in schema if not is_numeric(f.type)}


def check_types(
    schema: pa.Schema,
    selection: Selection,
    format_columns: Callable[[list[str]], str] = format_selection,
) -> None:
    """Raise TypeError if one of the columns that are not numeric has numbers."""
    stored = _read_pandas_metadata(schema).get("columns", [])
    categorical = {c["field_name"] for c in stored if c["pandas_type"] == "categorical"}
    excluded = excluded_types(schema)
    for name, kind in excluded.items():
        is_included = selection.includes(name) and name not in categorical
        if is_included and (reason := describe_type(kind)):
            numeric = [n for n in schema.names if n not in excluded and selection.includes(n)]
            raise make_error(name, kind, reason, format_columns(numeric))


def make_arrow_field(table: pa.Table, columns: list[str], selection: Selection) -> Field:
    """Return columns of an Arrow table as one field, with the groups of the selected keys."""
    types = {key: table.schema.field(key).type for key in selection.by}
    check_plain_keys({key: kind for key, kind in types.items() if is_nested(kind)})
    return make_field(ArrowSource(table), pd.Index(columns), selection)


def data_columns(table: pa.Table) -> list[str]:
    """Return the names of a table's columns, without those of a pandas index."""
    index = _read_pandas_metadata(table.schema).get("index_columns", [])
    return [name for name in table.schema.names if name not in index]


def check_plain_keys(nested: Mapping[Hashable, object]) -> None:
    """Raise TypeError if there are keys whose columns have nested types."""
    for key, kind in nested.items():
        raise TypeError(
            f"rows cannot be grouped by column {key!r}, whose type is {kind}: name columns of "
            "plain values, such as texts, numbers or dates"
        )


def parse_row_weights(weights: object) -> np.ndarray:
    """Return a column of weights from any library as an array, with NaN for missing weights."""
    if isinstance(weights, pd.Series):  # Arrow's rows have no index to compare with
        return weights.to_numpy("f8", na_value=np.nan)
    return np.asarray(weights)


def _read_pandas_metadata(schema: pa.Schema) -> dict[str, Any]:
    """Return the metadata that pandas stored about the original DataFrame."""
    return json.loads((schema.metadata or {}).get(b"pandas", "{}"))


def _update_pandas_metadata(table: pa.Table, original: pa.Schema) -> pa.Table:
    """Return a table whose pandas metadata name the present dtypes of its columns."""
    metadata = _read_pandas_metadata(table.schema)
    for column in metadata.get("columns", []):
        i = table.schema.get_field_index(column.get("field_name") or "")
        if i >= 0 and table.schema.types[i] != original.types[i]:
            name = str(np.dtype(table.schema.types[i].to_pandas_dtype()))
            column["pandas_type"], column["metadata"] = name, None
            column["numpy_type"] = _float_dtype_like(column["numpy_type"], name)
    updated = {b"pandas": json.dumps(metadata)} if metadata else {}
    return table.replace_schema_metadata({**(table.schema.metadata or {}), **updated} or None)


def _float_dtype_like(dtype: str, name: str) -> str:
    """Return the pandas float dtype in the family of a dtype: Float64 for Int64."""
    if dtype.endswith("[pyarrow]"):
        return f"{pa.from_numpy_dtype(name)}[pyarrow]"
    is_nullable = dtype[:1].isupper() or dtype == "boolean"
    return name.capitalize() if is_nullable and name != "float16" else name
