"""Affine maps of one block: within half an ulp, in any layout, and inverted."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from test_kernels_layouts import layouts

from dasknorm.kernels import AFFINE, inputs, moments, restore, standardize

SHAPES = [(20, 13, 30), (900, 3, 2), (2, 3, 900), (1, 900, 3)]


def affine_of(shape, seed=0):
    rng = np.random.default_rng(seed)
    out = np.zeros(shape, AFFINE)
    out["shift"], out["shift_rest"] = rng.normal(size=shape) + 100, 1e-15
    out["scale"] = rng.random(shape) + 0.5
    return out


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "out"), [("f4", "f4"), ("f8", "f8"), ("i8", "f8"), ("f2", "f2")])
def test_every_layout_and_every_axes(monkeypatch, shape, dtype, out):
    """Compiled loops give the bits that NumPy gives, whatever the strides of data and map."""
    x = (np.random.default_rng(1).normal(size=shape) * 20 + 60).astype(dtype)
    for _, y in layouts(x):
        for same in itertools.product([0, 1], repeat=3):
            affine = affine_of([1 if s else n for s, n in zip(same, shape, strict=True)])
            for function in (standardize, restore):
                monkeypatch.setattr(inputs, "MIN_COMPILED", 1 << 60)
                plain = function(y, affine, out)
                monkeypatch.setattr(inputs, "MIN_COMPILED", 0)
                np.testing.assert_array_equal(function(y, affine, out), plain, strict=True)
        np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_result_lies_in_memory_as_the_data_do(kernel, order):
    """The order of axes in memory is kept, as NumPy's order="K" keeps it."""
    x = np.ones([(20, 30, 40)[i] for i in order]).transpose(np.argsort(order))
    for dtype in ("f4", "f8", "f2"):
        z = standardize(x, affine_of((20, 1, 1)), dtype)
        assert z.strides == np.empty_like(x, dtype).strides


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_standardizing_is_right_to_an_ulp(kernel, dtype):
    """z is the exact quotient to 0.51 ulp in float32 and 1.5 ulp in float64."""
    x = (np.random.default_rng(2).normal(size=3000) + 1000).astype(dtype)
    affine = np.array((1000.1, 3e-14, 1.3), AFFINE)
    shift = Fraction(1000.1) + Fraction(3e-14)
    for value, z in zip(x.tolist(), standardize(x, affine, dtype), strict=True):
        error = abs(Fraction(z.item()) - (Fraction(value) - shift) / Fraction(1.3))
        assert (
            error
            <= (Fraction(51, 100) if dtype == "f4" else Fraction(3, 2)) * np.spacing(abs(z)).item()
        )


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("offset", [0.0, 3.0, 1e3])
def test_there_and_back(kernel, dtype, offset):
    """restore(standardize(x)) is x to 1 ulp (float64: 2) of max(|x|, |x - mean|, std)."""
    x = (np.random.default_rng(3).normal(size=(200, 31)) * 2 + offset).astype(dtype)
    x[3, 5] = np.nan
    record = moments(x, (0,))
    affine = np.zeros(record.shape, AFFINE)
    affine["shift"], affine["shift_rest"] = record["mean"], record["mean_rest"]
    affine["scale"] = np.sqrt(record["m2"] / record["count"])
    back = restore(standardize(x, affine, dtype), affine, dtype)
    assert np.isnan(back).nonzero() == (np.array([3]), np.array([5]))
    away = np.abs(x - affine["shift"])
    scale = np.maximum(np.maximum(np.abs(x), away), affine["scale"]).astype(dtype)
    scale[3, 5] = 1
    ulps = np.abs(back.astype("f8") - x.astype("f8")) / np.spacing(scale).astype("f8")
    assert np.nanmax(ulps) <= (2 if dtype == "f8" else 1)


@pytest.mark.parametrize("value", [2**53 + 1, -(2**63), 2**63 - 1])
def test_wide_integers_are_subtracted_exactly(kernel, value):
    """Constant 64-bit integers beyond 2**53 become exactly 0, and a step of 1 exactly 1."""
    x = np.full(600, value)
    record = moments(x, (0,))
    affine = np.zeros(1, AFFINE)
    affine["shift"], affine["shift_rest"], affine["scale"] = record["mean"], record["mean_rest"], 1
    assert (standardize(x, affine, "f8") == 0).all()
    assert (standardize(x - np.sign(value), affine, "f8") == -np.sign(value)).all()


def test_the_map_itself_is_left_alone(kernel):
    """Neither the data nor the map is written to, and both may be read-only."""
    x, affine = np.ones((30, 20), "f4"), affine_of(20)
    before = affine.tobytes()
    x.flags.writeable = affine.flags.writeable = False
    standardize(x, affine, "f4")
    restore(x, affine, "f4")
    assert affine.tobytes() == before


def test_what_overflows_is_infinite(kernel):
    """Results beyond the dtype are infinite, without a warning; NaN and infinities go through."""
    affine = np.array((0.0, 0.0, 1e-40), AFFINE)
    x = np.tile(np.array([1.0, -1.0, 0.0, np.nan, np.inf], "f4"), 20)
    for dtype in ("f2", "f4"):
        z = standardize(x, affine, dtype)[:5]
        np.testing.assert_array_equal(z, [np.inf, -np.inf, 0.0, np.nan, np.inf])


def test_tiny_scales_divide_zero_to_zero(kernel):
    """0 / scale is 0 for every scale above 0, even one whose reciprocal overflows."""
    affine = np.array((0.0, 0.0, 5e-324), AFFINE)
    assert (standardize(np.zeros(300, "f4"), affine, "f4") == 0).all()


@pytest.mark.parametrize("shape", [(), (0,), (1,), (0, 4)])
def test_sizes_of_nothing(shape):
    """Empty and zero-dimensional blocks keep their shape."""
    z = standardize(np.ones(shape, "i2"), np.array((1.0, 0.0, 1.0), AFFINE), "f4")
    assert z.shape == shape
    assert z.dtype == np.float32
    assert (z == 0).all()


@pytest.mark.parametrize("shape", [(400_000,), (130_000, 3), (2, 3, 70_000), (60, 50, 40)])
@pytest.mark.parametrize("dtype", ["f4", ">f8", "f2", ">f2"])
def test_large_blocks_as_they_come(shape, dtype):
    """Blocks of many tiles and slabs are mapped as NumPy maps them."""
    x = (np.random.default_rng(4).normal(size=shape) + 2).astype(dtype)
    affine = affine_of(shape[1:])
    z = (x.astype("f8") - affine["shift"] - affine["shift_rest"]) / affine["scale"]
    np.testing.assert_allclose(standardize(x, affine, "f8"), z, rtol=1e-15)


def test_refusals():
    """Wrong dtypes are a TypeError, and a map that does not broadcast a ValueError."""
    affine = np.zeros(1, AFFINE)
    with pytest.raises(TypeError, match="dtype must be float16, float32 or float64, got int32"):
        standardize(np.ones(3), affine, "i4")
    with pytest.raises(TypeError, match="affine must be of dtype AFFINE, got float64"):
        restore(np.ones(3), np.ones(3), "f4")
    with pytest.raises(TypeError, match="x must be of booleans"):
        restore(np.ones(3, "c16"), affine, "f4")
    with pytest.raises(ValueError, match="broadcast"):
        standardize(np.ones(3), np.zeros(2, AFFINE), "f4")
