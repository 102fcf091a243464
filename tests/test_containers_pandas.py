"""pandas and Dask DataFrames: dtypes, names, indexes, and columns that stay unchanged."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.optional import arrow_param, import_optional, is_installed, needs

import dasknorm as dn
from dasknorm.blocks import slabs

dd = import_optional("dask.dataframe")
VALUES = [1, 3, None, 5]
Z = np.array([-1.0, 0.0, np.nan, 1.0]) * np.sqrt(1.5)

DTYPES = {
    "Int8": "Float32", "Int16": "Float32", "UInt16": "Float32", "Int32": "Float64",
    "Int64": "Float64", "UInt64": "Float64", "Float32": "Float32", "Float64": "Float64",
    "int16[pyarrow]": "float[pyarrow]", "int64[pyarrow]": "double[pyarrow]",
    "float[pyarrow]": "float[pyarrow]", "double[pyarrow]": "double[pyarrow]",
    "f2": "f2", "f4": "f4", "f8": "f8", "Sparse[float64]": "f8", "Sparse[float32]": "f4",
}  # fmt: skip


def lazy(frame: pd.DataFrame) -> Any:
    return dd.from_pandas(frame, npartitions=2, sort=False)


@pytest.mark.parametrize("dtype", [arrow_param(d) if "pyarrow" in d else d for d in DTYPES])
def test_column_dtypes(dtype: str) -> None:
    """Every numeric dtype skips missing values, keeps them, and stays of its family."""
    frame = pd.DataFrame({"a": pd.array(VALUES, dtype="Float64"), "t": list("wxyz")})
    numpy = not dtype[0].isupper() and "pyarrow" not in dtype
    source = frame["a"].to_numpy("f8", na_value=np.nan) if numpy or "Sparse" in dtype else None
    frame["a"] = frame["a"].astype(dtype) if source is None else pd.array(source).astype("f8")
    if source is not None:
        frame["a"] = pd.Series(source).astype(dtype)
    stats = dn.adapt(frame)
    assert (stats.count["a"], stats.mean["a"]) == (3.0, 3.0)
    tolerance = 1e-3 if dtype == "f2" else 1e-6
    results = [stats.normalize(frame)]
    if is_installed("pyarrow"):
        results.append(stats.normalize(lazy(frame)).compute())
    for z in results:
        assert z["a"].dtype == DTYPES[dtype]
        assert z["a"].isna().tolist() == [False, False, True, False]
        np.testing.assert_allclose(z["a"].to_numpy("f8", na_value=np.nan), Z, rtol=tolerance)
        pd.testing.assert_series_equal(z["t"], frame["t"], check_dtype=False)
        back = stats.inverse(z)["a"].to_numpy("f8", na_value=np.nan)
        np.testing.assert_allclose(back, [1.0, 3.0, np.nan, 5.0], rtol=tolerance)


@pytest.mark.parametrize("dtype", ["boolean", arrow_param("bool[pyarrow]"), "bool"])
def test_booleans_are_0_and_1(dtype: str) -> None:
    """Booleans of every kind count as 0 and 1 and come out as float32."""
    frame = pd.DataFrame({"a": pd.array([True, False, False, True], dtype=dtype)})
    z = dn.adapt(frame).normalize(frame)["a"]
    assert z.astype("f8").tolist() == [1.0, -1.0, -1.0, 1.0]
    assert str(z.dtype) in ("float32", "Float32", "float[pyarrow]")


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("kind", ["Int64", arrow_param("double[pyarrow]"), "f8", "i2"])
def test_a_dtype_asked_for_in_columns(kind: str, dtype: str) -> None:
    """dtype= holds for columns of every kind, as far as their family has it."""
    frame = pd.DataFrame({"a": pd.array([0, 2], dtype=kind), "b": [0.0, 2.0]})
    z = dn.adapt(frame).normalize(frame, dtype=dtype)
    assert z["b"].dtype == dtype
    assert z["a"].astype("f8").tolist() == [-1.0, 1.0]
    size = {"float32": 4, "float64": 8, "float16": 2, "float": 4, "halffloat": 2, "double": 8}
    itemsize = np.dtype(dtype).itemsize
    actual = size[str(z["a"].dtype).lower().removesuffix("[pyarrow]")]
    assert actual == (max(itemsize, 4) if kind == "Int64" else itemsize)


def everything() -> pd.DataFrame:
    """Return a frame with columns of many kinds, an index and attributes."""
    frame = pd.DataFrame(
        {
            "x": [1.0, 3.0, 5.0],
            "text": ["a", None, "c"],
            7: np.array([1, 2, 9], dtype="i2"),
            ("t", 1): pd.array([1, None, 3], dtype="Int64"),
            "object": pd.Series([True, "x", None], dtype=object),
            "when": pd.date_range("2001", periods=3, tz="UTC"),
            "kind": pd.Categorical(["p", "q", "p"]),
            "long": pd.to_timedelta([1, 2, 3], unit="s"),
            "y": np.array([1, 2, 3], dtype="f4"),
        },
        index=pd.Index(["r", "s", "s"], name="row"),
    )
    frame.attrs["source"] = "here"
    return frame


def test_what_rides_along() -> None:
    """Other columns, the order of all, the row index and attrs come through untouched."""
    frame = everything()
    before = frame.copy(deep=True)
    stats = dn.adapt(frame)
    assert list(stats.mean.index) == ["x", 7, ("t", 1), "y"]
    for z in (stats.normalize(frame), stats.inverse(stats.normalize(frame))):
        assert list(z.columns) == list(frame.columns)
        assert z.attrs == {"source": "here"}
        others = ["text", "object", "when", "kind", "long"]
        pd.testing.assert_frame_equal(z[others], frame[others])
        pd.testing.assert_index_equal(z.index, frame.index)
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == before.attrs


def test_writing_to_a_result_leaves_the_data_alone() -> None:
    """A normalized frame shares no memory that a later assignment could write through."""
    frame = everything()
    before = frame.copy(deep=True)
    z = dn.adapt(frame).normalize(frame)
    z.iloc[0, 0] = 99.0
    z["text"] = "changed"
    z.attrs["source"] = "there"
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == {"source": "here"}


@pytest.mark.parametrize("partitions", [1, pytest.param(3, marks=needs("pyarrow"))])
def test_three_hundred_columns(partitions: int) -> None:
    """Three hundred columns have the statistics of each, homogeneous or of mixed dtypes."""
    rng = np.random.default_rng(0)
    values = rng.normal(rng.normal(size=300), 2.0, (90, 300))
    frame = pd.DataFrame(values).rename(columns="c{}".format)
    mixed = frame.astype({f"c{i}": "f4" for i in range(0, 300, 2)})
    for item in (frame, mixed):
        data = dd.from_pandas(item, npartitions=partitions) if partitions > 1 else item
        stats = dn.adapt(data)
        exact = item.to_numpy("f8")
        np.testing.assert_allclose(stats.mean, exact.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(stats.std, exact.std(axis=0), rtol=1e-12)
        z = stats.normalize(item)
        assert z.dtypes.equals(item.dtypes)
        np.testing.assert_allclose(z.mean(), 0.0, atol=1e-6)


def test_rows_beyond_one_slab(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mixed DataFrames longer than one slab are read to their end."""
    monkeypatch.setattr(slabs, "CONVERTED_ELEMENTS", 1000)
    rng = np.random.default_rng(0)
    rows = 6_000
    frame = pd.DataFrame({"a": rng.normal(5.0, 2.0, rows), "b": rng.integers(0, 9, rows)})
    frame["c"] = pd.array(frame["b"], dtype="Int64")
    frame.loc[frame.index[::3], "c"] = pd.NA
    stats = dn.adapt(frame, weights=(frame["a"] > 5).astype("f8"))
    subset = frame[frame["a"] > 5]
    np.testing.assert_allclose(stats.mean, subset.mean().astype("f8"), rtol=1e-12)
    np.testing.assert_allclose(stats.variance, subset.var(ddof=0).astype("f8"), rtol=1e-10)
    z = stats.normalize(frame)
    assert z["c"].isna().sum() == rows / 3
    assert z["b"].iloc[-1] == pytest.approx(
        (frame["b"].iloc[-1] - stats.mean["b"]) / stats.std["b"]
    )


