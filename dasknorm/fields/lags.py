"""Lags: parse them, add their tendencies to fields, and select tendencies of states.

Used by api, containers, io and reports. Statistics files contain the labels of lags.

A lag is a number of steps, a duration (a Timedelta), or a calendar frequency (a string: ``"MS"``).
"""

import re
import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from dasknorm import chunks
from dasknorm.blocks.group_labels import format_labels
from dasknorm.blocks.lagged_arrays import LaggedArray
from dasknorm.errors import MismatchError
from dasknorm.fields import attributes
from dasknorm.fields.field import Field, Fields, Groups, State, States
from dasknorm.fields.labels import format_dims
from dasknorm.fields.matching import check_one_dim
from dasknorm.fields.pairs import (
    describe_no_pairs,
    find_dates_on,
    find_labels_along,
    find_partners,
    select_dates,
)
from dasknorm.fields.states import select_group

Lag = Mapping[Hashable, Any] | None
"""A dimension, and one or more lags along it: ``{"time": 1}``, ``{"time": ["6h", "24h"]}``."""

ParsedLag: TypeAlias = int | pd.Timedelta | str
"""A number of steps, a duration, or a calendar frequency as pandas and xarray write it."""

ZEROS: dict[type, ParsedLag] = {int: 0, pd.Timedelta: pd.Timedelta(0), str: "0"}
"""The lag of the values themselves, which is the first label of a group dimension of lags."""

NOT_STEPS = (bool, np.timedelta64)
"""Types that NumPy or Python count among the integers."""


MONTHS = re.compile(r"MS|P[^T]*M")
"""What pandas parses as a millisecond or a minute: parts of month starts, and months of ISO."""


def add_lags(fields: Fields, lag: Lag) -> dict[Hashable, Field]:
    """Return fields that include the tendencies along a dimension, if they have it."""
    if lag is None:
        return dict(fields)
    name, lags = _parse_lags(lag)
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
            if name in field.coords and field.coords[name].dims:
                raise ValueError(
                    f"lag= takes a dimension, and {name!r} is a coordinate along "
                    f"{format_dims(field.coords[name].dims)}: write the dimension, whose steps "
                    "have the dates of the coordinate"
                )
            field.axis_of(name)  # the error lists the dimensions
    return {
        key: _with_lags(field, dims[key], lags) if key in dims else field
        for key, field in fields.items()
    }


def check_pairs(fields: Fields) -> None:
    """Raise ValueError for a duration by which no two dates are apart, though they reach further.

    Warn about a calendar frequency that skips dates: their tendencies are not computed.
    """
    tendencies = [field for field in fields.values() if isinstance(field.data, LaggedArray)]
    for i, lag in enumerate(tendencies[0].data.labels[1:] if tendencies else ()):
        if isinstance(lag, Integral):
            return
        dims = [field.lag_dim for field in tendencies]
        labels = [
            select_dates(find_labels_along(field, dim), dim)
            for field, dim in zip(tendencies, dims, strict=True)
        ]
        problems = [
            describe_no_pairs(index, field.data.partners[i], lag, field.lag_dim)
            for index, field in zip(labels, tendencies, strict=True)
        ]
        if all(problems):
            raise ValueError(problems[0])
        is_on = find_dates_on(labels[0], lag)
        if not is_on.all():
            warnings.warn(
                f"tendencies with lag {lag!r} start only at dates on that frequency, "
                f"{is_on.sum():,} of {len(is_on):,} along {tendencies[0].lag_dim!r}",
                UserWarning,
                stacklevel=4,
            )


def lag_index(lags: Sequence[ParsedLag]) -> pd.Index:
    """Return the labels of lags of one type: 0, and the lags."""
    zero = next(zero for kind, zero in ZEROS.items() if isinstance(lags[0], kind))
    return pd.Index([zero, *lags], dtype=object if zero == "0" else None)


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


