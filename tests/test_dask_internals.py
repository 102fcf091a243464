"""Internal attributes of Dask exist in this version, and only one module reads them."""

import ast
import operator
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from dask._task_spec import Alias, DataNode, Task, TaskRef
from support.optional import import_optional, needs

import dasknorm
from dasknorm.chunks import dask_internals

dd = import_optional("dask.dataframe")
ROOT = Path(dasknorm.__file__).parent
INTERNAL = {"_meta", "_parameters", "dependencies", "operands", "expr"}


def test_the_dependencies_of_nodes() -> None:
    """Every type of node returns the keys it needs, also keys that its graph lacks."""
    assert dask_internals.dependencies(Task("x", operator.add, TaskRef("a"), TaskRef("b"))) == {
        "a",
        "b",
    }
    assert dask_internals.dependencies(Alias("x", "a")) == {"a"}
    assert dask_internals.dependencies(DataNode("x", 1)) == frozenset()
    assert dask_internals.dependencies(object()) is None


def test_the_dependencies_in_an_optimized_graph() -> None:
    """The nodes that Dask itself makes have their dependencies, and values have their sizes."""
    x = da.from_array(np.zeros((6, 2)), (2, 2)) + 1
    graph = da.optimize(x.__dask_graph__(), x.__dask_keys__())
    for node in graph.values():
        keys = dask_internals.dependencies(node)
        assert keys is not None
        assert keys <= set(graph)
    assert dask_internals.value_bytes(DataNode("x", np.zeros(5))) == 40
    assert dask_internals.value_bytes(DataNode("x", "text")) == 0


def test_meta() -> None:
    """The meta of an array is empty, and has its dtype and rank."""
    meta = dask_internals.meta(da.zeros((4, 3), chunks=2, dtype="f4"))
    assert (meta.size, meta.ndim, meta.dtype) == (0, 2, np.dtype("f4"))


@needs("pyarrow")
def test_frames() -> None:
    """The meta of a DataFrame has no rows; equal expressions have equal contents."""
    table = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
    one, two = (dd.from_pandas(table, npartitions=2)["a"] * 2 for _ in range(2))
    assert len(dask_internals.meta(one)) == 0
    contents = map(dask_internals.expression_content, (one, two, one + 1))
    tokens = [dask.base.tokenize(content) for content in contents]
    assert tokens[0] == tokens[1] != tokens[2]
    assert dask_internals.expression_content(da.zeros(3)) is None


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_one_module_reads_them(path: Path) -> None:
    """No other module reads an internal attribute of Dask, or imports a private module of Dask."""
    if path == Path(dask_internals.__file__):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            assert node.attr not in INTERNAL, f"line {node.lineno}"
        if isinstance(node, ast.ImportFrom):
            assert not f"{node.module}.".startswith(("dask._", "distributed._")), (
                f"line {node.lineno}"
            )


def test_the_oldest_version_is_the_one_named() -> None:
    """The module names the oldest version of Dask that the package can be installed with."""
    project = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    oldest = project.split('"dask[array]>=')[1].split('"')[0]
    assert f"Dask {oldest} to" in dask_internals.__doc__
