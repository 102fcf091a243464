"""Convert the numbers that other programs have written to states (`load`).

Used by api.load. A format adds results here only if they fit a statistic.
"""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Groups, State
from dasknorm.fields.states import state_from_values
from dasknorm.io import formats
from dasknorm.io.formats.format_values import Arrays, Names, format_lag
from dasknorm.statistics import Extrema, MultiStatistic, Predefined, Statistic

__all__ = ["load_states"]

ENDS = ("min", "max")

Found = Mapping[str, Mapping[Any, xr.DataArray]]
"""By reading, and by the name of a variable here."""


def load_states(
    path: str | PathLike[str], form: formats.Format, names: Names, lag: Any, container: str
) -> tuple[dict[Hashable, State], str]:
    """Return the states and the kind of container that files of a format stand for.

    A minimum and a maximum are kept where both are known, beside the mean and the variance.
    """
    numbers = formats.read(form, path)
    back = {theirs: ours for ours, theirs in (names or {}).items()}
    values = {reading: _renamed(arrays, back) for reading, arrays in numbers.values.items()}
    if container == "pandas.DataFrame":
        return {None: _columns(values)}, container
    if container != "xarray.Dataset":
        raise ValueError(
            f"container must be 'xarray.Dataset' or 'pandas.DataFrame', got {container!r}"
        )
    changes = {
        key: {reading: _renamed(arrays, back) for reading, arrays in change.items()}
        for key, change in numbers.changes.items()
    }
    dim, lags = _lags(list(changes), lag)
    states: dict[Hashable, State] = {}
    for name in values["mean"]:
        state = _state(values, name)
        own = [
            _state(change, name, state.statistic)
            for change in changes.values()
            if name in change["std"]
        ]
        states[name] = _stacked(state, own, dim, lags) if own and len(own) == len(lags) else state
    return states, container


def _renamed(arrays: Arrays, names: Mapping[str, Hashable]) -> dict[Hashable, xr.DataArray]:
    return {names.get(name, name): array for name, array in arrays.items()}


def _state(found: Found, name: Hashable, statistic: Statistic | None = None) -> State:
    """Return the records of one variable; those of changes without a mean have a mean of 0."""
    if name not in found["std"]:
        raise MismatchError(f"there is a mean of {name!r}, and no standard deviation")
    std = found["std"][name]
    mean = found.get("mean", {}).get(name, xr.zeros_like(std))
    state = state_from_values(None, _field(mean), _field(std))
    ends = [found[end][name].values for end in ENDS if name in found.get(end, {})]
    return _with_ends(state, ends, statistic)


def _columns(found: Found) -> State:
    """Return the records of columns, in one field."""
    dims = ("columns",)
    if kept := [name for name, array in found["mean"].items() if array.ndim]:
        raise MismatchError(f"columns have one number each, and {kept} have one for each level")
    row = {
        reading: pd.Series({name: float(array) for name, array in arrays.items()})
        for reading, arrays in found.items()
    }
    mean, std = (
        Field(row[reading].to_numpy("f8"), dims, {"columns": row[reading].index}, dims)
        for reading in ("mean", "std")
    )
    state = state_from_values(None, mean, std)
    whole = [end for end in ENDS if end in row and row[end].index.equals(row["mean"].index)]
    return _with_ends(state, [row[end].to_numpy() for end in whole], None)


def _field(array: xr.DataArray) -> Field:
    labels = {dim: array.indexes[dim] for dim in array.dims if dim in array.indexes}
    return Field(array.to_numpy().astype("f8"), array.dims, labels, array.dims, dict(array.attrs))


def _with_ends(state: State, ends: list[np.ndarray], statistic: Statistic | None) -> State:
    """Return records with a minimum and a maximum, if there are both; how many they are of is NaN.

    If the statistic is said, so that it is that of other records, they are none where unknown.
    """
    if statistic is None and len(ends) == len(ENDS):
        statistic = MultiStatistic((Predefined(), Extrema()))
    if statistic in (None, state.statistic):
        return state
    records = np.zeros(state.data.shape, statistic.dtype)
    for name in state.data.dtype.names:
        records[f"known_{name}"] = state.data[name]
    if len(ends) == len(ENDS):
        records["extrema_count"] = np.nan
        records["extrema_min"], records["extrema_max"] = ends
    return replace(state, data=records, statistic=statistic)


def _lags(found: list[Any], lag: Any) -> tuple[str, list[Any]]:
    """Return along what changes are, and by how much each."""
    dim, lag_argument = next(iter(lag.items())) if isinstance(lag, Mapping) else ("time", lag)
    if lag_argument is not None and found not in ([], [None]):
        lags_text = ", ".join(map(format_lag, found))
        raise MismatchError(f"the file says itself that changes are by {lags_text}: leave lag= out")
    if lag_argument is not None and not isinstance(lag_argument, int):
        lag_argument = pd.Timedelta(lag_argument)
    return dim, [
        (1 if lag_argument is None else lag_argument) if key is None else key for key in found
    ]


def _stacked(state: State, changes: list[State], dim: str, lags: list[Any]) -> State:
    """Return the states of values and of their changes by each lag as those of lags are."""
    none = pd.Timedelta(0) if isinstance(lags[0], pd.Timedelta) else 0
    along = f"{dim}_lag"
    return replace(
        state,
        data=np.stack([state.data, *(change.align_to(state) for change in changes)]),
        dims=(along, *state.dims),
        labels={**state.labels, along: pd.Index([none, *lags])},
        features=(along, *state.features),
        groups=Groups(along, lag_dim=dim),
    )
