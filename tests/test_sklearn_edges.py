"""The scikit-learn scaler: cases that other scalers get wrong silently, and invalid input."""

import datetime
from decimal import Decimal

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import needs
from support.scaler_inputs import NAMES, X, make_dask_frame

from dasknorm.errors import MismatchError

pytest.importorskip("sklearn")

from sklearn.preprocessing import StandardScaler as Original

from dasknorm.sklearn import StandardScaler

FRAME = pd.DataFrame(X, columns=NAMES)


def _with(column):
    return FRAME.assign(d=column)


REFUSED = {
    # what: (what fit is given, the error, words of it)
    "one dimension": (X[:, 0], ValueError, "Reshape your data"),
    "a number": (3.0, ValueError, "Reshape your data"),
    "three dimensions": (X[None], ValueError, "dim 3"),
    "a series": (FRAME["a"], ValueError, r"df\[\['name'\]\]"),
    "no rows": (X[:0], ValueError, "0 sample"),
    "no rows in a frame": (FRAME[:0], ValueError, "0 sample"),
    "no columns": (X[:, :0], ValueError, r"0 feature\(s\) \(shape=\(200, 0\)\)"),
    "no columns in a frame": (FRAME[[]], ValueError, "0 feature"),
    "unknown columns": (
        lambda: (x := da.from_array(X, chunks=50))[:, x[0] > -1e9],
        ValueError,
        "compute_chunk_sizes",
    ),
    "infinity": (np.array([[1.0], [np.inf]]), ValueError, "infinite"),
    "infinity in a frame": (_with(np.inf), ValueError, "infinite values.* at d"),
    "complex": (X + 1j, ValueError, "Complex data not supported"),
    "strings": ([["1", "2"]], TypeError, "astype"),
    "strings among objects": (np.array([["1", 2.0]], object), TypeError, "nor|neither"),
    "None": (np.array([[None], [2.0]], object), TypeError, "np.nan"),
    "Decimal": (np.array([[Decimal(1)]], object), TypeError, "Decimal"),
    "dates": (np.array([["2001-01-01"]], "M8[s]"), TypeError, "datetime64"),
    "durations": (X.astype("m8[s]"), TypeError, "timedelta64"),
    "80-bit floats": (X.astype(np.longdouble), TypeError, "astype"),
    "structured": (np.zeros((2, 2), [("u", "f8")]), TypeError, "use one field"),
    "a generator": (lambda: (row for row in X), TypeError, "generator"),
    "None for data": (None, TypeError, "NoneType"),
    "a Dataset": (xr.Dataset({"u": ("t", X[:, 0])}), TypeError, "DataArray"),
    "text column": (_with("x"), TypeError, "'d'"),
    "date column": (_with(datetime.datetime(2001, 1, 1)), TypeError, "'d'"),
    "duration column": (_with(pd.Timedelta(1)), TypeError, "'d'"),
    "object column": (FRAME.astype({"b": object}), TypeError, "'b'"),
    "category column": (_with(pd.Categorical(["x"] * 200)), TypeError, "'d'"),
    "complex column": (_with(1j), TypeError, "'d'"),
    "only text": (pd.DataFrame({"d": ["x"]}), TypeError, "numeric"),
    "equal names": (FRAME.set_axis(["a", "a", "c"], axis=1), ValueError, "not unique"),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("verb", ["fit", "partial_fit"])
def test_what_fit_refuses(what, verb):
    """Each of these is an error that says what it is about, and leaves nothing learned."""
    data, error, words = REFUSED[what]
    scaler = StandardScaler()
    with pytest.raises(error, match=words):
        getattr(scaler, verb)(data() if callable(data) else data)
    assert not hasattr(scaler, "mean_")
    assert not hasattr(scaler, "n_features_in_")


def test_lazy_data_may_turn_out_empty():
    """No rows at all are an error of fit; a batch without any adds nothing to those before."""
    x = da.from_array(X, chunks=50)
    none = x[x[:, 0] > 1e9]
    with pytest.raises(ValueError, match="no samples"):
        StandardScaler().fit(none)
    assert StandardScaler().partial_fit(X).partial_fit(none).n_samples_seen_ == 200


@needs("pyarrow")
@pytest.mark.parametrize("what", ["text column", "date column", "equal names"])
def test_what_fit_refuses_of_dask_frames(what):
    """A Dask frame is refused for what its pandas frame would be, before anything is read."""
    dd = pytest.importorskip("dask.dataframe")
    data, error, words = REFUSED[what]
    with pytest.raises(error, match=words):
        StandardScaler().fit(dd.from_pandas(data, npartitions=2))


OTHER_COLUMNS = {
    "reordered": (lambda f: f[["b", "a", "c"]], "same order"),
    "missing": (lambda f: f[["a", "b"]], "now missing:\n- c"),
    "extra": (lambda f: f.assign(d=1.0), "unseen at fit time:\n- d"),
    "renamed": (lambda f: f.rename(columns={"c": "z"}), "- z\n.*missing:\n- c"),
}


@pytest.mark.parametrize("kind", ["pandas", pytest.param("dask", marks=needs("pyarrow"))])
@pytest.mark.parametrize("what", OTHER_COLUMNS)
@pytest.mark.parametrize("verb", ["transform", "inverse_transform", "partial_fit"])
def test_other_columns_are_refused(kind, what, verb):
    """Columns in another order, missing, extra or renamed: scikit-learn's error, which lists them.

    dask-ml scales reordered columns with each other's numbers; scikit-learn does in its inverse.
    """
    change, words = OTHER_COLUMNS[what]
    frame = FRAME if kind == "pandas" else make_dask_frame(X)
    scaler = StandardScaler().fit(frame)
    with pytest.raises(ValueError, match=words):
        getattr(scaler, verb)(change(frame))
    assert scaler.n_samples_seen_ == 200


@pytest.mark.parametrize(
    "names",
    [[10, 20, 30], [1, "b", 2.5], pd.MultiIndex.from_tuples([("u", 1), ("u", 2), ("v", 1)])],
    ids=["integers", "mixed", "MultiIndex"],
)
def test_names_that_are_not_strings_are_matched(names):
    """scikit-learn does not look at such names, or refuses them; here they find their numbers."""
    frame = FRAME.set_axis(names, axis=1)
    scaler = StandardScaler().fit(frame)
    expected = scaler.transform(frame)
    backwards = frame.iloc[:, ::-1]
    pd.testing.assert_frame_equal(scaler.transform(backwards), expected.iloc[:, ::-1])
    with pytest.raises(ValueError, match="2 features"):
        scaler.transform(frame.iloc[:, :2])
    with pytest.raises(MismatchError, match="lack"):
        scaler.transform(frame.set_axis([-1, -2, -3], axis=1))
    assert not hasattr(scaler, "feature_names_in_")


def test_frames_and_arrays_meet_by_position_with_a_warning():
    """Names on one side only: scikit-learn's warning, then by position; none in the inverse."""
    expected = Original().fit_transform(X)
    named, bare = StandardScaler().fit(FRAME), StandardScaler().fit(X)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        np.testing.assert_allclose(named.transform(X), expected, atol=1e-9)
    with pytest.warns(UserWarning, match="fitted without feature names"):
        np.testing.assert_allclose(bare.transform(FRAME), expected, atol=1e-9)
    np.testing.assert_allclose(named.inverse_transform(expected), X, rtol=1e-9)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        assert named.partial_fit(X).n_samples_seen_ == 400


@pytest.mark.parametrize("verb", ["transform", "inverse_transform", "partial_fit"])
@pytest.mark.parametrize(
    "data",
    [
        X[:, :1],
        da.from_array(X[:, :1], chunks=50),
        xr.DataArray(X[:, :1], dims=("t", "f")),
        pd.DataFrame(X[:, :1]),
    ],
    ids=["numpy", "dask", "xarray", "pandas"],
)
def test_one_column_is_never_spread_over_several(verb, data):
    """Another number of features is an error; dask-ml makes (100, 4) of (100, 1)."""
    scaler = StandardScaler().fit(np.hstack([X, X[:, :1]]))
    with pytest.raises(ValueError, match="X has 1 features, but StandardScaler is expecting 4"):
        getattr(scaler, verb)(data)


def test_labels_of_a_data_array_are_matched():
    """Features of a DataArray find their numbers by label, in any order."""
    labelled = xr.DataArray(X, dims=("t", "f"), coords={"f": NAMES})
    scaler = StandardScaler().fit(labelled)
    backwards = scaler.transform(labelled[:, ::-1])
    xr.testing.assert_identical(backwards, scaler.transform(labelled)[:, ::-1])
    with pytest.raises(MismatchError, match="z"):
        scaler.transform(labelled.assign_coords(f=["a", "b", "z"]))


def _arrow_kinds():
    pa = pytest.importorskip("pyarrow")
    table = pa.Table.from_pandas(FRAME)
    return {
        "table": table,
        "chunks": pa.concat_tables([table[:50], table[50:]]),
        "batch": table.to_batches()[0],
        "with an index": pa.Table.from_pandas(FRAME.set_index(np.arange(200) * 2)),
    }


@needs("pyarrow")
@pytest.mark.parametrize("kind", ["table", "chunks", "batch", "with an index"])
def test_arrow_tables_are_fitted_and_stay_tables(kind):
    """Tables and record batches of Arrow have scikit-learn's numbers, and come back as they are."""
    table = _arrow_kinds()[kind]
    other, ours = Original().fit(FRAME), StandardScaler().fit(table)
    np.testing.assert_allclose(ours.mean_, other.mean_, rtol=1e-12)
    assert list(ours.feature_names_in_) == NAMES
    z = ours.transform(table)
    assert type(z) is type(table)
    assert z.schema.names == table.schema.names
    result = z.to_pandas()[NAMES].to_numpy()
    np.testing.assert_allclose(result, other.transform(FRAME), atol=1e-9)
    back = ours.inverse_transform(z).to_pandas()[NAMES].to_numpy()
    np.testing.assert_allclose(back, X, rtol=1e-9)
    assert ours.partial_fit(table).n_samples_seen_ == 400
    weighted = StandardScaler().fit(table, sample_weight=np.arange(200.0))
    expected = Original().fit(X, sample_weight=np.arange(200.0))
    np.testing.assert_allclose(weighted.mean_, expected.mean_, rtol=1e-12)
    frame = StandardScaler().set_output(transform="pandas").fit_transform(table)
    np.testing.assert_allclose(frame[NAMES], other.transform(FRAME), atol=1e-9)


@needs("pyarrow")
def test_what_is_refused_of_arrow_tables():
    """Columns of text, in another order, or without rows, are what they are of a pandas frame."""
    table = _arrow_kinds()["table"]
    with pytest.raises(TypeError, match=r"\['d'\].*: X.select\(\['a', 'b', 'c'\]\)"):
        StandardScaler().fit(table.append_column("d", [["x"] * 200]))
    with pytest.raises(ValueError, match="0 sample"):
        StandardScaler().fit(table[:0])
    with pytest.raises(ValueError, match="same order"):
        StandardScaler().fit(table).transform(table.select(NAMES[::-1]))


def test_weights_of_a_query():
    """Weights beside a LazyFrame are an expression; an array is refused, and says so."""
    pl = pytest.importorskip("polars")
    query = pl.LazyFrame({"a": [1.0, 2.0, 5.0], "w": [1.0, 1.0, 2.0]})
    scaler = StandardScaler().fit(query.select("a"), sample_weight=pl.lit(1.0))
    assert scaler.mean_.tolist() == [8 / 3]
    assert StandardScaler().fit(query, sample_weight=pl.col("w")).mean_[0] == 13 / 4
    with pytest.raises(TypeError, match="weights of a LazyFrame are an expression"):
        StandardScaler().fit(query, sample_weight=np.ones(3))
