"""ArrowTable: some columns of an Arrow table as one two-dimensional block of mixed dtypes.

Numbers are read where Arrow keeps them, a slab at a time: as a NumPy array that holds anything at
all beneath the nulls, and a mask. What does not lie there as such an array is copied, one slab:
booleans are bits, decimals have 16 bytes, a slab may go over the end of a chunk, and columns too
short for a call each are laid side by side.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dasknorm import slabs
from dasknorm import arrow_arrays as arrays
from dasknorm.arrow.pieces import Piece, pieces, shares
from dasknorm.blocks import Kernel, add, float_dtype, identity, summarize, transform
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records

__all__ = ["ArrowTable", "mapped"]


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
        return [arrays.numpy_dtype(self.table.schema.field(at).type) for at in self.positions]

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
            out[piece.rows, piece.features] = arrays.with_nan(piece.joined())
        return out


@summarize.register(ArrowTable)
def _(
    block: ArrowTable,
    statistic: Statistic,
    axes: tuple[int, ...],
    weights: np.ndarray | None = None,
) -> Records:
    total = identity(block.shape, statistic, axes)
    every = list(pieces(block.table, block.positions))

    def summarized(share: slice) -> tuple[np.ndarray, Records]:
        # Of the share's own columns only: of a wide table, each has few.
        features = np.unique(np.concatenate([piece.features for piece in every[share]]))
        part = identity((0, len(features)), statistic, axes)
        for piece in every[share]:
            _add(piece, part, np.searchsorted(features, piece.features), statistic, axes, weights)
        return features, part

    for features, part in slabs.each(summarized, shares(every)):
        where = slice(None) if 1 in axes else features
        own = total[:, where]
        statistic.join(own, part)
        total[:, where] = own
    return total


@add.register(ArrowTable)
def _(
    block: ArrowTable,
    total: Records,
    statistic: Statistic,
    axes: tuple[int, ...],
    weights: np.ndarray | None = None,
) -> None:
    for piece in pieces(block.table, block.positions):
        _add(piece, total, piece.features, statistic, axes, weights)


@transform.register(ArrowTable)
def _(
    block: ArrowTable, affine: Records, kernel: Kernel, dtype: np.dtype[Any] | None
) -> ArrowTable:
    return mapped(block, np.broadcast_to(affine, (1, len(block.columns))), kernel, dtype)


def mapped(
    block: ArrowTable,
    affine: Records,
    kernel: Kernel,
    dtype: np.dtype[Any] | None,
    places: np.ndarray | None = None,
) -> ArrowTable:
    """Map columns through `affine`: its only row, or for each row of the block the one named.

    Rows whose place is -1 become null.
    """
    out = [np.empty(block.shape[0], dtype or float_dtype(own)) for own in block.dtypes]
    every = list(pieces(block.table, block.positions))

    def fill(share: slice) -> None:
        for piece in every[share]:
            own = affine if places is None else affine[places[piece.rows]]
            _map(piece, own[:, piece.features], kernel, [out[f] for f in piece.features])

    slabs.each(fill, shares(every))
    nowhere = None if places is None else places < 0
    columns, schema = block.table.columns, list(block.table.schema)
    for at, values in zip(block.positions, out, strict=True):
        columns[at] = _column(values, columns[at], nowhere)
        schema[at] = schema[at].with_type(columns[at].type)
        if columns[at].null_count:
            schema[at] = schema[at].with_nullable(True)
    whole = pa.schema(schema, block.table.schema.metadata)
    return replace(block, table=pa.Table.from_arrays(columns, schema=whole))


def _add(
    piece: Piece,
    total: Records,
    features: np.ndarray,
    statistic: Statistic,
    axes: tuple[int, ...],
    weights: np.ndarray | None,
) -> None:
    if 0 not in axes:
        raise ValueError(
            "the rows of a table cannot keep statistics of their own; adapt on an array of them"
        )
    beside = None if weights is None else weights[piece.rows]
    some = piece.joined()
    where = slice(None) if 1 in axes else features
    own = total[:, where]
    if arrays.rounds(some):
        for i, array in enumerate(some):
            _add_exactly(array, own if 1 in axes else own[:, i : i + 1], statistic, axes, beside)
    else:
        statistic.add(own, arrays.with_nan(some), axes, beside)
    total[:, where] = own


def _add_exactly(
    array: Any,
    own: Records,
    statistic: Statistic,
    axes: tuple[int, ...],
    weights: np.ndarray | None,
) -> None:
    """Merge integers that a float would round: those there as they are, and NaN for the others."""
    values, missing = arrays.values(array)[:, None], arrays.nulls(array)
    gone = np.full((int(missing.sum()), 1), np.nan)
    statistic.add(own, values[~missing], axes, None if weights is None else weights[~missing])
    statistic.add(own, gone, axes, None if weights is None else weights[missing])


def _map(piece: Piece, affine: Records, kernel: Kernel, out: list[np.ndarray]) -> None:
    values = arrays.stacked(piece.joined())
    with np.errstate(all="ignore"):  # what lies beneath nulls is mapped too, whatever it is
        if len(out) == 1:
            kernel(values, affine, out[0].dtype, out[0][piece.rows, None])
            return
        result = kernel(values, affine, out[0].dtype)
    for column, mapped in zip(out, result.T, strict=True):
        column[piece.rows] = mapped


def _column(values: np.ndarray, like: Any, nowhere: np.ndarray | None) -> Any:
    """Return normalized values in the chunks of a column, with its nulls, and more of them."""
    first, chunks = 0, []
    for chunk in like.chunks:
        rows = slice(first, first + len(chunk))
        missing = arrays.nulls(chunk) if chunk.null_count else None
        if nowhere is not None:
            missing = nowhere[rows] if missing is None else missing | nowhere[rows]
        chunks.append(pa.array(values[rows], mask=missing))
        first = rows.stop
    return pa.chunked_array(chunks, pa.from_numpy_dtype(values.dtype))
