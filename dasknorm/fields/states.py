"""States: fields of records, merged with others, taken apart by group, or seen through a window."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from dasknorm import chunks
from dasknorm.blocks.group_labels import appended, places_of, some
from dasknorm.blocks.groups import GroupRecords
from dasknorm.errors import MismatchError
from dasknorm.fields.field import State
from dasknorm.fields.labels import listed, shown
from dasknorm.statistics import Statistic
from dasknorm.statistics.base import Records

__all__ = [
    "aligned",
    "beside",
    "merged",
    "refuse_other_groups",
    "refuse_other_statistic",
    "select_group",
    "select_groups",
    "windowed",
]


def merged(state: State, other: State) -> State:
    """Return states merged with those of other data, matched by label; groups are united."""
    refuse_other_statistic(state, other)
    refuse_other_groups(state, other)
    theirs = aligned(other, state)
    both = state.with_records(chunks.merge(state.records, theirs.records, state.statistic))
    return replace(both, selected_columns=state.selected_columns or other.selected_columns)


def refuse_other_statistic(state: State, other: State) -> None:
    """Raise MismatchError unless both remember the same."""
    if state.statistic != other.statistic:
        raise MismatchError(f"statistics differ: {state.statistic} and {other.statistic}")


def refuse_other_groups(state: State, other: State) -> None:
    """Raise MismatchError unless both are by the same groups and lags, or both by none."""
    if (state.group_dim, state.lag_dim) != (other.group_dim, other.lag_dim):
        by = [
            f"by {each.group_dim!r}" if each.group_dim is not None else "not by group"
            for each in (state, other)
        ]
        raise MismatchError(f"statistics {by[0]} and {by[1]} do not merge")
    if state.lag_dim is None:
        return
    mine, theirs = (each.labels[each.group_dim] for each in (state, other))
    if not mine.equals(theirs):
        raise MismatchError(
            f"lags differ: {some(mine[1:])} and {some(theirs[1:])}; what only one side has seen "
            "would be missing from the other"
        )


def aligned(state: State, other: State) -> State:
    """Return a state in the order of another that has the same dimensions and labels."""
    if set(state.dims) != set(other.dims):
        raise MismatchError(
            f"kept dimensions differ: {listed(state.dims)} and {listed(other.dims)}"
        )
    for dim in other.dims:
        if dim == state.group_dim:
            continue
        if state.sizes()[dim] != other.sizes()[dim]:
            raise MismatchError(
                f"sizes differ along {shown(dim)}: {state.sizes()[dim]} and {other.sizes()[dim]}"
            )
        if (dim in state.labels) != (dim in other.labels):
            raise MismatchError(f"only one side has labels along {shown(dim)}")
    labels = {**other.labels, **{d: i for d, i in state.labels.items() if d == state.group_dim}}
    return replace(other, data=state.align_to(other), labels=labels)


def select_groups(state: State, groups: pd.Index) -> State:
    """Return the states of these groups, sorted; of those not known, of no value."""
    known = places_of(groups, state.labels[state.group_dim])
    records = np.zeros((len(groups), *state.data.shape[1:]), state.data.dtype)
    records[known >= 0] = state.data[known[known >= 0]]
    return state.with_records(GroupRecords(groups, records))


def beside(state: State, other: State) -> State:
    """Return the states of some columns and those of others as one; groups are united."""
    refuse_other_groups(state, other)
    if state.group_dim is not None:
        mine, theirs = (each.labels[each.group_dim] for each in (state, other))
        if not mine.equals(theirs):
            groups = appended(mine, theirs[places_of(theirs, mine) < 0])
            state, other = select_groups(state, groups), select_groups(other, groups)
    columns = state.labels["columns"].append(other.labels["columns"])
    data = np.concatenate([state.data, other.data], axis=state.dims.index("columns"))
    some = state.selected_columns is not None or other.selected_columns is not None
    chosen = tuple(columns) if some else None
    return replace(
        state, data=data, labels={**state.labels, "columns": columns}, selected_columns=chosen
    )


def select_group(state: State, label: Any) -> State:
    """Return the states of one group, as those of data without groups."""
    own = {dim: index for dim, index in state.labels.items() if dim != state.group_dim}
    data = state.data[state.labels[state.group_dim].get_loc(label)]
    return replace(state, data=data, dims=state.dims[1:], labels=own, groups=None)


def windowed(state: State, days: int, is_linear: bool) -> State:
    """Return states of each day of the year together with the days around it.

    States of a climatology by day of year, and perhaps more, such as the hour. The year is a ring.
    """
    labels = state.labels[state.group_dim]
    at = next((i for i, key in enumerate(labels.names) if _is_day(key)), None)
    if at is None:
        raise MismatchError(
            f"a window is of days of the year, by='time.dayofyear'; there are groups by "
            f"{listed([str(key) for key in labels.names])}"
        )
    day = labels.get_level_values(at).to_numpy(int)
    rest = labels.droplevel(at) if labels.nlevels > 1 else pd.Index([0] * len(labels))
    records = np.empty_like(state.data)
    for own in pd.Series(np.arange(len(labels))).groupby(pd.factorize(rest)[0]).groups.values():
        places = np.asarray(own)
        ring = np.zeros((_year(day), *state.data.shape[1:]), state.data.dtype)
        ring[day[places] - 1] = state.data[places]
        records[places] = _around(ring, days, is_linear, state.statistic)[day[places] - 1]
    return replace(state, data=records)


def _is_day(key: Any) -> bool:
    return str(key).rpartition(".")[2] == "dayofyear"


def _year(days: np.ndarray) -> int:
    """Return how many days a year of the calendar has that these days of the year are of."""
    return int(days.max()) if days.max() in (365, 360) else 366


def _around(ring: Records, days: int, is_linear: bool, statistic: Statistic) -> Records:
    """Merge each record of a ring with those around it.

    Weights that fall linearly to 0 at both ends are two windows of equal weights, one after the
    other, each half as wide.
    """
    if not is_linear:
        return np.roll(_forward(ring, days, statistic), days // 2, axis=0)
    half = days // 2
    twice = _forward(_forward(ring, half, statistic), half, statistic)
    return np.roll(twice, half - 1, axis=0)


def _forward(ring: Records, days: int, statistic: Statistic) -> Records:
    """Merge each record with the days - 1 that come next: twice as many at each step."""
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
