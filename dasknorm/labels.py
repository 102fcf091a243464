"""Labels: where some stand among others, in which order they are shown, how messages say them."""

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from dasknorm.errors import MismatchError

__all__ = ["listed", "order_of", "positions_of", "shown", "some"]


def positions_of(wanted: pd.Index, known: pd.Index, dim: Hashable, who: str) -> np.ndarray | None:
    """Return where labels stand among those that `who` knows; None for all, in order.

    MismatchError, which lists them, unless each is found, and found once.
    """
    if _has_nan(known) or _has_nan(wanted):
        raise MismatchError(f"NaN among the labels along {shown(dim)} cannot be matched")
    if known.equals(wanted):
        return None
    if not known.is_unique:
        raise MismatchError(
            f"labels along {shown(dim)} are not unique: {list(known[known.duplicated()])[:5]}"
        )
    positions = np.asarray(known.get_indexer(wanted))
    if (positions < 0).any():
        raise MismatchError(_unknown(dim, wanted[positions < 0], known, who))
    return positions


def order_of(labels: pd.Index) -> np.ndarray:
    """Return the order in which labels are sorted; of numbers beside texts, by how they look."""
    try:
        return np.asarray(labels.argsort())
    except TypeError:
        return np.asarray(labels.map(repr).argsort())


def some(labels: pd.Index) -> str:
    """Return the first few labels in words."""
    shown = ", ".join(repr(label) for label in labels[:6].tolist())
    return f"[{shown}{', ...' if len(labels) > 6 else ''}]"


def listed(dims: Sequence[Hashable]) -> str:
    """Return the names of dimensions in words."""
    return "(" + ", ".join(shown(dim) for dim in dims) + ")"


def shown(dim: Hashable) -> str:
    """Return the name of a dimension in words; a bare axis has a number."""
    return str(dim) if isinstance(dim, int) else repr(dim)


def _has_nan(index: pd.Index) -> bool:
    return index.dtype.kind == "f" and bool(index.hasnans)


def _unknown(dim: Hashable, strange: pd.Index, known: pd.Index, who: str) -> str:
    message = (
        f"labels {some(strange)} along {shown(dim)} are not in the {who}, which know {some(known)}"
    )
    if dim == "columns":
        return f"{message}. Take those alone, or adapt with columns=[...]: others ride along then"
    if strange.dtype.kind in "iuf" and known.dtype.kind in "iuf" and len(known):
        near = known[np.abs(known.to_numpy("f8") - float(strange[0])).argmin()]
        message += f" (nearest to {strange[0]}: {near}; labels must be equal, not just near)"
    return message
