"""Find which graph nodes belong to a single chunk and which are shared.

Used by chunks.execute and chunks.graph. The order in which keys are returned decides the order of
tasks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from dask.core import istask
from dask.typing import Key

from dasknorm.chunks.dask_internals import DaskNode, dependencies, value_bytes

SHARED_OWNER = -1  # of nodes that several chunks need
EMBEDDED_VALUE_BYTES = 1 << 20  # values of at most this size are part of the task that needs them


class Owners:
    """The one chunk that needs each node of an optimized graph, or that the node is shared."""

    def __init__(self, graph: Mapping[Key, DaskNode], chunks: Sequence[tuple[Key, ...]]) -> None:
        self.graph = graph
        self._owner: dict[Key, int] = {}
        self.is_complete = True  # whether all needed nodes are in the graph, and not on a cluster
        for number, keys in enumerate(chunks):
            self._claim(number, keys)

    def _claim(self, number: int, keys: Sequence[Key]) -> None:
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            owner = self._owner.get(key)
            if owner in (number, SHARED_OWNER):
                continue
            inputs = dependencies(self.graph.get(key))
            if inputs is None:
                self.is_complete = False
                return
            self._owner[key] = number if owner is None else SHARED_OWNER
            waiting.extend(inputs)

    def part(self, number: int, keys: Sequence[Key]) -> tuple[dict[Key, DaskNode], list[Key]]:
        """Return the nodes that only this chunk needs, and the keys of their other inputs."""
        nodes: dict[Key, DaskNode] = {}
        inputs: list[Key] = []
        for key in walk(keys, lambda key: dependencies(nodes.get(key)) or ()):
            if self._owner[key] == number and self._is_light(key):
                nodes[key] = self.graph[key]
            else:
                inputs.append(key)
        return nodes, inputs

    def is_task(self, key: Key) -> bool:
        """Return True if a key is computed by a task, and False if its value is in the graph."""
        return bool(istask(self.graph[key]))

    def _is_light(self, key: Key) -> bool:
        return self.is_task(key) or value_bytes(self.graph[key]) <= EMBEDDED_VALUE_BYTES


def walk(keys: Iterable[Key], next_keys: Callable[[Key], Iterable[Key]]) -> Iterator[Key]:
    """Yield distinct keys and the next keys of each, depth first, found after it was yielded."""
    waiting, visited = list(keys), set()
    while waiting:
        key = waiting.pop()
        if key not in visited:
            visited.add(key)
            yield key
            waiting.extend(next_keys(key))
