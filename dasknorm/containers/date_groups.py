"""Calendars: labels by which what stands along a dimension of an xarray object is put in groups.

A part of a date is written as in xarray, ``"time.month"``; and any coordinate along one dimension
names groups as well.
"""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.errors import MismatchError
from dasknorm.fields.labels import format_dims

__all__ = ["group_labels", "in_calendar"]


def group_labels(data: Any, keys: tuple[Hashable, ...]) -> tuple[Hashable, pd.Index]:
    """Return the dimension along which groups lie, and the label of each place there.

    Parameters
    ----------
    data : DataArray or Dataset
    keys : tuple of hashable
        Coordinates along one dimension, or parts of one: ``"time.month"``.

    Raises
    ------
    MismatchError
        If a coordinate is not there.
    ValueError
        If it lies along several dimensions, none, or another than those before, or is no date.
    """
    found = [(key, _coordinate(data, key)) for key in keys]
    for key, labels in found:
        if not labels.ndim:
            raise ValueError(
                f"by={key!r} is of one place alone, with no dimension that groups lie along: keep "
                "it, with a list: ds.isel(time=[0]), or ds.expand_dims('time')"
            )
        if labels.dims != found[0][1].dims or labels.ndim != 1:
            raise ValueError(
                f"by={key!r} lies along {format_dims(labels.dims)}: groups are named along one "
                f"dimension{', the same for all' if len(found) > 1 else ''}"
            )
    indexes = [_index(labels).rename(key) for key, labels in found]
    (dim,) = found[0][1].dims
    return dim, indexes[0] if len(indexes) == 1 else pd.MultiIndex.from_arrays(indexes, names=keys)


def in_calendar(array: Any, grouped: Hashable) -> Any:
    """Return readings whose groups lie along dimensions as xarray calls them: month, hour."""
    several = isinstance(array.indexes.get(grouped), pd.MultiIndex)
    keys = list(array.indexes[grouped].names) if several else [grouped]
    short = {key: key.rpartition(".")[2] if isinstance(key, str) else key for key in keys}
    taken = [*short.values(), *(dim for dim in array.dims if dim != grouped)]
    names = {key: name for key, name in short.items() if taken.count(name) == 1}
    if several:
        rest = [dim for dim in array.dims if dim != grouped]
        array = array.unstack(grouped).transpose(*keys, *rest)
    return array.rename({key: name for key, name in names.items() if key != name})


def _coordinate(data: Any, key: Hashable) -> Any:
    if key in data.coords:
        return data.coords[key]
    name, dot, part = key.rpartition(".") if isinstance(key, str) else (key, "", "")
    if not dot or name not in data.coords:
        raise MismatchError(
            f"there is no coordinate {key!r} to group by; found {list(data.coords)}. Write a part "
            "of a date as 'time.month'; attach labels of your own: ds.assign_coords(name=...), or "
            "ds.set_coords(name) if they are a variable"
        )
    try:
        return getattr(data.coords[name].dt, part)
    except (AttributeError, TypeError) as error:
        raise ValueError(
            f"by={key!r}: {name!r} has dtype {data.coords[name].dtype} and no {part!r}; dates have "
            "year, season, month, dayofyear, hour and others"
        ) from error


def _index(labels: Any) -> pd.Index:
    values = np.asarray(labels.values)
    return pd.Index(values.astype("f4") if values.dtype == "f2" else values)  # pandas has no f2
