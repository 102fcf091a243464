"""Moments in any memory layout and dtype, compiled, against the same in NumPy."""

import itertools

import numpy as np
import pytest

from dasknorm.kernels import inputs, moments

SHAPES = [(40, 13, 21), (700, 3, 2), (2, 3, 700), (1, 30, 40)]


def layouts(x):
    """The same numbers in other places of memory."""
    yield "C", x
    yield "Fortran", np.asfortranarray(x)
    yield "backwards", x[::-1, :, ::-1].copy()[::-1, :, ::-1]
    yield "steps", np.repeat(x, 2, 2)[:, :, ::2]
    yield "cut out", np.pad(x, 1)[1:-1, 1:-1, 1:-1]
    yield "turned", np.ascontiguousarray(x.transpose(1, 0, 2)).transpose(1, 0, 2)
    packed = np.zeros(x.shape, [("pad", "u1"), ("x", x.dtype)])
    packed["x"] = x
    yield "packed", packed["x"]
    other = x.astype(x.dtype.newbyteorder())
    other.flags.writeable = False
    yield "swapped", other


def both_ways(monkeypatch, function):
    monkeypatch.setattr(inputs, "MIN_COMPILED", 1 << 60)
    plain = function()
    monkeypatch.setattr(inputs, "MIN_COMPILED", 0)
    return plain, function()


def alike(a, b, rel=0.0):
    """Two ways to the same records differ by a few ulp only."""
    assert a.shape == b.shape
    for name in ("count", "missing"):
        np.testing.assert_allclose(a[name], b[name], rtol=rel)
    mean = np.abs((a["mean"] - b["mean"]) + (a["mean_rest"] - b["mean_rest"]))
    std = np.sqrt(a["m2"] / np.maximum(a["count"], 1e-300))
    assert (mean <= 4 * np.spacing(np.maximum(np.abs(a["mean"]), std))).all()
    assert (np.abs(a["m2"] - b["m2"]) <= 16 * np.spacing(a["m2"])).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["f4", "i8"])
def test_every_layout_and_every_axes(monkeypatch, shape, dtype):
    """Compiled loops agree with NumPy whatever the strides, and whichever axes are merged."""
    x = (np.random.default_rng(0).normal(size=shape) * 50 + 100).astype(dtype)
    for name, y in layouts(x):
        for count in range(4):
            for axes in itertools.combinations(range(3), count):
                a, b = both_ways(monkeypatch, lambda y=y, axes=axes: moments(y, axes))
                alike(a, b)
                assert name
        np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "u4", "u8", "f2"])
def test_every_dtype(monkeypatch, dtype):
    """Compiled loops agree with NumPy for every dtype, in runs and in rows."""
    x = np.random.default_rng(1).normal(size=(900, 7)) * 20 + 60
    x = (x > 60) if dtype == "?" else x.astype(dtype)
    for axes in [(0,), (1,), (0, 1)]:
        alike(*both_ways(monkeypatch, lambda axes=axes: moments(x, axes)))


@pytest.mark.parametrize("shape", SHAPES)
def test_missing_and_weights_in_layouts(monkeypatch, shape):
    """Missing values and weights go with their values in every layout."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=shape)
    x[rng.random(shape) < 0.3] = np.nan
    kinds = [shape, (shape[0], 1, 1), (1, shape[1], 1), (1, 1, shape[2])]
    every = [None, *(rng.random(kind) * (rng.random(kind) < 0.8) for kind in kinds)]
    for (_, y), w in itertools.product(layouts(x), every):
        for axes in [(0,), (2,), (0, 2), (0, 1, 2)]:
            function = lambda y=y, w=w, axes=axes: moments(y, axes, w)  # noqa: E731
            alike(*both_ways(monkeypatch, function), rel=1e-13)


def test_broadcast_blocks(monkeypatch):
    """Strides of zero are read as what they stand for."""
    for x in (np.broadcast_to(np.arange(6.0), (900, 6)), np.broadcast_to(np.float32(3), (30, 40))):
        for axes in [(0,), (1,), (0, 1)]:
            a, b = both_ways(monkeypatch, lambda x=x, axes=axes: moments(x, axes))
            alike(a, b)


@pytest.mark.parametrize("dtype", ["f4", ">f8", "f2", ">f2"])
@pytest.mark.parametrize("shape", [(400_000,), (150_000, 3), (3, 150_000), (50, 40, 300)])
def test_large_blocks_as_they_come(dtype, shape):
    """Blocks of many tiles and slabs agree with NumPy's float64 pairwise sums."""
    x = (np.random.default_rng(4).normal(size=shape) + 2).astype(dtype)
    record = moments(x, (0,))
    wide = np.ascontiguousarray(np.moveaxis(x.astype("f8"), 0, -1))
    np.testing.assert_allclose(record["mean"][0], wide.mean(-1), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(record["m2"][0] / shape[0], wide.var(-1), rtol=1e-12)
    assert (record["count"] == shape[0]).all()


def test_missing_values_come_and_go():
    """Masked and unmasked tiles may follow one another in any order."""
    x = np.ones(1_000_000, "f4") * np.tile([1, 3], 500_000).astype("f4")
    x[[5, 200_000, 200_001, 900_000]] = np.nan
    x[400_000:600_000] = np.nan
    for y, axes in [(x, (0,)), (x.reshape(-1, 4), (0, 1)), (x.reshape(-1, 1000), (0, 1))]:
        record = moments(y, axes)
        assert record["missing"].item() == 200_004
        assert record["count"].item() == 799_996
        valid = x[~np.isnan(x)].astype("f8")
        assert record["m2"].item() == pytest.approx(valid.var() * valid.size, rel=1e-13)
