"""Find numbers in columns without a numeric dtype: objects, lists, structs and dictionaries.

Used by `containers`. `adapt` raises an error for such a column, which it would leave out otherwise.
The wording of messages can change without other changes.
"""

from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

PLAIN = {"string", "bytes", "boolean", "empty", "categorical", "datetime64", "datetime", "date"}
PLAIN |= {"timedelta64", "timedelta", "time", "period", "interval"}
"""Types in the terms of `pandas.api.types.infer_dtype` that have no numbers, or only flags."""

MAX_NAMES = 5


def make_error(
    name: Hashable, dtype: object, reason: str, selection: str, kind: str = "column"
) -> TypeError:
    """Return the error for a column or variable that has numbers and no numeric dtype.

    The selection is the code that leaves it out, such as ``columns=['a']``, or is empty.
    """
    return TypeError(
        f"{kind} {name!r} has dtype {dtype} but holds numbers, which adapt cannot average: {reason}"
        + (f". To leave it out, select {kind}s: {selection}" if selection else "")
    )


def format_selection(numeric: Iterable[Hashable]) -> str:
    """Return the argument that selects the numeric columns; empty if there are none."""
    names = list(numeric)
    if not names:
        return ""
    return f"columns={names}" if len(names) <= MAX_NAMES else "columns=[...]"


def describe_objects(values: Any, expression: str) -> str:
    """Return how to convert Python objects to numbers; empty if there are no numbers.

    The expression is the code for the column, such as ``df['x']``.
    """
    if pd.api.types.infer_dtype(values, skipna=True) in PLAIN or not any(map(_has_number, values)):
        return ""
    for row, value in enumerate(values):
        if _is_number(value) or _is_missing(value):
            continue
        described = f"row {row} has {value!r} ({type(value).__name__})"
        if _has_number(value):
            return f"{described}; make a column of each element"
        return f"{described}; pd.to_numeric({expression}, errors='coerce') makes it missing"
    return f"cast it with {expression}.astype(float)"


def _has_number(value: object) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple, np.ndarray)):
        return any(map(_has_number, np.ravel(value) if isinstance(value, np.ndarray) else value))
    return _is_number(value) and not _is_missing(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (Real, Decimal)) and not isinstance(value, (bool, np.bool_))


def _is_missing(value: Any) -> bool:
    return bool(value is None or (np.ndim(value) == 0 and pd.isna(value)))
