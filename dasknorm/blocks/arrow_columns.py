"""Pieces of an Arrow table: each rows of columns of one type."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from dasknorm.blocks import arrow_arrays
from dasknorm.blocks.arrays import SLAB
from dasknorm.blocks.columns import LONG, ColumnSlab, Numbers

__all__ = ["pieces"]


def pieces(table: Any, positions: list[int], least: int = 0) -> Iterator[ColumnSlab]:
    """Cut columns into slabs of rows; of short ones, so many of a type as make a slab.

    Parameters
    ----------
    table : pyarrow.Table
    positions : list of int
        Where the columns stand in the table.
    least : int, default 0
        Rows of a slab, if more than are usual.
    """
    rows = table.num_rows
    by_type: dict[Any, list[int]] = {}
    for feature, at in enumerate(positions):
        by_type.setdefault(table.schema.field(at).type, []).append(feature)
    many = max(1, LONG // max(rows, 1))
    for kind, features in by_type.items():
        size = arrow_arrays.numpy_dtype(kind).itemsize
        for some in (features[i : i + many] for i in range(0, len(features), many)):
            columns = [table.column(positions[feature]) for feature in some]
            step = LONG if len(some) == 1 and _lies_long(columns[0]) else max(SLAB, least)
            for start in range(0, rows, step):
                part = slice(start, min(start + step, rows))
                nbytes = (part.stop - start) * len(some) * size
                yield ColumnSlab(np.array(some), part, nbytes, partial(_read, columns, part))


def _lies_long(column: Any) -> bool:
    """Whether most of a column is read where it lies, in long pieces, but for slabs with nulls."""
    direct = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    return direct and len(column) >= SLAB * column.num_chunks


def _read(columns: list[Any], rows: slice) -> Numbers:
    """Return rows as a matrix, without a copy if there is but one column, and where nulls are."""
    some = [arrow_arrays.joined(column[rows]) for column in columns]
    if len(some) == 1:
        matrix = arrow_arrays.values(some[0])[:, None]
    else:
        matrix = np.stack([arrow_arrays.values(array) for array in some]).T
    if not any(array.null_count for array in some):
        return matrix, None
    return matrix, np.stack([arrow_arrays.nulls(array) for array in some]).T
