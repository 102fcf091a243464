"""Lists are arrays of numbers or batches of containers; ambiguous lists raise an error."""

import contextlib
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.sparse import csr_array
from support.optional import import_optional, is_installed, needs

import dasknorm as dn
from dasknorm.layer import Normalization

pl, pa = import_optional("polars"), import_optional("pyarrow")
A, B = np.array([1.0, 2.0, 3.0]), np.array([3.0, 4.0, 11.0])
ROWS = np.stack([A, B])
FRAME = pd.DataFrame(ROWS, columns=list("abc"))
COLUMN_MEANS = [2.0, 3.0, 7.0]

ARRAYS: dict[str, tuple[Any, Any]] = {
    "numbers": ([1, 2.0, np.float32(3)], 2.0),
    "numbers in a tuple": ((1, 2, 3), 2.0),
    "arrays of no dimensions": ([np.array(1.0), np.array(3.0)], 2.0),
    "Dask arrays of no dimensions": ([da.from_array(A).sum(), da.from_array(A).sum()], 6.0),
    "lists": (ROWS.tolist(), COLUMN_MEANS),
    "tuples": ([tuple(row) for row in ROWS.tolist()], COLUMN_MEANS),
    "lists of lists": ([ROWS.tolist(), ROWS.tolist()], COLUMN_MEANS),
    "booleans": ([True, False], 0.5),
}

BATCHES: dict[str, tuple[Callable[[], Any], Any]] = {
    "arrays": (lambda: [ROWS[:1], ROWS[1:]], COLUMN_MEANS),
    "arrays in a tuple": (lambda: (ROWS[:1], ROWS[1:]), COLUMN_MEANS),
    "Dask arrays": (lambda: [da.from_array(ROWS[:1]), ROWS[1:]], COLUMN_MEANS),
    "inputs and targets": (lambda: [(ROWS[:1], "y"), (ROWS[1:], "y")], COLUMN_MEANS),
    "DataFrames": (lambda: [FRAME[:1], FRAME[1:]], COLUMN_MEANS),
    "DataArrays": (lambda: [xr.DataArray(A, dims="t"), xr.DataArray(B, dims="t")], 4.0),
    "one-dimensional arrays from an iterator": (lambda: iter([A, B]), 4.0),
    "Series from an iterator": (lambda: iter([FRAME["a"], FRAME["a"]]), [2.0]),
}

AMBIGUOUS: dict[str, Callable[[], Any]] = {
    "arrays": lambda: [A, B],
    "arrays in a tuple": lambda: (A, B),
    "Dask arrays": lambda: [da.from_array(A), da.from_array(B)],
    "masked arrays": lambda: [np.ma.masked_array(A), B],
    "Series": lambda: [FRAME["a"], FRAME["a"]],
    "inputs and targets": lambda: [(A, 0), (B, 1)],
    "array and numbers": lambda: [1.0, A],
    "array and list": lambda: [A, B.tolist()],
    "list and array": lambda: [A.tolist(), B],
    "lists of arrays": lambda: [[A, B], [A, B]],
    "lists of frames": lambda: [[FRAME]],
}
if is_installed("polars"):
    AMBIGUOUS["polars Series"] = lambda: [pl.Series(A), pl.Series(B)]
if is_installed("dask.dataframe"):
    dd = import_optional("dask.dataframe")
    AMBIGUOUS["Dask Series"] = lambda: [dd.from_pandas(FRAME["a"], npartitions=1)] * 2


@pytest.mark.parametrize("case", ARRAYS)
def test_numbers_in_lists_are_one_array(case: str) -> None:
    """Numbers in lists, however nested, are one array in every front end."""
    data, expected = ARRAYS[case]
    stats = dn.adapt(data)
    assert np.asarray(stats.mean).tolist() == expected
    assert np.asarray(stats.update(data).mean).tolist() == expected
    assert stats.check(data).passed
    assert dn.plan(data).bytes == np.asarray(data).nbytes
    layer = Normalization(axis=None if np.ndim(expected) == 0 else -1)
    layer.adapt(data)
    np.testing.assert_array_equal(np.ravel(layer.mean), np.ravel(expected))


@pytest.mark.parametrize("case", BATCHES)
def test_containers_in_lists_are_batches(case: str) -> None:
    """Arrays of two dimensions, DataFrames and named arrays in a list are batches."""
    make, expected = BATCHES[case]
    stats = dn.adapt(make())
    assert np.asarray(stats.mean).tolist() == expected
    assert np.asarray(stats.update(make()).mean).tolist() == expected
    for function in (dn.plan, stats.check):
        with pytest.raises(TypeError, match="got batches in a"):
            function(make())


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_lists_of_one_dimensional_arrays_are_ambiguous(case: str) -> None:
    """Arrays of one dimension in a list may be rows or batches, and raise an error everywhere."""
    data = AMBIGUOUS[case]()
    stats = dn.adapt(A)
    for function in (dn.adapt, dn.plan, stats.update, stats.check, Normalization().adapt):
        with pytest.raises(TypeError, match=r"ambiguous data.*rows.*batches.*write"):
            function(data)


def test_the_advice_for_ambiguous_lists_runs() -> None:
    """The two alternatives in the message have different results."""
    assert dn.adapt(np.stack([A, B])).mean.tolist() == COLUMN_MEANS
    assert dn.adapt(iter([A, B])).mean == 4.0