def test_weights_may_have_missing_values_only_where_they_are_numbers() -> None:
    """A weight that is NA raises an error."""
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    with pytest.raises(ValueError, match="weights must be finite and at least 0, got NaN"):
        dn.adapt(frame, weights=pd.Series([1, None], dtype="Int64"))


@needs("pyarrow")
def test_weights_of_a_dask_frame_from_elsewhere() -> None:
    """Weights of a Dask frame may be calculated, have another name, or none of the columns."""
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 6.0], "w": [1, 0, 1, 2]})
    table = lazy(frame)
    expected = dn.adapt(frame[["a"]], weights=frame["w"])
    assert expected.mean["a"] == 4.0
    for weights in (table["w"], (table["w"] * 1.0).rename("a"), table["w"].rename(None)):
        assert dn.adapt(table[["a"]], weights=weights).mean["a"] == 4.0
    assert dn.adapt(table["a"], weights=table["w"]).mean == 4.0
    with_itself = dn.adapt(frame, weights=frame["w"])
    pd.testing.assert_series_equal(dn.adapt(table, weights=table["w"]).mean, with_itself.mean)


def _part(i: int) -> pd.DataFrame:
    part = pd.DataFrame({"a": [1.0 * i], "n": [2 * i], "s": ["x"]})
    return part[["s", "n", "a"]] if i % 2 else part


