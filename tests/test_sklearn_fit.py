"""The scikit-learn scaler: batches, weights, given statistics, and clones."""

import pickle
from fractions import Fraction

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from support.scaler_inputs import CONTAINERS, NAMES, PARAMS, X, make_dask_frame, to_array

import dasknorm as dn
from dasknorm.errors import MismatchError

sklearn = pytest.importorskip("sklearn")

from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.preprocessing import StandardScaler as Original  # noqa: E402

from dasknorm.sklearn import StandardScaler  # noqa: E402

ROWS = st.lists(
    st.tuples(st.floats(-1e6, 1e6, width=32), st.floats(-1e6, 1e6, width=32)),
    min_size=1,
    max_size=30,
)


def _exact(column):
    values = [Fraction(x) for x in column]
    mean = sum(values) / len(values)
    return float(mean), float(sum((x - mean) ** 2 for x in values) / len(values))


@given(rows=ROWS, cuts=st.lists(st.integers(1, 29), max_size=4))
def test_partial_fit_equals_fit_and_the_truth(rows, cuts):
    """In whatever batches rows come, the moments are those of all rows, by exact arithmetic."""
    x = np.array(rows)
    parts = [part for part in np.split(x, sorted(cuts)) if len(part)]
    scaler = StandardScaler()
    for part in parts:
        scaler.partial_fit(part)
    assert scaler.n_samples_seen_ == len(x)
    for i in range(2):
        mean, variance = _exact(x[:, i])
        size = max(abs(mean), variance**0.5)
        assert abs(scaler.mean_[i] - mean) <= 4 * np.spacing(size)
        assert abs(scaler.var_[i] - variance) <= 16 * np.spacing(variance)
        assert abs(StandardScaler().fit(x).mean_[i] - scaler.mean_[i]) <= 8 * np.spacing(size)


@pytest.mark.parametrize("kind", PARAMS)
def test_partial_fit_takes_batches_of_any_kind(kind):
    """Batches of one kind after the other are merged, whichever kind came first."""
    expected = StandardScaler().fit(X)
    both = StandardScaler().partial_fit(kind(X[:50])).partial_fit(kind(X[50:]))
    np.testing.assert_allclose(both.var_, expected.var_, rtol=1e-12)
    assert both.n_samples_seen_ == 200
    labelled = StandardScaler().partial_fit(xr.DataArray(X[:50], dims=("time", "feature")))
    mixed = labelled.partial_fit(X[50:])
    np.testing.assert_allclose(mixed.var_, expected.var_, rtol=1e-12)


def test_fit_forgets_and_a_failed_fit_does_not():
    """fit starts again; a fit that fails leaves the scaler unchanged."""
    scaler = StandardScaler().fit(X).fit(X[:10, :2])
    assert scaler.n_samples_seen_ == 10
    before = scaler.mean_
    with pytest.raises(ValueError, match="infinite"):
        scaler.fit(np.array([[1.0, 2.0, np.inf]]))
    with pytest.raises(ValueError, match="infinite"):
        scaler.partial_fit(np.array([[1.0, np.inf]]))
    np.testing.assert_array_equal(scaler.mean_, before)
    assert scaler.n_features_in_ == 2


