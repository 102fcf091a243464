"""Arrow tables and record batches. Each is one field; its columns are the features."""

import json
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dasknorm.blocks.arrow_columns import is_numeric
from dasknorm.blocks.arrow_tables import ArrowSource
from dasknorm.blocks.tables import Table
from dasknorm.containers import NO_SELECTION, Selection, register
from dasknorm.containers.pandas import Frame
from dasknorm.fields import Field, Fields

__all__ = ["Batches", "Tables", "columns_of", "field_of", "refuse_nested_keys", "weights_of"]


@register(pa.Table)
class Tables(Frame):
    """The numeric columns of a table, matched by name; readings are those of a pandas frame.

    Columns that pandas has noted as a frame's index ride along.
    """

    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        kinds = dict(zip(data.column_names, data.schema.types, strict=True))
        if len(kinds) < data.num_columns:
            names = pd.Index(data.column_names)
            raise ValueError(f"column names are not unique: {list(names[names.duplicated()])}")
        numeric = [name for name in columns_of(data) if is_numeric(kinds[name])]
        selection.check_keys(list(kinds))
        return {None: field_of(data, selection.select_columns(kinds, numeric), selection)}

    def rebuild(self, data: Any, fields: Fields) -> Any:
        return _described(fields[None].data.frame, data.schema)

    def weights(self, data: Any, weights: Any) -> Any:
        return super().weights(data, weights_of(weights))


@register(pa.RecordBatch)
class Batches(Tables):
    """A record batch is a table of one chunk."""

    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        return super().fields(pa.Table.from_batches([data]), selection)

    def rebuild(self, data: Any, fields: Fields) -> Any:
        table = super().rebuild(data, fields)
        return pa.RecordBatch.from_arrays([c.chunk(0) for c in table.columns], schema=table.schema)


def field_of(table: Any, columns: list[str], selection: Selection) -> Field:
    """Return columns of an Arrow table, which has those of a view's keys too, as one field."""
    types = {key: table.schema.field(key).type for key in selection.by}
    refuse_nested_keys({key: kind for key, kind in types.items() if _is_nested(kind)})
    names = pd.Index(columns)
    labels: dict[Hashable, pd.Index] = {"columns": names}
    rows = Table(ArrowSource(table), names, selection.by)
    field = Field(
        rows, ("index", "columns"), labels, ("columns",), selected_columns=selection.columns
    )
    return field.with_groups(selection.dim, "index") if selection.by else field


def columns_of(table: Any) -> list[str]:
    """Return the names of a table's columns but for those that pandas has noted as an index."""
    index = _note(table.schema).get("index_columns", [])
    return [name for name in table.schema.names if name not in index]


def refuse_nested_keys(nested: Mapping[Hashable, Any]) -> None:
    """Raise TypeError if keys are in columns, given with their types, of values within values."""
    for key, kind in nested.items():
        raise TypeError(
            f"rows cannot be grouped by column {key!r}, whose type is {kind}: name columns of "
            "plain values, such as texts, numbers or dates"
        )


def weights_of(weights: Any) -> np.ndarray:
    """Return weights of any kind of column as an array, NaN where they are missing."""
    if isinstance(weights, pd.Series):  # Arrow's rows have no index that its own could differ from
        return weights.to_numpy("f8", na_value=np.nan)
    return np.asarray(weights)


def _is_nested(kind: Any) -> bool:
    return pa.types.is_nested(getattr(kind, "storage_type", kind))


def _note(schema: Any) -> dict[str, Any]:
    """Return what pandas has noted of the frame that a table was."""
    return json.loads((schema.metadata or {}).get(b"pandas", "{}"))


def _described(table: Any, before: Any) -> Any:
    """Return a table whose note for pandas names the dtypes that its columns have now."""
    note = _note(table.schema)
    for column in note.get("columns", []):
        at = table.schema.get_field_index(column.get("field_name") or "")
        if at >= 0 and table.schema.types[at] != before.types[at]:
            name = str(np.dtype(table.schema.types[at].to_pandas_dtype()))
            column["pandas_type"], column["metadata"] = name, None
            column["numpy_type"] = _kin(column["numpy_type"], name)
    noted = {b"pandas": json.dumps(note)} if note else {}
    return table.replace_schema_metadata({**(table.schema.metadata or {}), **noted} or None)


def _kin(dtype: str, name: str) -> str:
    """Return the pandas dtype of floats that is of a dtype's family: for Int64, Float64."""
    if dtype.endswith("[pyarrow]"):
        return f"{pa.from_numpy_dtype(name)}[pyarrow]"
    nullable = dtype[:1].isupper() or dtype == "boolean"
    return name.capitalize() if nullable and name != "float16" else name
