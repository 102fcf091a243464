"""Find which graph nodes belong to a single chunk and which are shared.

Used by chunks. The order in which keys are returned decides the order of tasks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from dask.core import istask

from dasknorm.chunks.dask_internals import DaskNode, Key, dependencies, value_bytes

__all__ = ["Owners", "walk"]

SHARED_OWNER = -1
"""The owner of nodes that several chunks need."""

EMBEDDED_VALUE_BYTES = 1 << 20
"""Values of at most 1 MB are embedded in the task that needs them."""


class Owners:
    """For each node of a graph, the one chunk that needs it, or that it is shared.

    Parameters
    ----------
    graph : mapping of key to node
        An optimized graph of Dask.
    chunks : sequence of tuples of keys
        The keys of each chunk: of its data, and of its weights if there are any.
    """

    def __init__(self, graph: Mapping[Key, DaskNode], chunks: Sequence[tuple[Key, ...]]) -> None:
        self.graph = graph
        self._owner: dict[Key, int] = {}
        self.complete = True
        """Whether the graph contains every node that is needed; a cluster may hold some instead."""
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
                self.complete = False
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
    """Yield keys and those that follow them, depth first and each once.

    `next_keys` is called for a key after the key was yielded.
    """
    waiting, visited = list(keys), set()
    while waiting:
        key = waiting.pop()
        if key not in visited:
            visited.add(key)
            yield key
            waiting.extend(next_keys(key))
