"""Load the chunks of one task one after the other, and add each to a state.

Used by chunks.execute and chunks.graph. Streams are pickled by the name of their classes; the rest
may change freely.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cloudpickle
from dask.core import get
from dask.typing import Key

from dasknorm import blocks
from dasknorm.blocks.positioned import PositionedArray
from dasknorm.chunks import progress
from dasknorm.chunks.dask_internals import DaskNode
from dasknorm.chunks.lazy import Block, BlockState, at_position
from dasknorm.errors import MismatchError
from dasknorm.kernels import Axes
from dasknorm.statistics.base import Reducer

FIRST_WAIT_SECONDS = 0.1  # before the second attempt to load a chunk; doubled before the next


class Unreadable(Exception):
    """A task's error if a chunk cannot be loaded: its key, and the reason."""

    def __init__(self, key: Key, reason: str) -> None:
        super().__init__(key, reason)
        self.key, self.reason = key, reason


class Misfit(Unreadable):
    """A task's error if a chunk differs from its declaration: its key, and the difference."""


@dataclass(frozen=True)
class Attempts:
    """A part of a graph that is loaded as one, and again if that fails."""

    nodes: Mapping[Key, DaskNode]
    retries: int  # attempts after the first

    def load(self, keys: Sequence[Key], inputs: Mapping[Key, object]) -> list[Any]:
        """Return the values of keys; `inputs` are values by key that are not in the part."""
        to_load = [key for key in keys if key in self.nodes]
        values = dict(zip(to_load, self._load(to_load, inputs), strict=True)) if to_load else {}
        return [values[key] if key in values else inputs[key] for key in keys]

    def __call__(self, keys: Sequence[Key], values: Sequence[object]) -> object:
        """Return the value of the only node; `values` belong to the keys of its inputs."""
        return self.load(list(self.nodes), dict(zip(keys, values, strict=True)))[0]

    def _load(self, keys: list[Key], inputs: Mapping[Key, object]) -> Sequence[object]:
        for attempt in range(self.retries + 1):
            try:
                values: Sequence[object] = get(self.nodes, keys, cache=dict(inputs))
                return values
            except Exception as error:
                if attempt == self.retries or isinstance(error, MemoryError):
                    raise Unreadable(keys[0], f"{type(error).__name__}: {error}") from error
            time.sleep(FIRST_WAIT_SECONDS * 2**attempt)
        raise AssertionError("unreachable")


@dataclass(frozen=True)
class Step:
    """One chunk of a stream."""

    keys: tuple[Key, ...]  # of the data, and of the weights if there are any
    nodes: Mapping[Key, DaskNode]  # that only this chunk needs
    position: PositionedArray | None = None  # in the array, without the chunk


@dataclass(frozen=True)
class StreamSpec:
    """The chunks of one task, and how to summarize them."""

    steps: Sequence[Step]
    inputs: Sequence[Key]  # of values that the steps need from other tasks
    reducer: Reducer
    make_empty: Callable[[], BlockState]  # returns the state of no data
    retries: int
    topic: str  # of the `Meter` that counts the chunks; empty for none

    def run(self, values: Sequence[object]) -> BlockState:
        """Return the state of all chunks; `values` belong to the keys `inputs`, in their order."""
        input_values = dict(zip(self.inputs, values, strict=True))
        total = self.make_empty()
        with progress.count_chunks(self.topic) as count:
            for step in self.steps:
                loaded = Attempts(step.nodes, self.retries).load(step.keys, input_values)
                # A partition and its weights are one value.
                block, *weights = loaded[0] if isinstance(loaded[0], tuple) else loaded
                try:
                    _check_shape(block, total.shape, self.reducer.axes)
                    if step.position is not None:
                        block = at_position(step.position, block)
                    blocks.add(block, total, self.reducer, *weights)
                except MismatchError as error:
                    raise Misfit(step.keys[0], str(error)) from error
                count(block.nbytes)
                del loaded, block, weights  # before the next chunk is loaded
        return total


class Stream:
    """A task: a `StreamSpec` that is unpickled only where it is called, and by no scheduler."""

    def __init__(self, content: StreamSpec | bytes) -> None:
        self._content = content

    def __reduce__(self) -> tuple[type["Stream"], tuple[bytes]]:
        content = self._content
        if not isinstance(content, bytes):
            # Stored, as Dask pickles a graph twice: to name it, and to send it.
            content = self._content = cloudpickle.dumps(content)
        return Stream, (content,)

    def __call__(self, values: Sequence[object]) -> BlockState:
        """Return the state of all chunks; `values` belong to the keys of the inputs."""
        return self.spec.run(values)

    @property
    def spec(self) -> StreamSpec:
        """The chunks and how to summarize them."""
        content = self._content
        spec: StreamSpec = cloudpickle.loads(content) if isinstance(content, bytes) else content
        return spec

    def split(self) -> Iterator["Stream"]:
        """Yield a stream for each of the chunks."""
        spec = self.spec
        for step in spec.steps:
            yield Stream(replace(spec, steps=[step]))


def _check_shape(block: Block, total: tuple[int, ...], axes: Axes) -> None:
    shape = getattr(block, "shape", None)  # a block without a shape has no supported type
    if shape is None or (
        len(shape) == len(total)
        and all(a == b for i, (a, b) in enumerate(zip(shape, total, strict=True)) if i not in axes)
    ):
        return
    declared = tuple("any" if i in axes else n for i, n in enumerate(total))
    raise MismatchError(
        f"a chunk has shape {shape} when computed, where ({', '.join(map(str, declared))}) was "
        "declared: the Dask array was declared with other chunks than its data have"
    )
