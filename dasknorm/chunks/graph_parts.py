"""Owners: which part of a graph only one chunk needs, and what it shares with others."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from dask.core import istask

__all__ = ["Owners", "needs"]

Key = Hashable

SHARED = -1
SMALL_BYTES = 1 << 20
"""Values of at most 1 MB travel inside of the task that needs them."""


def needs(node: Any) -> frozenset[Key] | None:
    """Return the keys that a node of an optimised graph depends on; None if it does not say.

    Dask has no public call for it that also names what is held by a cluster and not in the graph.
    Its nodes have said it in this attribute since 2024.12; tested up to 2026.8.
    """
    found: frozenset[Key] | None = getattr(node, "dependencies", None)
    return found


class Owners:
    """For each node of a graph, the one chunk that needs it, or that it is shared.

    Parameters
    ----------
    graph : mapping of key to node
        An optimised graph of Dask.
    chunks : sequence of tuples of keys
        The keys of each chunk: of its data, and of its weights if there are any.
    """

    def __init__(self, graph: Mapping[Key, Any], chunks: Sequence[tuple[Key, ...]]) -> None:
        self.graph = graph
        self._owner: dict[Key, int] = {}
        self.complete = True
        """Whether all that is needed is in the graph, and not, for example, on a cluster."""
        for number, keys in enumerate(chunks):
            self._claim(number, keys)

    def _claim(self, number: int, keys: Sequence[Key]) -> None:
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            owner = self._owner.get(key)
            if owner in (number, SHARED):
                continue
            below = needs(self.graph.get(key))
            if below is None:
                self.complete = False
                return
            self._owner[key] = number if owner is None else SHARED
            waiting.extend(below)

    def part(self, number: int, keys: Sequence[Key]) -> tuple[dict[Key, Any], list[Key]]:
        """Return the nodes that are this chunk's own, and the keys that they need beside them."""
        own: dict[Key, Any] = {}
        beside: dict[Key, None] = {}
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            if key in own or key in beside:
                continue
            if self._owner[key] == number and self._is_light(key):
                own[key] = self.graph[key]
                waiting.extend(needs(own[key]) or ())
            else:
                beside[key] = None
        return own, list(beside)

    def works(self, key: Key) -> bool:
        """Tell whether a key is of work to be done, and not of a value that is there."""
        return bool(istask(self.graph[key]))

    def _is_light(self, key: Key) -> bool:
        return self.works(key) or getattr(self.graph[key](), "nbytes", 0) <= SMALL_BYTES
