"""Arrow tables and record batches: names, schemas, groups, and agreement with pandas."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dasknorm as dn
from dasknorm.testing import check_container

pa = pytest.importorskip("pyarrow")

DTYPES = {
    "int8": "float", "int16": "float", "uint16": "float", "int32": "double", "int64": "double",
    "uint64": "double", "float16": "halffloat", "float32": "float", "float64": "double",
    "bool_": "float",
}  # fmt: skip
TABLE = pa.table({"a": [1.0, 3.0, None], "t": ["x", None, "z"], "b": [10, 30, 20]})


def column(values: list[Any], kind: str) -> Any:
    """Return an array with nulls of a type by name; pyarrow makes no halffloat of Python floats."""
    if kind == "float16":
        numbers = np.array([0 if v is None else v for v in values], "f2")
        return pa.array(numbers, mask=np.array([v is None for v in values]))
    return pa.array(values, pa.int64()).cast(getattr(pa, kind)())


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("values", [[0, 1, 1, 0], [0, None, 1, None]], ids=["whole", "nulls"])
def test_column_types(kind: str, values: list[Any]) -> None:
    """Every type of numbers skips nulls, keeps them null, and comes out as a float of its width."""
    table = pa.table({"a": column(values, kind), "t": list("wxyz")})
    stats = dn.adapt(table)
    assert (stats.count["a"], stats.mean["a"]) == (4.0 - values.count(None), 0.5)
    z = stats.normalize(table)
    assert str(z.schema.field("a").type) == DTYPES[kind]
    assert z["a"].to_pylist() == [None if v is None else 2.0 * v - 1 for v in values]
    assert stats.inverse(z)["a"].to_pylist() == values
    assert z["t"].equals(table["t"])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_a_dtype_asked_for(dtype: str) -> None:
    """dtype= holds for every column."""
    z = dn.adapt(TABLE).normalize(TABLE, dtype=dtype)
    assert [z.schema.field(name).type for name in "ab"] == [pa.from_numpy_dtype(dtype)] * 2


def wide(x: np.ndarray) -> Any:
    whole = pa.table({"a": x, "b": x.astype("i4"), "t": ["x"] * len(x), "c": x.astype("f4")})
    return pa.concat_tables([whole.slice(0, 5), whole.slice(5)])


@pytest.mark.parametrize("kind", ["table", "batch", "slice"])
def test_containers_keep_their_laws(kind: str) -> None:
    """Tables in chunks, slices of them and batches keep the laws of `Container` and `Stats`."""
    values = np.arange(17.0) ** 2
    values[5] = np.nan
    table = wide(np.nan_to_num(values, nan=3.0)).append_column("n", pa.array(values))
    if kind == "batch":
        check_container(table.combine_chunks().to_batches()[0])
    else:
        check_container(table.slice(3, 11) if kind == "slice" else table)


numbers = st.one_of(st.none(), st.integers(-(2**40), 2**40))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_arrow_and_pandas_agree(data: st.DataObject) -> None:
    """The same numbers have the same statistics, and z-scores, in pandas, Arrow and its chunks."""
    rows = data.draw(st.integers(1, 30))
    ints = data.draw(st.lists(numbers, min_size=rows, max_size=rows))
    floats = [None if n is None else n / 7 for n in data.draw(st.permutations(ints))]
    table = pa.table({"i": pa.array(ints, pa.int64()), "f": pa.array(floats, pa.float64())})
    cut = data.draw(st.integers(0, rows))
    chunked = pa.concat_tables([table.slice(0, cut), table.slice(cut)])
    frame = table.to_pandas(types_mapper=pd.ArrowDtype)
    if all(n is None for n in ints):
        return
    stats = dn.adapt(frame)
    expected = stats.normalize(frame)
    for item in (table, chunked):
        result = dn.adapt(item)
        pd.testing.assert_series_equal(result.count, stats.count)
        scale = np.maximum(np.abs(stats.mean), stats.std)
        assert (np.abs(result.mean - stats.mean) <= 4 * np.spacing(scale)).all()
        np.testing.assert_allclose(result.variance, stats.variance, rtol=1e-14, atol=0)
        z = stats.normalize(item)
        for name in table.column_names:
            assert z[name].to_pylist() == pa.array(expected[name]).to_pylist()


def test_statistics_go_over_to_other_kinds() -> None:
    """Statistics of a table normalize a frame, merge with one's, and are read as one's."""
    frame = TABLE.to_pandas()
    stats, other = dn.adapt(TABLE), dn.adapt(frame)
    pd.testing.assert_series_equal(stats.mean, other.mean)
    pd.testing.assert_frame_equal(stats.normalize(frame), other.normalize(frame))
    assert other.normalize(TABLE).equals(stats.normalize(TABLE))
    assert (stats + other).count["b"] == other.update(TABLE).count["b"] == 6.0
    given = dn.Stats.from_values(
        mean=frame[["a", "b"]].mean(), std=pd.Series({"a": 1.0, "b": 10.0})
    )
    assert given.normalize(TABLE)["b"].to_pylist() == [-1.0, 1.0, 0.0]


def test_the_schema_is_kept() -> None:
    """Metadata of the schema and of fields, nullability, order and other columns are kept."""
    schema = pa.schema(
        [
            pa.field("t", pa.string(), metadata={b"unit": b"none"}),
            pa.field("a", pa.int16(), nullable=False, metadata={b"unit": b"K"}),
        ],
        {b"source": b"here"},
    )
    table = pa.table({"t": ["x", None], "a": pa.array([1, 3], pa.int16())}, schema)
    z = dn.adapt(table).normalize(table)
    expected = schema.set(1, schema.field("a").with_type(pa.float32()))
    assert z.schema.equals(expected, check_metadata=True)
    assert table.schema.equals(schema, check_metadata=True)


def test_a_frame_comes_back_through_arrow() -> None:
    """The pandas metadata of a table match its normalized columns; its index is unchanged."""
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None, 3], "Int64"),
            "s": pd.array([1, 2, 3], "Int16"),
            "b": pd.array([True, False, None], "boolean"),
            "p": pd.array([1, 2, None], "int8[pyarrow]"),
            "n": np.array([1, 2, 3], "i4"),
            "t": list("xyz"),
        },
        index=pd.Index([5, 6, 9], name="row"),
    )
    stats = dn.adapt(frame)
    table = pa.Table.from_pandas(frame)
    assert dn.adapt(table) == stats
    pd.testing.assert_frame_equal(stats.normalize(table).to_pandas(), stats.normalize(frame))


@pytest.mark.parametrize(
    ("names", "message"),
    [(["a", "a"], r"not unique: \['a'\]"), (["a", "b", "b", "a"], r"not unique: \['b', 'a'\]")],
)
def test_duplicate_names(names: list[str], message: str) -> None:
    """Names that two columns have are an error that lists them."""
    with pytest.raises(ValueError, match=message):
        dn.adapt(pa.Table.from_arrays([pa.array([1.0])] * len(names), names))


def test_columns_are_found_by_name() -> None:
    """Columns may come in another order; missing and unknown ones are errors that list them."""
    stats = dn.adapt(TABLE)
    turned = TABLE.select(["b", "t", "a"])
    assert stats.normalize(turned).equals(stats.normalize(TABLE).select(["b", "t", "a"]))
    with pytest.raises(dn.MismatchError, match=r"lack \['b'\]"):
        stats.normalize(TABLE.select(["a", "t"]))
    with pytest.raises(dn.MismatchError, match=r"\['c'\] along 'columns' are not in"):
        stats.normalize(TABLE.append_column("c", pa.array([1, 2, 3])))
    with pytest.raises(TypeError, match=r"no numeric columns.*'t' \(string\)"):
        dn.adapt(TABLE.select(["t"]))


def test_chosen_columns() -> None:
    """columns= selects; other columns are unchanged, and unknown names are errors."""
    stats = dn.adapt(TABLE, columns=["b"])
    z = stats.normalize(TABLE)
    assert z["b"].to_pylist() == pytest.approx([-np.sqrt(1.5), np.sqrt(1.5), 0.0])
    assert z["a"].equals(TABLE["a"])
    with pytest.raises(dn.MismatchError, match=r"no columns \['q'\]; found \['a', 't', 'b'\]"):
        dn.adapt(TABLE, columns=["q"])
    with pytest.raises(TypeError, match=r"real numbers.*: 't' \(string\)"):
        dn.adapt(TABLE, columns=["t"])


@pytest.mark.parametrize("kind", ["array", "arrow", "pandas"])
def test_weights(kind: str) -> None:
    """Weights are one number a row, of any kind of column; other lengths are refused."""
    weights = {"array": np.array, "arrow": pa.array, "pandas": pd.Series}[kind]
    assert dn.adapt(TABLE, weights=weights([1.0, 3.0, 5.0])).mean["a"] == 2.5
    with pytest.raises(dn.MismatchError, match="each of its 3 rows"):
        dn.adapt(TABLE, weights=weights([1.0, 3.0]))


def groups() -> Any:
    """Return a table with keys of strings, of integers with nulls, and of a dictionary."""
    return pa.table(
        {
            "k": ["x", "y", "x", None, "y", "x"],
            "n": pa.array([1, 1, 2, 2, None, 1], pa.int32()),
            "d": pa.array(list("ppqqpp")).dictionary_encode(),
            "a": [1.0, 2.0, 5.0, 7.0, 4.0, None],
            "i": pa.array([2**60 + 1, 2, 2**60 + 3, 7, None, None], pa.int64()),
        }
    )


@pytest.mark.parametrize("by", ["k", "n", "d", ["k", "n"], ["d", "k"]])
def test_groups(by: Any) -> None:
    """Groups have pandas' statistics and z-scores; a row without a group becomes null."""
    table = groups().select(["k", "n", "d", "a"])
    frame = table.to_pandas()
    frame["n"] = frame["n"].astype("Int64")
    stats, other = dn.adapt(table, columns="a", by=by), dn.adapt(frame, columns="a", by=by)
    np.testing.assert_array_equal(stats.mean.to_numpy("f8"), other.mean.to_numpy("f8"))
    assert list(map(str, stats.mean.index)) == list(map(str, other.mean.index))
    z, expected = stats.normalize(table), other.normalize(frame)
    assert z["a"].to_pandas().equals(expected["a"])
    lost = frame[by].isna() if isinstance(by, str) else frame[by].isna().any(axis=1)
    assert (np.array([v is None for v in z["a"].to_pylist()]) >= lost).all()
    assert z.drop(["a"]).equals(table.drop(["a"]))


