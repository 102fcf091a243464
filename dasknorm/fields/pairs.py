"""Pairs: which positions along a dimension are a lag apart.

Used by `fields.lags`. Users depend on the value of `GAP`; error messages can change without other
changes.
"""

from collections.abc import Hashable, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pandas.tseries.frequencies import to_offset

from dasknorm.fields.field import Field
from dasknorm.fields.labels import format_dim

GAP = 1.5
"""A step longer than this, in units of the median step, is a gap, and has no tendency."""


def find_labels_along(field: Field, dim: Hashable) -> dict[Hashable, pd.Index]:
    """Return the index along a dimension, or else its coordinates of dates that increase.

    Raise ValueError if there are labels, and none increase.
    """
    labels = {dim: field.labels[dim]} if dim in field.labels else _find_dates(field, dim)
    increasing = {
        name: index
        for name, index in labels.items()
        if index.is_monotonic_increasing and index.is_unique
    }
    for name, index in labels.items():
        if not increasing:
            raise ValueError(_describe_order(index, name, dim))
    return increasing


def find_partners(
    labels: Mapping[Hashable, pd.Index], size: int, lag: Any, dim: Hashable
) -> np.ndarray:
    """Return for each position the position that is later by the lag; -1 for none."""
    if isinstance(lag, (str, timedelta)):
        index = select_dates(labels, dim)
        later = _add_lag(index, lag, dim)
        return np.where(find_dates_on(index, lag), index.get_indexer(later), -1)
    stretch = np.zeros(size, int)
    gaps = [_find_gaps(index) for index in labels.values()]
    stretch[1:] = np.cumsum(np.any(gaps, axis=0)) if gaps else 0
    partners = np.full(size, -1)
    ends = np.arange(lag, size)
    has_no_gap = stretch[ends] == stretch[ends - lag]
    partners[: max(size - lag, 0)][has_no_gap] = ends[has_no_gap]
    return partners


def select_dates(labels: Mapping[Hashable, pd.Index], dim: Hashable) -> pd.Index:
    """Return the only labels along a dimension; ValueError for none or several."""
    if not labels:
        raise _no_dates(None, dim)
    if len(labels) > 1:
        name = next(iter(labels))
        raise ValueError(
            f"{format_dim(dim)} has no index, and its dates are in {len(labels)} coordinates, "
            f"{', '.join(map(repr, labels))}: select one, ds.swap_dims({dim}={name!r})"
        )
    return next(iter(labels.values()))


def _find_dates(field: Field, dim: Hashable) -> dict[Hashable, pd.Index]:
    """Return the coordinates of dates along a dimension that has no index, or else of durations."""
    dates_by_kind: dict[str, dict[Hashable, pd.Index]] = {"M": {}, "m": {}}
    for name, coord in field.coords.items():
        if coord.dims != (dim,) or coord.data.dtype.kind not in "MmO" or not len(coord.values):
            continue
        kind = coord.values.dtype.kind
        if kind in dates_by_kind:
            dates_by_kind[kind][name] = pd.Index(coord.values)
        elif is_date := [hasattr(date, "calendar") for date in coord.values]:
            if all(is_date):
                dates_by_kind["M"][name] = xr.CFTimeIndex(coord.values)
            elif any(is_date):  # the others are missing, which `_describe_order` reports
                dates_by_kind["M"][name] = pd.Index(coord.values, dtype=object)
    return dates_by_kind["M"] or dates_by_kind["m"]


