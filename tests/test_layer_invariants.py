"""Invariants of the layer: batches equal the whole, containers agree, and inverting undoes."""

import dask.array as da
import numpy as np
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.layer_data import make_adapted_layer

from dasknorm.layer import Normalization

numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
blocks = hnp.arrays("f8", hnp.array_shapes(min_dims=3, max_dims=3, max_side=5), elements=numbers)
kept = st.sampled_from([None, -1, 1, (1, 2), (2, 1), (1, -1)])


def assert_same(layer, other):
    """Assert that two layers have the same statistics, to the last few bits."""
    scale = np.maximum(np.abs(layer.mean), np.sqrt(layer.variance))
    assert (np.abs(np.asarray(layer.mean) - np.asarray(other.mean)) <= 8 * np.spacing(scale)).all()
    np.testing.assert_allclose(layer.variance, other.variance, rtol=1e-14)
    np.testing.assert_array_equal(layer.count, other.count)


@given(blocks, kept, st.lists(st.integers(0, 5), max_size=4))
def test_any_split_in_batches_is_the_whole(x, axis, cuts):
    """Batches of any size along the first axis give the result of all data at once."""
    whole = make_adapted_layer(x, axis)
    assert_same(whole, make_adapted_layer(iter(np.split(x, sorted(cuts))), axis))
    grown = make_adapted_layer(x[:1], axis)
    grown.update(x[1:])
    assert_same(whole, grown)


@given(blocks, kept, st.integers(1, 5))
def test_every_container_is_normalized_alike(x, axis, chunk):
    """NumPy, Dask and xarray, in memory and in chunks, give the same numbers."""
    lazy = da.from_array(x, chunks=chunk)
    array = xr.DataArray(x, dims=("a", "b", "c"))
    names = {None: None, -1: "c", 1: "b"}.get(axis, ("b", "c"))
    layer = make_adapted_layer(x, axis)
    expected = layer(x)
    # The means may differ by their last bits, which a small spread makes large.
    blur = 8 * np.spacing(np.abs(x).max()) / np.maximum(np.sqrt(layer.variance), 1e-7)
    assert_same(layer, make_adapted_layer(lazy, axis))
    for data, keep in [(lazy, axis), (array, names), (array.chunk(chunk), names)]:
        z = np.asarray(make_adapted_layer(data, keep)(data))
        assert (np.abs(z - expected) <= 1e-14 * np.maximum(1, np.abs(expected)) + blur).all()


@given(blocks, kept)
def test_invert_undoes(x, axis):
    """Mapping there and back gives x again, to an ulp of its size or of the data's spread."""
    layer = make_adapted_layer(x, axis)
    back = Normalization.from_stats(layer.stats, invert=True)
    size = np.maximum(np.abs(x), np.sqrt(layer.variance))
    assert (
        np.abs(back(layer(x)) - x) <= 2 * np.spacing(np.maximum(size, np.abs(layer.mean)))
    ).all()


@given(numbers, st.integers(1, 6), st.sampled_from(["f4", "f8", "i4"]))
def test_constant_data_normalize_to_zero(value, rows, dtype):
    """Constant data have variance exactly 0 and become exactly 0, in any batches."""
    x = np.full((rows, 2), value).astype(dtype)
    layer = make_adapted_layer(iter([x, x[:1]]))
    assert (layer.variance == 0).all()
    assert (layer(x) == 0).all()
