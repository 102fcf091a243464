"""Exporting: states as the numbers that other programs read.

The rule for what a format has no place for: what would make its reader normalize otherwise than
`normalize` does is refused; what it can do without is left out, and said.
"""

import warnings
from collections.abc import Hashable, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from dasknorm import formats
from dasknorm.containers import Fields
from dasknorm.errors import MismatchError
from dasknorm.fields import Field
from dasknorm.formats.numbers import Names, Numbers, in_words
from dasknorm.labels import listed
from dasknorm.lags import changes, lag_of, without_lags
from dasknorm.statistics import Statistic
from dasknorm.units import units_of

__all__ = ["export"]

READINGS = ("mean", "std", "min", "max")


def export(
    path: str | PathLike[str],
    form: formats.Format,
    statistic: Statistic,
    states: Fields,
    attrs: Mapping[str, Any],
    names: Names,
    lag: Any,
    overwrite: bool,
) -> tuple[str, ...]:
    """Write states as a format has them; return what it has no place for, a phrase each."""
    by_lag = {each: changes(states, each)[0] for each in _lags(states, lag, form)}
    values = without_lags(states)
    numbers = Numbers(
        _numbers(statistic, values, names, form, form.takes, ""),
        {
            each: _numbers(
                statistic, own, names, form, form.of_changes, f" of changes by {in_words(each)}"
            )
            for each, own in by_lag.items()
        },
        _period(attrs),
    )
    formats.write(form, numbers, path, overwrite)
    all_states = (values, *by_lag.values())
    places = dict.fromkeys(place for own in all_states for place in _constant(statistic, own))
    if constant := list(places):
        more = f" and {len(constant) - 5} others" if len(constant) > 5 else ""
        warnings.warn(
            "a standard deviation of 0 is written as 1, which is what normalize divides by: "
            f"{', '.join(constant[:5])}{more}",
            UserWarning,
            stacklevel=3,
        )
    return tuple(_left_out(form, statistic, states, by_lag))


def _numbers(
    statistic: Statistic,
    states: Fields,
    names: Names,
    form: formats.Format,
    takes: tuple[str, ...],
    of: str,
) -> dict[str, dict[str, xr.DataArray]]:
    """Return what a format takes, of each variable; MismatchError if it needs what is not known."""
    found: dict[str, dict[str, xr.DataArray]] = {}
    for name, state in states.items():
        for reading in takes:
            if reading in statistic.readings:
                values = replace(state, data=_read(statistic, state, reading))
                for key, array in _arrays(name, values, reading, names, form):
                    found.setdefault(reading, {})[key] = array
    everything: list[Any] = list(
        dict.fromkeys(name for arrays in found.values() for name in arrays)
    )
    for reading in (each for each in takes if each in form.needs):
        known = found.get(reading, {})
        if lacking := [name for name in everything or [*states] if name not in known]:
            raise MismatchError(
                f"{form.name} needs the {reading}{of} of each variable, which is not known of "
                f"{listed(lacking)}: adapt(data, [Moments(), Extrema()]) learns mean, std, min and "
                "max in one pass; or take others, stats.select([...])"
            )
    return found


def _read(statistic: Statistic, state: Field, reading: str) -> np.ndarray:
    """Return a reading; of the standard deviation, what data are divided by."""
    values = statistic.read(state.data, reading)
    if reading != "std":
        return values
    return np.where(np.isnan(values), values, statistic.affine(state.data)["scale"])


def _constant(statistic: Statistic, states: Fields) -> list[str]:
    """Return the places whose standard deviation is 0."""
    return [
        " ".join(filter(None, [str(name or ""), state.place(at)]))
        for name, state in states.items()
        if "std" in statistic.readings
        for at in np.argwhere(statistic.read(state.data, "std") == 0).tolist()
    ]


def _arrays(
    name: Hashable, state: Field, reading: str, names: Names, form: formats.Format
) -> list[tuple[str, xr.DataArray]]:
    """Return a state's variables: of a frame one for each column."""
    if state.grouped is not None:
        raise MismatchError(
            f"{form.name} has one set of statistics, and these are by {state.grouped!r}, one for "
            "each group: adapt without by=, or save(...) as dasknorm's own file"
        )
    if "columns" in state.labels:
        columns = state.labels["columns"]
        values = np.asarray(state.data)
        return [
            (_called(column, names, form), xr.DataArray(value))
            for column, value in zip(columns, values, strict=True)
        ]
    if bare := [dim for dim in state.dims if not isinstance(dim, str)]:
        raise MismatchError(
            f"{form.name} goes by names, and the statistics of an array have none along "
            f"{listed(bare)}: adapt on an xarray Dataset or a frame"
        )
    coords = {dim: index for dim, index in state.labels.items() if index.nlevels == 1}
    units = {k: v for k, v in units_of(reading, state.attrs).items() if k == "units"}
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


def _lags(states: Fields, lag: Any, form: formats.Format) -> list[Any]:
    """Return the lags to write; MismatchError if there are more than there is place for."""
    known = [each for lags in (lag_of(states) or {}).values() for each in lags]
    if lag is not None:
        known = [
            each
            for each in known
            if each == (pd.Timedelta(lag) if isinstance(each, pd.Timedelta) else lag)
        ]
        if not known:
            changes(states, lag)  # says what there is instead
    if not form.of_changes:
        return []
    if len(known) > 1 and not form.has_lags:
        raise MismatchError(
            f"{form.name} has changes by one lag, and there are {', '.join(map(in_words, known))}: "
            f"say which, lag={in_words(known[0])!r}"
        )
    return known


def _period(attrs: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the dates of one run along its time, as far as provenance says."""
    ends = [run.get("range", {}).get("time") for run in attrs.get("runs", [])]
    return (ends[0][0], ends[0][1]) if len(ends) == 1 and ends[0] else None


def _left_out(
    form: formats.Format, statistic: Statistic, states: Fields, by_lag: Mapping[Any, Any]
) -> list[str]:
    readings = [r for r in statistic.readings if r not in (*form.takes, "variance")]
    said = [f"the {reading}" for reading in readings]
    learned = [each for lags in (lag_of(states) or {}).values() for each in lags]
    for lag in learned:
        if lag not in by_lag:
            said.append(f"changes by {in_words(lag)}")
        else:
            less = [r for r in READINGS if r in statistic.readings and r not in form.of_changes]
            said += [f"the {reading} of changes by {in_words(lag)}" for reading in less]
    return [*said, "how they were made"]
