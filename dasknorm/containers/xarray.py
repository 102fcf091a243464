"""xarray DataArrays and Datasets: each variable is a field with its dimensions and indexes.

Used by containers.xarray_datatree. To exclude more variables that contain metadata, extend the
constants.
"""

from collections.abc import Hashable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import xarray as xr

from dasknorm.blocks import is_numeric
from dasknorm.containers import NO_SELECTION, Container, Selection, register
from dasknorm.containers.date_groups import get_group_labels, unstack_groups
from dasknorm.containers.file_backed import get_data, get_source_names
from dasknorm.containers.latitudes import weights_by_latitude
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Fields, States

__all__ = [
    "DataArrays",
    "Datasets",
    "Labelled",
    "add_groups",
    "get_fields",
    "make_dataset",
    "parse_dataset",
    "rebuild_dataset",
]

X = TypeVar("X", bound=xr.DataArray | xr.Dataset | xr.DataTree)

METADATA_ATTRIBUTES = ("bounds", "climatology", "grid_mapping", "mesh")
"""Attributes that name variables without data, in the CF and the UGRID conventions."""

MESH_ATTRIBUTES = ("_connectivity", "_coordinates")
"""Ends of such attributes of the variable of a mesh."""


class Labelled(Container[X]):
    """Base class for xarray objects: weights have named dimensions, or use the latitude."""

    combined_name = "xarray.Dataset"
    has_latitude = True

    def parse_weights(self, data: X, weights: object) -> Field:
        if isinstance(weights, str):
            assert not isinstance(data, xr.DataTree), "`DataTrees` computes weights for each node"
            dim, values = weights_by_latitude(data, weights)
            weights = xr.DataArray(values, dims=[dim])
        if not isinstance(weights, xr.DataArray):
            raise TypeError(
                "weights of an xarray object are a DataArray, so that its dimensions have names; "
                f"got {type(weights).__name__}: write xr.DataArray(weights, dims=...)"
            )
        dims_of_fields = {field.dims for field in self.fields(data).values()}
        if not any(set(weights.dims) <= set(dims) for dims in dims_of_fields):
            raise MismatchError(
                f"no variable has the dimensions {weights.dims} of the weights; "
                f"found {sorted(dims_of_fields, key=str)}"
            )
        return super().parse_weights(data, weights)

    def parse_mask(self, data: X, where: object) -> Field:
        if not isinstance(where, xr.DataArray):
            raise TypeError(
                "where= of an xarray object is a DataArray of booleans, with names for dimensions; "
                f"got {type(where).__name__}: write xr.DataArray(mask, dims=...)"
            )
        return super().parse_mask(data, where)


@register(xr.DataArray)
class DataArrays(Labelled[xr.DataArray]):
    """A DataArray is one field, with its name."""

    name = "xarray.DataArray"

    def source_names(self, data: xr.DataArray) -> list[str]:
        return get_source_names([data])

    def fields(self, data: xr.DataArray, selection: Selection = NO_SELECTION) -> Fields:
        if not is_numeric(data.dtype):
            raise TypeError(f"{data.name!r} has dtype {data.dtype}: there is nothing to normalize")
        return add_groups({data.name: _make_field(data)}, data, selection)

    def rebuild(self, data: xr.DataArray, fields: Fields) -> xr.DataArray:
        (field,) = fields.values()
        return _rebuild_array(data, field)

    def make_results(self, values: Fields) -> xr.DataArray:
        ((name, field),) = values.items()
        return _make_array(name, field)

    def parse_values(self, values: xr.DataArray) -> tuple[str, Fields]:
        array = values.astype("f8")
        return self.name, {array.name: _make_field(array, array.dims)}


@register(xr.Dataset)
class Datasets(Labelled[xr.Dataset]):
    """Each numeric variable is a field; coordinates, bounds and other variables are unchanged."""

    name = "xarray.Dataset"

    def source_names(self, data: xr.Dataset) -> list[str]:
        return get_source_names(data.data_vars.values()) or get_source_names([data])

    def fields(self, data: xr.Dataset, selection: Selection = NO_SELECTION) -> Fields:
        fields = get_fields(data)
        if not fields:
            variables = ", ".join(f"{n!r} ({v.dtype})" for n, v in data.data_vars.items())
            raise TypeError(
                f"no numeric variables to normalize; found {variables or 'no variables'}"
            )
        return add_groups(fields, data, selection)

    def rebuild(self, data: xr.Dataset, fields: Fields) -> xr.Dataset:
        return rebuild_dataset(data, fields)

    def missing_names(self, fields: Fields, states: States) -> list[Hashable]:
        return [name for name in states if name not in fields]

    def make_results(self, values: Fields) -> xr.Dataset:
        return make_dataset(values)

    def parse_values(self, values: xr.Dataset) -> tuple[str, Fields]:
        return self.name, parse_dataset(values)


