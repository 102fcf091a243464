"""Convert states to the values in other programs' files (`Stats.export`) and back (`load`).

Used by api.load and api.stats. A result that has no place in a format raises an error if the
reader would then normalize differently; all other results are omitted, and returned as text.
"""

import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import cast

import numpy as np
import pandas as pd
import xarray as xr

from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Groups, State, States
from dasknorm.fields.labels import format_dims
from dasknorm.fields.lags import drop_lags, lag_index, lags_of, parse_lag, select_tendency
from dasknorm.fields.matching import names_of
from dasknorm.fields.states import state_from_values
from dasknorm.io import formats
from dasknorm.io.formats import FormatValues, Names, format_lag
from dasknorm.statistics import Extrema, MultiStatistic, Predefined, Statistic

RESULTS = ("mean", "std", "min", "max")
EXTREMES = ("min", "max")

Results = Mapping[str, Mapping[Hashable, xr.DataArray]]
"""Arrays by result and variable."""


def export_states(
    path: str | PathLike[str],
    form: formats.Format,
    states: States,
    attrs: Mapping[str, object],
    names: Names,
    lag: object,
    overwrite: bool,
) -> tuple[str, ...]:
    """Write states in a format; return the results that it has no place for, as text."""
    lags = _exported_lags(states, lag, form)
    tendencies = {lag: select_tendency(states, lag)[0] for lag in lags}
    values = drop_lags(states)
    changes = {
        lag: _results(tendency, names, form, form.of_changes, f" of changes by {format_lag(lag)}")
        for lag, tendency in tendencies.items()
    }
    results = _results(values, names, form, form.takes, "")
    formats.write(form, FormatValues(results, changes, _period(attrs)), path, overwrite)
    if constant := list(dict.fromkeys(_constant_positions([values, *tendencies.values()]))):
        more = f" and {len(constant) - 5} others" if len(constant) > 5 else ""
        warnings.warn(
            "a standard deviation of 0 is written as 1, which is what normalize divides by: "
            f"{', '.join(constant[:5])}{more}",
            UserWarning,
            stacklevel=3,
        )
    return tuple(_omitted(form, states, lags))


def load_states(
    path: str | PathLike[str], form: formats.Format, names: Names, lag: object, container: str
) -> tuple[dict[Hashable, State], str]:
    """Return the states in files of a format, and their container; with extremes if available."""
    numbers = formats.read(form, path)
    our_names = {theirs: ours for ours, theirs in (names or {}).items()}

    def rename(results: Mapping[str, formats.Arrays]) -> Results:
        return {
            result: {our_names.get(name, name): array for name, array in arrays.items()}
            for result, arrays in results.items()
        }

    values = rename(numbers.values)
    if container == "pandas.DataFrame":
        return {None: _column_state(values)}, container
    if container != "xarray.Dataset":
        raise ValueError(
            f"container must be 'xarray.Dataset' or 'pandas.DataFrame', got {container!r}"
        )
    changes = [rename(change) for change in numbers.changes.values()]
    dim, lags = _loaded_lags(list(numbers.changes), lag)
    states: dict[Hashable, State] = {}
    for name in values["mean"]:
        state = _state(values, name)
        tendencies = [
            _state(change, name, state.statistic) for change in changes if name in change["std"]
        ]
        is_complete = tendencies and len(tendencies) == len(lags)
        states[name] = _with_lags(state, tendencies, dim, lags) if is_complete else state
    return states, container


# -- from states to files -------------------------------------------------------------------------


def _results(
    states: States, names: Names, form: formats.Format, takes: tuple[str, ...], topic: str
) -> dict[str, dict[str, xr.DataArray]]:
    """Return the results that a format takes; MismatchError if it needs one that is missing."""
    results: dict[str, dict[str, xr.DataArray]] = {result: {} for result in takes}
    variables: dict[str, None] = {}
    for name, state in states.items():
        _check_exportable(name, state, form)
        variables |= dict.fromkeys(_variables(name, state, names, form))
        for result in takes:
            if result in state.statistic.result_names:
                values = replace(state, data=_read_result(state, result))
                results[result] |= _variables(name, values, names, form, state.attrs_of(result))
    if len(variables) < len(names_of(states)):
        raise ValueError(f"names={dict(names or {})} gives two variables one name")
    for result in takes:
        missing = [name for name in variables if name not in results[result]]
        if missing and result in form.needs:
            raise MismatchError(
                f"{form.name} needs the {result}{topic} of each variable, but there is none for "
                f"{format_dims(missing)}: adapt(data, [Moments(), Extrema()]) computes mean, std, "
                "min and max in one pass; or select others, stats.select([...])"
            )
    return {result: arrays for result, arrays in results.items() if arrays}


