"""The scikit-learn scaler: results of fit and transform for each container."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import needs
from support.scaler_inputs import CONTAINERS, NAMES, PARAMS, X, make_dask_frame, to_array

import dasknorm as dn

pytest.importorskip("sklearn")

from sklearn.preprocessing import StandardScaler as Original

from dasknorm.sklearn import StandardScaler


@pytest.mark.parametrize("kind", PARAMS)
def test_every_kind_gives_the_numbers_of_scikit_learn(kind):
    """With any container the scaler fits and transforms as scikit-learn does an array."""
    ours, other = StandardScaler().fit(kind(X)), Original().fit(X)
    np.testing.assert_allclose(ours.mean_, other.mean_, rtol=1e-12)
    np.testing.assert_allclose(ours.var_, other.var_, rtol=1e-9)
    np.testing.assert_allclose(ours.scale_, other.scale_, rtol=1e-9)
    assert ours.n_samples_seen_ == other.n_samples_seen_ == 200
    assert ours.n_features_in_ == 3
    scaled = ours.transform(kind(X))
    np.testing.assert_allclose(to_array(scaled).astype(float), other.transform(X), atol=1e-7)
    np.testing.assert_allclose(to_array(ours.inverse_transform(scaled)).astype(float), X, rtol=1e-9)


@pytest.mark.parametrize("kind", PARAMS)
def test_out_comes_what_went_in(kind):
    """The result is of the container, index, columns, dims and laziness of the input."""
    data = kind(X)
    scaled = StandardScaler().fit(data).transform(data)
    if isinstance(data, list):
        assert isinstance(scaled, np.ndarray)
        return
    assert type(scaled) is type(data)
    if hasattr(data, "columns"):
        assert list(scaled.columns) == NAMES
    if isinstance(data, pd.DataFrame):
        assert scaled.index.equals(data.index)
    if isinstance(data, xr.DataArray):
        assert scaled.dims == data.dims
        assert (scaled.chunks is None) == (data.chunks is None)


@needs("pyarrow")
def test_lazy_transforms_compute_nothing(nothing_computes):
    """Transforms of Dask collections, and set_output on top, only build graphs."""
    scaler = StandardScaler().fit(X).set_output(transform="pandas")
    chunked = da.from_array(X, chunks=(60, 2))
    frame = scaler.transform(chunked)
    assert list(frame.columns) == ["x0", "x1", "x2"]
    assert type(frame).__module__.startswith("dask.dataframe")
    assert isinstance(scaler.inverse_transform(chunked), da.Array)
    labelled = xr.DataArray(chunked, dims=("t", "f"))
    assert type(scaler.transform(labelled)).__module__.startswith("dask.dataframe")


@needs("pyarrow")
def test_set_output_keeps_adask_frame_adask_frame():
    """Calls that dask-ml computes at once stay lazy, and have the right results."""
    frame = make_dask_frame(X)
    scaler = StandardScaler().set_output(transform="pandas")
    result = scaler.fit_transform(frame)
    assert type(result) is type(frame)
    np.testing.assert_allclose(result.compute().to_numpy(), Original().fit_transform(X), atol=1e-9)
    with pytest.raises(TypeError, match="would compute the lazy"):
        scaler.set_output(transform="polars").transform(frame)


@needs("pyarrow")
def test_set_output_givesdask_frames_of_arrays_the_right_numbers():
    """A Dask array of unknown chunk sizes becomes a Dask frame with the same numbers."""
    chunked = da.from_array(X, chunks=(60, 2))
    subset = chunked[chunked[:, 0] > 3.0]
    scaler = StandardScaler().set_output(transform="pandas").fit(subset)
    expected = Original().fit_transform(X[X[:, 0] > 3.0])
    np.testing.assert_allclose(scaler.transform(subset).compute().to_numpy(), expected, atol=1e-9)


@pytest.mark.parametrize(
    "kind", [CONTAINERS[name] for name in ("numpy", "masked", "pandas", "xarray")]
)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output_in_memory(kind, library):
    """set_output gives the frame that was asked for, with the names of the columns."""
    frames = pytest.importorskip(library)
    scaler = StandardScaler().set_output(transform=library).fit(kind(X))
    result = scaler.transform(kind(X))
    assert isinstance(result, frames.DataFrame)
    assert list(result.columns) == list(scaler.get_feature_names_out())
    np.testing.assert_allclose(result.to_numpy(), Original().fit_transform(X), atol=1e-9)


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "f2"])
def test_only_what_may_be_overwritten_is(copy, dtype):
    """Nothing is changed by fit, nor by transform, but a float array with copy=False."""
    x = (X / 100).astype(dtype)
    before = x.copy()
    scaler = StandardScaler(copy=copy).fit(x)
    np.testing.assert_array_equal(x, before)
    scaled = scaler.transform(x)
    np.testing.assert_array_equal(scaled, StandardScaler().fit_transform(before))
    if copy or x.dtype.kind == "i":
        np.testing.assert_array_equal(x, before)
    else:
        assert scaled is x
        assert scaler.inverse_transform(x) is x


@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
@pytest.mark.parametrize("how", ["fit", "from_stats"])
def test_with_mean_and_with_std(with_mean, with_std, how):
    """Without mean or scale the data are only scaled, only centred, or left as they are."""
    options = {"with_mean": with_mean, "with_std": with_std}
    other = Original(**options).fit(X)
    if how == "fit":
        ours = StandardScaler(**options).fit(X)
        for name in ("mean_", "var_", "scale_"):
            assert (getattr(ours, name) is None) == (getattr(other, name) is None), name
    else:
        given_stats = dn.Stats.from_values(mean=X.mean(0), variance=X.var(0))
        ours = StandardScaler.from_stats(given_stats, **options)
    np.testing.assert_allclose(ours.transform(X), other.transform(X), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(ours.inverse_transform(ours.transform(X)), X, rtol=1e-9)


def test_options_count_when_they_are_set():
    """A parameter set after fitting is used without another fit."""
    scaler = StandardScaler().fit(X).set_params(with_mean=False)
    np.testing.assert_allclose(scaler.transform(X), X / X.std(0), rtol=1e-9)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        *(("f2", "f2"), ("f4", "f4"), ("f8", "f8"), (">f4", "f4")),
        *(("i1", "f4"), ("u2", "f4"), ("?", "f4"), ("i4", "f8"), ("u8", "f8")),
    ],
)
def test_dtypes(dtype, expected):
    """A float keeps its dtype; integers up to 16 bits become float32, wider ones float64."""
    x = np.array([[0, 1], [1, 1], [1, 0]], dtype)
    scaled = StandardScaler().fit_transform(x)
    assert scaled.dtype == np.dtype(expected)
    np.testing.assert_allclose(scaled, Original().fit_transform(x.astype("f8")), rtol=2e-3)
