"""Results written to given arrays: the same numbers, and no second array of their size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.memory import measure_peak

from dasknorm.kernels import (
    AFFINE,
    RECORD,
    inputs,
    merge,
    merge_into,
    merging,
    moments,
    restore,
    standardize,
)

WIDE = 2_000_000
MEGABYTE = 1 << 20

shapes = st.tuples(*[st.integers(1, 9)] * 3)
some_axes = st.sets(st.integers(0, 2)).map(lambda axes: tuple(sorted(axes)))


@pytest.fixture
def kernel(kernel, monkeypatch):
    """Use the same kernels, plain or compiled, to merge records."""
    monkeypatch.setattr(merging, "MIN_COMPILED_RECORDS", inputs.MIN_COMPILED)
    return kernel


def numbers(shape, seed=0):
    x = np.random.default_rng(seed).normal(size=shape) * 20 + 1000
    x[x > 1025] = np.nan
    return x


def places(shape, dtype):
    """Arrays of zeros that lie in memory in many ways."""
    yield np.zeros(shape, dtype)
    yield np.zeros(shape, dtype, order="F")
    yield np.zeros([2 * n for n in shape], dtype)[tuple(slice(0, n) for n in shape)]
    yield np.zeros([2 * n for n in shape], dtype)[tuple(slice(None, None, 2) for _ in shape)]
    yield np.zeros(shape, dtype)[tuple(slice(None, None, -1) for _ in shape)]
    packed = np.zeros(shape, [("pad", "u1"), ("x", dtype)])
    yield packed["x"]


def same_to_an_ulp(a, b):
    """Records agree to 1 ulp of max(|mean|, std) and of m2, rests counted in."""
    std = np.sqrt(a["m2"] / np.maximum(a["count"], 1))
    for name, unit in [("mean", np.maximum(np.abs(a["mean"]), std)), ("m2", a["m2"])]:
        error = (a[name] - b[name]) + (a[name + "_rest"] - b[name + "_rest"])
        assert (np.abs(error) <= np.spacing(unit)).all()
    for name in ("count", "missing"):
        np.testing.assert_array_equal(a[name], b[name])


@settings(max_examples=40)
@given(shapes, some_axes, st.booleans())
def test_moments_are_merged_into_what_is_there(kernel, shape, axes, weighted):
    """moments(x, out=out) is merge(out, moments(x)), wherever out lies in memory."""
    x, before = numbers(shape), numbers(shape, 1)
    weights = np.arange(shape[1])[:, None] / 4.0 if weighted else None
    old = moments(before, axes)
    expected = merge(old, moments(x, axes, weights))
    for out in places(old.shape, RECORD):
        out[...] = old
        assert moments(x, axes, weights, out) is out
        same_to_an_ulp(expected, out)


@pytest.mark.parametrize("dtype", ["f2", ">f4", "i8", "?"])
def test_any_dtype_is_merged_into_what_is_there(kernel, dtype):
    """Blocks that are converted first merge into a given array as well."""
    x = (np.random.default_rng(0).normal(size=(700, 30)) * 3).astype(dtype)
    for axes in [(0,), (1,), ()]:
        old = moments(x, axes)
        same_to_an_ulp(merge(old, old), moments(x, axes, out=old.copy()))


@settings(max_examples=40)
@given(shapes, st.booleans())
def test_merging_in_place_is_merging(kernel, shape, narrow):
    """merge_into gives the bits of merge, wherever the two lie in memory."""
    a, b = (moments(numbers(shape, seed), ()) for seed in range(2))
    b = b[:1] if narrow else b
    expected = merge(a, b)
    for total, part in zip(places(shape, RECORD), places(b.shape, RECORD), strict=True):
        total[...], part[...] = a, b
        assert merge_into(total, part) is total
        assert np.ascontiguousarray(total).tobytes() == expected.tobytes()


@pytest.mark.parametrize("kernel", ["compiled"], indirect=True)
def test_a_state_of_zeros_is_the_identity_bit_for_bit(kernel):
    """Moments merged into zeros are the bits that moments alone has, and merging zeros none."""
    x = numbers((50, 40))
    for axes in [(0,), (1,), (0, 1), ()]:
        single = moments(x, axes)
        assert moments(x, axes, out=np.zeros(single.shape, RECORD)).tobytes() == single.tobytes()
        assert moments(x[:, :0], (0,), out=np.zeros((1, 0), RECORD)).size == 0
        empty = np.full_like(x, np.nan)
        merged = moments(empty, axes, out=single.copy())
        merged["missing"] = single["missing"]
        assert merged.tobytes() == single.tobytes()


@settings(max_examples=40)
@given(shapes, some_axes, st.sampled_from(["f2", "f4", "f8"]))
def test_maps_fill_what_is_given(kernel, shape, axes, dtype):
    """standardize and restore write the bits they would return, wherever results are to lie."""
    affine = np.zeros([1 if i in axes else n for i, n in enumerate(shape)], AFFINE)
    affine["shift"] = np.arange(affine.size).reshape(affine.shape) / 3
    affine["scale"] = affine["shift"] + 1
    for x in (numbers(shape).astype(dtype), np.asfortranarray(numbers(shape).astype(dtype))):
        for function in (standardize, restore):
            expected = function(x, affine, dtype)
            for out in places(shape, dtype):
                assert function(x, affine, dtype, out) is out
                np.testing.assert_array_equal(out, expected)
            actual = x.copy()
            np.testing.assert_array_equal(function(actual, affine, dtype, actual), expected)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8"])
def test_slabs_of_one_result_are_filled_one_by_one(order, dtype):
    """Slabs filled in turn make the whole result, and nothing outside a slab is changed."""
    x = numbers((60, 50, 90)).astype(dtype)
    affine = np.zeros((50, 1), AFFINE)
    affine["shift"], affine["scale"] = np.arange(50.0)[:, None], 3
    expected, whole = standardize(x, affine, "f4"), np.zeros(x.shape, "f4", order)
    for slab in [np.s_[:, :, :31], np.s_[:, :, 31:33], np.s_[:, :, 33:]]:
        standardize(np.ascontiguousarray(x[slab]), affine, "f4", whole[slab])
        assert not whole[:, :, slab[2].stop or 90 :].any()
    np.testing.assert_array_equal(whole, expected)


def extra_memory(call):
    """Return the peak memory of a call, without compilation."""
    call()
    return measure_peak(call)[0]


def test_a_wide_state_needs_no_second_one():
    """A state of millions of records is merged into with a few megabytes more."""
    x = np.random.default_rng(0).normal(size=(1, WIDE)).astype("f4")
    out = moments(x, (0,))
    for block in (x, x.astype("f2"), np.broadcast_to(x, (3, WIDE))):
        assert extra_memory(lambda block=block: moments(block, (0,), out=out)) < 24 * MEGABYTE
    weights = np.full((1, 1), 0.5)
    assert extra_memory(lambda: moments(x, (0,), weights, out)) < 24 * MEGABYTE
    part = moments(x, (0,))
    assert extra_memory(lambda: merge_into(out, part)) < MEGABYTE
    assert extra_memory(lambda: merge_into(out, part[:, :1])) < 2 * MEGABYTE


def test_a_wide_result_needs_no_second_one():
    """Maps fill a given array with a few megabytes more."""
    x = np.ones((20, WIDE // 20), "f4")
    affine = np.array((0.0, 0.0, 2.0), AFFINE)
    for order in "CF":
        out = np.zeros(x.shape, "f4", order)
        assert extra_memory(lambda out=out: standardize(x, affine, "f4", out)) < 4 * MEGABYTE


def test_refusals():
    """An out array of a wrong dtype or shape, or a read-only one, raises an error."""
    x, affine, record = np.ones((3, 4)), np.ones(1, AFFINE), np.zeros((1, 4), RECORD)
    fixed = record.copy()
    fixed.flags.writeable = False
    with pytest.raises(TypeError, match="out must be of dtype RECORD, got float64"):
        moments(x, (0,), out=np.zeros((1, 4)))
    with pytest.raises(TypeError, match="out must be an ndarray to be written to, got list"):
        moments(x, (0,), out=[0])
    with pytest.raises(ValueError, match=r"shape of the result, \(1, 4\), got \(4,\)"):
        moments(x, (0,), out=record[0])
    with pytest.raises(ValueError, match="total must be writeable"):
        merge_into(fixed, record)
    with pytest.raises(ValueError, match=r"shape of total \(1, 4\), got shape \(3,\)"):
        merge_into(record, np.zeros(3, RECORD))
    with pytest.raises(TypeError, match="part must be of dtype RECORD"):
        merge_into(record, x)
    with pytest.raises(TypeError, match="out must be an ndarray of dtype float32, got float64"):
        standardize(x, affine, "f4", x)
    with pytest.raises(ValueError, match=r"shape of x, \(3, 4\), got \(4,\)"):
        restore(x, affine, "f8", x[0].copy())
    x.flags.writeable = False
    with pytest.raises(ValueError, match="out must be writeable"):
        restore(x, affine, "f8", x)
