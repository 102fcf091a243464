"""Number, order, combine and format the labels of groups, and the keys of a frame's rows.

Used by blocks, containers and fields.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.errors import MismatchError

EXACT_INTEGERS = 1 << 53  # integers up to here are float64 too


def find_labels(labels: pd.Index, all_labels: pd.Index) -> np.ndarray:
    """Return the positions of labels among all labels, -1 for a label that is not there."""
    if _have_different_kinds(
        labels, all_labels
    ):  # cast to one dtype, some labels that differ would be equal
        labels, all_labels = labels.astype(object), all_labels.astype(object)
    return np.array(all_labels.get_indexer(labels))


def append_labels(labels: pd.Index, new_labels: pd.Index) -> pd.Index:
    """Return labels and more labels after them, without rounding any."""
    if not len(labels) or not len(new_labels):
        return labels if len(labels) else new_labels
    if not _have_different_kinds(labels, new_labels):
        return labels.append(new_labels)
    all_labels = [*labels.tolist(), *new_labels.tolist()]
    if all(
        isinstance(label, (int, float)) and abs(label) <= EXACT_INTEGERS for label in all_labels
    ):
        return labels.append(new_labels)
    return pd.Index(np.array([*all_labels, None], object)[:-1], name=labels.name)


def number_labels(labels: pd.Index) -> tuple[np.ndarray, pd.Index]:
    """Return the number of each label, -1 for a missing label, and the distinct labels."""
    codes, distinct = pd.factorize(labels)
    if labels.nlevels == 1:
        return codes, pd.Index(distinct, name=labels.name)
    distinct = distinct.set_names(labels.names)  # pandas does not keep them
    missing = distinct.to_frame().isna().any(axis=1).to_numpy()
    numbers = np.where(missing, -1, np.cumsum(~missing) - 1)
    return np.append(numbers, -1)[codes], distinct[~missing]


def _have_different_kinds(labels: pd.Index, other_labels: pd.Index) -> bool:
    """Return whether labels are numbers, or times, of two dtypes."""
    dtypes = labels.dtype, other_labels.dtype
    has_kinds = all(isinstance(dtype, np.dtype) and dtype.kind in "iufM" for dtype in dtypes)
    return has_kinds and dtypes[0] != dtypes[1]


def sort_order(labels: pd.Index) -> np.ndarray:
    """Return the order in which labels are sorted: mixed numbers and strings by their text."""
    try:
        return np.asarray(labels.argsort())
    except TypeError:
        return np.asarray(labels.map(repr).argsort())


def format_labels(labels: pd.Index) -> str:
    """Return the first few labels as text."""
    first = ", ".join(repr(label) for label in labels[:6].tolist())
    return f"[{first}{', ...' if len(labels) > 6 else ''}]"


# -- keys of rows ---------------------------------------------------------------------------------


def number_rows(frame: pd.DataFrame, keys: Sequence[Hashable]) -> tuple[np.ndarray, pd.Index]:
    """Return the number of each row's group, -1 where a key is missing, and their labels."""
    codes, labels = _number_keys(frame, keys[0])
    if len(keys) == 1:
        return codes, labels
    levels, positions = [labels], [np.arange(len(labels))]
    for key in keys[1:]:
        level_codes, labels = _number_keys(frame, key)
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


def _number_keys(frame: pd.DataFrame, key: Hashable) -> tuple[np.ndarray, pd.Index]:
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
    return codes, _without_categories(pd.Index(labels)).rename(key)


def is_column(columns: pd.Index, name: Hashable) -> bool:
    """Return whether a name is that of a column, and not one level of a name with several."""
    is_full_name = columns.nlevels == 1 or (
        isinstance(name, tuple) and len(name) == columns.nlevels
    )
    return is_full_name and name in columns


def _without_categories(labels: pd.Index) -> pd.Index:
    """Return labels without categories, which only some parts of a frame may have."""
    if isinstance(labels, pd.CategoricalIndex):
        labels = labels.astype(labels.categories.dtype)
    if isinstance(labels.dtype, (np.dtype, pd.DatetimeTZDtype, pd.PeriodDtype, pd.IntervalDtype)):
        return labels
    return pd.Index(labels.to_numpy(object))
