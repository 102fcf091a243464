"""Errors and tables of the command line name the file, the row and the option to write."""

import os
import pty
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.cli_inputs import ROOT, fail, run, succeed, write_netcdf

import dasknorm as dn

for library in ("rich", "h5netcdf", "h5py", "pyarrow", "dask.dataframe"):
    pytest.importorskip(library)

# dask.dataframe calls pandas in ways that pandas 3.1 will give up.
pytestmark = pytest.mark.filterwarnings("ignore:.*inplace keyword")


# -- CSV ------------------------------------------------------------------------------------------


def test_text_in_a_late_row(tmp_path: Path) -> None:
    """The error names the column, the text and its row; other columns can be used."""
    frame = pd.DataFrame({"x": np.arange(80_000).astype(str), "y": np.arange(80_000.0)})
    frame.loc[61_001, "x"] = "oops"
    frame.to_csv(tmp_path / "in.csv", index=False)
    message = fail("adapt", tmp_path / "in.csv", "-o", tmp_path / "s.json")
    assert "column 'x' has numbers at first and 'oops' in row 61,002 of" in message
    assert message.endswith("name the other columns: --columns\n")
    succeed("adapt", tmp_path / "in.csv", "-o", tmp_path / "s.json", "--columns", "y")
    assert dn.load(tmp_path / "s.json").mean["y"] == 39_999.5
    assert "in row 61,002" in fail("check", tmp_path / "s.json", tmp_path / "in.csv")
    succeed("normalize", tmp_path / "in.csv", tmp_path / "s.json", "-o", tmp_path / "z.csv")
    assert pd.read_csv(tmp_path / "z.csv", dtype=str)["x"][61_001] == "oops"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'in.csv' is empty"),
        ("a,b\n", "'in.csv' has no rows"),
        ("a;b\n1;2\n", "'in.csv' has one column 'a;b': is the separator ';'? --separator ';'"),
        ("a\tb\n1\t2\n", "is the separator '\\t'? --separator '\\t'"),
    ],
)
def test_unusual_csv(text: str, message: str, tmp_path: Path, monkeypatch: Any) -> None:
    """A file without rows, or with another separator, is named as such."""
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text(text)
    assert message in fail("adapt", "in.csv", "-o", "s.json")


@pytest.mark.parametrize("separator", [";", "|", "\t"])
def test_a_separator(separator: str, tmp_path: Path) -> None:
    """--separator reads other CSV files; a name with a semicolon is no separator."""
    src = tmp_path / "in.csv"
    src.write_text(f"a{separator}b\n1{separator}2\n3{separator}6\n")
    succeed("adapt", src, "-o", tmp_path / "s.json", "--separator", separator)
    assert dn.load(tmp_path / "s.json").mean.to_dict() == {"a": 2, "b": 4}
    src.write_text("a;b\n1\n3\n")
    succeed("adapt", src, "-o", tmp_path / "s.json", "--overwrite")
    assert dn.load(tmp_path / "s.json").mean.to_dict() == {"a;b": 2}


def test_names_with_commas(tmp_path: Path) -> None:
    """Quotes keep a comma in a name, and the error says so."""
    pd.DataFrame({"c,d": [1.0, 3], "e": [1.0, 5]}).to_csv(tmp_path / "in.csv", index=False)
    arguments = ("adapt", tmp_path / "in.csv", "-o", tmp_path / "s.json", "--columns")
    assert "write a name with commas in quotes: '\"c,d\"'" in fail(*arguments, "c,d")
    succeed(*arguments, '"c,d", e')
    assert dn.load(tmp_path / "s.json").mean.to_dict() == {"c,d": 2, "e": 3}


# -- Parquet --------------------------------------------------------------------------------------


def test_columns_of_several_levels(tmp_path: Path) -> None:
    """Columns of several levels are normalized as Parquet; CSV cannot hold them."""
    src, stats = tmp_path / "in.parquet", tmp_path / "s.json"
    pd.DataFrame({("a", "x"): [1.0, 2.0], ("a", "y"): [3.0, 5.0]}).to_parquet(src)
    succeed("adapt", src, "-o", stats)
    succeed("normalize", src, stats, "-o", tmp_path / "z.parquet")
    z = pd.read_parquet(tmp_path / "z.parquet")
    assert z.to_dict("list") == {("a", "x"): [-1, 1], ("a", "y"): [-1, 1]}
    message = fail("normalize", src, stats, "-o", tmp_path / "z.csv")
    assert "have several levels: write OUT as .parquet" in message


