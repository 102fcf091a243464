"""Rows of an Arrow table in groups: those with equal keys are summarized and mapped alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dasknorm.blocks.arrow_columns import pieces
from dasknorm.blocks.arrow_tables import ArrowTable, with_columns
from dasknorm.blocks.columns import Numbers
from dasknorm.blocks.keyed_tables import KeyedTable

__all__ = ["GroupedArrowTable"]


@dataclass(frozen=True)
class GroupedArrowTable(KeyedTable, ArrowTable):
    """Some columns of an Arrow table, whose rows belong to groups.

    Parameters
    ----------
    table, columns
        As of an `ArrowTable`.
    keys : tuple of str
        The columns whose values name the group of a row. A row of which one is null belongs to
        none.
    """

    keys: tuple[Any, ...] = ()

    def key_frame(self) -> pd.DataFrame:
        """Return the columns of keys as pandas has them; integers beside nulls stay integers."""
        return pd.DataFrame({key: self._as_pandas(key) for key in self.keys})

    def column(self, feature: int, rows: int) -> Iterator[tuple[slice, Numbers]]:
        for piece in pieces(self.table, [self.positions[feature]], least=rows):
            yield piece.rows, _flat(piece.read())

    def with_columns(self, columns: Mapping[int, np.ndarray], nowhere: np.ndarray) -> ArrowTable:
        return with_columns(self, columns, nowhere)

    def _as_pandas(self, key: Any) -> Any:
        column = _signed(self.table.column(key))
        exact = column.null_count and pa.types.is_integer(column.type)
        try:
            return column.to_pandas(types_mapper=_NULLABLE.get if exact else None)
        except pa.ArrowInvalid as error:
            raise TypeError(
                f"rows cannot be grouped by column {key!r}, whose type is {column.type}: "
                f"{error}; cast it to integers, or to whole microseconds"
            ) from error


def _signed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return categories with signed codes: pandas takes no others."""
    kind = column.type
    if not pa.types.is_dictionary(kind) or not pa.types.is_unsigned_integer(kind.index_type):
        return column
    return column.cast(pa.dictionary(pa.int64(), kind.value_type, kind.ordered))


def _flat(numbers: Numbers) -> Numbers:
    values, missing = numbers
    return values[:, 0], None if missing is None else missing[:, 0]


_NULLABLE = {
    getattr(pa, name.lower())(): pd.array([], dtype=name).dtype
    for name in (f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
}
