"""Streams: what one task does with its chunks, one after the other: load, add to a state, drop."""

import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cloudpickle
from dask.core import get

from dasknorm import blocks
from dasknorm.chunks import progress
from dasknorm.errors import MismatchError
from dasknorm.statistics.base import Records
from dasknorm.statistics.reducer import Reducer

__all__ = ["Attempts", "Misfit", "Step", "Stream", "Unreadable"]

Key = Hashable

FIRST_WAIT = 0.1
"""Seconds before the second attempt to load a chunk; twice as long before each further one."""


class Unreadable(Exception):
    """What a task raises when a chunk cannot be loaded: its key, and the reason in words."""

    def __init__(self, key: Key, reason: str) -> None:
        super().__init__(key, reason)
        self.key, self.reason = key, reason


class Misfit(Unreadable):
    """What a task raises when a chunk is not what was declared: its key, and how it differs."""


@dataclass(frozen=True)
class Attempts:
    """A part of a graph that is loaded as one, with patience for errors that pass."""

    nodes: Mapping[Key, Any]
    retries: int

    def load(self, keys: Sequence[Key], beside: Mapping[Key, Any]) -> list[Any]:
        """Return the values of keys; those of `beside` are known already."""
        own = [key for key in keys if key in self.nodes]
        values = dict(zip(own, self._tried(own, beside), strict=True)) if own else {}
        return [values[key] if key in values else beside[key] for key in keys]

    def __call__(self, keys: Sequence[Key], values: Sequence[Any]) -> Any:
        """Return the value of the one node there is; `values` are of the keys it needs."""
        return self.load(list(self.nodes), dict(zip(keys, values, strict=True)))[0]

    def _tried(self, keys: list[Key], beside: Mapping[Key, Any]) -> Sequence[Any]:
        for attempt in range(self.retries + 1):
            try:
                return get(self.nodes, keys, cache=dict(beside))
            except Exception as error:
                if attempt == self.retries or isinstance(error, MemoryError):
                    raise Unreadable(keys[0], f"{type(error).__name__}: {error}") from error
            time.sleep(FIRST_WAIT * 2**attempt)
        raise AssertionError("unreachable")


@dataclass(frozen=True)
class Step:
    """One chunk of a stream.

    Parameters
    ----------
    keys : tuple of keys
        Of its data and its weights.
    nodes : mapping of key to node
        What of the graph is its own.
    place : GroupedArray, optional
        What is to be said of where it stands: itself without the chunk.
    """

    keys: tuple[Key, ...]
    nodes: Mapping[Key, Any]
    place: Any = None


class Stream:
    """The chunks of one task, and what is to be made of them.

    It pickles to bytes that are opened again only where it is called, so that a scheduler on the
    way has nothing to do with what is inside.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        beside: Sequence[Key],
        reducer: Reducer,
        nothing: Callable[[], Any],
        retries: int,
        topic: str,
    ) -> None:
        self._content: Any = (steps, beside, reducer, nothing, retries, topic)

    def __reduce__(self) -> tuple[Callable[[bytes], "Stream"], tuple[bytes]]:
        if not isinstance(self._content, bytes):
            # Kept, as Dask pickles a graph twice: to name it, and to send it.
            self._content = cloudpickle.dumps(self._content)
        return _packed, (self._content,)

    def __call__(self, values: Sequence[Any]) -> Records:
        """Return the records of all chunks; `values` are of the keys beside, in their order."""
        steps, beside, reducer, nothing, retries, topic = self._opened()
        known = dict(zip(beside, values, strict=True))
        total = nothing()
        with progress.counting(topic) as count:
            for step in steps:
                loaded = Attempts(step.nodes, retries).load(step.keys, known)
                # A partition comes with its weights, as one value.
                block, *weights = loaded[0] if isinstance(loaded[0], tuple) else loaded
                try:
                    _check_shape(block, total.shape, reducer.axes)
                    if step.place is not None:
                        block = replace(step.place, array=block)
                    blocks.add(block, total, reducer, *weights)
                except MismatchError as error:
                    raise Misfit(step.keys[0], str(error)) from error
                count(block.nbytes)
                del loaded, block, weights  # before the next one is loaded
        return total

    def apart(self) -> Iterator["Stream"]:
        """Yield a stream for each of the chunks."""
        steps, *rest = self._opened()
        for step in steps:
            yield Stream([step], *rest)

    def _opened(self) -> Any:
        packed = isinstance(self._content, bytes)
        return cloudpickle.loads(self._content) if packed else self._content


def _packed(content: bytes) -> Stream:
    stream = Stream.__new__(Stream)
    stream._content = content
    return stream


def _check_shape(block: Any, total: tuple[int, ...], axes: tuple[int, ...]) -> None:
    found = getattr(block, "shape", None)  # what has none is refused by its type
    if found is None or (
        len(found) == len(total)
        and all(a == b for i, (a, b) in enumerate(zip(found, total, strict=True)) if i not in axes)
    ):
        return
    declared = tuple("any" if i in axes else n for i, n in enumerate(total))
    raise MismatchError(
        f"a chunk has shape {found} when computed, where ({', '.join(map(str, declared))}) was "
        "declared: the Dask array was declared with other chunks than its data have"
    )
