"""Lags: which place along a dimension comes so much later than each, for statistics of changes.

A lag is a number of steps, or a duration where the labels are dates. Across a gap in the labels
nothing is taken for a change: a step more than half as long again as the one in the middle of all
is one.
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
from dasknorm.blocks.group_labels import some
from dasknorm.blocks.lagged_arrays import LaggedArray
from dasknorm.errors import MismatchError
from dasknorm.fields.field import Field, Fields, Groups, State, States
from dasknorm.fields.labels import shown
from dasknorm.fields.states import select_group
from dasknorm.statistics import Transformed

__all__ = ["Lag", "changes", "describe_lag", "lag_of", "lagged", "lags_by_dim", "without_lags"]

Lag = Mapping[Hashable, Any] | None
"""A dimension, and a lag along it or several: ``{"time": 1}``, ``{"time": ["6h", "24h"]}``."""

GAP = 1.5

NO_STEPS = (bool, np.timedelta64)
"""What NumPy or Python count among the integers."""


def lagged(fields: Fields, lag: Lag) -> dict[Hashable, Field]:
    """Return fields of which the changes along a dimension are to be learned as well.

    Fields without the dimension stay as they are.

    Raises
    ------
    TypeError
        If the data are a frame, or a lag is neither a number of steps nor a duration.
    ValueError
        If no field has the dimension, a lag is not above 0, lags are of both kinds, or labels along
        it do not increase.
    """
    if lag is None:
        return dict(fields)
    dim, lags = _asked(lag)
    for field in fields.values():
        if not chunks.is_array(field.data):
            what = "groups (by=)" if field.group_dim is not None else "frames"
            raise TypeError(f"lag= goes with arrays and xarray objects, and not with {what}")
        parts = getattr(field.statistic, "parts", [field.statistic])
        if any(isinstance(part, Transformed) for part in parts):
            raise TypeError(
                "lag= learns of changes of the data as they are, not of a function of them: apply "
                "the function first, and adapt on what comes out"
            )
    found = {name: f.dims[f.axis(dim)] for name, f in fields.items() if f.has_axis(dim)}
    if not found:
        for field in fields.values():
            field.axis(dim)  # says what is there instead
    return {
        name: _in_lags(field, found[name], lags) if name in found else field
        for name, field in fields.items()
    }


def lag_of(states: States) -> Lag:
    """Return the lags that states were learned with; None if with none."""
    for state in states.values():
        if state.lag_dim is not None:
            return {state.lag_dim: state.labels[state.group_dim][1:].tolist()}
    return None


def lags_by_dim(fields: Fields) -> dict[str, list[Any]]:
    """Return the lags of fields in words and numbers: ``{"time": [1]}``, ``{"time": ["6h"]}``."""
    for field in fields.values():
        if isinstance(field.data, LaggedArray) and field.data.labels is not None:
            lags = field.data.labels[1:]
            return {str(field.lag_dim): list(map(_word, lags))}
    return {}


def _word(lag: Any) -> Any:
    """Return a lag as a number of steps, or a duration in the words of pandas: ``"6h"``."""
    if isinstance(lag, timedelta):
        return to_offset(lag).freqstr
    return int(lag)


def describe_lag(lag: Any, dim: Any) -> str:
    """Return a lag in words: ``"1 step of time"``, ``"6h of time"``."""
    steps = f"{lag} step{'' if lag == 1 else 's'}" if isinstance(lag, int) else str(lag)
    return f"{steps} of {dim}"


def without_lags(states: States) -> dict[Hashable, State]:
    """Return the states of the data themselves, without those of their changes."""
    return {
        name: state
        if state.lag_dim is None
        else select_group(state, state.labels[state.group_dim][0])
        for name, state in states.items()
    }


def changes(states: States, lag: Any) -> tuple[dict[Hashable, State], str]:
    """Return the states of changes by one lag, and the lag in words; one only may be left out."""
    own = {name: state for name, state in states.items() if state.lag_dim is not None}
    if not own:
        raise MismatchError("no changes were learned: adapt(..., lag={'time': 1})")
    known = next(state.labels[state.group_dim] for state in own.values())
    if lag is None and len(known) > 2:
        raise MismatchError(f"changes by several lags were learned, {some(known[1:])}: name one")
    if lag is None:
        lag = known[1]
    elif known.dtype.kind == "m":
        lag = _duration(lag)
    if lag not in known[1:]:
        raise MismatchError(f"no changes by {lag!r} were learned; known: {some(known[1:])}")
    (dim,) = {state.lag_dim for state in own.values()}
    return {name: select_group(state, lag) for name, state in own.items()}, describe_lag(
        _word(lag), dim
    )


def _asked(lag: Any) -> tuple[Hashable, pd.Index]:
    if not isinstance(lag, Mapping) or len(lag) != 1:
        raise TypeError(f"lag= takes one dimension and its lags, as {{'time': 1}}, got {lag!r}")
    ((dim, asked),) = lag.items()
    many = list(asked) if isinstance(asked, (list, tuple)) else [asked]
    steps = [isinstance(each, Integral) and not isinstance(each, NO_STEPS) for each in many]
    if not many or any(steps) != all(steps):
        raise ValueError(
            f"lags are all numbers of steps, or all durations such as '6h', got {asked!r}"
        )
    lags = [int(each) if steps[0] else _duration(each) for each in many]
    none = 0 if steps[0] else pd.Timedelta(0)
    if wrong := [each for each in lags if not each > none]:
        raise ValueError(f"a lag is above 0, got {wrong[0]!r}")
    if len(set(lags)) < len(lags):
        raise ValueError(f"lag={asked!r} names one of them twice")
    return dim, pd.Index([none, *sorted(lags)])


def _duration(lag: Any) -> pd.Timedelta:
    if not isinstance(lag, (str, timedelta, np.timedelta64)):
        raise TypeError(f"a lag is a number of steps or a duration such as '6h', got {lag!r}")
    try:
        return pd.Timedelta(lag)
    except ValueError as error:
        raise ValueError(f"a lag is a duration such as '6h' or '30D', got {lag!r}") from error


def _in_lags(field: Field, dim: Hashable, lags: pd.Index) -> Field:
    labels = field.labels.get(dim)
    size = int(field.sizes()[dim])
    if labels is not None and not (labels.is_monotonic_increasing and labels.is_unique):
        raise ValueError(f"labels along {shown(dim)} do not increase: sort them first")
    if lags.dtype.kind == "m":
        partners = _by_duration(labels, dim, lags[1:])
    else:
        partners = _by_steps(labels, size, lags[1:])
    name = f"{dim}_lag" if isinstance(dim, str) else "lag"
    data = LaggedArray.of(field.data, field.dims.index(dim), partners, lags)
    return replace(field, data=data, groups=Groups(name, dim, dim))


def _by_steps(labels: pd.Index | None, size: int, lags: Sequence[int]) -> np.ndarray:
    """Return the places so many steps later, but across a gap."""
    stretch = np.zeros(size, int)
    stretch[1:] = np.cumsum(_gaps(labels, size))
    partners = np.full((len(lags), size), -1)
    for row, lag in zip(partners, lags, strict=True):
        later = np.arange(lag, size)
        whole = stretch[later] == stretch[later - lag]
        row[: max(size - lag, 0)][whole] = later[whole]
    return partners


def _gaps(labels: pd.Index | None, size: int) -> np.ndarray:
    """Return for each step whether it is a gap: of labels that have no distance, none is."""
    try:
        steps = np.diff(np.asarray(labels)) if labels is not None else np.ones(max(size - 1, 0))
    except TypeError:
        return np.zeros(max(size - 1, 0), bool)
    if not len(steps):
        return np.zeros(0, bool)
    usual = np.sort(steps)[len(steps) // 2]
    return np.asarray(steps > GAP * usual, bool)


def _by_duration(labels: pd.Index | None, dim: Hashable, lags: Sequence[Any]) -> np.ndarray:
    """Return the places whose labels are later by just so much."""
    if labels is not None and labels.dtype == object:  # of cftime; pandas 2 adds nothing of its own
        lags = [lag.to_pytimedelta() for lag in lags]
    try:
        return np.array([labels.get_indexer(labels + lag) for lag in lags])  # type: ignore
    except (TypeError, AttributeError) as error:
        kind = "no labels" if labels is None else f"labels of {labels.dtype}"
        raise ValueError(
            f"a lag that is a duration needs dates along {shown(dim)}, which has {kind}; "
            "give it as a number of steps"
        ) from error
