"""xarray DataArrays and Datasets. Each variable is a field, with its dimensions and indexes."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from dasknorm.blocks import is_numeric
from dasknorm.containers import NO_SELECTION, Container, Selection, register
from dasknorm.containers.date_groups import group_labels, in_calendar
from dasknorm.containers.file_backed import data_of, sources_of
from dasknorm.containers.latitudes import weights_by_latitude
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Fields, States

__all__ = [
    "DataArrays",
    "Datasets",
    "Labelled",
    "add_groups",
    "fields_of",
    "given_fields",
    "rebuilt",
    "reported",
]

DESCRIBING = ("bounds", "climatology", "grid_mapping", "mesh")
"""Attributes that name variables which are no data, by the CF and the UGRID conventions."""

DESCRIBING_A_MESH = ("_connectivity", "_coordinates")
"""How those end that the variable of a mesh has."""


class Labelled(Container):
    """What all kinds share: weights have named dimensions, several variables are a Dataset."""

    several = "xarray.Dataset"
    has_latitude = True

    def weights(self, data: Any, weights: Any) -> Any:
        if isinstance(weights, str):
            dim, values = weights_by_latitude(data, weights)
            weights = xr.DataArray(values, dims=[dim])
        if not isinstance(weights, xr.DataArray):
            raise TypeError(
                "weights of an xarray object are a DataArray, so that its dimensions have names; "
                f"got {type(weights).__name__}: write xr.DataArray(weights, dims=...)"
            )
        found = {field.dims for field in self.fields(data).values()}
        if not any(set(weights.dims) <= set(dims) for dims in found):
            raise MismatchError(
                f"no variable has the dimensions {weights.dims} of the weights; "
                f"found {sorted(found, key=str)}"
            )
        return super().weights(data, weights)

    def where(self, data: Any, where: Any) -> Any:
        if not isinstance(where, xr.DataArray):
            raise TypeError(
                "where= of an xarray object is a DataArray of booleans, with names for dimensions; "
                f"got {type(where).__name__}: write xr.DataArray(mask, dims=...)"
            )
        return super().where(data, where)


@register(xr.DataArray)
class DataArrays(Labelled):
    """One variable, under its own name."""

    name = "xarray.DataArray"

    def sources(self, data: Any) -> list[str]:
        return sources_of([data])

    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        if not is_numeric(data.dtype):
            raise TypeError(f"{data.name!r} has dtype {data.dtype}: there is nothing to normalize")
        return add_groups({data.name: _field(data)}, data, selection)

    def rebuild(self, data: Any, fields: Fields) -> Any:
        (field,) = fields.values()
        return _rebuilt(data, field)

    def report(self, values: Fields) -> Any:
        ((name, field),) = values.items()
        return _array(name, field)

    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        array = values.astype("f8")
        return self.name, {array.name: _field(array, array.dims)}


@register(xr.Dataset)
class Datasets(Labelled):
    """Each numeric variable; the others ride along, as do coordinates, bounds and grid mappings."""

    name = "xarray.Dataset"

    def sources(self, data: Any) -> list[str]:
        return sources_of(data.data_vars.values()) or sources_of([data])

    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        fields = fields_of(data)
        if not fields:
            found = ", ".join(f"{n!r} ({v.dtype})" for n, v in data.data_vars.items())
            raise TypeError(f"no numeric variables to normalize; found {found or 'no variables'}")
        return add_groups(fields, data, selection)

    def rebuild(self, data: Any, fields: Fields) -> Any:
        return rebuilt(data, fields)

    def lacking(self, fields: Fields, states: States) -> list[Hashable]:
        return [name for name in states if name not in fields]

    def report(self, values: Fields) -> Any:
        return reported(values)

    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        return self.name, given_fields(values)


# -- what is done with the variables of a Dataset, or of each node of a DataTree ------------------


def add_groups(
    fields: dict[Hashable, Field], data: Any, selection: Selection
) -> dict[Hashable, Field]:
    """Return fields with the selected groups; TypeError if columns are selected."""
    if selection.columns is not None:
        raise TypeError("columns= is for frames; of a Dataset take some variables: ds[names]")
    if not selection.by:
        return fields
    dim, labels = group_labels(data, selection.by)
    return {
        name: field.with_groups(selection.dim, dim, labels) if dim in field.dims else field
        for name, field in fields.items()
    }


def fields_of(data: Any) -> dict[Hashable, Field]:
    """Return the numeric variables, but for those that describe others."""
    describing = _describing(data)
    return {
        name: _field(variable)
        for name, variable in data.data_vars.items()
        if is_numeric(variable.dtype) and name not in describing
    }


def rebuilt(data: xr.Dataset, fields: Fields) -> xr.Dataset:
    """Return a Dataset like `data` with these variables in place of its own."""
    return data.assign({name: _rebuilt(data[name], field) for name, field in fields.items()})


def reported(values: Fields) -> xr.Dataset:
    """Return fields as variables of a Dataset, with their labels for coordinates."""
    return xr.Dataset({name: _array(name, field) for name, field in values.items()})


def given_fields(values: Any) -> dict[Hashable, Field]:
    """Return variables of numbers that a user gives, each kept along all its dimensions."""
    arrays = values.astype("f8").data_vars
    return {name: _field(array, array.dims) for name, array in arrays.items()}


def _describing(data: xr.Dataset) -> set[str]:
    """Return the variables that only describe others: bounds, grid mappings, and a mesh's faces."""
    return {
        name
        for variable in data.variables.values()
        for notes in (variable.attrs, variable.encoding)
        for key, value in notes.items()
        if key in DESCRIBING or str(key).endswith(DESCRIBING_A_MESH)
        for name in str(value).replace(":", " ").split()
    }


def _field(array: Any, features: tuple[Hashable, ...] = ()) -> Field:
    labels = {dim: array.indexes[dim] for dim in array.dims if dim in array.indexes}
    return Field(data_of(array), array.dims, labels, features, dict(array.attrs))


def _rebuilt(array: Any, field: Field) -> Any:
    result = array.copy(deep=False, data=field.data)
    result.attrs = dict(field.attrs)
    # An int16 packing of kelvin would crush z-scores on the next write, by up to 1966 when seen.
    result.encoding = {}
    return result


def _array(name: Hashable, field: Field) -> Any:
    if field.group_dim is not None:
        index = field.labels[field.group_dim]
        dim = field.group_dim if index.nlevels == 1 else " and ".join(map(str, index.names))
        labels = {dim: index, **{d: field.labels[d] for d in field.dims[1:] if d in field.labels}}
        plain = replace(field, dims=(dim, *field.dims[1:]), labels=labels, groups=None)
        return in_calendar(_array(name, plain), dim)
    coords = {dim: _coordinate(dim, index) for dim, index in field.labels.items()}
    data = np.asarray(field.data) if isinstance(field.data, np.generic) else field.data
    array = xr.DataArray(data, dims=field.dims, name=name, attrs=dict(field.attrs))
    for coordinate in coords.values():
        array = array.assign_coords(coordinate)
    return array


def _coordinate(dim: Hashable, index: Any) -> Any:
    if index.nlevels > 1:
        return xr.Coordinates.from_pandas_multiindex(index, dim)
    return {dim: index}
