"""Number, order, unite and format the labels of groups.

Used by blocks and fields.
"""

import numpy as np
import pandas as pd

__all__ = ["appended", "format_labels", "numbered", "order_of", "places_of"]

EXACT = 1 << 53
"""Integers up to here are float64 too."""


def places_of(wanted: pd.Index, known: pd.Index) -> np.ndarray:
    """Return where labels stand among others, -1 where they do not.

    Integers and floats, or times of other units, are compared as they are: cast to one dtype, some
    that differ would be equal.
    """
    if _mix(wanted, known):
        wanted, known = wanted.astype(object), known.astype(object)
    return np.array(known.get_indexer(wanted))


def appended(labels: pd.Index, more: pd.Index) -> pd.Index:
    """Return labels and after them others, exactly as they are."""
    if not len(labels) or not len(more):
        return labels if len(labels) else more
    if not _mix(labels, more):
        return labels.append(more)
    both = [*labels.tolist(), *more.tolist()]
    if all(isinstance(label, (int, float)) and abs(label) <= EXACT for label in both):
        return labels.append(more)
    return pd.Index(np.array([*both, None], object)[:-1], name=labels.name)


def numbered(labels: pd.Index) -> tuple[np.ndarray, pd.Index]:
    """Return for each label the number of what is equal to it, -1 where missing, and those once."""
    if labels.nlevels == 1:
        codes, once = pd.factorize(labels)
        return codes, pd.Index(once, name=labels.name)
    codes, once = pd.factorize(labels)
    once = once.set_names(labels.names)  # which pandas forgets
    missing = once.to_frame().isna().any(axis=1).to_numpy()
    numbers = np.where(missing, -1, np.cumsum(~missing) - 1)
    return np.append(numbers, -1)[codes], once[~missing]


def _mix(labels: pd.Index, others: pd.Index) -> bool:
    """Tell whether labels are numbers, or times, of two dtypes."""
    kinds = [
        each.dtype.kind if isinstance(each.dtype, np.dtype) else "" for each in (labels, others)
    ]
    return labels.dtype != others.dtype and all(kind and kind in "iufM" for kind in kinds)


def order_of(labels: pd.Index) -> np.ndarray:
    """Return the order in which labels are sorted; of numbers beside texts, by how they look."""
    try:
        return np.asarray(labels.argsort())
    except TypeError:
        return np.asarray(labels.map(repr).argsort())


def format_labels(labels: pd.Index) -> str:
    """Return the first few labels as text."""
    first = ", ".join(repr(label) for label in labels[:6].tolist())
    return f"[{first}{', ...' if len(labels) > 6 else ''}]"
