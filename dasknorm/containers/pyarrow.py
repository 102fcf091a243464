"""Arrow tables and record batches. Each is one field; its columns are the features."""

import json
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dasknorm.arrow import ArrowTable, GroupedArrowTable, is_numeric
from dasknorm.containers import Fields, register
from dasknorm.containers.pandas import Frame
from dasknorm.fields import Field
from dasknorm.views import View

__all__ = ["Batches", "Tables", "field_of", "weights_of"]


@register(pa.Table)
class Tables(Frame):
    """The numeric columns of a table, matched by name; readings are those of a pandas frame.

    Columns that pandas has noted as a frame's index ride along.
    """

    def viewed(self, data: Any, view: View) -> dict[Hashable, Field]:
        kinds = dict(zip(data.column_names, data.schema.types, strict=True))
        if len(kinds) < data.num_columns:
            names = pd.Index(data.column_names)
            raise ValueError(f"column names are not unique: {list(names[names.duplicated()])}")
        index = _note(data.schema).get("index_columns", [])
        numeric = [n for n, kind in kinds.items() if is_numeric(kind) and n not in index]
        view.refuse_missing_keys(list(kinds))
        return {None: field_of(data, view.taken(kinds, numeric), view)}

    def rebuild(self, data: Any, fields: Fields) -> Any:
        return _described(fields[None].data.table, data.schema)

    def weights(self, data: Any, weights: Any) -> Any:
        return super().weights(data, weights_of(weights))


@register(pa.RecordBatch)
class Batches(Tables):
    """A record batch is a table of one chunk."""

    def viewed(self, data: Any, view: View) -> dict[Hashable, Field]:
        return super().viewed(pa.Table.from_batches([data]), view)

    def rebuild(self, data: Any, fields: Fields) -> Any:
        table = super().rebuild(data, fields)
        return pa.RecordBatch.from_arrays([c.chunk(0) for c in table.columns], schema=table.schema)


def field_of(table: Any, columns: list[str], view: View) -> Field:
    """Return columns of an Arrow table, which has those of a view's keys too, as one field."""
    names = pd.Index(columns)
    labels: dict[Hashable, pd.Index] = {"columns": names}
    some = view.columns is not None
    if not view.by:
        data = ArrowTable(table, names)
        return Field(data, ("index", "columns"), labels, ("columns",), chosen=some)
    groups, dims = GroupedArrowTable(table, names, view.by), (view.dim, "columns")
    return Field(groups, dims, labels, dims, grouped=view.dim, chosen=some)


def weights_of(weights: Any) -> np.ndarray:
    """Return weights of any kind of column as an array, NaN where they are missing."""
    if isinstance(weights, pd.Series):  # Arrow's rows have no index that its own could differ from
        return weights.to_numpy("f8", na_value=np.nan)
    return np.asarray(weights)


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
