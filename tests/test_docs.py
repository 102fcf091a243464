"""What the documents say is so: their examples run, their links lead somewhere."""

import re
from pathlib import Path

import pytest
from optional import needs

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

NEEDS = {  # what a page's examples need beside the package
    "scale.md": needs("zarr", "h5netcdf"),
    "sklearn.md": needs("sklearn"),
}


def _blocks(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, marks=NEEDS.get(p.name, ())) for p in PAGES],
    ids=[p.name for p in PAGES],
)
def test_examples_run(path, tmp_path, monkeypatch):
    """Every Python block of a page runs, one after the other, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in _blocks(path):
        exec(compile(block, path.name, "exec"), names)


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


def test_design_names_every_file():
    """The design's table of floors names every file and folder of the package."""
    text = (ROOT / "docs" / "design.md").read_text()
    for path in (ROOT / "dasknorm").iterdir():
        name = path.name
        if name.startswith("_") or name in ("py.typed", "errors.py"):
            continue
        assert f"`{name}/`" in text or f"`{name}`" in text, name
