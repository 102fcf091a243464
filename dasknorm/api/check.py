"""Compare new data with statistics, in units of their standard deviation (`Stats.check`).

Used by `api.stats`. Nothing is normalized: the new data are summarized over the same dimensions,
and the affine map of the statistics is applied to the results.
"""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.api import shards
from dasknorm.containers import container_of
from dasknorm.containers.batches import check_single
from dasknorm.containers.per_variable import match_fields, select_names
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, State, States, checks, units
from dasknorm.fields.labels import format_dims
from dasknorm.fields.matching import names_of
from dasknorm.fields.states import select_groups
from dasknorm.reports.drift import COLUMNS, Check, Limits, Measures, summarize
from dasknorm.statistics.location_scale import (
    comparable,
    extremes,
    find_comparable,
    location_scale_names,
)


def compare(states: States, new_states: States, limits: Limits) -> Check:
    """Return the drift of new states from states, variable by variable."""
    rows = [
        {"variable": name, **summarize(measures, place, limits)}
        for key, state in new_states.items()
        for name, measures, place in _apart(key, state, _measured(states[key], state))
    ]
    table = pd.DataFrame(rows, columns=["variable", *COLUMNS])
    return Check(table.set_index("variable"), limits)


# -- the new states -------------------------------------------------------------------------------


def compute_like(
    states: States, data: object, weights: object, where: object
) -> dict[Hashable, State]:
    """Return the states of new data under the names of `states`; the data are read once.

    Raises MismatchError unless names, kept dimensions and labels match.
    """
    check_single(data, "check")
    container = container_of(data)
    fields, kept = match_fields(container, data, states)
    fields = {
        key: replace(field, statistic=comparable(states[key].statistic))
        for key, field in fields.items()
    }
    work = container.summarize(data, fields, kept, weights, where)
    computed = shards.compute_states(work)
    checks.check_plausible(computed)
    return computed


def select_like(states: States, new_states: States) -> dict[Hashable, State]:
    """Return the states of other statistics under the names of `states`.

    Raises MismatchError unless names and kept dimensions match.
    """
    names, new_names = names_of(states), names_of(new_states)
    if unknown := [name for name in new_names if name not in names]:
        raise MismatchError(
            f"no statistics for {unknown}; available: {names}. Select some: other.select([...])"
        )
    result: dict[Hashable, State] = {}
    for key, state in states.items():
        if not state.has_columns:
            result |= {key: new_states[key]} if key in new_states else {}
            continue
        columns = [name for name in state.labels["columns"] if name in new_names]
        fields = select_names(new_states, columns)
        if len(fields) > 1:
            raise MismatchError(
                f"columns {names_of(fields)} have one statistic here and several in the other"
            )
        result.update(zip([key], fields.values(), strict=False))
    for key, state in result.items():
        if set(state.dims) != set(states[key].dims):
            raise MismatchError(
                f"kept dimensions differ: {format_dims(states[key].dims)} and "
                f"{format_dims(state.dims)}"
            )
        units.check_same(key, state.attrs, states[key].attrs, "the new statistics")
    return result


# -- measuring ------------------------------------------------------------------------------------


def _measured(state: State, found: State) -> Measures:
    """Measure the other data at each of their kept positions."""
    if state.group_dim is not None:
        state = select_groups(state, found.labels[state.group_dim])
    mine = state.statistic.components(np.asarray(state.align_to(found)))
    theirs = found.statistic.components(np.asarray(found.data))
    own, names = mine[0], location_scale_names(mine[0])
    affine = own.statistic.affine(own.records)
    other = find_comparable(own, theirs)

    def z(values: np.ndarray, rest: Any = 0.0) -> np.ndarray:
        less = (values - affine["shift"]) + (rest - affine["shift_rest"])
        return np.asarray(less / affine["scale"])

    with np.errstate(all="ignore"):
        (middle, width), (here, spread) = (
            own.statistic.location_scale(*map(component.result, names))
            for component in (other, own)
        )
        unit = affine["scale"]
        is_mean = names == ("mean", "std")
        if names == ("min", "max"):  # the range, whatever it is brought to
            unit = np.where(spread > 0, spread, 1.0)
        low, high = map(z, extremes(own, theirs))
        lowest, highest = map(z, extremes(own, mine))
        return Measures(
            z_mean=z(middle, other.stored("mean_rest", 0.0)) if is_mean else (middle - here) / unit,
            z_std=width / unit,
            ratio=np.where(width == spread, 1.0, width / spread),
            z_min=low,
            z_max=high,
            out_of_range=np.maximum(lowest - low, high - highest).clip(0),
            count=other.result("count"),
            missing=other.stored("missing", np.nan),
            count_before=own.result("count"),
            missing_before=own.stored("missing", np.nan),
            is_known=np.isfinite(affine["shift"]) & np.isfinite(affine["scale"]),
        )


def _apart(
    key: Hashable, found: State, measured: Measures
) -> Iterator[tuple[Hashable, Measures, Field]]:
    """Yield the name, measures and places of each variable or column."""
    if not found.has_columns:
        yield "data" if key is None else key, measured, found
        return
    axis = found.dims.index("columns")
    dims = tuple(dim for dim in found.dims if dim != "columns")
    for i, name in enumerate(found.labels["columns"]):
        index = (slice(None),) * axis + (i,)
        yield name, measured.at(index), replace(found, data=found.data[index], dims=dims)