def _check_exportable(name: Hashable, state: State, form: formats.Format) -> None:
    """Raise MismatchError for statistics that readers of files cannot apply."""
    for component in state.statistic.components(state.data):
        if component.transform:
            described = format_dims(list(state.labels.get("columns", [name])))
            raise MismatchError(
                f"readers of {form.name} would not apply {component.transform}, which the "
                f"statistics of {described} need: apply it to the data first and adapt on that, or "
                "leave it out, stats.select([...])"
            )
    if state.group_dim is not None:
        raise MismatchError(
            f"{form.name} has one set of statistics, and these are by {state.group_dim!r}, one for "
            "each group: adapt without by=, or save(...) as dasknorm's own file"
        )
    unnamed = [dim for dim in state.dims if not isinstance(dim, str)]
    if unnamed and not state.has_columns:
        raise MismatchError(
            f"{form.name} needs named dimensions, and the statistics of an array have none along "
            f"{format_dims(unnamed)}: adapt on an xarray Dataset or a DataFrame"
        )


def _variables(
    name: Hashable,
    state: State,
    names: Names,
    form: formats.Format,
    attrs: Mapping[str, object] | None = None,
) -> dict[str, xr.DataArray]:
    """Return the values of a state by exported name: one variable, or one per column."""
    values = np.asarray(state.data)
    if state.has_columns:
        exported = [_exported_name(column, names, form) for column in state.labels["columns"]]
        return {key: xr.DataArray(value) for key, value in zip(exported, values, strict=True)}
    coords = {dim: index for dim, index in state.labels.items() if index.nlevels == 1}
    units = {key: value for key, value in (attrs or {}).items() if key == "units"}
    array = xr.DataArray(values, coords, state.dims, attrs=units)
    return {_exported_name(name, names, form): array}


def _exported_name(name: Hashable, names: Names, form: formats.Format) -> str:
    exported = (names or {}).get(name, name)
    if not isinstance(exported, str):
        raise MismatchError(
            f"{form.name} needs variable names, got {exported!r}: write names={{{exported!r}: "
            "'...'}"
        )
    return exported


def _read_result(state: State, result: str) -> np.ndarray:
    """Return a result; for the standard deviation the divisor of `normalize`."""
    components = state.statistic.components(state.data)
    component = next(component for component in components if component.has(result))
    values = component.result(result)
    if result != "std":
        return values
    scale = component.statistic.affine(component.records)["scale"]
    return np.where(np.isnan(values), values, scale)


def _constant_positions(all_states: Sequence[States]) -> list[str]:
    """Return the positions at which the standard deviation is 0."""
    return [
        " ".join(filter(None, [str(name or ""), state.describe_position(position)]))
        for states in all_states
        for name, state in states.items()
        if "std" in state.statistic.result_names
        for position in np.argwhere(state.statistic.result(state.data, "std") == 0).tolist()
    ]


def _all_lags(states: States) -> list[Hashable]:
    return [lag for lags in (lags_of(states) or {}).values() for lag in lags]


def _exported_lags(states: States, lag: object, form: formats.Format) -> list[Hashable]:
    """Return the lags to write; MismatchError if the format has no place for all of them."""
    lags = _all_lags(states)
    if lag is not None:
        selected = parse_lag(lag)
        lags = [step for step in lags if step == selected]
        if not lags:
            select_tendency(states, lag)  # raises an error that names the lags
    if not form.of_changes:
        return []
    if len(lags) > 1 and not form.has_lags:
        first = lags[0] if isinstance(lags[0], int) else format_lag(lags[0])
        raise MismatchError(
            f"{form.name} has changes by one lag, and there are "
            f"{', '.join(map(format_lag, lags))}: say which, lag={first!r}"
        )
    return lags


