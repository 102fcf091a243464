"""Pieces: rows of columns of one type, as they are handed to a kernel."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from dasknorm import slabs
from dasknorm import arrow_arrays as arrays
from dasknorm.blocks import SLAB

__all__ = ["Piece", "pieces", "shares"]

LONG = 1 << 20
"""Rows at a time of a column read where it lies: each call costs as much as 100,000 of them."""


@dataclass(frozen=True)
class Piece:
    """Some rows of columns of one type."""

    features: np.ndarray
    columns: list[Any]
    rows: slice

    @property
    def nbytes(self) -> int:
        size = arrays.numpy_dtype(self.columns[0].type).itemsize
        return (self.rows.stop - self.rows.start) * len(self.columns) * size

    def joined(self) -> list[Any]:
        """Return each column as one array."""
        return [c.chunk(0) if c.num_chunks == 1 else c.combine_chunks() for c in self.columns]


def pieces(table: Any, positions: list[int], least: int = 0) -> Iterator[Piece]:
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
    many = max(1, SLAB // max(rows, 1))
    for features in by_type.values():
        for some in (features[i : i + many] for i in range(0, len(features), many)):
            columns = [table.column(positions[feature]) for feature in some]
            step = LONG if len(some) == 1 and _lies_long(columns[0]) else max(SLAB, least)
            for start in range(0, rows, step):
                parts = [column.slice(start, step) for column in columns]
                yield Piece(np.array(some), parts, slice(start, min(start + step, rows)))


def _lies_long(column: Any) -> bool:
    """Whether most of a column is read without a copy, in long pieces."""
    direct = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    return direct and not column.null_count and len(column) >= LONG * column.num_chunks


def shares(some: list[Piece]) -> list[slice]:
    """Share pieces out: each share is some that follow each other, of a thread's slab in bytes."""
    before = np.cumsum([0, *(piece.nbytes for piece in some)])[:-1]
    cuts = np.flatnonzero(np.diff(before // slabs.SLAB_BYTES)) + 1
    ends = [0, *cuts.tolist(), len(some)]
    return [slice(first, last) for first, last in pairwise(ends) if first < last]
