"""xarray DataArrays and Datasets. Each variable is a field, with its dimensions and indexes."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr

from dasknorm.blocks import is_numeric
from dasknorm.containers import Container, Fields, register
from dasknorm.errors import MismatchError
from dasknorm.fields import Field
from dasknorm.grids import weights_by_latitude

__all__ = ["DataArrays", "Datasets"]


class _Labelled(Container):
    """What both kinds share: weights have named dimensions, several variables are a Dataset."""

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
        if not any(set(weights.dims) <= set(dims) for dims in _dims_of(data)):
            raise MismatchError(
                f"no variable has the dimensions {weights.dims} of the weights; "
                f"found {sorted(set(_dims_of(data)), key=str)}"
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
class DataArrays(_Labelled):
    """One variable, under its own name."""

    name = "xarray.DataArray"

    def fields(self, data: Any) -> dict[Hashable, Field]:
        if not is_numeric(data.dtype):
            raise TypeError(f"{data.name!r} has dtype {data.dtype}: there is nothing to normalize")
        return {data.name: _field(data)}

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
class Datasets(_Labelled):
    """Each numeric variable; the others ride along, as do coordinates, bounds and grid mappings."""

    name = "xarray.Dataset"

    def fields(self, data: Any) -> dict[Hashable, Field]:
        describing = _describing(data)
        fields = {
            name: _field(v)
            for name, v in data.data_vars.items()
            if is_numeric(v.dtype) and name not in describing
        }
        if not fields:
            found = ", ".join(f"{n!r} ({v.dtype})" for n, v in data.data_vars.items())
            raise TypeError(f"no numeric variables to normalize; found {found or 'no variables'}")
        return fields

    def rebuild(self, data: Any, fields: Fields) -> Any:
        return data.assign({name: _rebuilt(data[name], f) for name, f in fields.items()})

    def lacking(self, fields: Fields, states: Fields) -> list[Hashable]:
        return [name for name in states if name not in fields]

    def report(self, values: Fields) -> Any:
        return xr.Dataset({name: _array(name, field) for name, field in values.items()})

    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        arrays = values.astype("f8").data_vars
        return self.name, {name: _field(v, v.dims) for name, v in arrays.items()}


def _dims_of(data: Any) -> list[tuple[Hashable, ...]]:
    variables = data.data_vars.values() if isinstance(data, xr.Dataset) else [data]
    return [variable.dims for variable in variables]


def _describing(data: xr.Dataset) -> set[str]:
    """Return the variables that only describe others: CF's bounds and grid mappings."""
    return {
        name
        for variable in data.variables.values()
        for key in ("bounds", "climatology", "grid_mapping")
        for notes in (variable.attrs, variable.encoding)
        for name in str(notes.get(key, "")).replace(":", " ").split()
    }


def _field(array: Any, features: tuple[Hashable, ...] = ()) -> Field:
    labels = {dim: array.indexes[dim] for dim in array.dims if dim in array.indexes}
    return Field(array.data, array.dims, labels, features, dict(array.attrs))


def _rebuilt(array: Any, field: Field) -> Any:
    result = array.copy(deep=False, data=field.data)
    result.attrs = dict(field.attrs)
    # An int16 packing of kelvin would crush z-scores on the next write, by up to 1966 when seen.
    result.encoding = {}
    return result


def _array(name: Hashable, field: Field) -> Any:
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
