"""Columns that hold numbers without a numeric dtype raise an error; text and dates pass through."""

import datetime
import fractions
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import import_optional, is_installed, needs

import dasknorm as dn
from dasknorm.layer import Normalization

pa, pl = import_optional("pyarrow"), import_optional("polars")
dd = import_optional("dask.dataframe")
BASE = pd.DataFrame({"a": [1.0, 3.0, 8.0]})

NUMBERS: dict[str, tuple[list[Any], str]] = {
    "floats": ([1.5, 2.5, np.nan], r"df\['o'\].astype\(float\)"),
    "integers and None": ([1, None, 3], r"df\['o'\].astype\(float\)"),
    "NA": ([pd.NA, 1.0, 2.0], r"df\['o'\].astype\(float\)"),
    "decimals": ([Decimal("1.5"), Decimal(2), None], r"df\['o'\].astype\(float\)"),
    "fractions": ([fractions.Fraction(1, 2)] * 3, r"df\['o'\].astype\(float\)"),
    "text first": (["3.5 n/a", 1.0, 2.0], r"row 0 has '3.5 n/a' \(str\); pd.to_numeric"),
    "text later": ([1.0, None, "x"], r"row 2 has 'x' \(str\); pd.to_numeric"),
    "a number at the end": (["x", "y", 2.0], r"row 0 has 'x'"),
    "lists": ([[1.0], [2.0], []], r"row 0 has \[1.0\] \(list\); make a column of each element"),
    "arrays": ([np.ones(2)] * 3, r"row 0 has array.*make a column of each element"),
    "dicts": ([{"u": 1}] * 3, r"row 0 has {'u': 1} \(dict\)"),
}

OTHERS: dict[str, list[Any]] = {
    "text": ["x", "y", None],
    "numbers as text": ["1", "2", "3"],
    "booleans": [True, None, False],
    "dates": [datetime.date(2000, 1, 1)] * 3,
    "bytes": [b"x", b"y", None],
    "lists of text": [["a"], ["b"], []],
    "nothing": [None, None, None],
    "missing numbers": [np.nan, None, np.nan],
    "complex": [1j, 2j, 3j],
}


def add_objects(values: list[Any]) -> pd.DataFrame:
    """Return a frame with a column of floats, and a column of objects."""
    return BASE.assign(o=pd.Series(values, dtype=object))


@pytest.mark.parametrize("case", NUMBERS)
def test_objects_that_are_numbers(case: str) -> None:
    """The error names the column, the first value that is not a number, and the alternatives."""
    values, reason = NUMBERS[case]
    frame = add_objects(values)
    message = f"column 'o' has dtype object but holds numbers.*{reason}"
    for function in (dn.adapt, dn.plan, Normalization().adapt, lambda data: dn.adapt([data])):
        with pytest.raises(TypeError, match=rf"{message}.*columns=\['a'\]"):
            function(frame)
    for data, selection in ((frame, ["o"]), (frame["o"], None)):
        with pytest.raises(TypeError, match=message):
            dn.adapt(data, columns=selection)
    stats = dn.adapt(frame, columns=["a"])
    assert stats.mean.to_dict() == {"a": 4.0}
    z = stats.normalize(frame)
    pd.testing.assert_series_equal(z["o"], frame["o"])


@pytest.mark.parametrize("case", OTHERS)
def test_objects_that_are_no_numbers(case: str) -> None:
    """Objects without numbers pass through unchanged."""
    frame = add_objects(OTHERS[case])
    stats = dn.adapt(frame)
    assert stats.mean.to_dict() == {"a": 4.0}
    pd.testing.assert_series_equal(stats.normalize(frame)["o"], frame["o"])


@needs("pyarrow")
def test_the_advice_leaves_out_keys() -> None:
    """A numeric key of the groups is not among the columns to select."""
    import dask

    frame = BASE.assign(k=[1, 2, 1], o=pd.Series([1.0, None, 2.0], dtype=object))
    nested = pa.table({"a": BASE["a"], "k": [1, 2, 1], "o": [[1.0], [2.0], [3.0]]})
    with dask.config.set({"dataframe.convert-string": False}):
        lazy = dd.from_pandas(frame, npartitions=1)
    tables = (nested, pl.from_arrow(nested)) if is_installed("polars") else (nested,)
    for data in (frame, lazy, *tables):
        with pytest.raises((TypeError, dn.ChunkError), match=r"select columns: columns=\['a'\]$"):
            dn.adapt(data, by="k")


