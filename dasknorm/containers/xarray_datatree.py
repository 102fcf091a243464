"""xarray DataTrees: each variable of each node is a field, named by its path.

Used by users: `containers` imports this module with the first DataTree.
"""

from collections.abc import Callable, Hashable, Iterator

import xarray as xr

from dasknorm.containers import NO_SELECTION, Selection, register
from dasknorm.containers.file_backed import get_source_names
from dasknorm.containers.xarray import (
    Datasets,
    Labelled,
    add_groups,
    get_fields,
    make_dataset,
    parse_dataset,
    rebuild_dataset,
)
from dasknorm.fields import Field, Fields, State, States
from dasknorm.fields.matching import Kept

__all__ = ["DataTrees"]


@register(xr.DataTree)
class DataTrees(Labelled[xr.DataTree]):
    """The numeric variables of all nodes: ``t`` of the root, ``ocean/sst`` of a node below it.

    Labels include those of inherited coordinates. Other variables, and nodes without numeric
    variables, pass through unchanged.
    """

    name = combined_name = "xarray.DataTree"

    def fields(self, data: xr.DataTree, selection: Selection = NO_SELECTION) -> Fields:
        fields = _fields_by_path(data, get_fields)
        if not fields:
            raise TypeError(
                "no numeric variables to normalize in any node; found the nodes "
                f"{[path for path, _ in _nodes(data)]}"
            )
        return add_groups(fields, data, selection)

    def source_names(self, data: xr.DataTree) -> list[str]:
        nodes = [node for _, node in _nodes(data)]
        arrays = [array for node in nodes for array in node.data_vars.values()]
        return get_source_names(arrays) or get_source_names(nodes)

    def rebuild(self, data: xr.DataTree, fields: Fields) -> xr.DataTree:
        result = data.copy()
        for path, node in _nodes(result):
            if node_fields := _select_node(path, fields):
                node.dataset = rebuild_dataset(node.to_dataset(inherit=False), node_fields)
        return result

    def summarize(
        self,
        data: xr.DataTree,
        fields: Fields,
        kept: Kept,
        weights: object = None,
        where: object = None,
    ) -> dict[Hashable, State]:
        """Return states; weights that are a string are computed for each node by its latitude."""
        if not isinstance(weights, str):
            return super().summarize(data, fields, kept, weights, where)
        mask = None if where is None else self.parse_mask(data, where)
        states = {}
        for path, node in _nodes(data):
            names = [name for name in fields if _split_name(name)[0] == path]
            node_weights = Datasets().parse_weights(node.to_dataset(), weights) if names else None
            for name in names:
                field = fields[name]
                states[name] = field.summarize(
                    kept[name], field.weights_for(node_weights), field.weights_for(mask)
                )
        return states

    def missing_names(self, fields: Fields, states: States) -> list[Hashable]:
        return [name for name in states if name not in fields]

    def make_results(self, values: Fields) -> xr.DataTree:
        paths = dict.fromkeys(str(name).rpartition("/")[0] for name in values)
        return xr.DataTree.from_dict(
            {path or "/": make_dataset(_select_node(path, values)) for path in paths}
        )

    def parse_values(self, values: xr.DataTree) -> tuple[str, Fields]:
        return self.name, _fields_by_path(values, parse_dataset)


def _fields_by_path(
    data: xr.DataTree, get: Callable[[xr.Dataset], dict[Hashable, Field]]
) -> dict[Hashable, Field]:
    return {
        f"{path}/{name}" if path else name: field
        for path, node in _nodes(data)
        for name, field in get(node.to_dataset()).items()
    }


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


def _split_name(name: Hashable) -> tuple[str, Hashable]:
    """Return the path of the node of a variable, and the name of the variable in it."""
    path, _, name_in_node = str(name).rpartition("/")
    return path, name_in_node if path else name
