"""The scikit-learn scaler: sparse matrices give the results of dense arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sklearn")

from scipy import sparse
from sklearn.preprocessing import StandardScaler as Original

from dasknorm.sklearn import StandardScaler

FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]
VALUES = st.sampled_from([0.0, 0.0, 0.0, 1.0, -2.5, 1e8, 1e-3, float("nan")])


def _scaler(**options):
    return StandardScaler(with_mean=False, **options)


@st.composite
def _matrices(draw):
    rows, columns = draw(st.integers(1, 20)), draw(st.integers(1, 6))
    return np.array(draw(st.lists(VALUES, min_size=rows * columns, max_size=rows * columns))
                    ).reshape(rows, columns)  # fmt: skip


@given(dense=_matrices(), weighted=st.booleans(), form=st.sampled_from(["csr", "csc"]))
@pytest.mark.filterwarnings("ignore:no valid values")
def test_sparse_equals_dense(dense, weighted, form):
    """Moments of the stored values, merged with the zeros, are those of the dense matrix."""
    weights = np.random.default_rng(len(dense)).integers(0, 3, len(dense)) + 1.0
    weights = weights if weighted else None
    expected = _scaler().partial_fit(dense, sample_weight=weights)
    result = _scaler().fit(sparse.coo_array(dense).asformat(form), sample_weight=weights)
    np.testing.assert_array_equal(result.n_samples_seen_, expected.n_samples_seen_)
    np.testing.assert_allclose(result.mean_, expected.mean_, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(result.var_, expected.var_, rtol=1e-12)
    np.testing.assert_array_equal(
        result.stats_.states[None].data["missing"], expected.stats_.states[None].data["missing"]
    )


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
def test_every_format(form, dtype):
    """Every format is scaled as scikit-learn scales it; CSC stays CSC."""
    dense = np.random.default_rng(1).poisson(0.4, (50, 7)).astype(dtype)
    matrix = sparse.coo_array(dense).asformat(form)
    scaler = _scaler().fit(matrix)
    scaled = scaler.transform(matrix)
    assert scaled.format == ("csc" if form == "csc" else "csr")
    assert scaled.dtype == ("f4" if dtype == "f4" else "f8")
    expected = Original(with_mean=False).fit_transform(dense)
    np.testing.assert_allclose(scaled.toarray(), expected, rtol=1e-6)
    np.testing.assert_allclose(scaler.inverse_transform(scaled).toarray(), dense, rtol=1e-6)
    np.testing.assert_array_equal(matrix.toarray(), dense)


def test_batches():
    """Sparse batches merge with dense ones, and with those learned before."""
    dense = np.random.default_rng(2).poisson(0.4, (60, 5)).astype("f8")
    scaler = _scaler().partial_fit(sparse.csr_array(dense[:20])).partial_fit(dense[20:40])
    scaler.partial_fit(sparse.csc_array(dense[40:]))
    np.testing.assert_allclose(scaler.var_, dense.var(0), rtol=1e-12)


def test_a_constant_column_beside_zero_weights():
    """Rows of weight 0 add no zeros: a constant column of the others keeps a variance of 0."""
    matrix = sparse.csr_array([[0.1], [0.1], [0.1], [0.0]])
    scaler = _scaler().fit(matrix, sample_weight=[0.1, 0.2, 0.3, 0.0])
    assert scaler.var_.tolist() == [0.0]
    assert scaler.scale_.tolist() == [1.0]


def test_duplicates_and_long_columns():
    """Entries given twice are summed first; columns of very different lengths come out right."""
    rows = np.r_[np.arange(5000), 3, 3, 7]
    columns = np.r_[np.zeros(5000, int), 1, 1, 2]
    matrix = sparse.coo_array((np.r_[np.arange(5000.0), 2.0, 3.0, 4.0], (rows, columns)), (6000, 4))
    scaler = _scaler().fit(matrix)
    np.testing.assert_allclose(scaler.var_, matrix.toarray().var(0), rtol=1e-12)
    assert scaler.scale_[3] == 1.0


def test_a_matrix_that_was_not_tidied_up_stays_as_it_is():
    """Entries given twice and out of order are summed in a copy."""
    untidy = sparse.csc_array(([1.0, 2.0, 4.0], [2, 0, 2], [0, 3]), shape=(3, 1))
    scaler = _scaler().fit(untidy)
    np.testing.assert_allclose(scaler.var_, np.var([2.0, 0.0, 5.0]), rtol=1e-14)
    assert untidy.data.tolist() == [1.0, 2.0, 4.0]
    assert untidy.indices.tolist() == [2, 0, 2]


def test_in_place_where_allowed():
    """copy=False writes over a CSR matrix of floats, and over nothing else."""
    matrix = sparse.csr_array(np.eye(3) * 5.0)
    scaler = _scaler(copy=False).fit(matrix)
    assert scaler.transform(matrix) is matrix
    whole = sparse.csr_array(np.eye(3, dtype=int) * 5)
    scaler.transform(whole)
    np.testing.assert_array_equal(whole.toarray(), np.eye(3) * 5)


@pytest.mark.parametrize("verb", ["fit", "partial_fit", "transform", "inverse_transform"])
def test_centring_is_refused(verb):
    """Sparse data cannot lose their zeros: with_mean=False is what to write."""
    scaler = StandardScaler().fit(np.eye(3))
    with pytest.raises(ValueError, match="pass `with_mean=False`"):
        getattr(scaler, verb)(sparse.csr_array(np.eye(3)))


@pytest.mark.parametrize(
    ("matrix", "error", "words"),
    [
        (sparse.csr_array(np.array([[np.inf, 1.0]])), ValueError, "infinite"),
        (sparse.csr_array(np.array([[1j, 1.0]])), ValueError, "Complex data not supported"),
        (sparse.csr_array((0, 3)), ValueError, "0 sample"),
    ],
)
def test_refused(matrix, error, words):
    """Infinite or complex values and no rows are errors, as of dense data."""
    with pytest.raises(error, match=words):
        _scaler().fit(matrix)
