"""Labels: where some stand among others, in which order they are shown, how messages say them."""

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from dasknorm.errors import MismatchError

__all__ = [
    "appended",
    "listed",
    "numbered",
    "order_of",
    "places_of",
    "positions_of",
    "refuse_nan",
    "shown",
    "some",
]


EXACT = 1 << 53
"""Integers up to here are float64 too."""


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
