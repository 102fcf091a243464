"""The house has floors and no lifts: imports go down only, and files stay small."""

import ast
from pathlib import Path

import pytest

import dasknorm

ROOT = Path(dasknorm.__file__).parent

# From the ground up. Modules of one layer do not import each other, but for those of a folder.
LAYERS = [
    {"errors", "kernels"},
    {"statistics"},
    {"blocks"},
    {"chunks"},
    {"fields"},
    {"containers"},
    {"io", "reports"},
    {"api"},
    {"accessors", "cli", "layer", "sklearn", "testing"},
]
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}

# Libraries that may be imported inside a function: optional ones, and one that is heavy.
HEAVY = {"pyarrow", "numba", "matplotlib", "distributed", "rich", "zarr", "h5netcdf", "cftime"}
HEAVY |= {"dask", "h5py", "iris_sample_data", "sklearn"}

FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


def _unit(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def _imports(path: Path) -> list[tuple[str, bool]]:
    """Return the modules a file imports, and whether from inside a function."""
    tree = ast.parse((ROOT / path).read_text())
    inside = {
        child
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for child in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node in inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found += [(f"{node.module}.{alias.name}", node in inside) for alias in node.names]
    return found


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_go_down(path):
    """No file imports from a floor above its own, nor from a neighbour on the same floor."""
    if _unit(path) == "__init__":
        return
    for module, _ in _imports(path):
        parts = module.split(".")
        if parts[0] != "dasknorm" or parts[1] == "__version__":
            continue
        assert parts[1] in HEIGHT, f"{path} imports {module}, which stands on no floor"
        same = parts[1] == _unit(path)
        assert same or HEIGHT[parts[1]] < HEIGHT[_unit(path)], f"{path} imports {module}, going up"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_hidden_imports_are_heavy(path):
    """What is imported inside a function is an optional or heavy library, or our own use of one."""
    for module, hidden in _imports(path):
        top = module.split(".")[0]
        assert not hidden or top in HEAVY or top == "dasknorm", f"{path} hides {module}"


def test_every_file_has_a_floor():
    """A new top-level file must be given its place in the house."""
    assert {_unit(path) for path in FILES} - {"__init__"} == set(HEIGHT)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_and_functions_are_small(path):
    """No file has over 400 lines without docstrings, no function over 50."""
    text = (ROOT / path).read_text()
    tree = ast.parse(text)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [
        ast.get_docstring(node, clean=False) or ""
        for node in ast.walk(tree)
        if isinstance(node, documented)
    ]
    assert text.count("\n") - sum(each.count("\n") + 1 for each in docstrings) <= 400
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body
            documented = ast.get_docstring(node) is not None and len(body) > 1
            first = body[1] if documented else body[0]
            size = (node.end_lineno or 0) - first.lineno + 1
            assert size <= 50, f"{path}: {node.name} has {size} lines"


def test_only_chunks_knows_dask_graphs():
    """Nothing outside imports dask.array but what names its type, and nothing dask's internals."""
    for path in FILES:
        for module, _ in _imports(path):
            if module.startswith("dask.array") and _unit(path) not in {"cli", "testing"}:
                known = _unit(path) == "chunks" or path.parent.name == "containers"
                assert known, f"{path} imports {module}"
            assert not module.startswith(("dask._", "dask.array.core", "dask.blockwise")), path
