"""`ArrowSource`: the columns of an Arrow table.

Used by containers.polars and containers.pyarrow.
Numbers are read where Arrow keeps them, a slab at a time: as a NumPy array with arbitrary numbers
for nulls, and a mask. A slab is copied if it is no such array: booleans are bits, decimals have 16
bytes, a slab may cross the end of a chunk, and short columns of one type are stacked.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dasknorm.blocks import arrow_columns, slabs
from dasknorm.blocks.columns import (
    ColumnGroup,
    ColumnSlab,
    Numbers,
    slabs_of,
    stacked,
)
from dasknorm.blocks.tables import MemorySource, NewNumbers

__all__ = ["ArrowSource"]


@dataclass(frozen=True)
class ArrowSource(MemorySource):
    """The columns of an Arrow table."""

    frame: pa.Table

    @property
    def rows(self) -> int:
        return int(self.frame.num_rows)

    def dtypes(self, columns: pd.Index) -> list[Any]:
        return [arrow_columns.numpy_dtype(self.frame.schema.field(name).type) for name in columns]

    def groups(self, columns: pd.Index) -> list[ColumnGroup]:
        by_type: dict[pa.DataType, list[int]] = {}
        for feature, name in enumerate(columns):
            by_type.setdefault(self.frame.schema.field(name).type, []).append(feature)
        groups = []
        for kind, features in by_type.items():
            dtype = arrow_columns.numpy_dtype(kind)
            many = max(1, slabs.COLUMN_ROWS // max(self.rows, 1))
            column_slabs: list[ColumnSlab] = []
            for part in (features[i : i + many] for i in range(0, len(features), many)):
                arrays = [self.frame.column(columns[i]) for i in part]
                column_slabs += _slabs(arrays, part, dtype)
            groups.append(ColumnGroup(np.array(features), dtype, slabs=column_slabs))
        return groups

    def numbers(
        self, columns: pd.Index, feature: int, least_rows: int = 0
    ) -> Iterator[tuple[slice, Numbers]]:
        column = self.frame.column(columns[feature])
        dtype = arrow_columns.numpy_dtype(column.type)
        for slab in _slabs([column], [0], dtype, least_rows):
            values, missing = slab.read()
            yield slab.rows, (values[:, 0], None if missing is None else missing[:, 0])

    def key_frame(self, keys: tuple[Hashable, ...]) -> pd.DataFrame:
        return pd.DataFrame({key: _as_pandas(self.frame.column(key), key) for key in keys})

    def allocate(self, count: int, dtype: np.dtype[Any]) -> Sequence[np.ndarray]:
        # Each by itself: a column that is kept alone keeps no other in memory.
        return [np.empty(self.rows, dtype) for _ in range(count)]

    def with_numbers(
        self, columns: pd.Index, numbers: NewNumbers, nowhere: np.ndarray | None = None
    ) -> "ArrowSource":
        arrays, schema = self.frame.columns, list(self.frame.schema)
        for features, new in numbers:
            for name, values in zip(columns[features], new, strict=True):
                at = self.frame.schema.get_field_index(name)
                arrays[at] = _chunked_like(arrays[at], values, nowhere)
                schema[at] = schema[at].with_type(arrays[at].type)
                if arrays[at].null_count:
                    schema[at] = schema[at].with_nullable(True)
        whole = pa.schema(schema, self.frame.schema.metadata)
        return replace(self, frame=pa.Table.from_arrays(arrays, schema=whole))


def _slabs(
    columns: list[pa.ChunkedArray], features: list[int], dtype: np.dtype[Any], least_rows: int = 0
) -> Iterator[ColumnSlab]:
    """Cut columns of one type into slabs of rows; longer slabs if they are read in place."""
    step = max(slabs.CONVERTED_ELEMENTS, least_rows)
    if len(columns) == 1 and _is_read_in_place(columns[0]):
        step = slabs.COLUMN_ROWS

    def read(part: slice) -> Numbers:
        return stacked([arrow_columns.numbers_of(column, part) for column in columns])

    return slabs_of(np.array(features), len(columns[0]), step, dtype.itemsize, read)


def _is_read_in_place(column: pa.ChunkedArray) -> bool:
    """Check whether most of a column is read without a copy, in long slabs."""
    is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    return is_number and len(column) >= slabs.CONVERTED_ELEMENTS * column.num_chunks


def _chunked_like(
    column: pa.ChunkedArray, values: np.ndarray, nowhere: np.ndarray | None
) -> pa.ChunkedArray:
    """Return new values in the chunks of a column, with its nulls and those of `nowhere`."""
    first, chunks = 0, []
    for chunk in column.chunks:
        rows = slice(first, first + len(chunk))
        missing = arrow_columns.nulls(chunk) if chunk.null_count else None
        if nowhere is not None:
            missing = nowhere[rows] if missing is None else missing | nowhere[rows]
        chunks.append(arrow_columns.array_of(values[rows], missing))
        first = rows.stop
    return pa.chunked_array(chunks, pa.from_numpy_dtype(values.dtype))


# -- keys of rows ---------------------------------------------------------------------------------


def _as_pandas(column: pa.ChunkedArray, key: Hashable) -> Any:
    """Return a column of keys as pandas has it; integers with nulls stay integers."""
    column = _with_signed_codes(column)
    is_exact = column.null_count and pa.types.is_integer(column.type)
    try:
        return column.to_pandas(types_mapper=_NULLABLE.get if is_exact else None)
    except pa.ArrowInvalid as error:
        raise TypeError(
            f"rows cannot be grouped by column {key!r}, whose type is {column.type}: "
            f"{error}; cast it to integers, or to whole microseconds"
        ) from error


def _with_signed_codes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return categories with signed codes: pandas takes no others."""
    kind = column.type
    if not pa.types.is_dictionary(kind) or not pa.types.is_unsigned_integer(kind.index_type):
        return column
    return column.cast(pa.dictionary(pa.int64(), kind.value_type, kind.ordered))


_NULLABLE = {
    getattr(pa, name.lower())(): pd.array([], dtype=name).dtype
    for name in (f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
}
