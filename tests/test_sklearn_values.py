"""The scikit-learn scaler: missing values, constants, precision, and empty partitions."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from support.optional import arrow_param, needs
from support.scaler_inputs import NAMES, X, make_dask_frame

import dasknorm as dn

pytest.importorskip("sklearn")

from sklearn.preprocessing import StandardScaler as Original

from dasknorm.sklearn import StandardScaler

FRAME = pd.DataFrame(X, columns=NAMES)
GAPS = [1.0, None, 3.0, 8.0]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("Int64", "Float64"),
        ("Int8", "Float32"),
        ("Float32", "Float32"),
        ("Float64", "Float64"),
        arrow_param("int64[pyarrow]", "double[pyarrow]"),
        arrow_param("float[pyarrow]", "float[pyarrow]"),
        arrow_param("double[pyarrow]", "double[pyarrow]"),
    ],
)
@pytest.mark.parametrize("kind", ["pandas", pytest.param("dask", marks=needs("pyarrow"))])
def test_columns_that_know_what_is_missing(dtype, expected, kind):
    """Nullable and Arrow columns are counted without their gaps, and keep them and their kind."""
    frame = pd.DataFrame({"a": pd.array(GAPS, dtype=dtype)})
    data = frame
    if kind == "dask":
        data = pytest.importorskip("dask.dataframe").from_pandas(frame, npartitions=2)
    scaler = StandardScaler().fit(data)
    assert (scaler.mean_[0], scaler.n_samples_seen_) == (4.0, 3)
    scaled = scaler.transform(data)
    scaled = scaled.compute() if kind == "dask" else scaled
    assert scaled.dtypes["a"] == expected
    assert scaled["a"].isna().tolist() == [False, True, False, False]
    want = (np.array([1.0, 3.0, 8.0]) - 4.0) / np.std([1.0, 3.0, 8.0])
    np.testing.assert_allclose(scaled["a"].dropna().to_numpy("f8"), want, rtol=1e-6)


def test_columns_keep_their_own_precision():
    """A float32 column stays float32 next to a float64 one; scikit-learn widens both."""
    frame = FRAME.astype({"a": "float32", "b": "int32"})
    scaled = StandardScaler().fit_transform(frame)
    assert [str(dtype) for dtype in scaled.dtypes] == ["float32", "float64", "float64"]


@pytest.mark.parametrize("batches", [1, 2])
def test_missing_values_are_counted_by_column(batches):
    """NaN and masked values are skipped column by column, and stay missing."""
    x = np.array([[1.0, np.nan], [3.0, 4.0], [np.nan, 6.0], [5.0, 8.0]])
    for data in (x, np.ma.masked_invalid(x), x.astype(object)):
        scaler = StandardScaler()
        for part in np.split(data, batches):
            scaler.partial_fit(part)
        np.testing.assert_array_equal(scaler.n_samples_seen_, 3)
        np.testing.assert_array_equal(scaler.mean_, [3.0, 6.0])
        assert np.ma.filled(scaler.transform(data), np.nan)[0, 1] is not np.ma.masked
        np.testing.assert_array_equal(
            np.isnan(np.ma.filled(scaler.transform(data), np.nan)), np.isnan(x)
        )
    with pytest.warns(UserWarning, match="no valid values"):
        scaler = StandardScaler().fit([[np.nan, 1.0], [np.nan, 3.0]])
    np.testing.assert_array_equal(scaler.n_samples_seen_, [0, 2])


def test_masks_are_not_ignored():
    """A masked value is excluded and stays masked; scikit-learn reads the value under the mask."""
    x = np.ma.masked_equal([[1.0], [3.0], [-999.0]], -999.0)
    scaler = StandardScaler().fit(x)
    assert scaler.mean_.tolist() == [2.0]
    assert scaler.transform(x).mask.tolist() == [[False], [False], [True]]


@pytest.mark.parametrize("value", [0.1, 1e8, -3.7, 1e300, 0.0])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("chunked", [True, False])
def test_constant_columns_become_zero(value, dtype, chunked):
    """A constant has a variance of exactly 0 and scale 1; dask-ml makes 1.414 of 0.1."""
    x = np.full((103, 1), 1e30 if dtype == "f4" and value > 1e30 else value, dtype)
    x = da.from_array(x, chunks=10) if chunked else x
    scaler = StandardScaler().fit(x)
    assert (scaler.var_[0], scaler.scale_[0]) == (0.0, 1.0)
    assert not np.asarray(scaler.transform(x)).any()


def test_nearly_constant_is_not_constant():
    """The exact variance decides: 1e11 +- 1 is scaled; scikit-learn treats it as constant."""
    x = np.where(np.arange(100_000) % 2, 1e11 + 1, 1e11 - 1)[:, None]
    assert Original().fit(x).scale_.tolist() == [1.0]
    x[::2] -= 1.0
    assert Original().fit(x).scale_.tolist() == [1.0]
    scaler = StandardScaler().fit(x)
    assert scaler.scale_.tolist() == [1.5]
    assert np.unique(scaler.transform(x)).tolist() == [-1.0, 1.0]


def test_float32_far_from_zero():
    """Float32 rows around 1e4 keep their deviation of 1; dask-ml's float32 sums lose it."""
    x = np.random.default_rng(3).normal(1e4, 1.0, (300_000, 2)).astype("f4")
    scaler = StandardScaler().fit(da.from_array(x, chunks=(100_000, 2)))
    np.testing.assert_allclose(scaler.mean_, x.mean(0, "f8"), rtol=1e-15)
    np.testing.assert_allclose(scaler.var_, x.astype("f8").var(0), rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "mean"),
    [
        (np.full((4, 1), 2**62, "i8"), 2.0**62),
        (np.full((3, 1), 2**64 - 1, "u8"), 2.0**64),
        (np.full((70_000, 1), 65_504.0, "f2"), 65_504.0),
        (np.array([[0], [255]], "u1"), 127.5),
    ],
    ids=["int64", "uint64", "float16", "uint8"],
)
def test_sums_that_would_overflow(x, mean):
    """Sums are kept in float64 and better, whatever the dtype."""
    scaler = StandardScaler().fit(x)
    assert scaler.mean_.tolist() == [mean]
    assert scaler.transform(x).dtype.kind == "f"
    assert np.isfinite(scaler.transform(x)).all()


