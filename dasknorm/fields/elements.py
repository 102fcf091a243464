"""Output elements: compute a number for each of their records, and describe where they are.

Used by fields. Tests match the text of positions.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace

import numpy as np

from dasknorm.blocks.group_labels import format_labels
from dasknorm.fields.field import State

BATCH_BYTES = 1 << 22
"""Size of the records that a function gets at once; its temporaries are as large as these."""

MAX_POSITIONS, MAX_COLUMNS = 2, 5
"""The numbers of output elements, and of columns, that a text lists; of more, the number."""


def apply_in_batches(function: Callable[[np.ndarray], np.ndarray], state: State) -> np.ndarray:
    """Return a number or boolean for each record, computed in batches."""
    parts = [function(records) for records in batches_of(state)]
    return np.concatenate(parts).reshape(state.data.shape)


def batches_of(state: State) -> Iterator[np.ndarray]:
    """Yield the records in batches, which limit the memory of temporaries; at least one batch."""
    flat = state.data.reshape(-1)
    size = max(1, BATCH_BYTES // flat.dtype.itemsize)
    for start in range(0, max(flat.size, 1), size):
        yield flat[start : start + size]


def counts_of(state: State) -> np.ndarray:
    """Return the number of values of each output element, or the sum of their weights."""
    return apply_in_batches(lambda records: state.statistic.result(records, "count"), state)


def title_of(name: Hashable, state: State) -> str:
    """Return the name of a variable in quotes; columns are named by their positions."""
    return "the data" if name is None or state.has_columns else repr(name)


def describe_where(name: Hashable, state: State, mask: np.ndarray) -> str:
    """Return a variable and the output elements where a mask is True: a few, or their number."""
    title = title_of(name, state)
    if not state.dims:
        return title
    if state.group_dim is not None and mask.sum() > MAX_POSITIONS:
        rows = mask.reshape(len(mask), -1)
        if (rows.all(axis=1) == rows.any(axis=1)).all():
            groups = state.labels[state.group_dim][rows.any(axis=1)]
            return (
                f"{title} in {len(groups):,} of {count_noun(len(mask), 'group')} by "
                f"{state.group_dim!r}: {format_labels(groups)}"
            )
        if (rows == rows[:1]).all():  # such as land in a climatology of the sea
            cells = replace(state, data=state.data[0], dims=state.dims[1:], groups=None)
            return f"{title} in all groups by {state.group_dim!r} at {_positions(cells, mask[0])}"
    return f"{title} at {_positions(state, mask)}"


def _positions(state: State, mask: np.ndarray) -> str:
    """Return the first positions where a mask is True; of many, their number and the first."""
    is_columns = state.dims == ("columns",)
    max_shown, count = MAX_COLUMNS if is_columns else MAX_POSITIONS, int(mask.sum())
    first = [state.describe_position(index) for index in np.argwhere(mask)[:max_shown].tolist()]
    if count <= max_shown:
        return " and ".join(first)
    if is_columns:
        return f"{' and '.join(first)} and {count - max_shown:,} more"
    return f"{count:,} of {count_noun(mask.size, 'output element')}, such as {first[0]}"


def count_noun(number: float, noun: str) -> str:
    """Return a number with a noun: ``1 value``, ``1,200 values``."""
    return f"{number:,.15g} {noun}{'' if number == 1 else 's'}"
