"""Labels: match those of two fields by value, and format labels and dimensions for messages.

Used by api, containers, fields, io and reports. `match_labels` decides which data can be
normalized.
"""

from collections.abc import Hashable, Sequence
from datetime import timedelta

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from dasknorm.blocks.group_labels import format_labels
from dasknorm.errors import MismatchError

RELATIVE_TOLERANCE = 1e-6
"""Largest difference between float labels that are the same, relative to the largest label."""


def match_labels(
    labels: pd.Index, available: pd.Index, dim: Hashable, role: str
) -> np.ndarray | None:
    """Return the positions of labels among the available ones; None for all, in order.

    Floats also match if they differ by at most `RELATIVE_TOLERANCE`, and by less than a hundredth
    of the smallest step between available labels, as float32 and float64 labels do.
    """
    check_no_nan(available, dim)
    check_no_nan(labels, dim)
    if available.equals(labels):
        return None
    if not available.is_unique:
        raise MismatchError(
            f"labels along {format_dim(dim)} are not unique: "
            f"{list(available[available.duplicated()])[:5]}"
        )
    positions = np.asarray(available.get_indexer(labels))
    if (positions < 0).any() and dim != "columns" and _may_be_rounded(labels, available):
        positions = _match_nearest(labels, available, positions, dim)
    if (positions < 0).any():
        raise MismatchError(_describe_unknown(dim, labels[positions < 0], available, role))
    return positions


def check_no_nan(labels: pd.Index, dim: Hashable) -> None:
    """Raise MismatchError if a label is NaN, which equals no label, not even itself."""
    if labels.dtype.kind == "f" and labels.hasnans:
        positions = np.flatnonzero(labels.isna())[:5].tolist()
        raise MismatchError(
            f"NaN among the labels along {format_dim(dim)} cannot be matched; at {positions} of "
            f"{len(labels):,}. A Zarr coordinate whose fill value is 0 is opened with NaN for "
            f"0.0, such as longitude 0: assign it again, such as .assign_coords({dim}=...)"
        )


def _may_be_rounded(labels: pd.Index, available: pd.Index) -> bool:
    kinds = {labels.dtype.kind, available.dtype.kind}
    return "f" in kinds and kinds <= set("iuf")


def _tolerance(labels: pd.Index) -> float:
    """Return the largest difference between numeric labels that are the same."""
    numbers = np.sort(labels.to_numpy("f8"))
    if not len(numbers) or not np.isfinite(numbers[[0, -1]]).all():
        return 0.0
    steps = np.diff(numbers)
    return float(min([RELATIVE_TOLERANCE * np.abs(numbers[[0, -1]]).max(), *steps / 100]))


def _match_nearest(
    labels: pd.Index, available: pd.Index, exact: np.ndarray, dim: Hashable
) -> np.ndarray:
    """Return the positions of the equal or nearest available labels; -1 without one."""
    tolerance = _tolerance(available)
    if not tolerance:
        return exact
    order = np.argsort(available.to_numpy("f8"), kind="stable")
    numbers = pd.Index(available.to_numpy("f8")[order])
    near = numbers.get_indexer(labels.astype("f8"), method="nearest", tolerance=tolerance)
    positions = np.where(exact >= 0, exact, np.where(near >= 0, order[near], -1))
    pairs = pd.DataFrame({"position": positions, "label": labels})[positions >= 0]
    pairs = pairs.drop_duplicates()
    ambiguous = pairs[pairs["position"].duplicated(keep=False)]["label"].tolist()
    if ambiguous:
        raise MismatchError(
            f"labels {ambiguous[:5]} along {format_dim(dim)} are all near to the same one of "
            f"{format_labels(available)}"
        )
    return positions


def format_label(label: Hashable) -> str:
    """Return a label as text: a duration as ``12h``, a string of digits in quotes."""
    if isinstance(label, timedelta) and not pd.isna(label):
        return str(to_offset(label).freqstr)
    is_digits = isinstance(label, str) and label.lstrip("-").isdecimal()
    return repr(label) if is_digits else str(label)


def format_dims(dims: Sequence[Hashable]) -> str:
    """Return the names of dimensions as text: ``('time', 'lat')``."""
    return "(" + ", ".join(format_dim(dim) for dim in dims) + ")"


def format_dim(dim: Hashable) -> str:
    """Return the name of a dimension as text; an unnamed axis is a number."""
    return str(dim) if isinstance(dim, int) else repr(dim)


def selection_hint(dim: Hashable, labels: pd.Index | None) -> str:
    """Return how to keep a dimension that was lost when one of its labels was selected."""
    if labels is None or labels.nlevels > 1 or not len(labels) or dim == "columns":
        return ""
    first = format_labels(labels[:1])
    return f". Keep a dimension when you select from it, such as .sel({dim}={first})"


def _describe_unknown(dim: Hashable, unknown: pd.Index, available: pd.Index, role: str) -> str:
    message = (
        f"labels {format_labels(unknown)} along {format_dim(dim)} are not in the {role}; "
        f"available: {format_labels(available)}"
    )
    if dim == "columns":
        return (
            f"{message}. Select these, or adapt with columns=[...]: all other columns are then "
            "passed through unchanged"
        )
    if unknown.dtype.kind in "iuf" and available.dtype.kind in "iuf" and len(available):
        near = available[np.abs(available.to_numpy("f8") - float(unknown[0])).argmin()]
        message += f" (nearest to {unknown[0]}: {near}, not within {_tolerance(available):.3g})"
    return message
