"""Lags: which positions along a dimension are a lag apart, for statistics of tendencies.

Used by api, containers, io and reports. Users depend on the value of `GAP` and the text of lags.

A lag is a number of steps, or a duration if the labels are dates.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from dasknorm import chunks
from dasknorm.blocks.group_labels import format_labels
from dasknorm.blocks.lagged_arrays import LaggedArray
from dasknorm.errors import MismatchError
from dasknorm.fields import attributes
from dasknorm.fields.field import Field, Fields, Groups, State, States
from dasknorm.fields.labels import format_dim
from dasknorm.fields.matching import check_one_dim
from dasknorm.fields.states import select_group

Lag = Mapping[Hashable, Any] | None
"""A dimension, and one or more lags along it: ``{"time": 1}``, ``{"time": ["6h", "24h"]}``."""

GAP = 1.5
"""A step longer than this, in units of the median step, is a gap, and has no tendency."""

NOT_STEPS = (bool, np.timedelta64)
"""Types that NumPy or Python count among the integers."""


def add_lags(fields: Fields, lag: Lag) -> dict[Hashable, Field]:
    """Return fields that include the tendencies along a dimension, if they have it."""
    if lag is None:
        return dict(fields)
    name, lags = _parse_lag(lag)
    for field in fields.values():
        if not chunks.is_array(field.data):
            source = "groups (by=)" if field.groups is not None else "frames"
            raise TypeError(f"lag= goes with arrays and xarray objects, and not with {source}")
        if field.statistic is not None and not field.statistic.supports_lag:
            raise TypeError(
                "lag= takes differences of the data as they are, not of a function of them: apply "
                "the function first, and adapt on its result"
            )
    dims = {key: f.dims[f.axis_of(name)] for key, f in fields.items() if f.has_axis(name)}
    check_one_dim(dims, "lag", name)
    if not dims:
        for field in fields.values():
            field.axis_of(name)  # the error lists the dimensions
    return {
        key: _with_lags(field, dims[key], lags) if key in dims else field
        for key, field in fields.items()
    }


def lags_of(states: States) -> Lag:
    """Return the lags of states; None without tendencies."""
    for state in states.values():
        if state.lag_dim is not None:
            return {state.lag_dim: state.labels[state.group_dim][1:].tolist()}
    return None


def lags_by_dim(fields: Fields) -> dict[str, list[int | str]]:
    """Return the lags of data as plain values: ``{"time": [1]}``, ``{"time": ["6h"]}``."""
    for field in fields.values():
        if isinstance(field.data, LaggedArray) and field.data.labels is not None:
            return {str(field.lag_dim): list(map(_plain_lag, field.data.labels[1:]))}
    return {}


def _plain_lag(lag: timedelta | int) -> int | str:
    """Return a lag as a number of steps, or as a frequency string of pandas: ``"6h"``."""
    return str(to_offset(lag).freqstr) if isinstance(lag, timedelta) else int(lag)


def describe_lag(lag: int | str, dim: Hashable) -> str:
    """Return a lag as text: ``"1 step of time"``, ``"6h of time"``."""
    steps = f"{lag} step{'' if lag == 1 else 's'}" if isinstance(lag, int) else str(lag)
    return f"{steps} of {dim}"


def drop_lags(states: States) -> dict[Hashable, State]:
    """Return the states of the data without those of the tendencies."""
    return {
        name: state
        if state.lag_dim is None
        else select_group(state, state.labels[state.group_dim][0])
        for name, state in states.items()
    }


def select_tendency(states: States, lag: Any) -> tuple[dict[Hashable, State], str]:
    """Return the states of tendencies with one lag, and the lag as text; None for the only lag."""
    tendencies = {name: state for name, state in states.items() if state.lag_dim is not None}
    if not tendencies:
        raise MismatchError("no tendencies were computed: adapt(..., lag={'time': 1})")
    lags = next(state.labels[state.group_dim] for state in tendencies.values())
    if lag is None and len(lags) > 2:
        raise MismatchError(
            f"there are tendencies with several lags, {format_labels(lags[1:])}: pass one of them"
        )
    if lag is None:
        lag = lags[1]
    elif lags.dtype.kind == "m":
        lag = _parse_duration(lag)
    if lag not in lags[1:]:
        raise MismatchError(f"no tendencies with lag {lag!r}; available: {format_labels(lags[1:])}")
    (dim,) = {state.lag_dim for state in tendencies.values()}
    selected = {
        name: replace(select_group(state, lag), attrs=attributes.for_changes(state.attrs))
        for name, state in tendencies.items()
    }
    return selected, describe_lag(_plain_lag(lag), dim)


def _parse_lag(lag: object) -> tuple[Hashable, pd.Index]:
    """Return the dimension of a lag, and 0 and the lags in order."""
    if not isinstance(lag, Mapping) or len(lag) != 1:
        raise TypeError(f"lag= takes one dimension and its lags, as {{'time': 1}}, got {lag!r}")
    ((dim, values),) = lag.items()
    values_list = list(values) if isinstance(values, (list, tuple)) else [values]
    is_steps = [isinstance(v, Integral) and not isinstance(v, NOT_STEPS) for v in values_list]
    if not values_list or any(is_steps) != all(is_steps):
        raise ValueError(
            f"lags are all numbers of steps, or all durations such as '6h', got {values!r}"
        )
    lags = [int(value) if is_steps[0] else _parse_duration(value) for value in values_list]
    zero = 0 if is_steps[0] else pd.Timedelta(0)
    if not_positive := [value for value in lags if not value > zero]:
        raise ValueError(f"a lag is above 0, got {not_positive[0]!r}")
    if len(set(lags)) < len(lags):
        raise ValueError(f"lag={values!r} names a lag twice")
    return dim, pd.Index([zero, *sorted(lags)])


def _parse_duration(lag: object) -> pd.Timedelta:
    if not isinstance(lag, (str, timedelta, np.timedelta64)):
        raise TypeError(f"a lag is a number of steps or a duration such as '6h', got {lag!r}")
    try:
        return pd.Timedelta(lag)
    except ValueError as error:
        raise ValueError(f"a lag is a duration such as '6h' or '30D', got {lag!r}") from error


def _with_lags(field: Field, dim: Hashable, lags: pd.Index) -> Field:
    labels = field.labels.get(dim)
    if labels is not None and not (labels.is_monotonic_increasing and labels.is_unique):
        raise ValueError(f"labels along {format_dim(dim)} do not increase: sort them first")
    if lags.dtype.kind == "m":
        partners = _partners_by_duration(labels, dim, lags[1:])
    else:
        partners = _partners_by_steps(labels, int(field.sizes()[dim]), lags[1:])
    name = f"{dim}_lag" if isinstance(dim, str) else "lag"
    data = LaggedArray.of(field.data, field.dims.index(dim), partners, lags)
    return replace(field, data=data, groups=Groups(name, data_dim=dim, lag_dim=dim))


def _partners_by_steps(labels: pd.Index | None, size: int, lags: Sequence[int]) -> np.ndarray:
    """Return for each lag and position the position so many steps later; -1 across a gap."""
    stretch = np.zeros(size, int)
    stretch[1:] = np.cumsum(_gaps(labels, size))
    partners = np.full((len(lags), size), -1)
    for row, lag in zip(partners, lags, strict=True):
        later = np.arange(lag, size)
        has_no_gap = stretch[later] == stretch[later - lag]
        row[: max(size - lag, 0)][has_no_gap] = later[has_no_gap]
    return partners


def _gaps(labels: pd.Index | None, size: int) -> np.ndarray:
    """Return for each step whether it is a gap; labels that cannot be subtracted have no gaps."""
    try:
        steps = np.diff(np.asarray(labels)) if labels is not None else np.ones(max(size - 1, 0))
    except TypeError:
        return np.zeros(max(size - 1, 0), bool)
    if not len(steps):
        return np.zeros(0, bool)
    median = np.sort(steps)[len(steps) // 2]
    return np.asarray(steps > GAP * median, bool)


def _partners_by_duration(
    labels: pd.Index | None, dim: Hashable, lags: Sequence[Any]
) -> np.ndarray:
    """Return for each lag and position the position of the label that is later by the lag."""
    if labels is not None and labels.dtype == object:  # of cftime; pandas 2 adds nothing of its own
        lags = [lag.to_pytimedelta() for lag in lags]
    try:
        return np.array([labels.get_indexer(labels + lag) for lag in lags])  # type: ignore
    except (TypeError, AttributeError) as error:
        kind = "no labels" if labels is None else f"labels of {labels.dtype}"
        raise ValueError(
            f"a lag that is a duration needs dates along {format_dim(dim)}, which has {kind}; "
            "give it as a number of steps"
        ) from error
