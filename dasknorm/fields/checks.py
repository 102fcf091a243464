"""What is refused once states are known: infinities, no sample, another count than expected."""

import math
import warnings
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Literal

import numpy as np

from dasknorm.blocks.group_labels import some
from dasknorm.chunks import is_lazy
from dasknorm.errors import MismatchError
from dasknorm.fields.field import Fields, State, States
from dasknorm.statistics import Statistic

__all__ = [
    "check_counts",
    "check_not_empty",
    "check_shapes",
    "check_valid",
    "expected_counts",
]


SOME_BYTES = 1 << 22
"""Of records that are asked at a time."""


def check_valid(states: States) -> None:
    """Raise ValueError if infinities have spoiled a state; lazy states are not looked at."""
    for name, state in states.items():
        if is_lazy(state.data):
            continue
        spoiled = _told(state.statistic.is_invalid, state.data)
        if spoiled.any():
            reason = state.statistic.invalid_reason
            raise ValueError(
                f"{reason} in {_place(name, state, spoiled)}; replace them, for "
                "example by NaN, which is skipped: np.where(np.isfinite(x), x, np.nan)"
            )


def check_not_empty(states: States, is_masked: bool = False) -> None:
    """Raise ValueError if no sample was seen; warn, naming them, where all are missing.

    Of what a mask leaves out on purpose there is no word.
    """
    missing = []
    for name, state in states.items():
        empty = _told(partial(_is_empty, state.statistic), state.data)
        if state.group_dim is not None and not len(state.data):
            raise ValueError(
                "no samples to adapt on: there are no rows, or none that belongs to a group, as "
                f"{state.group_dim!r} is missing in all of them"
            )
        if state.data.size and not _bytes(state.data).any():
            raise ValueError(
                f"no samples to adapt on in {_place(name, state, empty)}: "
                "the merged axes have size 0, or all weights are 0"
            )
        if is_masked and empty.any():
            empty &= _were_met(state.data)
        if empty.any():
            missing.append(_place(name, state, empty))
    if missing:
        warnings.warn(
            f"no valid values in {'; '.join(missing)}: what is read there is NaN, and data "
            "will be normalized to NaN",
            UserWarning,
            stacklevel=3,
        )


def expected_counts(work: Fields, expected: float | Literal["all"] | None) -> dict[Hashable, float]:
    """Return the count that each kept position of each field has to have; of work still to do."""
    if expected is None:
        return {}
    if not isinstance(expected, str):
        return dict.fromkeys(work, float(expected))
    if expected != "all":
        raise ValueError(f"expect_count must be a number or 'all', got {expected!r}")
    counts = {}
    for name, field in work.items():
        reduction = field.data
        counts[name] = float(math.prod(reduction.data.shape[axis] for axis in reduction.axes))
        weighted = reduction.weights is not None
        if weighted or reduction.is_grouped or math.isnan(counts[name]):
            what = "of weighted or masked data is a sum" if weighted else "is not known"
            raise ValueError(f"the count {what}; give it as a number: expect_count=...")
    return counts


def check_counts(states: States, expected: Mapping[Hashable, float]) -> None:
    """Raise ValueError unless as much was counted as expected."""
    for name, wanted in expected.items():
        counts = states[name].statistic.read(states[name].data, "count")
        wrong = counts != wanted
        if wrong.any():
            found = ", ".join(f"{count:,.15g}" for count in np.unique(counts[wrong])[:5])
            raise ValueError(
                f"expected {wanted:,.15g} values, and counted {found} in "
                f"{_place(name, states[name], wrong)}: the others are missing (NaN), which may "
                "be chunks that the store has lost"
            )


def check_shapes(declared: Fields, computed: Fields) -> None:
    """Raise MismatchError if chunks had other sizes than Dask was told, along a kept axis."""
    for name, state in computed.items():
        if state.data.shape != declared[name].data.shape:
            raise MismatchError(
                f"the statistics of {'the data' if name is None else repr(name)} came out in shape "
                f"{state.data.shape}, where {declared[name].data.shape} was declared: the Dask "
                "array was declared with other chunks than its data have"
            )


def _is_empty(statistic: Statistic, records: np.ndarray) -> np.ndarray:
    return statistic.read(records, "count") == 0


def _told(which: Callable[[np.ndarray], np.ndarray], records: np.ndarray) -> np.ndarray:
    """Ask of each record, some at a time: what is worked out on the way weighs as much as they."""
    flat, some = records.reshape(-1), max(1, SOME_BYTES // records.dtype.itemsize)
    parts = [which(flat[i : i + some]) for i in range(0, max(flat.size, 1), some)]
    return np.concatenate(parts).reshape(records.shape)


def _were_met(records: np.ndarray) -> np.ndarray:
    """Tell which records are not those of nothing."""
    each = _bytes(records).reshape(*records.shape, records.dtype.itemsize)
    return np.asarray(each.any(axis=-1))


def _bytes(records: np.ndarray) -> np.ndarray:
    """Return the bytes of records, without a copy where they lie in one piece."""
    return np.ascontiguousarray(records).reshape(-1).view("u1")


def _place(name: Hashable, state: State, where: np.ndarray) -> str:
    """Say in words where a mask is True, the first few places by their labels."""
    # Columns are named themselves, and not by the statistic that some of them share.
    kind = "the data" if name is None or state.has_columns else repr(name)
    if not state.dims:
        return kind
    if state.group_dim is not None and where.sum() > 2:
        groups = state.labels[state.group_dim][where.reshape(len(where), -1).any(axis=1)]
        return (
            f"{kind} in {len(groups):,} of {len(where):,} groups by {state.group_dim!r}: "
            + some(groups)
        )
    places = [state.place(position) for position in np.argwhere(where)[:5].tolist()]
    more = int(where.sum()) - len(places)
    return f"{kind} at {' and '.join(places)}{f' and {more} more' if more > 0 else ''}"