def test_objects_that_name_groups() -> None:
    """Numbers in an object column may name groups."""
    frame = pd.concat([add_objects([1, 2, 1])] * 2, ignore_index=True)
    assert dn.adapt(frame, by="o").mean["a"].to_dict() == {1: 4.5, 2: 3.0}


@needs("pyarrow")
@pytest.mark.parametrize("case", [*NUMBERS, *OTHERS])
def test_objects_in_partitions(case: str) -> None:
    """A Dask DataFrame checks objects in each partition as it is read, with the other columns."""
    import dask

    frame = add_objects(NUMBERS[case][0] if case in NUMBERS else OTHERS[case])
    with dask.config.set({"dataframe.convert-string": False}):
        lazy = dd.from_pandas(frame, npartitions=2)
    assert dn.adapt(lazy, columns="a").mean["a"] == 4.0
    if case in OTHERS:
        stats = dn.adapt(lazy, retries=0)
        assert stats.mean.to_dict() == {"a": 4.0}
        assert stats.normalize(lazy).compute().columns.tolist() == ["a", "o"]
        return
    with pytest.raises(dn.ChunkError, match=r"partition .*column 'o' has dtype object but holds"):
        dn.adapt(lazy, retries=0)


def test_a_column_that_became_objects() -> None:
    """If a column of the statistics is of objects now, the error says which dtype it has."""
    stats = dn.adapt(BASE.assign(o=[1.0, 2.0, 3.0]))
    frame = add_objects([1.0, 2.0, 3.0])
    for method in (stats.normalize, stats.inverse, stats.update, stats.check):
        with pytest.raises(dn.MismatchError, match=r"lack \['o'\].*'o' is not numeric but object"):
            method(frame)


def test_variables_of_objects() -> None:
    """Object variables of a Dataset or a DataTree are checked as columns are."""
    dataset = xr.Dataset({"a": ("x", BASE["a"]), "s": ("x", np.array(["u", "v", None], object))})
    numbers = dataset.assign(o=("x", np.array([1, None, 2.5], object)))
    message = r"variable 'o' has dtype object but holds numbers.*ds\['o'\].astype.*ds\[\['a'\]\]"
    for data in (numbers, xr.DataTree.from_dict({"/": dataset, "/b": numbers})):
        with pytest.raises(TypeError, match=message):
            dn.adapt(data)
    assert float(dn.adapt(dataset).mean["a"]) == 4.0
    stats = dn.adapt(dataset.assign(o=("x", [1.0, 2.0, 3.0])))
    with pytest.raises(dn.MismatchError, match="'o' is not numeric but object"):
        stats.normalize(numbers)
    with pytest.raises(TypeError, match=r"'o': dtype object .*element \[1\] is None"):
        dn.adapt(numbers["o"])


def make_nested() -> dict[str, tuple[Any, str]]:
    """Return Arrow arrays of nested numbers, with the advice for each."""
    numbers = pa.array(BASE["a"])
    return {
        "list": (pa.array([[1.0], [2.0], None]), "make a column of each element"),
        "fixed list": (pa.array([[1, 2]] * 3, pa.list_(pa.int8(), 2)), "each element"),
        "struct": (pa.array([{"u": 1}] * 3), r"table.flatten\(\) makes a column"),
        "list of structs": (pa.array([[{"u": 1}]] * 3), "each element"),
        "map": (pa.array([[("k", 1.0)]] * 3, pa.map_(pa.string(), pa.float64())), "each element"),
        "dictionary": (numbers.dictionary_encode(), "cast it to double"),
        "runs": (
            pa.RunEndEncodedArray.from_arrays(pa.array([3], pa.int32()), pa.array([1.0])),
            "cast it to double",
        ),
        "tensor": (pa.FixedShapeTensorArray.from_numpy_ndarray(np.ones((3, 2))), "each element"),
    }


