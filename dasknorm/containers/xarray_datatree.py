"""xarray DataTrees. Each variable of each node is a field, named by its path."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import xarray as xr

from dasknorm.containers import NO_SELECTION, Selection, register
from dasknorm.containers.file_backed import sources_of
from dasknorm.containers.xarray import (
    Datasets,
    Labelled,
    add_groups,
    fields_of,
    given_fields,
    rebuilt,
    reported,
)
from dasknorm.fields import Field, Fields, State, States

__all__ = ["DataTrees"]


@register(xr.DataTree)
class DataTrees(Labelled):
    """The numeric variables of all nodes: ``t`` of the root, ``ocean/sst`` of a node below it.

    Labels may be those of coordinates that a node inherits. Nodes without numeric variables ride
    along, as all other variables do.
    """

    name = several = "xarray.DataTree"

    def fields(self, data: Any, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        fields = _by_path(data, fields_of)
        if not fields:
            raise TypeError(
                "no numeric variables to normalize in any node; found the nodes "
                f"{[path for path, _ in _nodes(data)]}"
            )
        return add_groups(fields, data, selection)

    def sources(self, data: Any) -> list[str]:
        nodes = [node for _, node in _nodes(data)]
        arrays = [array for node in nodes for array in node.data_vars.values()]
        return sources_of(arrays) or sources_of(nodes)

    def rebuild(self, data: Any, fields: Fields) -> Any:
        result = data.copy()
        for path, node in _nodes(result):
            if own := _of_node(path, fields):
                node.dataset = rebuilt(node.to_dataset(inherit=False), own)
        return result

    def summarize(
        self,
        data: Any,
        fields: Fields,
        kept: Mapping[Hashable, tuple[Hashable, ...]],
        weights: Any = None,
        where: Any = None,
    ) -> dict[Hashable, State]:
        """Summarize each node by itself where weights are a word: latitudes differ from node to
        node."""
        if not isinstance(weights, str):
            return super().summarize(data, fields, kept, weights, where)
        mask = None if where is None else self.where(data, where)
        states = {}
        for path, node in _nodes(data):
            own = [name for name in fields if _parts(name)[0] == path]
            beside = Datasets().weights(node.to_dataset(), weights) if own else None
            for name in own:
                field = fields[name]
                both = field.weights_for(beside), field.weights_for(mask)
                states[name] = field.summarize(kept[name], *both)
        return states

    def lacking(self, fields: Fields, states: States) -> list[Hashable]:
        return [name for name in states if name not in fields]

    def report(self, values: Fields) -> Any:
        paths = dict.fromkeys(str(name).rpartition("/")[0] for name in values)
        return xr.DataTree.from_dict(
            {path or "/": reported(_of_node(path, values)) for path in paths}
        )

    def given(self, values: Any) -> tuple[str, dict[Hashable, Field]]:
        return self.name, _by_path(values, given_fields)


def _by_path(data: Any, fields: Callable[[Any], dict[Hashable, Field]]) -> dict[Hashable, Field]:
    return {
        f"{path}/{name}" if path else name: field
        for path, node in _nodes(data)
        for name, field in fields(node.to_dataset()).items()
    }


def _nodes(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield each node with its path from the one that was given, which is ''."""
    for path, node in data.subtree_with_keys:
        yield "" if path == "." else path, node


def _of_node(path: str, fields: Fields) -> dict[Hashable, Field]:
    """Return the fields of one node under the names that they have there."""
    return {_parts(name)[1]: field for name, field in fields.items() if _parts(name)[0] == path}


def _parts(name: Hashable) -> tuple[str, Hashable]:
    """Return the path of the node that a name is of, and the name there."""
    place, _, own = str(name).rpartition("/")
    return place, own if place else name
