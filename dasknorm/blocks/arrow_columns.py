"""Read Arrow arrays as NumPy arrays, without a copy where the memory layouts agree.

Used by blocks.arrow_tables, blocks.pandas_columns and containers.pyarrow.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from dasknorm.blocks.columns import Numbers

__all__ = ["array_of", "is_numeric", "nulls", "numbers_of", "numpy_dtype", "values"]


def is_numeric(kind: pa.DataType) -> bool:
    """Check whether an Arrow type is numeric: integers, floats, booleans, decimals."""
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return bool(number or pa.types.is_boolean(kind) or pa.types.is_decimal(kind))


def numpy_dtype(kind: pa.DataType) -> np.dtype[Any]:
    """Return the NumPy dtype that numbers of an Arrow type are read as; decimals as float64."""
    return np.dtype("f8" if pa.types.is_decimal(kind) else kind.to_pandas_dtype())


def numbers_of(column: pa.ChunkedArray, rows: slice) -> Numbers:
    """Return rows of a column: without a copy if one chunk holds them as NumPy numbers."""
    part = column[rows]
    array = part.chunk(0) if part.num_chunks == 1 else part.combine_chunks()
    return values(array), nulls(array) if array.null_count else None


def values(array: pa.Array) -> np.ndarray:
    """Return the numbers of an array, with arbitrary numbers for nulls."""
    if pa.types.is_boolean(array.type):
        return _bits(array.buffers()[1], array.offset, len(array))
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())
    dtype = numpy_dtype(array.type)
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize)


def nulls(array: pa.Array) -> np.ndarray:
    """Return True where an array has a null."""
    if not array.null_count:
        return np.zeros(len(array), bool)
    return ~_bits(array.buffers()[0], array.offset, len(array))


def _bits(buffer: pa.Buffer, start: int, size: int) -> np.ndarray:
    first, last = start // 8, -(-(start + size) // 8)
    bits = np.unpackbits(np.frombuffer(buffer, np.uint8)[first:last], bitorder="little")
    return bits[start % 8 :][:size].view(bool)


def array_of(numbers: np.ndarray, missing: np.ndarray | None) -> pa.Array:
    """Return contiguous numbers as an Arrow array of the same memory, null where one is missing."""
    # pyarrow.array(numbers, mask=missing) takes 40 times as long.
    bits = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    buffers = [bits, pa.py_buffer(numbers)]
    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), buffers)
