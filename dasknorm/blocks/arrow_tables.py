"""ArrowTable: some columns of an Arrow table as one two-dimensional block of mixed dtypes.

Numbers are read where Arrow keeps them, a slab at a time: as a NumPy array that holds anything at
all beneath the nulls, and a mask. What does not lie there as such an array is copied, one slab:
booleans are bits, decimals have 16 bytes, a slab may go over the end of a chunk, and columns too
short for a call each are laid side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dasknorm.blocks import arrow_arrays
from dasknorm.blocks.arrays import Kernel, add, float_dtype, summarize, transform
from dasknorm.blocks.arrow_columns import pieces
from dasknorm.blocks.columns import add_pieces, map_pieces, with_nan
from dasknorm.statistics.base import Records
from dasknorm.statistics.reducer import Reducer

__all__ = ["ArrowTable", "with_columns"]


@dataclass(frozen=True)
class ArrowTable:
    """Some columns of an Arrow table, as one two-dimensional array of mixed dtypes."""

    table: pa.Table
    columns: pd.Index

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.table.num_rows, len(self.columns)

    @property
    def ndim(self) -> int:
        return 2

    @property
    def dtypes(self) -> list[np.dtype[Any]]:
        """The NumPy dtype of each column's numbers."""
        return [arrow_arrays.numpy_dtype(self.table.schema.field(at).type) for at in self.positions]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that holds every column."""
        return np.result_type(*self.dtypes) if len(self.columns) else np.dtype("f8")

    @property
    def nbytes(self) -> int:
        """The bytes of the numbers, as if of NumPy's dtypes."""
        return self.table.num_rows * sum(dtype.itemsize for dtype in self.dtypes)

    @property
    def positions(self) -> list[int]:
        """Where the columns stand in the table."""
        return list(map(self.table.schema.get_field_index, self.columns))

    def to_numpy(self) -> np.ndarray:
        """Return a copy as float64, with NaN for null."""
        out = np.empty(self.shape)
        for piece in pieces(self.table, self.positions):
            out[piece.rows, piece.features] = with_nan(*piece.read())
        return out


@summarize.register(ArrowTable)
def _(
    block: ArrowTable,
    reducer: Reducer,
    weights: np.ndarray | None = None,
) -> Records:
    total = reducer.empty(block.shape)
    add(block, total, reducer, weights)
    return total


@add.register(ArrowTable)
def _(
    block: ArrowTable,
    total: Records,
    reducer: Reducer,
    weights: np.ndarray | None = None,
) -> None:
    if 0 not in reducer.axes:
        raise ValueError(
            "the rows of a table cannot keep statistics of their own; adapt on an array of them"
        )
    add_pieces(list(pieces(block.table, block.positions)), total, reducer, weights)


@transform.register(ArrowTable)
def _(
    block: ArrowTable, affine: Records, kernel: Kernel, dtype: np.dtype[Any] | None
) -> ArrowTable:
    affine = np.broadcast_to(affine, (1, len(block.columns)))
    out = [np.empty(block.shape[0], dtype or float_dtype(own)) for own in block.dtypes]
    map_pieces(list(pieces(block.table, block.positions)), affine, kernel, out)
    return with_columns(block, dict(enumerate(out)))


def with_columns(
    block: ArrowTable, columns: Mapping[int, np.ndarray], nowhere: np.ndarray | None = None
) -> ArrowTable:
    """Return the table with new numbers in its columns; rows that are `nowhere` become null."""
    arrays, schema, positions = block.table.columns, list(block.table.schema), block.positions
    for feature, values in columns.items():
        at = positions[feature]
        arrays[at] = _column(values, arrays[at], nowhere)
        schema[at] = schema[at].with_type(arrays[at].type)
        if arrays[at].null_count:
            schema[at] = schema[at].with_nullable(True)
    whole = pa.schema(schema, block.table.schema.metadata)
    return replace(block, table=pa.Table.from_arrays(arrays, schema=whole))


def _column(values: np.ndarray, like: Any, nowhere: np.ndarray | None) -> Any:
    """Return normalized values in the chunks of a column, with its nulls, and more of them."""
    first, chunks = 0, []
    for chunk in like.chunks:
        rows = slice(first, first + len(chunk))
        missing = arrow_arrays.nulls(chunk) if chunk.null_count else None
        if nowhere is not None:
            missing = nowhere[rows] if missing is None else missing | nowhere[rows]
        chunks.append(arrow_arrays.array_of(values[rows], missing))
        first = rows.stop
    return pa.chunked_array(chunks, pa.from_numpy_dtype(values.dtype))