# -- variables of a Dataset, or of each node of a DataTree ---------------------------------------


def add_groups(
    fields: dict[Hashable, Field],
    data: xr.DataArray | xr.Dataset | xr.DataTree,
    selection: Selection,
) -> dict[Hashable, Field]:
    """Return fields with the selected groups; TypeError if columns are selected."""
    if selection.columns is not None:
        raise TypeError("columns= is for frames; of a Dataset take some variables: ds[names]")
    if not selection.by:
        return fields
    dim, labels = get_group_labels(data, selection.by)
    return {
        name: field.with_groups(selection.dim, dim, labels) if dim in field.dims else field
        for name, field in fields.items()
    }


def get_fields(data: xr.Dataset) -> dict[Hashable, Field]:
    """Return the numeric variables, except for those that describe other variables."""
    metadata = _metadata_names(data)
    return {
        name: _make_field(variable)
        for name, variable in data.data_vars.items()
        if is_numeric(variable.dtype) and name not in metadata
    }


def rebuild_dataset(data: xr.Dataset, fields: Fields) -> xr.Dataset:
    """Return a Dataset like `data`, with these variables in place of its variables."""
    return data.assign({name: _rebuild_array(data[name], field) for name, field in fields.items()})


def make_dataset(values: Fields) -> xr.Dataset:
    """Return fields as variables of a Dataset, with their labels as coordinates."""
    return xr.Dataset({name: _make_array(name, field) for name, field in values.items()})


def parse_dataset(values: xr.Dataset) -> dict[Hashable, Field]:
    """Return variables with known statistics as fields that keep all their dimensions."""
    arrays = values.astype("f8").data_vars
    return {name: _make_field(array, array.dims) for name, array in arrays.items()}


def _metadata_names(data: xr.Dataset) -> set[str]:
    """Return the variables that describe others: bounds, grid mappings, the faces of a mesh."""
    return {
        name
        for variable in data.variables.values()
        for attrs in (variable.attrs, variable.encoding)
        for key, value in attrs.items()
        if key in METADATA_ATTRIBUTES or str(key).endswith(MESH_ATTRIBUTES)
        for name in str(value).replace(":", " ").split()
    }


def _make_field(array: xr.DataArray, features: tuple[Hashable, ...] = ()) -> Field:
    labels = {dim: array.indexes[dim] for dim in array.dims if dim in array.indexes}
    return Field(get_data(array), array.dims, labels, features, dict(array.attrs))


def _rebuild_array(array: xr.DataArray, field: Field) -> xr.DataArray:
    result = array.copy(deep=False, data=field.data)
    result.attrs = dict(field.attrs)
    # An int16 packing of kelvin would cause errors of up to 1966 in z-scores on the next write.
    result.encoding = {}
    return result


def _make_array(name: Hashable, field: Field) -> xr.DataArray:
    if field.group_dim is not None:
        index = field.labels[field.group_dim]
        dim = field.group_dim if index.nlevels == 1 else " and ".join(map(str, index.names))
        labels = {dim: index, **{d: field.labels[d] for d in field.dims[1:] if d in field.labels}}
        ungrouped = replace(field, dims=(dim, *field.dims[1:]), labels=labels, groups=None)
        return unstack_groups(_make_array(name, ungrouped), dim)
    data = np.asarray(field.data) if isinstance(field.data, np.generic) else field.data
    array = xr.DataArray(data, dims=field.dims, name=name, attrs=dict(field.attrs))
    for dim, index in field.labels.items():
        if index.nlevels > 1:
            array = array.assign_coords(xr.Coordinates.from_pandas_multiindex(index, dim))
        else:
            array = array.assign_coords({dim: index})
    return array