def test_lists_of_rows_in_scikit_learn() -> None:
    """In scikit-learn the rows are samples, so that a list of arrays has one meaning."""
    from dasknorm.sklearn import StandardScaler

    for data in ([A, B], [A.tolist(), B.tolist()]):
        assert StandardScaler().fit(data).mean_.tolist() == COLUMN_MEANS


INVALID: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "ragged": (
        lambda: [[1, 2], [3]],
        ValueError,
        r"equal lengths: element \[1\] has length 1, and element \[0\] has length 2",
    ),
    "ragged below": (lambda: [[[1], [2]], [[3], [4, 5]]], ValueError, r"\[1, 1\] has length 2"),
    "number next to list": (lambda: [[1, 2], 3], ValueError, r"\[1\] is not a list"),
    "None": (lambda: [[1.0, None]], TypeError, r"element \[0, 1\] is None \(NoneType\).*np.nan"),
    "text": (lambda: [1.0, "3.5 n/a"], TypeError, r"'3.5 n/a' is a path, open it.*float\(x\)"),
    "text below": (lambda: [[1.0, "x"]], TypeError, r"element \[0, 1\] is 'x' \(str\)"),
    "decimals": (lambda: [Decimal(1), Decimal(2)], TypeError, r"cast it with astype\(float\)"),
    "objects": (
        lambda: np.array([[1, 2], [3, "a"]], object),
        TypeError,
        r"element \[1, 1\] is 'a' \(str\)",
    ),
    "strings": (lambda: np.array(["1", "2"]), TypeError, r"astype\(float\) if it is text"),
    "paths": (lambda: ["a.nc", "b.nc"], TypeError, r"'a.nc' is a path, open it first.*open_mf"),
    "path objects": (lambda: [Path("a.nc")], TypeError, "open it first"),
    "a path": (lambda: "a.nc", TypeError, "'a.nc' is a path, open it first"),
    "records": (lambda: [{"a": 1.0}], TypeError, r"element \[0\] is {'a': 1.0} \(dict\)"),
    "a dict": (lambda: {"a": A}, TypeError, r"write pd.DataFrame\(data\)"),
    "rows": (lambda: iter([(1.0, 2.0), (3.0, 4.0)]), TypeError, "items are tuples of numbers"),
    "itertuples": (FRAME.itertuples, TypeError, "items are tuples of numbers"),
    "iterrows": (FRAME.iterrows, TypeError, "items are tuples of numbers"),
    "zip": (lambda: zip(A, B, strict=True), TypeError, "items are tuples of numbers"),
    "numbers": (lambda: iter([1.0, 2.0]), TypeError, "items are numbers: write np.fromiter"),
    "groups": (lambda: FRAME.groupby("a"), TypeError, "got a DataFrameGroupBy.*by='city'"),
    "windows": (lambda: FRAME.rolling(2), TypeError, "got a Rolling"),
    "groups of a Dataset": (
        lambda: xr.Dataset({"t": ("x", A)}, {"x": [0, 0, 1]}).groupby("x"),
        TypeError,
        "got a DatasetGroupBy",
    ),
    "sparse": (lambda: csr_array(ROWS), TypeError, r"StandardScaler\(with_mean=False\)"),
}
if np.dtype(np.longdouble).itemsize > 8:
    INVALID |= {
        "long double": (lambda: A.astype("g"), TypeError, r"float128.*astype\('float64'\)"),
        "unnamed": (
            lambda: xr.DataArray(A.astype("g")),
            TypeError,
            "the unnamed array: dtype float128",
        ),
    }
if is_installed("polars"):
    INVALID["groups of polars"] = (
        lambda: pl.DataFrame({"a": A, "b": A}).group_by("a"),
        TypeError,
        "got a GroupBy",
    )


@pytest.mark.parametrize("case", INVALID)
def test_lists_and_objects_that_are_no_data(case: str) -> None:
    """The error names the first value that is not a number, and what to write."""
    make, error, message = INVALID[case]
    with pytest.raises(error, match=message):
        dn.adapt(make())


class Stream:
    """An object that offers Arrow data and nothing else, as a DuckDB relation does."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)


@needs("pyarrow")
def test_arrow_streams_and_datasets_are_batches(tmp_path: Path) -> None:
    """Objects with Arrow's stream interface, and datasets of pyarrow, are read batch by batch."""
    import pyarrow.dataset
    import pyarrow.parquet

    table = pa.Table.from_pandas(FRAME)
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    dataset = pyarrow.dataset.dataset(tmp_path / "x.parquet")
    for data in (Stream(table), dataset, dataset.scanner()):
        assert dn.adapt(data).mean.to_dict() == dict(zip("abc", COLUMN_MEANS, strict=True))
    stats = dn.adapt(table).update(Stream(table))
    assert stats.count.tolist() == [4.0, 4.0, 4.0]
    with pytest.raises(TypeError, match=r"pa.table"):
        dn.adapt(pa.chunked_array([A]))


def test_text_files_in_chunks_are_batches() -> None:
    """A reader of pandas is an iterable of DataFrames."""
    with contextlib.closing(io.StringIO(FRAME.to_csv(index=False))) as file:
        assert dn.adapt(pd.read_csv(file, chunksize=1)).mean.tolist() == COLUMN_MEANS
