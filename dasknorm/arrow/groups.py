"""Rows of an Arrow table in groups: those with equal keys are summarized and mapped alike."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dasknorm import slabs
from dasknorm.arrow.pieces import pieces
from dasknorm.arrow.tables import ArrowTable, mapped
from dasknorm.blocks import Kernel, add, summarize, transform
from dasknorm.grouped import Grouped, Lookup, factorized
from dasknorm.pieces import Numbers, add_by_group
from dasknorm.statistics import Statistic

__all__ = ["GroupedArrowTable"]


@dataclass(frozen=True)
class GroupedArrowTable(ArrowTable):
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

    def _as_pandas(self, key: Any) -> Any:
        column = self.table.column(key)
        exact = column.null_count and pa.types.is_integer(column.type)
        try:
            return column.to_pandas(types_mapper=_NULLABLE.get if exact else None)
        except pa.ArrowInvalid as error:
            raise TypeError(
                f"rows cannot be grouped by column {key!r}, whose type is {column.type}: "
                f"{error}; cast it to integers, or to whole microseconds"
            ) from error


@summarize.register(GroupedArrowTable)
def _(
    block: GroupedArrowTable,
    statistic: Statistic,
    axes: tuple[int, ...],
    weights: np.ndarray | None = None,
) -> Grouped:
    codes, labels = factorized(block.key_frame(), block.keys)
    records = np.zeros((len(labels), len(block.columns)), statistic.dtype)
    weights = None if weights is None else np.reshape(weights, -1)

    def summarized(features: slice) -> None:
        (position,) = block.positions[features]
        own = np.zeros(len(labels), statistic.dtype)
        # Records are merged after each piece, which should be worth it if there are many groups.
        for piece in pieces(block.table, [position], least=4 * len(labels)):
            beside = None if weights is None else weights[piece.rows]
            add_by_group(own, *_flat(piece.read()), codes[piece.rows], statistic, beside)
        records[:, features.start] = own

    slabs.each(summarized, [slice(i, i + 1) for i in range(len(block.columns))])
    return Grouped(labels, statistic.merge(records, (1,)) if 1 in axes else records)


@add.register(GroupedArrowTable)
def _(
    block: GroupedArrowTable,
    total: Grouped,
    statistic: Statistic,
    axes: tuple[int, ...],
    weights: np.ndarray | None = None,
) -> None:
    total.join(summarize(block, statistic, axes, weights), statistic)


@transform.register(GroupedArrowTable)
def _(
    block: GroupedArrowTable, affine: Lookup, kernel: Kernel, dtype: np.dtype[Any] | None
) -> ArrowTable:
    rows = affine.rows(block.key_frame(), block.keys)
    rows = np.where(rows == len(affine.labels), -1, rows)
    whole = np.broadcast_to(affine.affine, (len(affine.affine), len(block.columns)))
    return mapped(block, whole, kernel, dtype, rows)


def _flat(numbers: Numbers) -> Numbers:
    values, missing = numbers
    return values[:, 0], None if missing is None else missing[:, 0]


_NULLABLE = {
    getattr(pa, name.lower())(): pd.array([], dtype=name).dtype
    for name in (f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
}