def _plain_lag(lag: ParsedLag) -> int | str:
    """Return a lag as a number of steps, or as a frequency string of pandas: ``"6h"``."""
    if isinstance(lag, str):
        return lag
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
    has_steps = isinstance(lags[1], Integral)
    label = lags[1] if lag is None else lag if has_steps else parse_lag(lag)
    if label not in lags[1:]:
        raise MismatchError(f"no tendencies with lag {lag!r}; available: {format_labels(lags[1:])}")
    (dim,) = {state.lag_dim for state in tendencies.values()}
    selected = {
        name: replace(select_group(state, label), attrs=attributes.for_changes(state.attrs))
        for name, state in tendencies.items()
    }
    return selected, describe_lag(_plain_lag(label), dim)


def _parse_lags(lag: object) -> tuple[Hashable, pd.Index]:
    """Return the dimension of lags, and 0 and the lags in order."""
    if not isinstance(lag, Mapping) or len(lag) != 1:
        raise TypeError(f"lag= takes one dimension and its lags, as {{'time': 1}}, got {lag!r}")
    ((dim, values),) = lag.items()
    lags = [parse_lag(v) for v in (values if isinstance(values, (list, tuple)) else [values])]
    if len({type(value) for value in lags}) != 1:
        raise ValueError(
            "lags are all numbers of steps, all durations such as '6h', or all calendar "
            f"frequencies such as 'MS', got {values!r}"
        )
    if len(set(lags)) < len(lags):
        raise ValueError(f"lag={values!r} names a lag twice")
    return dim, lag_index(sorted(lags))


def parse_lag(lag: object) -> ParsedLag:
    """Return one lag; TypeError for other types, ValueError for other strings."""
    parsed: ParsedLag
    if isinstance(lag, Integral) and not isinstance(lag, NOT_STEPS):
        parsed = size = int(lag)
    elif not isinstance(lag, (str, timedelta, np.timedelta64)):
        raise TypeError(f"a lag is a number of steps or a duration such as '6h', got {lag!r}")
    elif (offset := _parse_calendar(lag)) is not None:
        parsed, size = str(offset.freqstr), offset.n
    else:
        parsed = _parse_duration(lag)
        size = parsed / pd.Timedelta(1, "s")
    if not size > 0:
        raise ValueError(f"a lag is above 0, got {lag!r}")
    return parsed


def _parse_calendar(lag: object) -> pd.DateOffset | None:
    """Return the offset of a frequency whose steps have different lengths, such as ``"MS"``."""
    if not isinstance(lag, str):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # for spellings of pandas 2: '1M', and '1m' for months
            offset = to_offset(lag)
    except (ValueError, Warning):
        return None
    is_fixed = isinstance(offset, (pd.offsets.Tick, pd.offsets.Day, pd.offsets.Week))
    return None if is_fixed else offset


def _parse_duration(lag: Any) -> pd.Timedelta:
    """Return a duration; a string without a number, such as ``"h"``, is 1 of its unit."""
    if MONTHS.search(str(lag)):
        raise ValueError(_describe_unparsed(lag))
    lags = (lag, f"1{lag}") if isinstance(lag, str) and lag.isalpha() else (lag,)
    for value in lags:
        try:
            return pd.Timedelta(value)
        except ValueError as error:
            cause = error
    raise ValueError(_describe_unparsed(lag)) from cause


def _describe_unparsed(lag: object) -> str:
    advice = "write '6h', '30D', or a calendar frequency such as 'MS' (month start)"
    months = re.fullmatch(r"\s*(\d*)\s*([MQAYy])", str(lag))
    if months:
        unit = {"M": "M", "Q": "Q"}.get(months[2], "Y")
        advice = (
            f"write '{months[1]}{unit}S' for dates at the start of a period, or "
            f"'{months[1]}{unit}E' at its end"
        )
    return f"a lag is a duration or a frequency of pandas and xarray, got {lag!r}: {advice}"


def _with_lags(field: Field, dim: Hashable, lags: pd.Index) -> Field:
    labels, size = find_labels_along(field, dim), int(field.sizes()[dim])
    partners = np.array([find_partners(labels, size, lag, dim) for lag in lags[1:]])
    name = f"{dim}_lag" if isinstance(dim, str) else "lag"
    data = LaggedArray.of(field.data, field.dims.index(dim), partners, lags)
    return replace(field, data=data, groups=Groups(name, data_dim=dim, lag_dim=dim))
