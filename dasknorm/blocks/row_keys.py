"""Number the groups of a frame's rows by the values of their keys.

Used by blocks.pandas_columns, blocks.tables and containers.pandas.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.errors import MismatchError

__all__ = ["factorized", "is_column"]


def factorized(frame: pd.DataFrame, keys: Sequence[Hashable]) -> tuple[np.ndarray, pd.Index]:
    """Return the number of each row's group, -1 where a key is missing, and their labels."""
    codes, labels = _factorized(frame, keys[0])
    if len(keys) == 1:
        return codes, labels
    levels, positions = [labels], [np.arange(len(labels))]
    for key in keys[1:]:
        level_codes, labels = _factorized(frame, key)
        levels.append(labels)
        has_keys = (codes >= 0) & (level_codes >= 0)
        numbers = codes[has_keys] * max(len(labels), 1) + level_codes[has_keys]
        pair_codes, pairs = pd.factorize(numbers)
        codes = np.full(len(codes), -1)
        codes[has_keys] = pair_codes
        first, second = np.divmod(pairs, max(len(labels), 1))
        positions = [*(position[first] for position in positions), second]
    arrays = [level[position] for level, position in zip(levels, positions, strict=True)]
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
