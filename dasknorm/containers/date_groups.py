"""Group labels along a dimension of an xarray object, such as the month of each date.

Used by `containers.xarray`. Error messages can change without other changes.

Keys are coordinates along one dimension, or their date components as in xarray: ``"time.month"``.
``"time.monthday"`` is the month and the day, such as ``"02-29"``, in any calendar.
"""

from collections.abc import Hashable

import numpy as np
import pandas as pd
import xarray as xr

from dasknorm.errors import MismatchError
from dasknorm.fields.labels import format_dims


def get_group_labels(
    data: xr.DataArray | xr.Dataset | xr.DataTree, keys: tuple[Hashable, ...]
) -> tuple[Hashable, pd.Index]:
    """Return the dimension of the groups, and the group label of each position along it."""
    coordinates = [(key, _get_coordinate(data, key)) for key in keys]
    first_dims = coordinates[0][1].dims
    for key, labels in coordinates:
        if not labels.ndim:
            raise ValueError(
                f"by={key!r} has no dimension: keep it with a list, ds.isel(time=[0]), or with "
                "ds.expand_dims('time')"
            )
        if labels.dims != first_dims or labels.ndim != 1:
            raise ValueError(
                f"by={key!r} lies along {format_dims(labels.dims)}: groups are named along one "
                f"dimension{', the same for all' if len(coordinates) > 1 else ''}"
            )
    indexes = [_make_index(labels).rename(key) for key, labels in coordinates]
    (dim,) = first_dims
    return dim, indexes[0] if len(indexes) == 1 else pd.MultiIndex.from_arrays(indexes, names=keys)


def unstack_groups(array: xr.DataArray, group_dim: Hashable) -> xr.DataArray:
    """Return values per group with one dimension for each key, named as in xarray: month, hour."""
    is_multiple = isinstance(array.indexes.get(group_dim), pd.MultiIndex)
    keys = list(array.indexes[group_dim].names) if is_multiple else [group_dim]
    short_names = {key: key.rpartition(".")[2] if isinstance(key, str) else key for key in keys}
    dims = [dim for dim in array.dims if dim != group_dim]
    names = [*short_names.values(), *dims]
    if is_multiple:
        array = array.unstack([group_dim]).transpose(*keys, *dims)
    return array.rename(
        {key: name for key, name in short_names.items() if names.count(name) == 1 and key != name}
    )


def _get_coordinate(data: xr.DataArray | xr.Dataset | xr.DataTree, key: Hashable) -> xr.DataArray:
    if key in data.coords:
        return data.coords[key]
    name, dot, component = key.rpartition(".") if isinstance(key, str) else (key, "", "")
    if not dot or name not in data.coords:
        raise MismatchError(
            f"there is no coordinate {key!r} to group by; found {list(data.coords)}. Write a part "
            "of a date as 'time.month'; attach labels of your own: ds.assign_coords(name=...), or "
            "ds.set_coords(name) if they are a variable"
        )
    try:
        dates = data.coords[name].dt
        return dates.strftime("%m-%d") if component == "monthday" else getattr(dates, component)
    except (AttributeError, TypeError) as error:
        raise ValueError(
            f"by={key!r}: {name!r} has dtype {data.coords[name].dtype} and no {component!r}; dates "
            "have year, season, month, dayofyear, monthday, hour and others"
        ) from error


def _make_index(labels: xr.DataArray) -> pd.Index:
    values = np.asarray(labels.values)
    return pd.Index(values.astype("f4") if values.dtype == "f2" else values)  # pandas has no f2
