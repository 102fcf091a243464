"""Checks of computed states: infinities, missing and single values, counts, shapes, packing.

Used by api, containers, layer and sklearn. A new check is one function here, and one call in `api`.
"""

import warnings
from collections.abc import Hashable, Mapping

import numpy as np

from dasknorm.chunks import is_lazy
from dasknorm.errors import MismatchError
from dasknorm.fields import fill_values
from dasknorm.fields.elements import apply_in_batches, count_noun, counts_of, describe_where
from dasknorm.fields.field import Field, State, States
from dasknorm.fields.missing_values import is_packed

Counts = Mapping[Hashable, np.ndarray]
"""The number of values of each output element of each state, or the sum of their weights."""


def check_valid(states: States) -> None:
    """Raise ValueError if infinities or fill values made a state invalid, unless it is lazy."""
    for name, state in states.items():
        if is_lazy(state.data):
            continue
        fill_values.check_zeros(name, state)
        if fill_values.is_ordinary(state):
            continue
        invalid = apply_in_batches(state.statistic.is_invalid, state)
        if invalid.any():
            raise ValueError(
                f"{state.statistic.invalid_reason} in {describe_where(name, state, invalid)}; "
                "replace them, for example by NaN, which is skipped: "
                "np.where(np.isfinite(x), x, np.nan)"
            )
        fill_values.check_no_default_fill(name, state)


def check_plausible(states: States) -> None:
    """Warn once for each variable whose numbers may not be data, such as packed integers."""
    for name, state in states.items():
        for doubt in fill_values.find_doubts(name, state):
            warnings.warn(doubt, UserWarning, stacklevel=3)


def check_packing(name: Hashable, field: Field, state: State) -> None:
    """Warn if data to normalize are packed integers, and the statistics are of data without."""
    is_field_packed = field.missing is not None and field.missing.is_packed
    if is_field_packed and not is_packed(state.attrs, field.data.dtype):
        warnings.warn(
            f"{'the data' if name is None else repr(name)} has packed integers and the attributes "
            "scale_factor, add_offset or _Unsigned, and the statistics are of data without them; "
            "open the file with mask_and_scale=True",
            UserWarning,
            stacklevel=5,
        )


def count_values(states: States) -> Counts:
    """Return the number of values of each output element, or the sum of their weights."""
    return {name: counts_of(state) for name, state in states.items()}


def check_spread(states: States, counts: Counts) -> None:
    """Warn once about groups and cells with a single value, which have no spread.

    The states are of data without weights. A single row of features gives no warning, nor does a
    variable without dimensions.
    """
    with_spread = {
        name: counts[name]
        for name, state in states.items()
        if len(state.statistic.location_scale_names) > 1
    }
    has_more = any((count > 1).any() for count in with_spread.values())
    single = [
        describe_where(name, states[name], count == 1)
        for name, count in with_spread.items()
        if states[name].dims and (count == 1).any() and (has_more or _has_cells(states[name]))
    ]
    if single:
        warnings.warn(
            f"only one value in {'; '.join(single)}: one value has no spread, so data are divided "
            "by 1 there, or become NaN with Moments(ddof=1); use more data, or larger groups",
            UserWarning,
            stacklevel=3,
        )


def check_not_empty(states: States, counts: Counts, is_masked: bool = False) -> None:
    """Raise ValueError if there are no samples; warn where all values are missing.

    With a mask, output elements that the mask excludes entirely give no warning.
    """
    missing = []
    for name, state in states.items():
        empty = counts[name] == 0
        if state.group_dim is not None and not len(state.data):
            raise ValueError(
                "no samples to adapt on: there are no rows, or none that belongs to a group, as "
                f"{state.group_dim!r} is missing in all of them"
            )
        if state.data.size and empty.all() and not _as_bytes(state.data).any():
            raise ValueError(
                f"no samples to adapt on in {describe_where(name, state, empty)}: "
                "the reduced dimensions have size 0, or all weights are 0"
            )
        if is_masked and empty.any():
            empty &= _is_nonempty(state.data)
        if empty.any():
            missing.append(describe_where(name, state, empty))
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
            fewer, more = (counts < expected_count).any(), (counts > expected_count).any()
            reasons = [
                "fewer, because missing values (NaN) are not counted, such as chunks that the "
                "store has lost"
                if fewer
                else "",
                "more, because the data are larger than expected, or parts are read twice"
                if more
                else "",
            ]
            raise ValueError(
                f"expected {count_noun(expected_count, 'value')}, and counted {actual} in "
                f"{describe_where(name, states[name], wrong)}: {'; '.join(filter(None, reasons))}"
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


def _has_cells(state: State) -> bool:
    """Return whether output elements are groups or cells of a named dimension, not features."""
    names = [dim for dim in state.dims if dim != "columns" and not isinstance(dim, int)]
    return state.group_dim is not None or bool(names)


def _is_nonempty(records: np.ndarray) -> np.ndarray:
    """Return True for each record that differs from the empty record, whose bytes are 0."""
    record_bytes = _as_bytes(records).reshape(*records.shape, records.dtype.itemsize)
    return np.asarray(record_bytes.any(axis=-1))


def _as_bytes(records: np.ndarray) -> np.ndarray:
    """Return the bytes of records, without a copy if they are contiguous."""
    return np.ascontiguousarray(records).reshape(-1).view("u1")
