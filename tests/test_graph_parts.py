"""`Owners`: a node that only one chunk needs goes into its task, a shared one stays outside."""

import operator
from typing import Any

import numpy as np
import pytest
from dask._task_spec import Alias, DataNode, Task, TaskRef

from dasknorm.chunks.graph_parts import EMBEDDED_VALUE_BYTES, Owners


def graph(*nodes: Any) -> dict[Any, Any]:
    return {node.key: node for node in nodes}


def add(key: str, *below: str) -> Task:
    return Task(key, operator.add, *map(TaskRef, below))


def loaded(key: str) -> Task:
    return Task(key, float)


TWO = graph(
    loaded("a"), loaded("b"), loaded("shared"), add("x", "a", "shared"), add("y", "b", "shared")
)


def test_what_one_chunk_needs_is_its_own() -> None:
    """A node that one chunk needs is in its task; a node that two need is outside both."""
    owners = Owners(TWO, [("x",), ("y",)])
    for number, (key, input_key) in enumerate([("x", "a"), ("y", "b")]):
        nodes, inputs = owners.part(number, [key])
        assert set(nodes) == {key, input_key}
        assert inputs == ["shared"]
    assert owners.is_complete
    assert owners.is_task("shared")


def test_data_and_weights_are_one_chunk() -> None:
    """A node that the data and the weights of one chunk share is in its task."""
    nodes, inputs = Owners(TWO, [("x", "y")]).part(0, ["x", "y"])
    assert set(nodes) == set(TWO)
    assert inputs == []


def test_what_lies_below_shared_work_is_shared() -> None:
    """A chunk that another chunk depends on is outside both, and so are its dependencies."""
    owners = Owners(graph(loaded("a"), add("x", "a", "a"), add("y", "x", "a")), [("x",), ("y",)])
    assert owners.part(0, ["x"]) == ({}, ["x"])
    nodes, inputs = owners.part(1, ["y"])
    assert set(nodes) == {"y"}
    assert set(inputs) == {"x", "a"}


@pytest.mark.parametrize(("extra", "is_embedded"), [(0, True), (8, False)])
def test_large_values_are_not_copied_into_tasks(extra: int, is_embedded: bool) -> None:
    """A value of up to a megabyte goes into the task of its chunk, a larger one stays outside."""
    values = DataNode("v", np.zeros(EMBEDDED_VALUE_BYTES + extra, "u1"))
    owners = Owners(graph(values, Alias("x", "v")), [("x",)])
    nodes, inputs = owners.part(0, ["x"])
    assert ("v" in nodes) is is_embedded
    assert (inputs == []) is is_embedded
    assert not owners.is_task("v")


def test_what_is_held_elsewhere_is_missed() -> None:
    """A graph with a missing key, or with a value that is not a node, is not complete."""
    for nodes in (graph(add("x", "gone")), {**graph(add("x", "f")), "f": object()}):
        assert not Owners(nodes, [("x",)]).is_complete