def _describe_order(labels: pd.Index, name: Hashable, dim: Hashable) -> str:
    """Return why labels do not increase: some are missing, repeated or before earlier ones."""
    title = format_dim(name)
    if labels.nlevels == 1 and labels.hasnans:
        positions = np.flatnonzero(labels.isna())
        kind = "NaT" if labels.dtype.kind == "M" else "missing labels"
        return (
            f"{title} has {kind} at {len(positions):,} of {len(labels):,} positions, such as "
            f"{positions[0]}: drop them, ds.isel({dim}=ds[{title}].notnull())"
        )
    if not labels.is_unique:
        repeated = labels[labels.duplicated()].unique()
        times = int((labels == repeated[0]).sum())
        further = len(repeated) - 1
        swapped = "" if name == dim else f".swap_dims({dim}={title})"
        return (
            f"{title} has {_format_label(repeated[0])} "
            f"{'twice' if times == 2 else f'{times} times'}"
            f"{f', and repeats {further:,} other label' if further else ''}{'s' * (further > 1)}: "
            f"ds{swapped}.drop_duplicates({title})"
        )
    first = next(i for i in range(1, len(labels)) if not labels[i] > labels[i - 1])
    return (
        f"labels along {title} do not increase: {_format_label(labels[first])} follows "
        f"{_format_label(labels[first - 1])}: ds.sortby({title})"
    )


def describe_no_pairs(
    labels: pd.Index, partners: np.ndarray, lag: timedelta | str, dim: Hashable
) -> str | None:
    """Return why no labels are a lag apart; None if some are, or if the lag exceeds the labels."""
    if (partners >= 0).any() or len(labels) < 2 or _add_lag(labels[:1], lag, dim)[0] > labels[-1]:
        return None
    name, advice = format_dim(dim), f"count steps instead, lag={{{dim!r}: 1}}"
    if not find_dates_on(labels, lag).any():
        return (
            f"no date of {name} is on the frequency {lag!r}, the first is "
            f"{_format_label(labels[0])}: {advice}"
        )
    steps = [_format_step(step) for step in sorted({*(labels[1:] - labels[:-1])})]
    spacing = steps[0] if len(steps) == 1 else f"{steps[0]} to {steps[-1]}"
    lag_text = lag if isinstance(lag, str) else _format_step(lag)
    return f"no two steps of {name} are {lag_text} apart; they are {spacing} apart: {advice}"


def find_dates_on(labels: pd.Index, lag: timedelta | str) -> np.ndarray:
    """Return whether each date is one of a calendar frequency; True for a duration."""
    if not isinstance(lag, str):
        return np.ones(len(labels), bool)
    # 15 January and a month start give 1 February, which gives 1 January backwards.
    return np.asarray(labels.shift(1, lag).shift(-1, lag) == labels)


def _add_lag(labels: pd.Index, lag: timedelta | str, dim: Hashable) -> pd.Index:
    """Return the dates that are later by the lag."""
    try:
        if isinstance(lag, str):
            return labels.shift(1, lag)
        # Dates of cftime are objects, to which pandas 2 does not add its own Timedelta.
        return labels + (pd.Timedelta(lag).to_pytimedelta() if labels.dtype == object else lag)
    except (TypeError, AttributeError, NotImplementedError) as error:
        raise _no_dates(labels, dim) from error
    except ValueError as error:
        raise ValueError(f"the lag {lag!r} cannot be added to {labels[0]!r}: {error}") from error


def _no_dates(labels: pd.Index | None, dim: Hashable) -> ValueError:
    kind = "no labels" if labels is None else f"labels of {labels.dtype}"
    return ValueError(
        f"a lag that is a duration needs dates along {format_dim(dim)}, which has {kind}; "
        "give it as a number of steps"
    )


def _find_gaps(labels: pd.Index) -> np.ndarray:
    """Return for each step whether it is a gap; labels that cannot be subtracted have no gaps."""
    try:
        steps = np.diff(np.asarray(labels))
    except TypeError:
        return np.zeros(max(len(labels) - 1, 0), bool)
    if not len(steps):
        return np.zeros(0, bool)
    median = np.sort(steps)[len(steps) // 2]
    return np.asarray(steps > GAP * median, bool)


def _format_label(label: Any) -> str:
    """Return a label as text, without midnight and the zeros after the hour."""
    return str(label).removesuffix(":00:00").removesuffix(" 00").replace(" ", "T")


def _format_step(step: timedelta) -> str:
    """Return a duration as text: ``12h``, ``31D``."""
    step = pd.Timedelta(step)
    if step % pd.Timedelta(1, "D") == pd.Timedelta(0):
        return f"{step.days}D"
    text = str(to_offset(step).freqstr)
    return text if text[0].isdigit() else f"1{text}"
