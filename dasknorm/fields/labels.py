"""Labels: where some stand among others, in which order they are shown, how messages say them."""

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from dasknorm.blocks.group_labels import some
from dasknorm.errors import MismatchError

__all__ = [
    "listed",
    "positions_of",
    "refuse_nan",
    "shown",
]


NEAR = 1e-6
"""How far labels may be apart that are the same, in units of the largest one."""


def positions_of(wanted: pd.Index, known: pd.Index, dim: Hashable, who: str) -> np.ndarray | None:
    """Return where labels stand among those that `who` knows; None for all, in order.

    Floats are found too if they are `NEAR` enough, and nearer than a hundredth of the smallest
    step between known ones: as of float32 beside float64. MismatchError, which lists them, unless
    each is found, and found once.
    """
    refuse_nan(known, dim)
    refuse_nan(wanted, dim)
    if known.equals(wanted):
        return None
    if not known.is_unique:
        raise MismatchError(
            f"labels along {shown(dim)} are not unique: {list(known[known.duplicated()])[:5]}"
        )
    positions = np.asarray(known.get_indexer(wanted))
    if (positions < 0).any() and dim != "columns" and _are_floats(wanted, known):
        positions = _nearest(wanted, known, positions, dim)
    if (positions < 0).any():
        raise MismatchError(_unknown(dim, wanted[positions < 0], known, who))
    return positions


def refuse_nan(labels: pd.Index, dim: Hashable) -> None:
    """Raise MismatchError if there is NaN among labels: it equals no label, not even itself."""
    if labels.dtype.kind == "f" and labels.hasnans:
        where = np.flatnonzero(labels.isna())[:5].tolist()
        raise MismatchError(
            f"NaN among the labels along {shown(dim)} cannot be matched; at {where} of "
            f"{len(labels):,}. A coordinate in Zarr whose fill value is 0 is opened with NaN for "
            f"0.0, as longitude 0: give it anew, such as .assign_coords({dim}=...)"
        )


def _are_floats(wanted: pd.Index, known: pd.Index) -> bool:
    """Tell whether labels are numbers, of which one side may have been rounded."""
    kinds = {wanted.dtype.kind, known.dtype.kind}
    return "f" in kinds and kinds <= set("iuf")


def _tolerance(known: pd.Index) -> float:
    """Return how far from a known number another may be and still be taken for it."""
    numbers = np.sort(known.to_numpy("f8"))
    if not len(numbers) or not np.isfinite(numbers[[0, -1]]).all():
        return 0.0
    steps = np.diff(numbers)
    return float(min([NEAR * np.abs(numbers[[0, -1]]).max(), *steps / 100]))


def _nearest(wanted: pd.Index, known: pd.Index, exact: np.ndarray, dim: Hashable) -> np.ndarray:
    """Return where labels stand, found exactly or nearby; -1 where they do not."""
    tolerance = _tolerance(known)
    if not tolerance:
        return exact
    order = np.argsort(known.to_numpy("f8"), kind="stable")
    numbers = pd.Index(known.to_numpy("f8")[order])
    near = numbers.get_indexer(wanted.astype("f8"), method="nearest", tolerance=tolerance)
    positions = np.where(exact >= 0, exact, np.where(near >= 0, order[near], -1))
    both = pd.DataFrame({"at": positions, "label": wanted})[positions >= 0].drop_duplicates()
    doubled = both[both["at"].duplicated(keep=False)]["label"].tolist()
    if doubled:
        raise MismatchError(
            f"labels {doubled[:5]} along {shown(dim)} are all near to the same one of {some(known)}"
        )
    return positions


def listed(dims: Sequence[Hashable]) -> str:
    """Return the names of dimensions in words."""
    return "(" + ", ".join(shown(dim) for dim in dims) + ")"


def shown(dim: Hashable) -> str:
    """Return the name of a dimension in words; a bare axis has a number."""
    return str(dim) if isinstance(dim, int) else repr(dim)


def _unknown(dim: Hashable, strange: pd.Index, known: pd.Index, who: str) -> str:
    message = (
        f"labels {some(strange)} along {shown(dim)} are not in the {who}, which know {some(known)}"
    )
    if dim == "columns":
        return f"{message}. Take those alone, or adapt with columns=[...]: others ride along then"
    if strange.dtype.kind in "iuf" and known.dtype.kind in "iuf" and len(known):
        near = known[np.abs(known.to_numpy("f8") - float(strange[0])).argmin()]
        message += f" (nearest to {strange[0]}: {near}, not within {_tolerance(known):.3g})"
    return message
