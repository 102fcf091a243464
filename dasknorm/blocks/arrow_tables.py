"""`ArrowSource`: the columns of an Arrow table, and Arrow arrays as NumPy arrays.

Used by blocks.pandas_columns, containers.nested_columns, containers.polars and
containers.pyarrow. Numbers are read where
Arrow keeps them, a slab at a time: as a NumPy array with arbitrary numbers for nulls, and a mask. A
slab is copied if it is no such array: booleans are bits, decimals have 16 bytes, a slab may cross
the end of a chunk, and short columns of one type are stacked.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dasknorm.blocks import slabs
from dasknorm.blocks.columns import ColumnGroup, ColumnSlab, Numbers, cut_columns, stack_columns
from dasknorm.blocks.tables import MemorySource, NewNumbers


@dataclass(frozen=True)
class ArrowSource(MemorySource):
    """The columns of an Arrow table."""

    frame: pa.Table

    @property
    def rows(self) -> int:
        return int(self.frame.num_rows)

    def dtypes(self, columns: pd.Index) -> list[object]:
        return [numpy_dtype(self.frame.schema.field(name).type) for name in columns]

    def groups(self, columns: pd.Index) -> list[ColumnGroup]:
        by_type: dict[pa.DataType, list[int]] = {}
        for feature, name in enumerate(columns):
            by_type.setdefault(self.frame.schema.field(name).type, []).append(feature)
        groups = []
        for kind, features in by_type.items():
            dtype = numpy_dtype(kind)
            width = max(1, slabs.COLUMN_ROWS // max(self.rows, 1))
            column_slabs: list[ColumnSlab] = []
            for part in (features[i : i + width] for i in range(0, len(features), width)):
                arrays = [self.frame.column(columns[i]) for i in part]
                column_slabs += _slabs(arrays, part, dtype)
            groups.append(ColumnGroup(np.array(features), dtype, slabs=column_slabs))
        return groups

    def numbers(
        self, columns: pd.Index, feature: int, least_rows: int = 0
    ) -> Iterator[tuple[slice, Numbers]]:
        column = self.frame.column(columns[feature])
        dtype = numpy_dtype(column.type)
        for slab in _slabs([column], [0], dtype, least_rows):
            values, missing = slab.read()
            yield slab.rows, (values[:, 0], None if missing is None else missing[:, 0])

    def key_frame(self, keys: tuple[Hashable, ...]) -> pd.DataFrame:
        return pd.DataFrame({key: _as_pandas(self.frame.column(key), key) for key in keys})

    def allocate(self, count: int, dtype: np.dtype) -> Sequence[np.ndarray]:
        # Each by itself: a column that is kept alone keeps no other in memory.
        return [np.empty(self.rows, dtype) for _ in range(count)]

    def with_numbers(
        self, columns: pd.Index, numbers: NewNumbers, has_no_group: np.ndarray | None = None
    ) -> "ArrowSource":
        arrays, schema = self.frame.columns, list(self.frame.schema)
        for features, new in numbers:
            for name, values in zip(columns[features], new, strict=True):
                at = self.frame.schema.get_field_index(name)
                arrays[at] = _chunked_like(arrays[at], values, has_no_group)
                schema[at] = schema[at].with_type(arrays[at].type)
                if arrays[at].null_count:
                    schema[at] = schema[at].with_nullable(True)
        table_schema = pa.schema(schema, self.frame.schema.metadata)
        return replace(self, frame=pa.Table.from_arrays(arrays, schema=table_schema))


def _slabs(
    columns: list[pa.ChunkedArray], features: list[int], dtype: np.dtype, least_rows: int = 0
) -> Iterator[ColumnSlab]:
    """Cut columns of one type into slabs of rows; longer slabs if they are read in place."""
    step = max(slabs.CONVERTED_ELEMENTS, least_rows)
    if len(columns) == 1 and _is_read_in_place(columns[0]):
        step = slabs.COLUMN_ROWS

    def read(part: slice) -> Numbers:
        return stack_columns([read_numbers(column, part) for column in columns])

    return cut_columns(np.array(features), len(columns[0]), step, dtype.itemsize, read)


def _is_read_in_place(column: pa.ChunkedArray) -> bool:
    """Check whether most of a column is read without a copy, in long slabs."""
    is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    return is_number and len(column) >= slabs.CONVERTED_ELEMENTS * column.num_chunks


def _chunked_like(
    column: pa.ChunkedArray, values: np.ndarray, has_no_group: np.ndarray | None
) -> pa.ChunkedArray:
    """Return new values in the chunks of a column, with its nulls and those of `has_no_group`."""
    first, chunks = 0, []
    for chunk in column.chunks:
        rows = slice(first, first + len(chunk))
        missing = find_nulls(chunk) if chunk.null_count else None
        if has_no_group is not None:
            missing = has_no_group[rows] if missing is None else missing | has_no_group[rows]
        chunks.append(make_array(values[rows], missing))
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


# -- Arrow arrays as NumPy arrays, without a copy where the memory layouts agree ------------------


def is_numeric(kind: pa.DataType) -> bool:
    """Check whether an Arrow type is numeric: integers, floats, booleans, decimals."""
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return bool(number or pa.types.is_boolean(kind) or pa.types.is_decimal(kind))


def numpy_dtype(kind: pa.DataType) -> np.dtype:
    """Return the NumPy dtype that numbers of an Arrow type are read as; decimals as float64."""
    return np.dtype("f8" if pa.types.is_decimal(kind) else kind.to_pandas_dtype())


def read_numbers(column: pa.ChunkedArray, rows: slice) -> Numbers:
    """Return rows of a column: without a copy if one chunk holds them as NumPy numbers."""
    part = column[rows]
    array = part.chunk(0) if part.num_chunks == 1 else part.combine_chunks()
    return array_values(array), find_nulls(array) if array.null_count else None


def array_values(array: pa.Array) -> np.ndarray:
    """Return the numbers of an array, with arbitrary numbers for nulls."""
    if pa.types.is_boolean(array.type):
        return _bits(array.buffers()[1], array.offset, len(array))
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())
    dtype = numpy_dtype(array.type)
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize)


def find_nulls(array: pa.Array) -> np.ndarray:
    """Return True where an array has a null."""
    if not array.null_count:
        return np.zeros(len(array), bool)
    return ~_bits(array.buffers()[0], array.offset, len(array))


def _bits(buffer: pa.Buffer, start: int, size: int) -> np.ndarray:
    first, last = start // 8, -(-(start + size) // 8)
    bits = np.unpackbits(np.frombuffer(buffer, np.uint8)[first:last], bitorder="little")
    return bits[start % 8 :][:size].view(bool)


def make_array(numbers: np.ndarray, missing: np.ndarray | None) -> pa.Array:
    """Return contiguous numbers as an Arrow array of the same memory, null where one is missing."""
    # pyarrow.array(numbers, mask=missing) takes 40 times as long.
    bits = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    buffers = [bits, pa.py_buffer(numbers)]
    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), buffers)