@given(rows=ROWS, data=st.data())
def test_weights_are_repeated_rows(rows, data):
    """A whole weight is that many rows, a weight of 0 none; in one batch and in two."""
    x = np.array(rows)
    weights = data.draw(st.lists(st.integers(0, 4), min_size=len(x), max_size=len(x)).filter(any))
    repeated = StandardScaler().fit(np.repeat(x, weights, axis=0))
    weighed = StandardScaler().fit(x, sample_weight=weights)
    np.testing.assert_allclose(weighed.mean_, repeated.mean_, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(weighed.var_, repeated.var_, rtol=1e-10, atol=1e-10)
    assert weighed.n_samples_seen_ == sum(weights)
    if any(weights[:5]) and any(weights[5:]):
        weighed = StandardScaler().partial_fit(x[:5], sample_weight=weights[:5])
        weighed.partial_fit(x[5:], sample_weight=weights[5:])
        np.testing.assert_allclose(weighed.var_, repeated.var_, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", PARAMS)
def test_weights_beside_every_kind(kind):
    """Weights go along the rows, whatever the container of the data."""
    weights = np.random.default_rng(5).uniform(0, 3, 200)
    data = kind(X)
    weight_argument = weights
    if type(data).__module__.startswith("dask.dataframe"):
        weight_argument = make_dask_frame(np.stack([weights] * 3, 1))["a"]
    scaler = StandardScaler().fit(data, sample_weight=weight_argument)
    other = Original().fit(X, sample_weight=weights)
    np.testing.assert_allclose(scaler.mean_, other.mean_, rtol=1e-12)
    np.testing.assert_allclose(scaler.var_, other.var_, rtol=1e-9)
    np.testing.assert_allclose(scaler.n_samples_seen_, weights.sum(), rtol=1e-12)


def test_lazy_weights_beside_a_lazy_array():
    """Weights of a Dask array may be lazy too."""
    weights = np.random.default_rng(5).uniform(0, 3, 200)
    lazy = da.from_array(weights, chunks=60)
    scaler = StandardScaler().fit(da.from_array(X, chunks=(60, 3)), sample_weight=lazy)
    np.testing.assert_allclose(scaler.var_, Original().fit(X, None, weights).var_, rtol=1e-9)


@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [
        (np.ones(3), ValueError, "one weight for each row"),
        (np.ones((200, 2)), ValueError, "one weight for each row"),
        (np.zeros(200), ValueError, "zero"),
        (-np.ones(200), ValueError, "at least 0"),
        (np.full(200, np.nan), ValueError, "finite"),
        (pd.Series(np.ones(200), range(1, 201)), MismatchError, "index"),
    ],
)
def test_weights_refused(weights, error, words):
    """Weights of another shape or index, negative, missing or all zero are errors."""
    frame = pd.DataFrame(X, columns=NAMES)
    with pytest.raises(error, match=words):
        StandardScaler().fit(frame, sample_weight=weights)


def test_stats_both_ways(tmp_path):
    """A scaler is made of statistics that were saved, and gives them back."""
    frame = pd.DataFrame(X, columns=NAMES)
    dn.adapt(frame).save(tmp_path / "stats.json")
    scaler = StandardScaler.from_stats(dn.load(tmp_path / "stats.json"))
    assert list(scaler.feature_names_in_) == NAMES
    pd.testing.assert_frame_equal(scaler.transform(frame), StandardScaler().fit_transform(frame))
    assert scaler.stats_.mean.index.tolist() == NAMES
    assert scaler.n_samples_seen_ == 200
    assert scaler.partial_fit(frame).n_samples_seen_ == 400


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("frame", [True, False])
def test_serving_with_scikit_learn(dtype, frame):
    """to_sklearn returns scikit-learn's scaler, which agrees up to rounding of the dtype."""
    data = pd.DataFrame(X, columns=NAMES) if frame else X
    data = data.astype(dtype)
    stats = dn.adapt(data)
    other = stats.to_sklearn()
    assert type(other) is Original
    assert hasattr(other, "feature_names_in_") == frame
    tolerance = 1e-3 if dtype == "f4" else 1e-9
    np.testing.assert_allclose(
        np.asarray(other.transform(data)), np.asarray(stats.normalize(data)), atol=tolerance
    )
    assert other.partial_fit(data).n_samples_seen_ == 400


@pytest.mark.parametrize(
    "stats",
    [
        lambda: dn.adapt(np.ones((3, 2, 2)) + np.arange(2), keep=(-2, -1)),
        lambda: dn.adapt(X, keep=()),
        lambda: dn.adapt(xr.Dataset({"u": ("t", X[:, 0]), "v": ("t", X[:, 1])})),
    ],
)
def test_statistics_of_other_shapes_are_no_scaler(stats):
    """Statistics that are not of the columns of one table are refused, both ways."""
    with pytest.raises(MismatchError, match="column"):
        StandardScaler.from_stats(stats())
    with pytest.raises(MismatchError, match="column"):
        stats().to_sklearn()


@pytest.mark.parametrize("kind", [CONTAINERS[name] for name in ("numpy", "pandas", "xarray")])
def test_settings_of_statistics_are_kept(kind):
    """A scaler from statistics with ddof=1 keeps dividing by n - 1 in later fits."""
    stats = dn.adapt(kind(X[:50]), dn.Moments(ddof=1), keep=-1)
    scaler = StandardScaler.from_stats(stats).partial_fit(kind(X[50:]))
    np.testing.assert_allclose(scaler.var_, X.var(0, ddof=1), rtol=1e-12)


def test_given_statistics():
    """A given mean and variance make a scaler, which cannot be updated without a count."""
    scaler = StandardScaler.from_stats(dn.Stats.from_values(mean=[3.0, 5.0], std=[2.0, 0.0]))
    np.testing.assert_array_equal(scaler.transform([[5.0, 6.0]]), [[1.0, 1.0]])
    np.testing.assert_array_equal(scaler.scale_, [2.0, 1.0])
    with pytest.raises(MismatchError, match="count"):
        scaler.partial_fit([[1.0, 2.0]])
    assert not hasattr(scaler, "n_samples_seen_")


@pytest.mark.parametrize("kind", [CONTAINERS[name] for name in ("numpy", "pandas", "xarray")])
def test_clones_and_pickles(kind):
    """A clone has the parameters without statistics; a pickle has both."""
    scaler = StandardScaler(with_std=False).set_output(transform="default").fit(kind(X))
    fresh = clone(scaler)
    assert fresh.get_params() == {"copy": True, "with_mean": True, "with_std": False}
    with pytest.raises(NotFittedError):
        fresh.transform(X)
    again = pickle.loads(pickle.dumps(scaler))
    np.testing.assert_array_equal(to_array(again.transform(kind(X))), scaler.transform(kind(X)))
    assert again.stats_ == scaler.stats_


@pytest.mark.parametrize("verb", ["transform", "inverse_transform", "get_feature_names_out"])
def test_nothing_works_before_fit(verb):
    """Before fit every method raises scikit-learn's NotFittedError, and attributes are missing."""
    scaler = StandardScaler()
    with pytest.raises(NotFittedError, match="not fitted"):
        getattr(scaler, verb)(*([X] if "transform" in verb else []))
    assert not any(hasattr(scaler, name) for name in ("mean_", "scale_", "n_samples_seen_"))


def test_metadata_is_routed():
    """sample_weight can be asked for, and comes through a pipeline to fit."""
    from sklearn.pipeline import make_pipeline

    weights = np.arange(200.0)
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        pipe = make_pipeline(scaler, "passthrough").fit(X, sample_weight=weights)
    np.testing.assert_allclose(pipe[0].mean_, Original().fit(X, None, weights).mean_, rtol=1e-12)