@needs("pyarrow")
def test_partitions_of_other_orders_and_dtypes() -> None:
    """Partitions read by name give one result, whatever the order of their columns."""
    meta = pd.DataFrame({"a": [0.0], "n": [0], "s": ["x"]}).iloc[:0]
    table = dd.from_map(_part, range(4), meta=meta, enforce_metadata=False)
    stats = dn.adapt(table)
    assert stats.mean.to_dict() == {"a": 1.5, "n": 3.0}
    z = stats.normalize(table).compute()
    assert list(z.columns) == ["a", "n", "s"]
    np.testing.assert_allclose(z["a"], z["n"])
    np.testing.assert_allclose(z["a"], (np.arange(4) - 1.5) / np.arange(4).std())


def test_series_keep_name_and_index() -> None:
    """A Series comes back with its name and index, of whatever kind they are."""
    for name in ("a", None, 5, ("a", 1)):
        series = pd.Series([1.0, 3.0], index=["p", "q"], name=name)
        stats = dn.adapt(series)
        pd.testing.assert_series_equal(
            stats.normalize(series), pd.Series([-1.0, 1.0], index=["p", "q"], name=name)
        )
        assert (stats.mean, stats.count) == (2.0, 2.0)


def summary(frame: Any) -> dict[str, Any]:
    return {name: dn.adapt(frame).result(name) for name in ("count", "mean", "std", "variance")}


def test_readings_are_series_by_column() -> None:
    """Results of a DataFrame are Series indexed by its columns."""
    frame = everything()[["x", "y"]]
    for name, reading in summary(frame).items():
        assert isinstance(reading, pd.Series)
        assert list(reading.index) == ["x", "y"]
        assert reading.dtype == "f8", name
    read = summary(frame)
    by_hand = (frame - read["mean"]) / read["std"]
    pd.testing.assert_frame_equal(dn.adapt(frame).normalize(frame), by_hand, check_dtype=False)