def test_dask_chunks_of_unknown_size():
    """Rows chosen by a condition have chunks of unknown, or no, size; the counts are the data's."""
    x = da.from_array(X, chunks=(50, 3))
    subset = x[(x[:, 0] > 3.0) & (x[:, 0] < 6.0)]
    scaler = StandardScaler().fit(subset)
    expected = X[(X[:, 0] > 3.0) & (X[:, 0] < 6.0)]
    assert scaler.n_samples_seen_ == len(expected)
    np.testing.assert_allclose(scaler.var_, expected.var(0), rtol=1e-12)
    np.testing.assert_allclose(
        scaler.transform(subset).compute(), Original().fit_transform(expected), atol=1e-9
    )


@needs("pyarrow")
def test_partitions_empty_or_out_of_order():
    """Empty partitions add nothing; columns of each partition are found by name."""
    dd = pytest.importorskip("dask.dataframe")
    parts = [FRAME[:90], FRAME[:0], FRAME[90:][["c", "a", "b"]]]
    frame = dd.from_map(lambda i: parts[i], range(3), meta=FRAME[:0], enforce_metadata=False)
    scaler = StandardScaler().fit(frame)
    np.testing.assert_allclose(scaler.var_, X.var(0), rtol=1e-12)


def test_a_transform_of_nothing_or_of_infinity():
    """No rows give no rows, and infinity stays infinite: only fitting to them is an error."""
    scaler = StandardScaler().fit(X)
    assert scaler.transform(X[:0]).shape == (0, 3)
    assert scaler.transform(FRAME[:0].set_axis(range(3), axis=1)).shape == (0, 3)
    assert np.isinf(scaler.transform([[np.inf, 0.0, 0.0]])[0, 0])


@needs("pyarrow")
def test_inputs_stay_as_they_are():
    """Neither fit nor transform changes a frame or an array; dask-ml's adds to its input."""
    for data in (FRAME.copy(), X.copy(), make_dask_frame(X), da.from_array(X, chunks=50)):
        StandardScaler().fit(data).transform(data)
        after = data.compute() if hasattr(data, "compute") else data
        np.testing.assert_array_equal(np.asarray(after), X)


def test_read_only_arrays():
    """Arrays that cannot be written to are read, and copied even with copy=False."""
    x = X.copy()
    x.flags.writeable = False
    scaled = StandardScaler(copy=False).fit_transform(x)
    np.testing.assert_allclose(scaled, Original().fit_transform(X), atol=1e-9)


@pytest.mark.parametrize("name", ["/", "", "ü", "a b"])
def test_names_that_need_escaping(name, tmp_path):
    """A scaler's statistics come back from a file whatever the columns are called."""
    frame = pd.DataFrame({name: [1.0, 3.0], "b": [0.0, 1.0]})
    StandardScaler().fit(frame).stats_.save(tmp_path / "stats.json")
    scaler = StandardScaler.from_stats(dn.load(tmp_path / "stats.json"))
    assert scaler.transform(frame)[name].tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("lazy", [True, False])
def test_polars(lazy):
    """Polars DataFrames are returned by name, and are scaled with statistics from pandas."""
    pl = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    frame = pl.DataFrame({name: X[:, i] for i, name in enumerate(NAMES)})
    data = frame.lazy() if lazy else frame
    for scaler in (StandardScaler().fit(data), StandardScaler().fit(FRAME)):
        scaled = scaler.transform(data)
        assert type(scaled) is type(data)
        scaled = scaled.collect() if lazy else scaled
        assert scaled.columns == NAMES
        np.testing.assert_allclose(scaled.to_numpy(), Original().fit_transform(X), atol=1e-9)
    with pytest.raises(ValueError, match="same order"):
        scaler.transform(data.select("b", "a", "c"))
    with pytest.raises(TypeError, match="'d'"):
        scaler.fit(data.with_columns(d=pl.lit("x")))
