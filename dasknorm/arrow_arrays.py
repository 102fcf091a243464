"""Arrow arrays as NumPy's: what is read where it lies, and what is converted."""

from typing import Any

import numpy as np
import pyarrow as pa

__all__ = ["is_numeric", "nulls", "numpy_dtype", "rounds", "stacked", "values", "with_nan"]

EXACT = 1 << 53
"""Integers up to here are float64 too."""


def is_numeric(kind: Any) -> bool:
    """Tell whether an Arrow type is one of numbers: integers, floats, booleans, decimals."""
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return bool(number or pa.types.is_boolean(kind) or pa.types.is_decimal(kind))


def numpy_dtype(kind: Any) -> np.dtype[Any]:
    """Return the NumPy dtype that numbers of an Arrow type are read as; decimals as float64."""
    return np.dtype("f8" if pa.types.is_decimal(kind) else kind.to_pandas_dtype())


def values(array: Any) -> np.ndarray:
    """Return the numbers of an array, and beneath its nulls what lies there."""
    if pa.types.is_boolean(array.type):
        return _bits(array.buffers()[1], array.offset, len(array))
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())
    dtype = numpy_dtype(array.type)
    return np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * dtype.itemsize)


def nulls(array: Any) -> np.ndarray:
    """Return True where an array has a null."""
    if not array.null_count:
        return np.zeros(len(array), bool)
    return ~_bits(array.buffers()[0], array.offset, len(array))


def _bits(buffer: Any, start: int, size: int) -> np.ndarray:
    first, last = start // 8, -(-(start + size) // 8)
    bits = np.unpackbits(np.frombuffer(buffer, np.uint8)[first:last], bitorder="little")
    return bits[start % 8 :][:size].view(bool)


def stacked(arrays: list[Any]) -> np.ndarray:
    """Return arrays of one type as the columns of a matrix, without a copy if there is but one."""
    if len(arrays) == 1:
        return values(arrays[0])[:, None]
    return np.stack([values(array) for array in arrays]).T


def with_nan(arrays: list[Any]) -> np.ndarray:
    """Return arrays of one type as the columns of a matrix, NaN where they have nulls."""
    matrix = stacked(arrays)
    if not any(array.null_count for array in arrays):
        return matrix
    matrix = matrix.astype(matrix.dtype if matrix.dtype.kind == "f" else "f8")
    for column, array in zip(matrix.T, arrays, strict=True):
        if array.null_count:
            np.putmask(column, nulls(array), np.nan)
    return matrix


def rounds(arrays: list[Any]) -> bool:
    """Whether integers stand beside nulls that a float, to have NaN among them, would round."""
    wide = pa.types.is_integer(arrays[0].type) and arrays[0].type.bit_width == 64
    if not wide or not any(array.null_count for array in arrays):
        return False
    ends = [(int(own.min()), int(own.max())) for own in map(values, arrays)]
    return any(low < -EXACT or high > EXACT for low, high in ends)