@needs("pyarrow")
def test_nested_arrow_columns() -> None:
    """Lists, structs and dictionaries of numbers raise an error in tables, readers and pandas."""
    for values, advice in make_nested().values():
        table = pa.table({"a": pa.array(BASE["a"]), "o": values})
        message = rf"column 'o' has dtype .* but holds numbers.*{advice}.*columns=\['a'\]"
        batches = table.to_batches()
        for data in (table, batches[0], table.to_reader(), batches):
            with pytest.raises(TypeError, match=message):
                dn.adapt(data)
        assert dn.adapt(table, columns=["a"]).mean.to_dict() == {"a": 4.0}
        if advice != "cast it to double" and not isinstance(values.type, pa.ExtensionType):
            frame = BASE.assign(o=pd.Series(pd.arrays.ArrowExtensionArray(values)))
            with pytest.raises(TypeError, match=message):
                dn.adapt(frame)


@needs("pyarrow")
def test_nested_arrow_columns_of_text() -> None:
    """Lists, structs and dictionaries of text, and categories of pandas, pass through."""
    text = [
        pa.array([["x"], [], None]),
        pa.array([{"u": "x"}] * 3),
        pa.array(["x", "y", "x"]).dictionary_encode(),
    ]
    tables = [pa.table({"a": pa.array(BASE["a"]), "o": values}) for values in text]
    tables.append(pa.Table.from_pandas(BASE.assign(o=pd.Categorical([1, 2, 1]))))
    for table in tables:
        assert dn.adapt(table).mean.to_dict() == {"a": 4.0}


@needs("pyarrow")
@pytest.mark.skipif(not is_installed("polars"), reason="needs polars")
def test_nested_polars_columns() -> None:
    """Lists, structs, arrays and objects raise an error; decimals are averaged."""
    cases = {
        r"df.explode\('o'\)": pl.Series([[1.0], [2.0], None]),
        r"df.unnest\('o'\)": pl.Series([{"u": 1}] * 3),
        r"arr.to_struct\(\)": pl.Series([[1.0, 2.0]] * 3, dtype=pl.Array(pl.Float64, 2)),
        r"map_elements\(float": pl.Series([1.0, Decimal(2), None], dtype=pl.Object),
    }
    frame = pl.from_pandas(BASE)
    text = frame.with_columns(o=pl.Series(["x", None, object()], dtype=pl.Object))
    assert dn.adapt(text).mean.to_dict(as_series=False) == {"a": [4.0]}
    for advice, values in cases.items():
        nested = frame.with_columns(values.alias("o"))
        for data in (nested, nested.lazy()):
            with pytest.raises(TypeError, match=rf"column 'o' .*{advice}.*columns=\['a'\]"):
                dn.adapt(data)
            assert dn.adapt(data, columns=["a"]).mean["a"].item() == 4.0
    decimals = frame.with_columns(o=pl.Series([Decimal("1.5"), Decimal("2.5"), None]))
    assert dn.adapt(decimals).mean["o"].item() == 2.0
    stats = dn.adapt(frame.with_columns(o=pl.lit(1.0)))
    with pytest.raises(dn.MismatchError, match=r"'o' is not numeric but List\(Float64\)"):
        stats.normalize(frame.with_columns(pl.Series([[1.0], [2.0], None]).alias("o")))


@needs("pyarrow")
def test_nested_columns_of_parquet_files(tmp_path: Path) -> None:
    """The command line names the option that selects the other columns."""
    import pyarrow.parquet
    from click.testing import CliRunner

    from dasknorm.cli import main

    table = pa.table({"a": pa.array(BASE["a"]), "o": pa.array([[1.0], [2.0], None])})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    arguments = ["adapt", str(tmp_path / "x.parquet"), "-o", str(tmp_path / "s.json")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "column 'o' has dtype list<element: double> but holds numbers" in result.output
    assert "--columns a" in result.output
    result = CliRunner().invoke(main, [*arguments, "--columns", "a"])
    assert result.exit_code == 0, result.output
    assert dn.load(tmp_path / "s.json").mean["a"] == 4.0
