"""Convert states to the numbers that other programs read (`Stats.export`).

Used by api.stats.
A result without a place in the format raises an error if its reader would normalize otherwise.
All other results are left out, and returned in words.
"""

import warnings
from collections.abc import Hashable, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dasknorm.errors import MismatchError
from dasknorm.fields import State, States
from dasknorm.fields.labels import format_dims
from dasknorm.fields.lags import drop_lags, lags_of, select_tendency
from dasknorm.fields.matching import names_of
from dasknorm.fields.units import units_of
from dasknorm.io import formats
from dasknorm.io.formats.format_values import FormatValues, Names, format_lag

__all__ = ["export"]

READINGS = ("mean", "std", "min", "max")


def export(
    path: str | PathLike[str],
    form: formats.Format,
    states: States,
    attrs: Mapping[str, Any],
    names: Names,
    lag: Any,
    overwrite: bool,
) -> tuple[str, ...]:
    """Write states as a format has them; return what it has no place for, a phrase each."""
    by_lag = {each: select_tendency(states, each)[0] for each in _lags(states, lag, form)}
    values = drop_lags(states)
    numbers = FormatValues(
        _numbers(values, names, form, form.takes, ""),
        {
            each: _numbers(own, names, form, form.of_changes, f" of changes by {format_lag(each)}")
            for each, own in by_lag.items()
        },
        _period(attrs),
    )
    formats.write(form, numbers, path, overwrite)
    all_states = (values, *by_lag.values())
    places = dict.fromkeys(place for own in all_states for place in _constant(own))
    if constant := list(places):
        more = f" and {len(constant) - 5} others" if len(constant) > 5 else ""
        warnings.warn(
            "a standard deviation of 0 is written as 1, which is what normalize divides by: "
            f"{', '.join(constant[:5])}{more}",
            UserWarning,
            stacklevel=3,
        )
    return tuple(_left_out(form, states, by_lag))


def _numbers(
    states: States, names: Names, form: formats.Format, takes: tuple[str, ...], of: str
) -> dict[str, dict[str, xr.DataArray]]:
    """Return what a format takes, of each variable; MismatchError if it needs what is not known."""
    found: dict[str, dict[str, xr.DataArray]] = {}
    everything: dict[str, None] = {}
    for name, state in states.items():
        _refuse_function(name, state, form)
        for reading in takes:
            known = reading in state.statistic.result_names
            values = replace(state, data=_read(state, reading)) if known else state
            for key, array in _arrays(name, values, reading, names, form):
                everything[key] = None
                if known:
                    found.setdefault(reading, {})[key] = array
    if len(everything) < len(names_of(states)):
        raise ValueError(f"names={dict(names or {})} gives two variables one name")
    for reading in (each for each in takes if each in form.needs):
        if lacking := [key for key in everything if key not in found.get(reading, {})]:
            raise MismatchError(
                f"{form.name} needs the {reading}{of} of each variable, which is not known of "
                f"{format_dims(lacking)}: adapt(data, [Moments(), Extrema()]) learns mean, std, "
                "min and max in one pass; or take others, stats.select([...])"
            )
    return found


def _refuse_function(name: Hashable, state: State, form: formats.Format) -> None:
    """Raise MismatchError for statistics of a function of the data: no reader would apply it."""
    for component in state.statistic.components(state.data):
        if component.transform:
            what = format_dims(list(state.labels.get("columns", [name])))
            raise MismatchError(
                f"what reads {form.name} would not apply {component.transform}, of which the "
                f"statistics of {what} are: apply it to the data first and adapt on that, or leave "
                "it out, stats.select([...])"
            )


def _read(state: State, reading: str) -> np.ndarray:
    """Return a reading; of the standard deviation, what data are divided by."""
    components = state.statistic.components(state.data)
    component = next(component for component in components if component.has(reading))
    values = component.result(reading)
    if reading != "std":
        return values
    scale = component.statistic.affine(component.records)["scale"]
    return np.where(np.isnan(values), values, scale)


def _constant(states: States) -> list[str]:
    """Return the places whose standard deviation is 0."""
    return [
        " ".join(filter(None, [str(name or ""), state.describe_position(at)]))
        for name, state in states.items()
        if "std" in state.statistic.result_names
        for at in np.argwhere(state.statistic.result(state.data, "std") == 0).tolist()
    ]


def _arrays(
    name: Hashable, state: State, reading: str, names: Names, form: formats.Format
) -> list[tuple[str, xr.DataArray]]:
    """Return a state's variables: of a frame one for each column."""
    if state.group_dim is not None:
        raise MismatchError(
            f"{form.name} has one set of statistics, and these are by {state.group_dim!r}, one for "
            "each group: adapt without by=, or save(...) as dasknorm's own file"
        )
    if state.has_columns:
        columns = state.labels["columns"]
        values = np.asarray(state.data)
        return [
            (_called(column, names, form), xr.DataArray(value))
            for column, value in zip(columns, values, strict=True)
        ]
    if bare := [dim for dim in state.dims if not isinstance(dim, str)]:
        raise MismatchError(
            f"{form.name} goes by names, and the statistics of an array have none along "
            f"{format_dims(bare)}: adapt on an xarray Dataset or a frame"
        )
    coords = {dim: index for dim, index in state.labels.items() if index.nlevels == 1}
    units = {k: v for k, v in units_of(reading, state).items() if k == "units"}
    array = xr.DataArray(np.asarray(state.data), coords, state.dims, attrs=units)
    return [(_called(name, names, form), array)]


def _called(name: Hashable, names: Names, form: formats.Format) -> str:
    called = (names or {}).get(name, name)
    if not isinstance(called, str):
        raise MismatchError(
            f"{form.name} goes by names, and one is {called!r}: say what it is called there, "
            f"names={{{called!r}: '...'}}"
        )
    return called


def _lags(states: States, lag: Any, form: formats.Format) -> list[Any]:
    """Return the lags to write; MismatchError if there are more than there is place for."""
    known = [each for lags in (lags_of(states) or {}).values() for each in lags]
    if lag is not None:
        known = [
            each
            for each in known
            if each == (pd.Timedelta(lag) if isinstance(each, pd.Timedelta) else lag)
        ]
        if not known:
            select_tendency(states, lag)  # says what there is instead
    if not form.of_changes:
        return []
    if len(known) > 1 and not form.has_lags:
        first = known[0] if isinstance(known[0], int) else format_lag(known[0])
        raise MismatchError(
            f"{form.name} has changes by one lag, and there are "
            f"{', '.join(map(format_lag, known))}: say which, lag={first!r}"
        )
    return known


def _period(attrs: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the dates of one run along its time, as far as provenance says."""
    ends = [run.get("range", {}).get("time") for run in attrs.get("runs", [])]
    return (ends[0][0], ends[0][1]) if len(ends) == 1 and ends[0] else None


def _left_out(form: formats.Format, states: States, by_lag: Mapping[Any, Any]) -> list[str]:
    """Return in words what is known and has no place; the variance is the square of the std."""
    readings = dict.fromkeys(r for state in states.values() for r in state.statistic.result_names)
    said = [f"the {reading}" for reading in readings if reading not in (*form.takes, "variance")]
    for lag in [each for lags in (lags_of(states) or {}).values() for each in lags]:
        if lag not in by_lag:
            said.append(f"changes by {format_lag(lag)}")
            continue
        less = [r for r in readings if r in READINGS and r not in form.of_changes]
        said += [f"the {reading} of changes by {format_lag(lag)}" for reading in less]
    return [*said, "how they were made"]
