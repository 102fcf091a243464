"""The command line reads CSV files as they are written, or says what it cannot read in them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.cli_inputs import fail, run, succeed

import dasknorm as dn

for library in ("rich", "pyarrow", "dask.dataframe"):
    pytest.importorskip(library)

# dask.dataframe calls pandas in ways that pandas 3.1 will give up.
pytestmark = pytest.mark.filterwarnings("ignore:.*inplace keyword")


def test_keys_keep_their_text(tmp_path: Path) -> None:
    """A key of text is the same text in every file and row, although it looks like a number."""
    first, second, out = (tmp_path / name for name in ("1.csv", "2.csv", "s.json"))
    first.write_text("a,k\n1,A\n5,A\n2,01\n4,01\n")
    second.write_text("a,k\n3,01\n7,01\n8,1\n10,1\n")
    succeed("adapt", first, second, "-o", out, "--by", "k")
    frame = dn.load(out).mean
    assert {key: float(frame.loc[key].item()) for key in frame.index} == {"A": 3, "01": 4, "1": 9}
    succeed("normalize", first, second, out, "-o", tmp_path / "z.csv")
    keys = pd.read_csv(tmp_path / "z.csv", dtype=str)["k"]
    assert [*keys] == ["A", "A", "01", "01", "01", "01", "1", "1"]


def test_keys_keep_their_text_in_long_files(tmp_path: Path) -> None:
    """A key of text stays text where many rows of one block look like numbers."""
    keys = np.array(["A"] * 10 + ["01"] * 300_000)
    keys[150_000] = "A"
    pd.DataFrame({"a": np.arange(len(keys)), "k": keys}).to_csv(tmp_path / "in.csv", index=False)
    result = run("adapt", tmp_path / "in.csv", "-o", tmp_path / "s.json", "--by", "k")
    assert (result.exit_code, result.stderr) == (0, "")
    assert dn.load(tmp_path / "s.json").count.loc["01"].item() == 299_999


def test_text_after_integer_keys(tmp_path: Path) -> None:
    """The error names the first key that is no integer."""
    (tmp_path / "1.csv").write_text("a,k\n1,1\n2,2\n")
    (tmp_path / "2.csv").write_text("a,k\n1,1\n2,x\n")
    sources = (tmp_path / "1.csv", tmp_path / "2.csv")
    message = fail("adapt", *sources, "-o", tmp_path / "s.json", "--by", "k")
    assert "column 'k' has numbers at first and 'x' in row 2 of" in message


def test_text_beside_booleans(tmp_path: Path) -> None:
    """Booleans are not the text that the error looks for, nor is anything else printed."""
    frame = pd.DataFrame({"flag": True, "a": np.arange(300_000.0).astype(str)})
    frame.loc[250_000, "a"] = "oops"
    frame.to_csv(tmp_path / "in.csv", index=False)
    message = fail("adapt", tmp_path / "in.csv", "-o", tmp_path / "s.json")
    assert "column 'a' has numbers at first and 'oops' in row 250,001 of" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2,\n3,4,\n", "rows that end with the separator, and a header that does not"),
        ("a;b\n1,5;2,5\n3,5;4,5\n", "has one column 'a;b': is the separator ';'? --separator ';'"),
        ("a,b\n1,2\n3,4,5\n", "in.csv': Error tokenizing data. C error: Expected 2 fields in line"),
        ("a\n1\n9.96921e36\n", "no _FillValue; replace them by missing values in the files\n"),
        ("a\n1\ninf\n", "in the data at a; replace them by missing values in the files\n"),
    ],
)
def test_what_would_be_read_wrongly(text: str, message: str, tmp_path: Path) -> None:
    """Columns that pandas would shift, and numbers that cannot be data, are errors."""
    (tmp_path / "in.csv").write_text(text)
    assert message in fail("adapt", tmp_path / "in.csv", "-o", tmp_path / "s.json")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a,b\nr1,1,2\nr2,3,6\n", ()),  # row names without a header, as R writes them
        ("a\tb\n1\t2\n3\t6\n", ("--separator", "\\t")),
        ("a  b\n1 2\n3   6\n", ("--separator", "\\s+")),
        ("a::b\n1::2\n3::6\n", ("--separator", "::")),
    ],
)
def test_fields_of_other_kinds(text: str, options: tuple[str, ...], tmp_path: Path) -> None:
    """Row names, and separators as a shell passes them, are read without a message."""
    (tmp_path / "in.csv").write_text(text)
    result = run("adapt", tmp_path / "in.csv", "-o", tmp_path / "s.json", *options)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [*dn.load(tmp_path / "s.json").mean] == [2, 4]
