"""Keyed: rows in groups; those of a frame with equal keys are summarized together and mapped alike.

Which groups there are shows while a frame is read.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dasknorm import kernels
from dasknorm.blocks import threads
from dasknorm.blocks.arrays import SLAB, Kernel, add, float_dtype, summarize, transform
from dasknorm.blocks.columns import Numbers, add_by_group
from dasknorm.blocks.groups import GroupMaps, GroupRecords
from dasknorm.blocks.tables import Table, column, with_columns
from dasknorm.errors import MismatchError
from dasknorm.statistics.reducer import Reducer

__all__ = ["GroupedTable", "KeyedTable", "factorized", "is_column"]


class KeyedTable(ABC):
    """A block whose rows belong to groups, which its keys name; it has `columns` and `dtypes` too.

    To let in another kind, say these three: how such a block is summarized and mapped follows.
    """

    keys: tuple[Hashable, ...]
    columns: pd.Index
    dtypes: Any
    shape: Any

    @abstractmethod
    def key_frame(self) -> pd.DataFrame:
        """Return a frame that has the keys among its columns, or the levels of its index."""

    @abstractmethod
    def column(self, feature: int, rows: int) -> Iterator[tuple[slice, Numbers]]:
        """Yield the numbers of a column: as they lie in memory, or some `rows` at a time."""

    @abstractmethod
    def with_columns(self, columns: Mapping[int, np.ndarray], nowhere: np.ndarray) -> Any:
        """Return the block with new numbers; `nowhere` is True for rows of no group, now NaN."""


@dataclass(frozen=True)
class GroupedTable(KeyedTable, Table):
    """Some columns of a frame, whose rows belong to groups.

    Parameters
    ----------
    frame, columns
        As of a `Table`.
    keys : tuple of hashable
        The columns, or levels of the index, whose values name the group of a row. A row of which
        one is missing belongs to none.
    """

    keys: tuple[Hashable, ...] = ()

    @property
    def read_columns(self) -> list[Hashable]:
        """The columns that have to be read: those with numbers, and those with keys."""
        return [*self.columns, *(key for key in self.keys if is_column(self.frame.columns, key))]

    def key_frame(self) -> pd.DataFrame:
        return self.frame

    def column(self, feature: int, rows: int) -> Iterator[tuple[slice, Numbers]]:
        return column(self, feature, rows)

    def with_columns(self, columns: Mapping[int, np.ndarray], nowhere: np.ndarray) -> Table:
        return with_columns(self, columns)


def factorized(frame: pd.DataFrame, keys: Sequence[Hashable]) -> tuple[np.ndarray, pd.Index]:
    """Return the number of each row's group, -1 where a key is missing, and their labels."""
    codes, labels = _factorized(frame, keys[0])
    if len(keys) == 1:
        return codes, labels
    levels, chosen = [labels], [np.arange(len(labels))]
    for key in keys[1:]:
        more, labels = _factorized(frame, key)
        levels.append(labels)
        there = (codes >= 0) & (more >= 0)
        both, pairs = pd.factorize(codes[there] * max(len(labels), 1) + more[there])
        codes = np.full(len(codes), -1)
        codes[there] = both
        first, second = np.divmod(pairs, max(len(labels), 1))
        chosen = [*(each[first] for each in chosen), second]
    arrays = [level[each] for level, each in zip(levels, chosen, strict=True)]
    return codes, pd.MultiIndex.from_arrays(arrays, names=list(keys))


def _factorized(frame: pd.DataFrame, key: Hashable) -> tuple[np.ndarray, pd.Index]:
    if is_column(frame.columns, key):
        values: Any = frame[key]
    elif key in frame.index.names:
        values = frame.index.get_level_values(key)
    else:
        raise MismatchError(f"there is no column {key!r} to group by; found {list(frame.columns)}")
    if isinstance(values.dtype, np.dtype) and not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    try:
        codes, labels = pd.factorize(values)
    except TypeError as error:
        raise TypeError(f"values of {key!r} cannot name groups: {error}") from error
    return codes, _of_one_kind(pd.Index(labels)).rename(key)


def is_column(columns: pd.Index, name: Hashable) -> bool:
    """Tell whether a name is that of a column, and not a part of one of several levels."""
    whole = columns.nlevels == 1 or (isinstance(name, tuple) and len(name) == columns.nlevels)
    return whole and name in columns


def _of_one_kind(labels: pd.Index) -> pd.Index:
    """Return labels as pandas' own kinds: one part of a frame may have categories, one texts."""
    if isinstance(labels, pd.CategoricalIndex):
        labels = labels.astype(labels.categories.dtype)
    if isinstance(labels.dtype, (np.dtype, pd.DatetimeTZDtype, pd.PeriodDtype, pd.IntervalDtype)):
        return labels
    return pd.Index(labels.to_numpy(object))


@summarize.register(KeyedTable)
def _(
    block: KeyedTable,
    reducer: Reducer,
    weights: np.ndarray | None = None,
) -> GroupRecords:
    codes, labels = factorized(block.key_frame(), block.keys)
    statistic = reducer.statistic
    records = np.zeros((len(labels), len(block.columns)), statistic.dtype)
    weights = None if weights is None else np.reshape(weights, -1)

    def summarized(features: slice) -> None:
        (feature,) = range(*features.indices(len(block.columns)))
        own = np.zeros(len(labels), statistic.dtype)
        # Records are merged after each piece, which should be worth it if there are many groups.
        for rows, (values, missing) in block.column(feature, max(SLAB, 4 * len(labels))):
            beside = None if weights is None else weights[rows]
            add_by_group(own, values, missing, codes[rows], statistic, beside)
        records[:, feature] = own

    threads.each(summarized, [slice(i, i + 1) for i in range(len(block.columns))])
    merged = statistic.merge(records, (1,)) if 1 in reducer.axes else records
    return GroupRecords(labels, merged[:, None])


@add.register(KeyedTable)
def _(
    block: KeyedTable,
    total: GroupRecords,
    reducer: Reducer,
    weights: np.ndarray | None = None,
) -> None:
    total.join(summarize(block, reducer, weights), reducer.statistic)


@transform.register(KeyedTable)
def _(block: KeyedTable, affine: GroupMaps, kernel: Kernel, dtype: np.dtype[Any] | None) -> Any:
    codes, labels = factorized(block.key_frame(), block.keys)
    places = np.append(affine.places(labels), -1)[codes]
    known = affine.affine[:, 0]
    maps = np.full((len(known) + 1, len(block.columns)), np.nan, known.dtype)
    maps[:-1] = known  # and the last ones are of rows of no group

    def mapped(features: slice) -> np.ndarray:
        (feature,) = range(*features.indices(len(block.columns)))
        own = np.ascontiguousarray(maps[:, feature])
        kind = dtype or float_dtype(block.dtypes[feature])
        out = np.empty(block.shape[0], kind)
        for rows, (values, missing) in block.column(feature, SLAB):
            where = places[rows] if missing is None else np.where(missing, -1, places[rows])
            kernels.map_by_group(kernel, values, own, where, out[rows])
        return out

    each = threads.each(mapped, [slice(i, i + 1) for i in range(len(block.columns))])
    return block.with_columns(dict(enumerate(each)), places < 0)
