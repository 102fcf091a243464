"""Importing: the numbers that other programs have written, as states."""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dasknorm import formats
from dasknorm.errors import MismatchError
from dasknorm.fields import Field
from dasknorm.formats.numbers import Arrays, Names, in_words
from dasknorm.given import given_states
from dasknorm.statistics import Known, Statistic

__all__ = ["imported"]


def imported(
    path: str | PathLike[str], form: formats.Format, names: Names, lag: Any, container: str
) -> tuple[Statistic, dict[Hashable, Field], str]:
    """Return the statistic, the states and the kind of container that files of a format say."""
    numbers = formats.read(form, path)
    back = {theirs: ours for ours, theirs in (names or {}).items()}
    values = {r: _renamed(arrays, back) for r, arrays in numbers.values.items()}
    if container.startswith("pandas"):
        return _of_columns(values, numbers.changes)
    states: dict[Hashable, Field] = {}
    for name, mean in values["mean"].items():
        states[name] = _known(mean, _like(mean, values["std"], name))
    dim, lags = _said_lags(numbers.changes, lag)
    for name in states if lags else ():
        own = [{r: _renamed(a, back) for r, a in numbers.changes[key].items()} for key in lags]
        if all(name in change["std"] for change in own):
            states[name] = _with_changes(states[name], str(name), own, dim, list(lags.values()))
    return Known(), states, "xarray.Dataset"


def _renamed(arrays: Arrays, names: Mapping[str, Hashable]) -> dict[Hashable, xr.DataArray]:
    return {names.get(name, name): array for name, array in arrays.items()}


def _like(mean: xr.DataArray, others: Mapping[Hashable, xr.DataArray], name: Any) -> Any:
    if name not in others:
        raise MismatchError(f"there is a mean of {name!r}, and no standard deviation")
    return others[name]


def _known(mean: xr.DataArray, std: xr.DataArray) -> Field:
    _, states, _ = given_states(mean.rename(None), None, std.rename(None), None, 0.0)
    return next(iter(states.values()))


def _of_columns(
    values: Mapping[str, Mapping[Hashable, xr.DataArray]], changes: Mapping[Any, Any]
) -> tuple[Statistic, dict[Hashable, Field], str]:
    if kept := [name for name, array in values["mean"].items() if array.ndim]:
        raise MismatchError(f"columns have one number each, and {kept} have one for each level")
    mean, std = (
        pd.Series({name: float(array) for name, array in values[r].items()})
        for r in ("mean", "std")
    )
    return given_states(mean, None, std, None, 0.0)


def _said_lags(changes: Mapping[Any, Any], lag: Any) -> tuple[str, dict[Any, Any]]:
    """Return along what changes are, and their lags, by what the file calls them."""
    dim, asked = next(iter(lag.items())) if isinstance(lag, Mapping) else ("time", lag)
    if asked is not None and list(changes) not in ([], [None]):
        raise MismatchError(
            f"the file says itself that changes are by {', '.join(map(in_words, changes))}"
        )
    if isinstance(asked, str):
        asked = pd.Timedelta(asked)
    return dim, {key: (asked or 1) if key is None else key for key in changes}


def _with_changes(
    state: Field, name: str, own: list[dict[str, Any]], dim: str, lags: list[Any]
) -> Field:
    """Return a state with those of its changes; where no mean of these is known it is 0."""
    parts = [state.data]
    for change in own:
        std = change["std"][name]
        mean = change.get("mean", {}).get(name, xr.zeros_like(std))
        parts.append(_known(mean, std).along(state))
    none = pd.Timedelta(0) if isinstance(lags[0], pd.Timedelta) else 0
    along = f"{dim}_lag"
    return replace(
        state,
        data=np.stack(parts),
        dims=(along, *state.dims),
        labels={**state.labels, along: pd.Index([none, *lags])},
        features=(along, *state.features),
        grouped=along,
        lagged=dim,
    )
