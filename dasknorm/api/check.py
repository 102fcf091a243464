"""Comparing: other data beside statistics, in units of their spread.

Nothing is normalized. Other data are summarized along the same kept positions, and what is learned
is put through the affine map of the statistics, which gives what it would be of normalized data.
"""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.api import shards
from dasknorm.api.readings import Readings
from dasknorm.containers import container_of
from dasknorm.containers.per_variable import fields_like, selected
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Fields, checks
from dasknorm.fields.labels import listed
from dasknorm.fields.lags import without_lags
from dasknorm.fields.matching import names_of
from dasknorm.fields.states import select_groups
from dasknorm.reports.drift import COLUMNS, Limits, Measures, row
from dasknorm.reports.verdict import Check
from dasknorm.statistics.location_scale import comparable, extremes, like, parts

__all__ = ["compared"]


def compared(states: Fields, other: Any, limits: Limits, weights: Any, where: Any) -> Check:
    """Return how other data, or their statistics, lie beside states, variable by variable.

    Raises MismatchError unless names, kept dimensions and labels match.
    """
    states = without_lags(states)
    theirs = _learned(states, other, weights, where)
    rows = [
        {"variable": name, **row(measures, place, limits)}
        for key, found in theirs.items()
        for name, measures, place in _apart(key, found, _measured(states[key], found))
    ]
    table = pd.DataFrame(rows, columns=["variable", *COLUMNS])
    return Check(table.set_index("variable"), limits)


# -- the other side -------------------------------------------------------------------------------


def _learned(states: Fields, other: Any, weights: Any, where: Any) -> dict[Hashable, Field]:
    """Return what is known of the other data, by the names of the states; read once if data."""
    if isinstance(other, Readings):
        if not (weights is None and where is None):
            raise ValueError("weights= and where= go with data, not with statistics of data")
        return _of_statistics(states, other)
    container = container_of(other)
    found, kept = fields_like(container, other, states)
    asked = {
        key: replace(field, statistic=comparable(field.remembers)) for key, field in found.items()
    }
    theirs = shards.compute_states(container.summarize(other, asked, kept, weights, where))
    checks.check_valid(theirs)
    return theirs


def _of_statistics(states: Fields, other: Readings) -> dict[Hashable, Field]:
    theirs = without_lags(other.states)
    if names := [name for name in names_of(theirs) if name not in names_of(states)]:
        raise MismatchError(
            f"the statistics do not know {names}; they know {names_of(states)}: "
            "other.select([...]) takes some"
        )
    result: dict[Hashable, Field] = {}
    for key, state in states.items():
        if "columns" not in state.labels:
            result |= {key: theirs[key]} if key in theirs else {}
            continue
        own = selected(theirs, [n for n in state.labels["columns"] if n in names_of(theirs)])
        if len(own) > 1:
            raise MismatchError(f"columns {names_of(own)} have one statistic here, several there")
        result.update(zip([key], own.values(), strict=False))
    for key, field in result.items():
        if set(field.dims) != set(states[key].dims):
            raise MismatchError(
                f"kept dimensions differ: {listed(states[key].dims)} and {listed(field.dims)}"
            )
    return result


# -- measuring ------------------------------------------------------------------------------------


def _measured(state: Field, found: Field) -> Measures:
    """Measure the other data at each of their kept positions."""
    if state.grouped is not None:
        state = select_groups(state, found.labels[state.grouped])
    mine = list(parts(state.remembers, np.asarray(state.align_to(found))))
    theirs = list(parts(found.remembers, np.asarray(found.data)))
    own = mine[0]
    words, affine = own.words, own.statistic.affine(own.records)
    beside = like(own, theirs)

    def z(values: np.ndarray, rest: Any = 0.0) -> np.ndarray:
        less = (values - affine["shift"]) + (rest - affine["shift_rest"])
        return np.asarray(less / affine["scale"])

    with np.errstate(all="ignore"):
        (middle, width), (here, spread) = beside.yardstick(words), own.yardstick(words)
        unit = affine["scale"]
        is_mean = words == ("mean", "std")
        if words == ("min", "max"):  # the range, whatever it is brought to
            unit = np.where(spread > 0, spread, 1.0)
        low, high = map(z, extremes(own, theirs))
        lowest, highest = map(z, extremes(own, mine))
        return Measures(
            z_mean=z(middle, beside.mean_rest) if is_mean else (middle - here) / unit,
            z_std=width / unit,
            ratio=np.where(width == spread, 1.0, width / spread),
            z_min=low,
            z_max=high,
            beyond=np.maximum(lowest - low, high - highest).clip(0),
            count=beside.read("count"),
            missing=beside.missing,
            count_before=own.read("count"),
            missing_before=own.missing,
            is_known=np.isfinite(affine["shift"]) & np.isfinite(affine["scale"]),
        )


def _apart(
    key: Hashable, found: Field, measured: Measures
) -> Iterator[tuple[Hashable, Measures, Field]]:
    """Yield the name, measures and places of each variable or column."""
    if "columns" not in found.dims:
        yield "data" if key is None else key, measured, found
        return
    axis = found.dims.index("columns")
    dims = tuple(dim for dim in found.dims if dim != "columns")
    for i, name in enumerate(found.labels["columns"]):
        index = (slice(None),) * axis + (i,)
        yield name, measured.at(index), replace(found, data=found.data[index], dims=dims)
