"""Fill values: numbers in computed states that programs store in place of missing values.

Used by fields.checks. They are found in the records after the pass, so no data are read for it. The
numbers that attributes declare are in `missing_values`.
"""

from collections.abc import Hashable, Iterator
from functools import partial

import numpy as np

from dasknorm.fields.elements import (
    apply_in_batches,
    batches_of,
    count_noun,
    counts_of,
    describe_where,
    title_of,
)
from dasknorm.fields.field import State
from dasknorm.fields.missing_values import format_fill
from dasknorm.fields.states import select_group
from dasknorm.statistics.base import DEFAULT_FILL

LARGE_FILLS = (1e20, 9.999e20, 1e30, 1e35, 1e36, 3.4028235e38, -1e30, -9e33, -3.4028235e38)
"""Numbers that programs store for missing values; unlike `DEFAULT_FILL`, they may be data."""


def is_ordinary(state: State) -> bool:
    """Return True if a quick test shows that no record has infinities or fill values."""
    return all(map(state.statistic.is_ordinary, batches_of(state)))


def check_no_default_fill(name: Hashable, state: State) -> None:
    """Raise ValueError if the data contain the number that netCDF stores for missing values."""
    if state.lag_dim is not None:  # a difference of a fill value is one, too
        state = select_group(state, state.labels[state.group_dim][0])
    weights = _weights_of(state, DEFAULT_FILL)
    if not (is_fill := weights != 0).any():
        return
    fill, dtype, missing = DEFAULT_FILL, "floats", state.missing
    advice = "replace them by NaN: data.where(data < 9e36), or np.where(x < 9e36, x, np.nan)"
    if missing is not None and missing.undeclared is not None:
        fill, dtype = missing.undeclared, missing.stored_dtype
        variable = "data" if name is None else f"ds[{name!r}]"
        advice = f"if they are data, write {variable}.encoding['_FillValue'] = None"
    if name is not None and not state.has_columns:
        declaration = f"ds[{name!r}].attrs['_FillValue'] = {fill!r}"
        advice = f"to treat them as missing values, write {declaration}; {advice}"
    raise ValueError(
        f"{_format_weight(weights[is_fill])} of {format_fill(fill)} in "
        f"{describe_where(name, state, is_fill)}: netCDF stores this number for missing {dtype} if "
        f"a variable has no _FillValue; {advice}"
    )


def check_zeros(name: Hashable, state: State) -> None:
    """Raise ValueError if zeros of floats are missing because the fill value in Zarr is 0."""
    missing = state.missing
    if missing is None or not missing.masks_zero or "float" not in missing.stored_dtype:
        return
    if weight := _missing_weight(state):
        raise ValueError(_describe_zeros(name, state, weight))


def find_doubts(name: Hashable, state: State) -> Iterator[str]:
    """Yield a text for each reason why statistics may be of numbers that are not data."""
    if (missing := state.missing) is not None:
        if missing.is_packed:
            yield (
                f"{title_of(name, state)} has packed integers and the attributes scale_factor, "
                "add_offset or _Unsigned: the statistics are of packed numbers; open the file with "
                "mask_and_scale=True"
            )
        if missing.masks_zero and (weight := _missing_weight(state)):
            yield _describe_zeros(name, state, weight)
    if is_ordinary(state):
        return
    fills = apply_in_batches(partial(_find_large_fill, state), state)
    for fill in np.unique(fills[fills != 0]).tolist():
        is_fill = fills == fill
        weights = _weights_of(state, fill)[is_fill]
        if (np.isnan(weights) | (weights < (1 - 1e-6) * counts_of(state)[is_fill])).any():
            yield (
                f"{_format_weight(weights)} of {format_fill(fill)} in "
                f"{describe_where(name, state, is_fill)}: this number often stands for missing "
                "values; if so, replace it by NaN"
            )


def _find_large_fill(state: State, records: np.ndarray) -> np.ndarray:
    """Return for each record the first of `LARGE_FILLS` that occurs, or 0."""
    result = np.zeros(records.shape)
    for fill, weights in state.statistic.weights_of(records, LARGE_FILLS).items():
        result[(weights != 0) & (result == 0)] = fill
    return result


def _weights_of(state: State, value: float) -> np.ndarray:
    def weights_of(records: np.ndarray) -> np.ndarray:
        weights = state.statistic.weights_of(records, (value,))
        return weights.get(value, np.zeros(records.shape))

    return apply_in_batches(weights_of, state)


def _describe_zeros(name: Hashable, state: State, weight: float) -> str:
    return (
        f"{_format_weight(weight, 'missing value')} in {title_of(name, state)}: zeros are read as "
        "missing, because the fill value of the Zarr array is 0. If zeros are data, open the store "
        f"without the mask: raw = xr.open_zarr(path, decode_cf=False); del raw[{name!r}]"
        ".attrs['_FillValue']; ds = xr.decode_cf(raw). If zeros are missing values, write "
        f"ds[{name!r}].encoding['missing_value'] = 0"
    )


def _missing_weight(state: State) -> float:
    """Return the total weight of missing values; 0 if the records do not have it."""
    component = state.statistic.components(state.data)[0]
    return float(np.sum(component.stored("missing", 0.0)))


def _format_weight(weights: np.ndarray | float, noun: str = "value") -> str:
    """Return a total weight as a number of values, if it is one."""
    weight = float(np.sum(weights))
    number = round(weight) if np.isfinite(weight) else 0
    is_count = number > 0 and abs(weight - number) <= 1e-6 * weight
    return count_noun(number, noun) if is_count else f"{noun}s"
