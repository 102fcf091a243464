"""xarray DataArrays, Datasets and DataTrees: each variable is a field with its dimensions.

Used by users: `containers` imports this module with the first xarray object.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np
import xarray as xr

from dasknorm.blocks import is_numeric
from dasknorm.containers import NO_SELECTION, Container, Selection, register
from dasknorm.containers.coordinate_weights import compute_factors, weight_names
from dasknorm.containers.date_groups import get_group_labels, unstack_groups
from dasknorm.containers.file_backed import get_data, get_source_names
from dasknorm.containers.metadata import describe_metadata, find_metadata, references_to
from dasknorm.containers.numpy import describe_unsupported
from dasknorm.containers.object_columns import describe_objects, make_error
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Fields, State, States, attributes
from dasknorm.fields.coords import Coord, Coords, are_equal
from dasknorm.fields.matching import Kept
from dasknorm.fields.missing_values import find_missing_values

X = TypeVar("X", bound=xr.DataArray | xr.Dataset | xr.DataTree)


class _Labelled(Container[X]):
    """Base class for xarray objects: weights have named dimensions, or use the coordinates."""

    combined_name = "xarray.Dataset"
    has_coordinates = True

    def parse_weights(self, data: X, weights: object) -> Field | tuple[Field, ...]:
        if names := weight_names(weights):
            assert not isinstance(data, xr.DataTree), "`DataTrees` computes weights for each node"
            return tuple(self._parse_array(data, f) for f in compute_factors(data, names))
        return self._parse_array(data, weights)

    def _parse_array(self, data: X, weights: object) -> Field:
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
        # Weights made of a coordinate have its name, and are compared by this coordinate as well.
        field: Field = super().parse_weights(data, weights.rename(None))
        return field

    def parse_mask(self, data: X, where: object) -> Field:
        if not isinstance(where, xr.DataArray):
            raise TypeError(
                "where= of an xarray object is a DataArray of booleans, with names for dimensions; "
                f"got {type(where).__name__}: write xr.DataArray(mask, dims=...)"
            )
        return super().parse_mask(data, where)


@register(xr.DataArray)
class DataArrays(_Labelled[xr.DataArray]):
    """A DataArray is one field, with its name."""

    name = "xarray.DataArray"

    def source_names(self, data: xr.DataArray) -> list[str]:
        return get_source_names([data])

    def fields(self, data: xr.DataArray, selection: Selection = NO_SELECTION) -> Fields:
        if not is_numeric(data.dtype):
            name = "the unnamed array" if data.name is None else repr(data.name)
            raise TypeError(f"{name}: {describe_unsupported(get_data(data))}")
        return _add_groups({data.name: _make_field(data)}, data, selection)

    def rebuild(self, data: xr.DataArray, fields: Fields) -> xr.DataArray:
        (field,) = fields.values()
        return _rebuild_array(data, field)

    def make_results(self, values: Fields) -> xr.DataArray:
        ((name, field),) = values.items()
        return _make_array(name, field)

    def parse_values(self, values: xr.DataArray) -> tuple[str, Fields]:
        return self.name, {values.name: _make_values(values.compute())}


@register(xr.Dataset)
class Datasets(_Labelled[xr.Dataset]):
    """Each numeric variable is a field; coordinates, bounds and other variables are unchanged."""

    name = "xarray.Dataset"

    def source_names(self, data: xr.Dataset) -> list[str]:
        return get_source_names(data.data_vars.values()) or get_source_names([data])

    def fields(self, data: xr.Dataset, selection: Selection = NO_SELECTION) -> Fields:
        fields = _get_fields(data, selection.variables)
        if not fields:
            variables = ", ".join(f"{n!r} ({v.dtype})" for n, v in data.data_vars.items())
            numeric = [n for n, v in data.data_vars.items() if is_numeric(v.dtype)]
            raise TypeError(
                f"no numeric variables to normalize; found {variables or 'no variables'}"
                f"{self.describe_left_out(data, numeric)}"
            )
        return _add_groups(fields, data, selection)

    def describe_left_out(self, data: xr.Dataset, names: Iterable[Hashable]) -> str:
        numeric = [n for n in names if n in data.data_vars and is_numeric(data[n].dtype)]
        described = describe_metadata(find_metadata(data), numeric)
        return described + super().describe_left_out(data, names)

    def check_excluded(self, data: xr.Dataset, selection: Selection) -> xr.Dataset:
        excluded = self.excluded_dtypes(data)
        for name, dtype in excluded.items():
            if dtype != np.dtype(object) or name in find_metadata(data):
                continue
            values = get_data(data[name])
            if not isinstance(values, np.ndarray):  # lazy text in files has this dtype as well
                continue
            if reason := describe_objects(values.ravel(), f"ds[{name!r}]"):
                numeric = [n for n in data.data_vars if n not in excluded]
                raise make_error(name, dtype, reason, f"ds[{numeric}]", "variable")
        return data

    def excluded_dtypes(self, data: xr.Dataset) -> dict[Hashable, object]:
        dtypes = {name: variable.dtype for name, variable in data.data_vars.items()}
        return {name: dtype for name, dtype in dtypes.items() if not is_numeric(dtype)}

    def rebuild(self, data: xr.Dataset, fields: Fields) -> xr.Dataset:
        arrays = {name: _rebuild_array(data[name], field) for name, field in fields.items()}
        for name, array in arrays.items():  # normalized data exclude the same variables
            array.encoding = references_to(data.data_vars, data[name].encoding)
        return data.assign(arrays)

    def missing_names(self, fields: Fields, states: States) -> list[Hashable]:
        return [name for name in states if name not in fields]

    def make_results(self, values: Fields) -> xr.Dataset:
        values = _drop_differing_coords(values)
        return xr.Dataset({name: _make_array(name, field) for name, field in values.items()})

    def parse_values(self, values: xr.Dataset) -> tuple[str, Fields]:
        arrays, coords = values.compute().data_vars, _get_coords(values)
        return self.name, {name: _make_values(array, coords) for name, array in arrays.items()}


@register(xr.DataTree)
class DataTrees(_Labelled[xr.DataTree]):
    """The numeric variables of all nodes: ``t`` of the root, ``ocean/sst`` of a node below it.

    Labels include those of inherited coordinates. Other variables, and nodes without numeric
    variables, pass through unchanged.
    """

    name = combined_name = "xarray.DataTree"

    def fields(self, data: xr.DataTree, selection: Selection = NO_SELECTION) -> Fields:
        fields = _fields_by_path(
            data, lambda path, node: _get_fields(node, _names_in_node(path, selection.variables))
        )
        if not fields:
            left_out = self.describe_left_out(data, _all_names(data))
            raise TypeError(
                "no numeric variables to normalize in any node; found the nodes "
                f"{[path for path, _ in _nodes(data)]}{left_out}"
            )
        return _add_groups(fields, data, selection)

    def describe_left_out(self, data: xr.DataTree, names: Iterable[Hashable]) -> str:
        reasons = {
            _join_name(path, name): reason
            for path, node in _nodes(data)
            for name, reason in find_metadata(node.to_dataset()).items()
            if is_numeric(node.data_vars[name].dtype)
        }
        names = list(names)
        return describe_metadata(reasons, names) + super().describe_left_out(data, names)

    def excluded_dtypes(self, data: xr.DataTree) -> dict[Hashable, object]:
        return {
            _join_name(path, name): dtype
            for path, node in _nodes(data)
            for name, dtype in Datasets().excluded_dtypes(node.to_dataset()).items()
        }

    def check_excluded(self, data: xr.DataTree, selection: Selection) -> xr.DataTree:
        for _, node in _nodes(data):
            Datasets().check_excluded(node.to_dataset(), selection)
        return data

    def source_names(self, data: xr.DataTree) -> list[str]:
        nodes = [node for _, node in _nodes(data)]
        arrays = [array for node in nodes for array in node.data_vars.values()]
        return get_source_names(arrays) or get_source_names(nodes)

    def rebuild(self, data: xr.DataTree, fields: Fields) -> xr.DataTree:
        result = data.copy()
        for path, node in _nodes(result):
            if node_fields := _select_node(path, fields):
                dataset = node.to_dataset(inherit=False)
                node.dataset = Datasets().rebuild(dataset, node_fields)
        return result

    def summarize(
        self,
        data: xr.DataTree,
        fields: Fields,
        kept: Kept,
        weights: object = None,
        where: object = None,
    ) -> dict[Hashable, State]:
        """Return states; weights that are names are computed for each node by its coordinates."""
        if not weight_names(weights):
            return super().summarize(data, fields, kept, weights, where)
        mask = None if where is None else self.parse_mask(data, where)
        states = {}
        for path, node in _nodes(data):
            names = [name for name in fields if _split_name(name)[0] == path]
            node_weights = Datasets().parse_weights(node.to_dataset(), weights) if names else None
            for name in names:
                states[name] = fields[name].summarize(kept[name], node_weights, mask)
        return states

    def missing_names(self, fields: Fields, states: States) -> list[Hashable]:
        return [name for name in states if name not in fields]

    def make_results(self, values: Fields) -> xr.DataTree:
        paths = dict.fromkeys(_split_name(name)[0] for name in values)
        return xr.DataTree.from_dict(
            {path or "/": Datasets().make_results(_select_node(path, values)) for path in paths}
        )

    def parse_values(self, values: xr.DataTree) -> tuple[str, Fields]:
        return self.name, _fields_by_path(
            values, lambda path, node: Datasets().parse_values(node)[1]
        )


# -- variables of a Dataset, or of each node of a DataTree ---------------------------------------


def _add_groups(
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


def _get_fields(data: xr.Dataset, required: Iterable[Hashable] = ()) -> dict[Hashable, Field]:
    """Return the numeric variables; of coordinates and metadata only the required ones."""
    left_out, coords = find_metadata(data).keys(), _get_coords(data)
    required = [name for name in required if name in data.variables and name not in data.indexes]
    names = dict.fromkeys([*(n for n in data.data_vars if n not in left_out), *required])
    return {
        name: _make_field(data[name], coords=coords)
        for name in names
        if is_numeric(data[name].dtype)
    }


def _get_coords(data: xr.DataArray | xr.Dataset) -> dict[Hashable, Coord]:
    """Return the coordinates that are not an index, unread; variables share them."""
    indexes = data.indexes
    return {
        name: Coord(coord.dims, get_data(coord), coord.attrs)
        for name, coord in data.coords.items()
        if not coord.dims or any(dim not in indexes for dim in coord.dims)
    }


def _make_field(
    array: xr.DataArray, features: tuple[Hashable, ...] = (), coords: Coords | None = None
) -> Field:
    labels = {dim: array.indexes[dim] for dim in array.dims if dim in array.indexes}
    coords = _get_coords(array) if coords is None else coords
    array_coords = {
        n: c for n, c in coords.items() if n != array.name and set(c.dims) <= set(array.dims)
    }
    missing = find_missing_values(array.attrs, array.encoding, array.dtype)
    attrs = attributes.for_unpacked(array.attrs, array.encoding)
    return Field(
        get_data(array), array.dims, labels, features, attrs, missing=missing, coords=array_coords
    )


def _make_values(array: xr.DataArray, coords: Coords | None = None) -> Field:
    """Return known values as a field of floats, in which declared missing values are NaN."""
    field = _make_field(array, array.dims, coords)
    return replace(field, data=field.masked_data().astype("f8"))


def _rebuild_array(array: xr.DataArray, field: Field) -> xr.DataArray:
    result = array.copy(deep=False, data=field.data)
    result.attrs = dict(field.attrs)
    # An int16 packing of kelvin would cause errors of up to 1966 in z-scores on the next write.
    result.encoding = {}
    return result


def _make_array(name: Hashable, field: Field) -> xr.DataArray:
    array = _make_labelled_array(name, field)
    coords = {
        name: (coord.dims, coord.data, dict(coord.attrs))
        for name, coord in field.coords.items()
        if coord.dims and name not in array.coords
    }
    # Without indexes, as in the data: xarray would make one of a coordinate named as a dimension.
    return array.assign_coords(xr.Coordinates(coords, indexes={})) if coords else array


def _drop_differing_coords(values: Fields) -> dict[Hashable, Field]:
    """Return fields without coordinates that differ, as of two grids in combined statistics."""
    first: dict[Hashable, Coord] = {}
    differing = set()
    for field in values.values():
        for name, coord in field.coords.items():
            if not are_equal({name: coord}, {name: first.setdefault(name, coord)}):
                differing.add(name)
    return {
        key: replace(f, coords={n: c for n, c in f.coords.items() if n not in differing})
        for key, f in values.items()
    }


def _make_labelled_array(name: Hashable, field: Field) -> xr.DataArray:
    if field.group_dim is not None:
        index = field.labels[field.group_dim]
        dim = field.group_dim if index.nlevels == 1 else " and ".join(map(str, index.names))
        labels = {dim: index, **{d: field.labels[d] for d in field.dims[1:] if d in field.labels}}
        ungrouped = replace(field, dims=(dim, *field.dims[1:]), labels=labels, groups=None)
        return unstack_groups(_make_labelled_array(name, ungrouped), dim)
    data = np.asarray(field.data) if isinstance(field.data, np.generic) else field.data
    array = xr.DataArray(data, dims=field.dims, name=name, attrs=dict(field.attrs))
    for dim, index in field.labels.items():
        if index.nlevels > 1:
            array = array.assign_coords(xr.Coordinates.from_pandas_multiindex(index, dim))
        else:
            array = array.assign_coords({dim: index})
    return array


# -- nodes of a DataTree ------------------------------------------------------------------------


def _fields_by_path(
    data: xr.DataTree, get: Callable[[str, xr.Dataset], Fields]
) -> dict[Hashable, Field]:
    return {
        _join_name(path, name): field
        for path, node in _nodes(data)
        for name, field in get(path, node.to_dataset()).items()
    }


def _join_name(path: str, name: Hashable) -> Hashable:
    return f"{path}/{name}" if path else name


def _all_names(data: xr.DataTree) -> list[Hashable]:
    return [_join_name(path, name) for path, node in _nodes(data) for name in node.data_vars]


def _nodes(data: xr.DataTree) -> Iterator[tuple[str, xr.DataTree]]:
    """Yield each node with its path from the root of `data`, whose path is ''."""
    for path, node in data.subtree_with_keys:
        yield "" if path == "." else path, node


def _select_node(path: str, fields: Fields) -> dict[Hashable, Field]:
    """Return the fields of one node by their names in it."""
    return {
        _split_name(name)[1]: field
        for name, field in fields.items()
        if _split_name(name)[0] == path
    }


def _names_in_node(path: str, names: Iterable[Hashable]) -> list[Hashable]:
    """Return the names in one node of those names that are below its path."""
    return [name for node, name in map(_split_name, names) if node == path]


def _split_name(name: Hashable) -> tuple[str, Hashable]:
    """Return the path of the node of a variable, and the name of the variable in it."""
    path, _, name_in_node = str(name).rpartition("/")
    return path, name_in_node if path else name
