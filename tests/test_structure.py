"""The structure of the package: layers, one-way imports, small files, and true figures."""

import ast
import re
import sys
from pathlib import Path

import pytest

import dasknorm

ROOT = Path(dasknorm.__file__).parent
DOCS = ROOT.parent / "docs"
FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))
MODULES = {
    ".".join(p.with_suffix("").parts).removesuffix(".__init__"): p
    for p in FILES
    if p.name != "__main__.py"
}

# From the ground up. The entries of one layer do not import each other.
LAYERS = [
    {"errors", "kernels"},
    {"statistics"},
    {"blocks"},
    {"chunks"},
    {"fields"},
    {"containers"},
    {"reports", "io"},
    {"api"},
    {"accessors", "cli", "layer", "sklearn", "testing"},
]
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}

# Libraries that may be imported inside a function: optional ones, and heavy ones.
LAZY = {"pyarrow", "numba", "matplotlib", "distributed", "rich", "zarr", "h5netcdf", "cftime"}
LAZY |= {"cf_units", "dask", "h5py", "iris_sample_data", "sklearn"}

Import = tuple[str, bool]
"""The dotted name that is imported, and whether inside a function."""


def entry_of(path: Path) -> str:
    """Return the folder or module at the top of the package that a file belongs to."""
    return path.parts[0].removesuffix(".py")


def read_imports(path: Path) -> list[Import]:
    """Return the imports of a file."""
    tree = ast.parse((ROOT / path).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    inside = {
        child for node in ast.walk(tree) if isinstance(node, functions) for child in ast.walk(node)
    }
    imports: list[Import] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(alias.name, node in inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            imports += [(f"{node.module}.{alias.name}", node in inside) for alias in node.names]
    return imports


def imported_module(name: str) -> str:
    """Return the module of the package that an import below ``dasknorm.`` takes something from."""
    name = name.removeprefix("dasknorm.")
    return name if name in MODULES else name.rpartition(".")[0]


IMPORTS = {path: read_imports(path) for path in FILES}
USERS: dict[str, set[str]] = {name: set() for name in MODULES}
for module_name, module_path in MODULES.items():
    for imported_name, _ in IMPORTS[module_path]:
        if imported_name.startswith("dasknorm."):
            USERS.setdefault(imported_module(imported_name), set()).add(module_name)


def test_every_entry_has_a_layer():
    """Each folder and module at the top of the package is in one layer; there are 16 at most."""
    assert {entry_of(path) for path in FILES} - {"__init__"} == set(LAYER)
    assert len(LAYER) <= 15


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_go_down(path):
    """No file imports from a layer above its own, nor from another entry of its layer."""
    if entry_of(path) == "__init__":
        return
    for name, _ in IMPORTS[path]:
        parts = name.split(".")
        if parts[0] != "dasknorm":
            continue
        assert parts[1] in LAYER, f"{path} imports {name}, which is in no layer"
        is_own = parts[1] == entry_of(path)
        assert is_own or LAYER[parts[1]] < LAYER[entry_of(path)], f"{path} imports {name}"


FACES = [p for p in FILES if p.name == "__init__.py" and (ROOT / p).read_text().count("import")]
FACES += [Path(f"{name}.py") for name in ("accessors", "errors", "layer", "testing")]


@pytest.mark.parametrize("path", FACES, ids=str)
def test_faces_list_their_names(path):
    """A folder that re-exports names, and each module for users, has ``__all__``."""
    tree = ast.parse((ROOT / path).read_text())
    exports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assigned = {
        target.id
        for node in tree.body
        for target in getattr(node, "targets", [])
        if isinstance(target, ast.Name)
    }
    assert "__all__" in assigned or not exports


@pytest.mark.parametrize("path", FILES, ids=str)
def test_private_names_stay_in_their_module(path):
    """No module imports a name with an underscore from another: all other names are public."""
    for name, _ in IMPORTS[path]:
        last = name.split(".")[-1]
        is_private = last.startswith("_") and not last.startswith("__")
        assert not (name.startswith("dasknorm.") and is_private), f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_lazy_imports_are_heavy(path):
    """A function imports an optional or heavy library only, or a module that needs one."""
    for name, is_lazy in IMPORTS[path]:
        library = name.split(".")[0]
        assert not is_lazy or library in LAZY or library == "dasknorm", f"{path} hides {name}"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_and_functions_are_small(path):
    """No file has over 400 lines without docstrings, no function over 50."""
    text = (ROOT / path).read_text()
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = list(ast.walk(ast.parse(text)))
    docstrings = [
        ast.get_docstring(n, clean=False) or "" for n in nodes if isinstance(n, documented)
    ]
    assert text.count("\n") - sum(map(_line_count, docstrings)) <= 400
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            has_docstring = ast.get_docstring(node) is not None and len(node.body) > 1
            first = node.body[1] if has_docstring else node.body[0]
            size = (node.end_lineno or 0) - first.lineno + 1
            assert size <= 50, f"{path}: {node.name} has {size} lines"


def _line_count(docstring: str) -> int:
    return docstring.count("\n") + 1 if docstring else 0


def test_only_chunks_uses_dask_graphs():
    """Only `chunks`, and containers of Dask arrays, import dask.array; nobody Dask's internals."""
    for path in FILES:
        for name, _ in IMPORTS[path]:
            if name.startswith("dask.array") and entry_of(path) not in {"cli", "testing"}:
                assert entry_of(path) in {"chunks", "containers"}, f"{path} imports {name}"
            assert not name.startswith(("dask._", "dask.array.core", "dask.blockwise")), path


STATED_USERS = re.compile(r"^Used by (.*?)(?:: .*)?\.(?:\s|$)", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("module", sorted(MODULES), ids=str)
def test_docstrings_name_the_users(module):
    """The sentence ``Used by ...`` in a module's docstring agrees with the imports.

    It names each module that imports this one or, if there are more than four, their folders.
    """
    docstring = ast.get_docstring(ast.parse((ROOT / MODULES[module]).read_text()))
    assert docstring, f"{module} has no docstring"
    title = docstring.partition("\n")[0]
    assert len(title) <= 94
    stated = STATED_USERS.search(docstring)
    assert stated, f"{module}: no sentence 'Used by ...' in its docstring"
    users = USERS[module] - {"__init__"}
    words = set(re.findall(r"`?([a-z_]+(?:\.[a-z_]+)*)`?", stated.group(1))) - {
        "and",
        "by",
        "users",
    }
    for word in words & {*MODULES, *LAYER}:
        assert any(user == word or user.startswith(f"{word}.") for user in users), (
            f"{module} is not used by {word}; it is used by {sorted(users)}"
        )
    for user in users:
        assert words & {user, *_parents(user)}, f"{module} is used by {user} too"


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts))]


def test_the_design_shows_the_structure():
    """The picture and the table in docs/design.md are those of ``python docs/structure.py``."""
    sys.path.insert(0, str(DOCS))
    try:
        import structure
    finally:
        sys.path.remove(str(DOCS))
    imports = structure.read_imports()
    assert structure.PICTURE.read_text() == structure.draw(imports)
    text = structure.DESIGN.read_text()
    assert text == structure.with_table(text, structure.list_modules(imports))
    assert text.count("\n") <= 120
    assert [set(layer) for layer in reversed(structure.assign_layers(imports))] == LAYERS
