"""Combine variables and levels to one list of channel names, and split the names again.

Used by io.formats.ace, io.formats.anemoi and io.formats.makani. Messages may change. A template
gives the name: ``"{name}{level}"`` gives ``t850``; ``{index}`` is the position of the level.
"""

import re
from collections.abc import Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np
import xarray as xr

from dasknorm.errors import MismatchError
from dasknorm.io.formats import Arrays, check_labelled

LEVEL = r"(?P<level>-?\d+(?:\.\d+)?)"


def channels_of(arrays: Arrays, template: str | None, app: str) -> dict[str, float]:
    """Return one number for each channel, variable by variable and level by level.

    Raises MismatchError for other dimensions than levels, and for names that are not unique.

    Examples
    --------
    >>> t = xr.DataArray([1.0, 2.0], {"level": [500, 850]})
    >>> channels_of({"t": t, "msl": xr.DataArray(3.0)}, "{name}{level}", "it")
    {'t500': 1.0, 't850': 2.0, 'msl': 3.0}
    """
    check_labelled(arrays, app, most=1)
    values: dict[str, float] = {}
    for name, array in arrays.items():
        for channel, value in zip(
            _names(name, array, template, app), array.values.flat, strict=True
        ):
            if channel in values:
                raise MismatchError(
                    f"two channels would be called {channel!r}: write levels= so "
                    "that their names differ, such as '{name}_{level}'"
                )
            values[channel] = float(value)
    return values


def check_tendencies(values: Arrays, changes: Arrays, lag: str, app: str) -> None:
    """Raise MismatchError if a variable has no tendencies, as an orography that has no time."""
    if missing := [name for name in values if name not in changes]:
        raise MismatchError(
            f"{app} needs tendencies of all variables, and there are none by {lag} of {missing}, "
            f"which lack the dimension of the lag: select others, stats.select({list(changes)!r}), "
            "or leave the tendencies out, as from adapt without lag="
        )


def select_channels(values: Mapping[str, float], channels: Sequence[str], app: str) -> np.ndarray:
    """Return the numbers of channels in their order; MismatchError unless they are just these."""
    if missing := [name for name in channels if name not in values]:
        raise MismatchError(
            f"{app} has channels {missing}, and the statistics do not; they have {list(values)}. "
            "names={'temperature': 't'} renames variables"
        )
    if more := [name for name in values if name not in channels]:
        raise MismatchError(
            f"the statistics have {more}, which {app} has no channels for; it has "
            f"{list(channels)}. Select variables: stats.select([...])"
        )
    return np.array([values[name] for name in channels])


def split_channels(values: Mapping[str, float], template: str | None) -> dict[str, xr.DataArray]:
    """Return channels as variables; those that match a template along ``level``.

    Examples
    --------
    >>> variables = split_channels({"t500": 1.0, "t850": 2.0, "msl": 3.0}, "{name}{level}")
    >>> {name: array.dims for name, array in variables.items()}
    {'t': ('level',), 'msl': ()}
    """
    if template is None:
        return {name: xr.DataArray(value) for name, value in values.items()}
    if "{name}" not in template or "{level}" not in template or "{index}" in template:
        raise MismatchError(
            f"levels={template!r} does not define how to split names: write both {{name}} and "
            "{level}, such as '{name}{level}'"
        )
    pattern = re.escape(template).replace(r"\{name\}", "(?P<name>.+?)")
    pattern = pattern.replace(r"\{level\}", LEVEL)
    levels: dict[str, dict[float, float]] = {}
    for channel, value in values.items():
        match = re.fullmatch(pattern, channel)
        name = match["name"] if match else channel
        levels.setdefault(name, {})[float(match["level"]) if match else np.nan] = value
    return {name: _along_levels(name, values) for name, values in levels.items()}


def _names(name: str, array: xr.DataArray, template: str | None, app: str) -> list[str]:
    if array.ndim == 0:
        return [name]
    if template is None:
        raise MismatchError(
            f"{app} has one number of a variable, and {name!r} has one for each {array.dims[0]}: "
            "name them by levels='{name}_{index}', which counts from 0, or levels='{name}_{level}'"
        )
    labels = array.indexes[array.dims[0]]
    return [
        template.format(name=name, level=_plain(label), index=index)
        for index, label in enumerate(labels)
    ]


def _plain(label: Any) -> Any:
    """Return a label as in names: 500 for 500.0."""
    is_integer = isinstance(label, Number) and label == int(label)  # type: ignore[call-overload]
    return int(label) if is_integer else label


def _along_levels(name: str, values: Mapping[float, float]) -> xr.DataArray:
    levels = np.array(list(values))
    if np.isnan(levels).all():
        return xr.DataArray(next(iter(values.values())))
    if np.isnan(levels).any():
        raise MismatchError(
            f"{name!r} has channels with and without levels: leave levels= out to read each "
            "channel as a variable"
        )
    if (levels == levels.astype(int)).all():
        levels = levels.astype(int)
    return xr.DataArray(np.array(list(values.values())), {"level": levels})