def test_groups_never_seen_and_weights() -> None:
    """A group never seen is an error that names it, or null; weights weigh within groups."""
    table = groups()
    stats = dn.adapt(table.slice(0, 1), by="k", columns=["a"])
    with pytest.raises(dn.MismatchError, match=r"\['y'\] of 'k'"):
        stats.normalize(table)
    z = stats.normalize(table, unseen="nan")["a"].to_pylist()
    assert z == [0.0, None, 4.0, None, None, None]
    weighted = dn.adapt(table, by="k", columns=["a"], weights=[1, 0, 3, 9, 1, 1])
    assert weighted.mean["a"].tolist() == [4.0, 4.0]


def test_wide_integers_by_group_are_exact() -> None:
    """Integers that a float would round are exact in groups, with nulls too."""
    table = groups()
    z = dn.adapt(table, by="k", columns=["i"]).normalize(table)
    assert z["i"].to_pylist() == [-1.0, 0.0, 1.0, None, None, None]


def test_groups_show_only_while_data_are_read() -> None:
    """By group nothing can stay lazy or be counted beforehand, as of pandas and Dask frames."""
    with pytest.raises(ValueError, match="by= and lag= need compute=True"):
        dn.adapt(groups(), columns="a", by="k", compute=False)
    with pytest.raises(ValueError, match="needs a known number of values"):
        dn.adapt(groups(), columns="a", by="k", expect_count="all")
    assert "per group" in repr(dn.plan(groups(), columns="a", by="k"))