def test_an_output_without_a_suffix(tmp_path: Path, monkeypatch: Any) -> None:
    """The error says how to call the output, by the format of the inputs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    pd.DataFrame({"a": [1.0, 2.0]}).to_parquet("in/part.parquet")
    write_netcdf(tmp_path / "in.nc", xr.Dataset({"t": ("x", [1.0, 2.0])}))
    succeed("adapt", "in", "-o", "s.json")
    assert "unknown format of 'hz': call it 'hz.parquet'" in fail(
        "normalize", "in", "s.json", "-o", "hz"
    )
    assert "call it 'hz.nc'" in fail("normalize", "in.nc", "s.json", "-o", "hz")


# -- statistics -----------------------------------------------------------------------------------


def test_the_file_that_does_not_merge_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    """The first file that differs is named, and both statistics in words."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        dn.adapt([1.0, 2.0, 4.0]).save(f"{name}.json")
    dn.adapt([1.0, 2.0, 4.0], [dn.Moments(), dn.Extrema()]).save("c.json")
    message = fail("merge", "a.json", "b.json", "c.json", "-o", "d.json")
    assert (
        "cannot merge 'c.json' with 'a.json': statistics differ: Moments(), and Moments() with"
        in message
    )


def test_labels_are_told_apart(tmp_path: Path) -> None:
    """A string of digits is quoted and a number is not; a duration is short."""
    for name, keys in (("numbers", [1, 1, 2, 2]), ("digits", ["1", "1", "2", "2"])):
        pd.DataFrame({"k": keys, "v": [1.0, 2, 3, 5]}).to_parquet(tmp_path / f"{name}.parquet")
    out = tmp_path / "s.json"
    text = succeed("adapt", tmp_path / "numbers.parquet", "-o", out, "--by", "k")
    assert "k=1, v" in text
    text = succeed("adapt", tmp_path / "digits.parquet", "-o", out, "--by", "k", "--overwrite")
    assert "k='1', v" in text
    times = pd.date_range("2000-01-01", periods=8, freq="12h")
    data = xr.Dataset({"t": ("time", np.arange(8.0) ** 2)}, {"time": times})
    src = write_netcdf(tmp_path / "in.nc", data)
    text = succeed("adapt", src, "-o", out, "--lag", "time=12h,24h", "--overwrite")
    assert "time_lag=12h" in text
    assert "time_lag=24h" in text


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """Save statistics whose table has more than 80 characters in a line."""
    frame = pd.DataFrame({f"{'long_name_' * 3}{i}": np.arange(4.0) * i for i in range(1, 3)})
    dn.adapt(frame, [dn.Moments(), dn.Extrema(), dn.MaxAbs()]).save(tmp_path / "s.json")
    return tmp_path / "s.json"


def test_tables_in_files_are_complete(wide: Path) -> None:
    """Outside of a terminal, no cell is folded and no column is left out."""
    text = succeed("show", wide)
    assert "max_abs" in text.splitlines()[0]
    assert f" {'long_name_' * 3}1 " in text


def test_tables_fit_a_terminal(wide: Path) -> None:
    """In a terminal, the last columns are left out, and named."""
    pid, terminal = pty.fork()
    if not pid:  # the child
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "TERM": "xterm"}
        command = [sys.executable, "-m", "dasknorm.cli", "show", str(wide)]
        os.execve(sys.executable, command, environment)
    text = ""
    try:
        while part := os.read(terminal, 4096):
            text += part.decode()
    except OSError:  # the end, on Linux
        pass
    os.waitpid(pid, 0)
    lines = re.sub(r"\x1b\[[\d;]*m|\r", "", text).splitlines()
    assert max(map(len, lines[:4])) <= 80
    assert any("long_name_" * 3 in line for line in lines)
    assert "left out, for lack of width: " in text


def test_usage_errors_are_sentences(tmp_path: Path) -> None:
    """A full stop is between the error and the advice."""
    result = run("adapt", "in.nc", "--lag", "time")
    assert result.exit_code == 2
    assert "write it as time=6h,24h, or time=1. See" in result.stderr
    assert result.stderr.endswith("adapt --help.\n")


@pytest.mark.filterwarnings("always:.*often stands for missing values")
@pytest.mark.parametrize(
    ("values", "arguments", "message"),
    [
        (
            [1.0, 1e20],
            (),
            "this number often stands for missing values; if so, write --missing 1e+20\n",
        ),
        ([1.0, 2.0], ("--lag", "time=1min"), "count steps instead, --lag time=1\n"),
    ],
)
def test_advice_is_for_the_command_line(
    values: list[float], arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    """Messages of the library name options in place of Python."""
    times = pd.date_range("2000", periods=2)
    data = xr.Dataset({"a": ("time", values), "b": ("time", values)}, {"time": times})
    write_netcdf(tmp_path / "in.nc", data)
    result = run("adapt", tmp_path / "in.nc", "-o", tmp_path / "s.nc", "--var", "a", *arguments)
    assert result.stderr.endswith(message)


def test_variables_without_statistics(tmp_path: Path) -> None:
    """--var selects the variables that the statistics have, as the error says."""
    data = xr.Dataset({"a": ("x", [1.0, 3.0]), "b": ("x", [1.0, 2.0])})
    write_netcdf(tmp_path / "in.nc", data)
    succeed("adapt", tmp_path / "in.nc", "-o", tmp_path / "s.nc", "--var", "a")
    message = fail("check", tmp_path / "s.nc", tmp_path / "in.nc")
    assert "no statistics for ['b']; available: ['a']. Select them by --var" in message
    succeed("check", tmp_path / "s.nc", tmp_path / "in.nc", "--var", "a")