def _period(attrs: Mapping[str, object]) -> tuple[str, str] | None:
    """Return the first and last date of a single run, if the provenance has them."""
    runs = cast("list[dict[str, dict[str, list[str]]]]", attrs.get("runs", []))
    ends = [run.get("range", {}).get("time") for run in runs]
    return (ends[0][0], ends[0][1]) if len(ends) == 1 and ends[0] else None


def _omitted(form: formats.Format, states: States, lags: list[Hashable]) -> list[str]:
    """Return the omitted results as text; the variance is the square of the std."""
    results = dict.fromkeys(r for state in states.values() for r in state.statistic.result_names)
    omitted = [f"the {result}" for result in results if result not in (*form.takes, "variance")]
    for lag in _all_lags(states):
        changes = f"changes by {format_lag(lag)}"
        if lag not in lags:
            omitted.append(changes)
            continue
        missing = [r for r in results if r in RESULTS and r not in form.of_changes]
        omitted += [f"the {result} of {changes}" for result in missing]
    return [*omitted, "how they were made"]


# -- from files to states -------------------------------------------------------------------------


def _state(results: Results, name: Hashable, statistic: Statistic | None = None) -> State:
    """Return the state of a variable; tendencies without a mean have a mean of 0."""
    if name not in results["std"]:
        raise MismatchError(f"{name!r} has a mean, but no standard deviation")
    std = results["std"][name]
    mean = results.get("mean", {}).get(name, xr.zeros_like(std))
    state = state_from_values(None, _field(mean), _field(std))
    extremes = [results[end][name].values for end in EXTREMES if name in results.get(end, {})]
    return _with_extremes(state, extremes, statistic)


def _column_state(results: Results) -> State:
    """Return one state with all variables as columns."""
    if names := [name for name, array in results["mean"].items() if array.ndim]:
        raise MismatchError(f"columns have one number each, and {names} have one for each level")
    rows = {
        result: pd.Series({name: float(array) for name, array in arrays.items()})
        for result, arrays in results.items()
    }
    mean, std = (
        Field(rows[r].to_numpy("f8"), ("columns",), {"columns": rows[r].index}, ("columns",))
        for r in ("mean", "std")
    )
    extremes = [
        rows[end].to_numpy()
        for end in EXTREMES
        if end in rows and rows[end].index.equals(rows["mean"].index)
    ]
    return _with_extremes(state_from_values(None, mean, std), extremes, None)


def _field(array: xr.DataArray) -> Field:
    labels = {dim: array.indexes[dim] for dim in array.dims if dim in array.indexes}
    return Field(array.to_numpy().astype("f8"), array.dims, labels, array.dims, dict(array.attrs))


def _with_extremes(state: State, extremes: list[np.ndarray], statistic: Statistic | None) -> State:
    """Add minimum and maximum, if both are available or the statistic has them."""
    if statistic is None and len(extremes) == 2:
        statistic = MultiStatistic((Predefined(), Extrema()))
    if statistic in (None, state.statistic):
        return state
    records = np.zeros(state.data.shape, statistic.dtype)
    for name in state.data.dtype.names:
        records[f"known_{name}"] = state.data[name]
    if len(extremes) == 2:
        records["extrema_count"] = np.nan  # unknown, but not 0
        records["extrema_min"], records["extrema_max"] = extremes
    return replace(state, data=records, statistic=statistic)


def _loaded_lags(lags: list[Hashable], lag: object) -> tuple[str, list[Hashable]]:
    """Return the dimension and the lags of tendencies; `lag` is for files without a lag."""
    dim, step = next(iter(lag.items())) if isinstance(lag, Mapping) else ("time", lag)
    if step is not None and lags not in ([], [None]):
        stored = ", ".join(map(format_lag, lags))
        raise MismatchError(f"the file has changes by {stored}: leave lag= out")
    step = None if step is None else parse_lag(step)
    return dim, [(1 if step is None else step) if stored is None else stored for stored in lags]


def _with_lags(state: State, tendencies: list[State], dim: str, lags: list[Hashable]) -> State:
    """Return one state of values and tendencies, along a dimension of lags."""
    lag_dim = f"{dim}_lag"
    return replace(
        state,
        data=np.stack([state.data, *(change.align_to(state) for change in tendencies)]),
        dims=(lag_dim, *state.dims),
        labels={**state.labels, lag_dim: lag_index(lags)},
        features=(lag_dim, *state.features),
        groups=Groups(lag_dim, lag_dim=dim),
    )
