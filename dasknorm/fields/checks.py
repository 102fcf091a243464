"""Checks of computed states: infinities, missing values, counts, shapes.

Used by api, layer and sklearn. A new check is one function here, and one call in `api`.
"""

import warnings
from collections.abc import Callable, Hashable, Mapping
from functools import partial

import numpy as np

from dasknorm.blocks.group_labels import format_labels
from dasknorm.chunks import is_lazy
from dasknorm.errors import MismatchError
from dasknorm.fields.field import State, States
from dasknorm.statistics import Statistic

BATCH_BYTES = 1 << 22
"""Size of the records that a predicate gets at once; its temporaries are as large as these."""


def check_valid(states: States) -> None:
    """Raise ValueError if a state is invalid due to infinities; lazy states are not checked."""
    for name, state in states.items():
        if is_lazy(state.data):
            continue
        invalid = _apply_in_batches(state.statistic.is_invalid, state.data)
        if invalid.any():
            raise ValueError(
                f"{state.statistic.invalid_reason} in {_describe_where(name, state, invalid)}; "
                "replace them, for example by NaN, which is skipped: "
                "np.where(np.isfinite(x), x, np.nan)"
            )


def check_not_empty(states: States, is_masked: bool = False) -> None:
    """Raise ValueError if there are no samples; warn where all values are missing.

    With a mask, output elements that the mask excludes entirely give no warning.
    """
    missing = []
    for name, state in states.items():
        empty = _apply_in_batches(partial(_is_empty, state.statistic), state.data)
        if state.group_dim is not None and not len(state.data):
            raise ValueError(
                "no samples to adapt on: there are no rows, or none that belongs to a group, as "
                f"{state.group_dim!r} is missing in all of them"
            )
        if state.data.size and not _as_bytes(state.data).any():
            raise ValueError(
                f"no samples to adapt on in {_describe_where(name, state, empty)}: "
                "the merged axes have size 0, or all weights are 0"
            )
        if is_masked and empty.any():
            empty &= _is_nonempty(state.data)
        if empty.any():
            missing.append(_describe_where(name, state, empty))
    if missing:
        warnings.warn(
            f"no valid values in {'; '.join(missing)}: the statistics are NaN there, and data "
            "will be normalized to NaN",
            UserWarning,
            stacklevel=3,
        )


def check_counts(states: States, expected: Mapping[Hashable, float]) -> None:
    """Raise ValueError unless all counts are as expected."""
    for name, expected_count in expected.items():
        counts = states[name].statistic.result(states[name].data, "count")
        wrong = counts != expected_count
        if wrong.any():
            actual = ", ".join(f"{count:,.15g}" for count in np.unique(counts[wrong])[:5])
            raise ValueError(
                f"expected {expected_count:,.15g} values, and counted {actual} in "
                f"{_describe_where(name, states[name], wrong)}: missing values (NaN) are not "
                "counted, such as chunks that the store has lost"
            )


def check_shapes(declared: States, computed: States) -> None:
    """Raise MismatchError if the chunks have other sizes along kept axes than Dask declared."""
    for name, state in computed.items():
        if state.data.shape != declared[name].data.shape:
            raise MismatchError(
                f"the statistics of {'the data' if name is None else repr(name)} came out in shape "
                f"{state.data.shape}, where {declared[name].data.shape} was declared: the Dask "
                "array was declared with other chunks than its data have"
            )


def _is_empty(statistic: Statistic, records: np.ndarray) -> np.ndarray:
    return statistic.result(records, "count") == 0


def _apply_in_batches(
    predicate: Callable[[np.ndarray], np.ndarray], records: np.ndarray
) -> np.ndarray:
    """Return the predicate for each record; batches limit the memory of its temporaries."""
    flat, size = records.reshape(-1), max(1, BATCH_BYTES // records.dtype.itemsize)
    parts = [predicate(flat[i : i + size]) for i in range(0, max(flat.size, 1), size)]
    return np.concatenate(parts).reshape(records.shape)


def _is_nonempty(records: np.ndarray) -> np.ndarray:
    """Return True for each record that differs from the empty record, whose bytes are 0."""
    record_bytes = _as_bytes(records).reshape(*records.shape, records.dtype.itemsize)
    return np.asarray(record_bytes.any(axis=-1))


def _as_bytes(records: np.ndarray) -> np.ndarray:
    """Return the bytes of records, without a copy if they are contiguous."""
    return np.ascontiguousarray(records).reshape(-1).view("u1")


def _describe_where(name: Hashable, state: State, mask: np.ndarray) -> str:
    """Return text that names the first few positions where a mask is True."""
    # Columns are named themselves, and not by the statistic that some of them share.
    title = "the data" if name is None or state.has_columns else repr(name)
    if not state.dims:
        return title
    if state.group_dim is not None and mask.sum() > 2:
        groups = state.labels[state.group_dim][mask.reshape(len(mask), -1).any(axis=1)]
        return (
            f"{title} in {len(groups):,} of {len(mask):,} groups by {state.group_dim!r}: "
            f"{format_labels(groups)}"
        )
    positions = [state.describe_position(index) for index in np.argwhere(mask)[:5].tolist()]
    more = int(mask.sum()) - len(positions)
    return f"{title} at {' and '.join(positions)}{f' and {more} more' if more > 0 else ''}"