NESTED = {
    "list<.*>": pa.array([[1], [2]]),
    "struct<.*>": pa.array([{"u": 1}, {"u": 2}]),
    "map<.*>": pa.array([[("u", 1)], []], pa.map_(pa.string(), pa.int64())),
    "extension<.*>": pa.FixedShapeTensorArray.from_numpy_ndarray(np.zeros((2, 3))),
    "time64.ns.*nanoseconds; cast": pa.array([1, 1001], pa.time64("ns")),
}


@pytest.mark.parametrize("kind", NESTED)
def test_keys_that_name_no_group(kind: str) -> None:
    """Values within values, and times that Python has not, are refused as keys, by name."""
    table = pa.table({"k": NESTED[kind], "a": [1.0, 2.0]})
    with pytest.raises(TypeError, match=f"column 'k', whose type is {kind}"):
        dn.adapt(table, by="k")


@pytest.mark.parametrize("code", [pa.int8(), pa.uint8(), pa.uint32()], ids=str)
def test_categories_as_groups(code: Any) -> None:
    """Rows are grouped by categories, whatever kind of integer their codes are."""
    kind = pa.array(["p", "q", "p"]).cast(pa.dictionary(code, pa.string()))
    stats = dn.adapt(pa.table({"x": [1.0, 5.0, 3.0], "d": kind}), by="d")
    assert stats.mean.to_dict() == {"x": {"p": 2.0, "q": 5.0}}
