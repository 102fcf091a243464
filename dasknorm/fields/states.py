"""States: create them from given values, merge them, select groups, smooth climatologies.

Used by api, containers, fields and io. Merging must stay associative and commutative.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from dasknorm import chunks
from dasknorm.blocks.group_labels import append_labels, find_labels, format_labels
from dasknorm.blocks.groups import GroupRecords
from dasknorm.errors import MismatchError
from dasknorm.fields import attributes, units
from dasknorm.fields.coords import keep_coords
from dasknorm.fields.field import Field, State, States
from dasknorm.fields.labels import format_dim, format_dims
from dasknorm.statistics import Moments, Predefined, Statistic
from dasknorm.statistics.base import Records


def state_from_values(
    name: Hashable,
    mean: Field,
    spread: Field,
    count: Field | None = None,
    role: Literal["variance", "std"] = "std",
    epsilon: float = 0.0,
) -> State:
    """Return the state of a mean, a variance or standard deviation, and perhaps a count."""
    _check_finite(np.asarray(mean.data), mean, "mean", name)
    variance = _like_mean(spread, mean, role, name)
    if role == "std":
        # The square root of a rounded square gives the std back to the bit.
        with np.errstate(over="ignore"):
            variance = np.square(variance)
        _check_finite(variance, mean, "the square of std", name)
    statistic: Statistic = Predefined(epsilon) if count is None else Moments(epsilon=epsilon)
    records = np.zeros(mean.data.shape, statistic.dtype)
    records["mean"] = mean.data
    if count is None:
        records["variance"] = variance
    else:
        records["count"] = _like_mean(count, mean, "count", name)
        records["m2"] = variance * records["count"]
    # The cell methods of a mean are not those of the data.
    attrs = {name: value for name, value in mean.attrs.items() if name != "cell_methods"}
    return State(
        records,
        mean.dims,
        mean.labels,
        mean.features,
        attrs,
        statistic=statistic,
        coords=keep_coords(mean.coords, mean.dims),
    )


def _like_mean(values: Field, mean: Field, role: str, name: Hashable) -> np.ndarray:
    """Return values aligned to a mean; ValueError if one of them is negative or not finite."""
    aligned = np.broadcast_to(values.align_to(mean, role), mean.data.shape)
    _check_all(~(aligned < 0), aligned, mean, f"{role} must not be negative", name)
    _check_finite(aligned, mean, role, name)
    return aligned


def _check_finite(values: np.ndarray, mean: Field, role: str, name: Hashable) -> None:
    _check_all(np.isfinite(values), values, mean, f"{role} must be finite", name)


def _check_all(
    is_valid: np.ndarray, values: np.ndarray, mean: Field, rule: str, name: Hashable
) -> None:
    """Raise ValueError that names the first value that breaks a rule."""
    for index in np.argwhere(~is_valid)[:1].tolist():
        value = values[tuple(index)]
        position = " ".join(filter(None, [str(name or ""), mean.describe_position(index)]))
        advice = (
            ". Where the data have no values, such as land, give the mean 0 and the std 1: "
            "mean.fillna(0), std.fillna(1)"
        )
        raise ValueError(
            f"{rule}, got {value}{' at ' if position else ''}{position}"
            f"{advice if np.isnan(value) else ''}"
        )


def merge_state(state: State, other: State) -> State:
    """Return a state merged with that of other data, matched by label; groups are united."""
    _check_same_statistic(state, other)
    _check_same_groups(state, other)
    reordered = reorder(other, state)
    return replace(
        state.with_records(chunks.merge(state.records, reordered.records, state.statistic)),
        selected_columns=state.selected_columns or other.selected_columns,
        attrs=attributes.merge(state.attrs, other.attrs),
        missing=state.missing if state.missing == other.missing else None,
        coords=reordered.coords,
    )


def _check_same_statistic(state: State, other: State) -> None:
    if state.statistic != other.statistic:
        kinds = [
            " with ".join(map(str, getattr(item.statistic, "parts", (item.statistic,))))
            for item in (state, other)
        ]
        raise MismatchError(f"statistics differ: {kinds[0]}, and {kinds[1]}")


def _check_same_groups(state: State, other: State) -> None:
    """Raise MismatchError unless both states have the same group dimension and lags, or none."""
    if state.groups != other.groups:
        by, other_by = (
            "not by group" if dim is None else f"by {dim!r}"
            for dim in (state.group_dim, other.group_dim)
        )
        raise MismatchError(f"statistics {by} and {other_by} do not merge")
    if state.lag_dim is None:
        return
    lags, other_lags = state.labels[state.group_dim], other.labels[other.group_dim]
    if not lags.equals(other_lags):
        raise MismatchError(
            f"lags differ: {format_labels(lags[1:])} and {format_labels(other_lags[1:])}; a lag "
            "of one side only would lack the values of the other"
        )


def reorder(state: State, other: State) -> State:
    """Return a state in the order of another one that has the same dimensions and labels."""
    if set(state.dims) != set(other.dims):
        raise MismatchError(
            f"kept dimensions differ: {format_dims(state.dims)} and {format_dims(other.dims)}"
        )
    for dim in other.dims:
        if dim == state.group_dim:
            continue
        size, other_size = state.sizes()[dim], other.sizes()[dim]
        if size != other_size:
            raise MismatchError(f"sizes differ along {format_dim(dim)}: {size} and {other_size}")
        if (dim in state.labels) != (dim in other.labels):
            raise MismatchError(f"only one side has labels along {format_dim(dim)}")
    labels = dict(other.labels)
    if state.group_dim in state.labels:
        labels[state.group_dim] = state.labels[state.group_dim]
    positions = state.find_positions(other)
    for dim, taken in positions.items():
        if taken is not None and np.unique(taken).size < np.size(taken):
            raise MismatchError(f"labels along {format_dim(dim)} are not unique on one side only")
    coords = {name: coord.take(positions) for name, coord in state.coords.items()}
    data = state.take(positions, other.data_dims)
    return replace(other, data=data, labels=labels, coords={**coords, **other.coords})


def select_groups(state: State, groups: pd.Index) -> State:
    """Return the states of these groups, sorted; an unknown group has an empty state."""
    positions = find_labels(groups, state.labels[state.group_dim])
    records = np.zeros((len(groups), *state.data.shape[1:]), state.data.dtype)
    records[positions >= 0] = state.data[positions[positions >= 0]]
    return state.with_records(GroupRecords(groups, records))


def select_group(state: State, label: object) -> State:
    """Return the state of one group, like that of data without groups."""
    labels = {dim: index for dim, index in state.labels.items() if dim != state.group_dim}
    data = state.data[state.labels[state.group_dim].get_loc(label)]
    return replace(state, data=data, dims=state.dims[1:], labels=labels, groups=None)


def concat_columns(state: State, other: State) -> State:
    """Return the states of different columns as one; groups are united."""
    _check_same_groups(state, other)
    if state.group_dim is not None:
        groups, other_groups = state.labels[state.group_dim], other.labels[state.group_dim]
        if not groups.equals(other_groups):
            groups = append_labels(groups, other_groups[find_labels(other_groups, groups) < 0])
            state, other = select_groups(state, groups), select_groups(other, groups)
    columns = state.labels["columns"].append(other.labels["columns"])
    data = np.concatenate([state.data, other.data], axis=state.dims.index("columns"))
    is_selection = state.selected_columns is not None or other.selected_columns is not None
    return replace(
        state,
        data=data,
        labels={**state.labels, "columns": columns},
        selected_columns=tuple(columns) if is_selection else None,
    )


def share_scale(states: States, groups: Sequence[Sequence[Hashable]]) -> dict[Hashable, State]:
    """Return states in which each group of variables has one scale per output element."""
    result: dict[Hashable, State] = dict(states)
    names = set()
    for group in groups:
        if isinstance(group, str) or len(group) < 2:
            raise TypeError(f"a scale is shared by two or more, as ('u', 'v'), got {group!r}")
        for name in group:
            if name not in states:
                raise MismatchError(f"no statistics for {name!r}; available: {list(states)}")
            if name in names:
                raise MismatchError(f"{name!r} is named twice; one scale can be shared only once")
            names.add(name)
        first = states[group[0]]
        for name in group:
            _check_same_statistic(first, states[name])
            first_name, pair = repr(group[0]), (group[0], name)
            units.check_same(pair, first.attrs, states[name].attrs, first_name, repr(name))
        members = [reorder(states[name], first) for name in group]
        records = first.statistic.with_one_scale([member.data for member in members])
        for name, member, data in zip(group, members, records, strict=True):
            # `reorder` copies the attributes of the first variable.
            result[name] = replace(member, data=data, attrs=states[name].attrs)
    return result


def smooth(state: State, days: int, is_linear: bool) -> State:
    """Return a climatology in which each day of the year is merged with the days around it."""
    labels = state.labels[state.group_dim]
    level = next((i for i, key in enumerate(labels.names) if _is_day(key)), None)
    if level is None:
        raise MismatchError(
            "a window is of days of the year, by='time.dayofyear' or by='time.monthday'; there "
            f"are groups by {format_dims([str(key) for key in labels.names])}"
        )
    day, year_length = _place_in_year(labels.get_level_values(level), labels.names[level])
    other_keys = labels.droplevel(level) if labels.nlevels > 1 else pd.Index([0] * len(labels))
    groups = pd.Series(np.arange(len(labels))).groupby(pd.factorize(other_keys)[0]).groups
    records = np.empty_like(state.data)
    for group in groups.values():
        positions = np.asarray(group)
        ring = np.zeros((year_length, *state.data.shape[1:]), state.data.dtype)
        ring[day[positions]] = state.data[positions]
        smoothed = _merge_around(ring, days, is_linear, state.statistic)
        records[positions] = smoothed[day[positions]]
    return replace(state, data=records)


def _is_day(key: object) -> bool:
    return str(key).rpartition(".")[2] in ("dayofyear", "monthday")


def _place_in_year(labels: pd.Index, key: object) -> tuple[np.ndarray, int]:
    """Return the index of each day in the year, and the number of days in the year."""
    if str(key).endswith("dayofyear"):
        days = labels.to_numpy(int)
        return days - 1, int(days.max()) if days.max() in (365, 360) else 366
    month, day = (labels.str[part].astype(int).to_numpy() for part in (slice(2), slice(3, None)))
    if "02-30" in labels:
        return 30 * month + day - 31, 360
    lengths = [31, 29 if "02-29" in labels else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return np.cumsum([0, *lengths])[month - 1] + day - 1, sum(lengths)


def _merge_around(ring: Records, days: int, is_linear: bool, statistic: Statistic) -> Records:
    """Merge each record of a ring with the records around it."""
    if not is_linear:
        return np.roll(_merge_next(ring, days, statistic), days // 2, axis=0)
    # Weights that fall linearly to 0 at both ends are two windows of equal weights, one after the
    # other, each half as wide.
    half = days // 2
    merged = _merge_next(_merge_next(ring, half, statistic), half, statistic)
    return np.roll(merged, half - 1, axis=0)


def _merge_next(ring: Records, days: int, statistic: Statistic) -> Records:
    """Merge each record with the next days - 1 records, with twice as many at each step."""
    total, width = None, 0
    doubled, size = ring.copy(), 1
    while True:
        if days & size:
            part = np.roll(doubled, -width, axis=0)
            total = part if total is None else _joined(total, part, statistic)
            width += size
        if 2 * size > days:
            return ring if total is None else total
        doubled = _joined(doubled, np.roll(doubled, -size, axis=0), statistic)
        size *= 2


def _joined(total: Records, part: Records, statistic: Statistic) -> Records:
    statistic.join(total, part)
    return total
