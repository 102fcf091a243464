"""The layer where it differs from Keras: errors, accuracy, and axes."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.layer_data import DATA, DATASET, FIELD, FRAME, make_adapted_layer

import dasknorm as dn
from dasknorm.layer import Normalization

# -- what it refuses ------------------------------------------------------------------------------

BAD_ARGUMENTS = [
    ({"axis": 1.0}, TypeError, "`axis` must be an integer"),
    ({"axis": True}, TypeError, "`axis` must be an integer"),
    ({"axis": np.True_}, TypeError, "`axis` must be an integer"),
    ({"axis": (0, None)}, TypeError, "`axis` must be an integer"),
    ({"axis": {"a": 1}}, TypeError, "`axis` must be an integer"),
    ({"axis": (1, 1)}, ValueError, "duplicate axes"),
    ({"axis": ("x", "x")}, ValueError, "duplicate axes"),
    ({"mean": 1.0}, ValueError, "both `mean` and `variance`"),
    ({"variance": 1.0}, ValueError, "both `mean` and `variance`"),
    ({"mean": [1.0, 2.0], "variance": 1.0}, ValueError, "must have the same shape"),
    ({"mean": [[1.0]], "variance": [1.0]}, ValueError, "must have the same shape"),
    ({"mean": [1.0], "variance": [1.0], "axis": None}, ValueError, "rank of `mean`"),
    ({"mean": [[1.0, 2.0]], "variance": [[1.0, 2.0]]}, ValueError, "rank of `mean`"),
    ({"mean": 0.0, "variance": -1.0}, ValueError, "must not be negative"),
    ({"mean": np.inf, "variance": 1.0}, ValueError, "mean must be finite, got inf"),
    ({"mean": 1j, "variance": 1.0}, TypeError, "complex"),
    ({"mean": np.array([1j]), "variance": [1.0]}, TypeError, "complex"),
    ({"mean": "1", "variance": "2"}, TypeError, "str"),
    ({"mean": FRAME.mean(), "variance": FRAME.var()}, TypeError, "from_stats"),
    ({"dtype": "int32"}, TypeError, "float16, float32 or float64"),
    ({"dtype": "complex64"}, TypeError, "float16, float32 or float64"),
]


@pytest.mark.parametrize(("settings", "error", "message"), BAD_ARGUMENTS, ids=lambda v: str(v))
def test_bad_arguments(settings, error, message):
    """A layer that cannot be is refused when it is made, in Keras' words where it has some."""
    with pytest.raises(error, match=message):
        Normalization(**settings)


def test_arguments_are_checked_in_the_order_of_keras():
    """If there are several mistakes, the error is the one that Keras raises first."""
    with pytest.raises(ValueError, match="both `mean`"):
        Normalization(axis=None, mean=[[1.0]])
    with pytest.raises(ValueError, match="same shape"):
        Normalization(axis=None, mean=[[1.0]], variance=[-1.0])
    with pytest.raises(ValueError, match="rank of"):
        Normalization(axis=None, mean=[1.0], variance=[-1.0])


BAD_DATA = [
    (None, {}, TypeError, "cannot take numbers from a"),
    ("abc", {}, TypeError, "cannot take numbers from a"),
    ({"a": [1.0]}, {}, TypeError, "cannot take numbers from a"),
    (memoryview(b"ab"), {}, TypeError, r"np\.asarray"),
    (xr.Variable("x", [1.0]), {}, TypeError, r"np\.asarray"),
    (DATA + 1j, {}, TypeError, "x.real"),
    (DATA.astype(object), {}, TypeError, "astype"),
    ([["a", "b"]], {}, TypeError, "real numbers"),
    ([DATA, "abc"], {}, TypeError, "str"),
    (iter([[DATA, DATA]]), {}, TypeError, "list of arrays"),
    (iter([]), {}, ValueError, "no batch"),
    (np.empty((0, 3)), {}, ValueError, "no samples"),
    (DATA[:, :1] + [np.inf, 0], {}, ValueError, "infinite"),
    (DATA, {"axis": 2}, ValueError, "must be in the range"),
    (DATA, {"axis": -3}, IndexError, "must be in the range"),
    (DATA, {"axis": (1, -1)}, ValueError, r"duplicate axes.*axis=\(1, -1\)"),
    (DATA, {"axis": "time"}, ValueError, "'time' not found"),
    (FIELD, {"axis": "lat"}, ValueError, "'lat' not found"),
    (FIELD, {"axis": ("x", 2)}, ValueError, "duplicate axes"),
    (DATASET, {"axis": -1}, ValueError, "name dimensions of a Dataset"),
    (DATASET, {"axis": "lat"}, ValueError, "'lat' not found"),
    (FRAME, {"axis": 0}, ValueError, "rows of a frame"),
    ([DATA, DATA[:, :2]], {}, ValueError, r"incompatible shape.*\(2,\).*\(3,\)"),
    ([DATA, DATA[:2]], {"axis": 0}, ValueError, "incompatible shape"),
    (da.from_array(DATA)[da.from_array(DATA)[:, 0] > 1], {"axis": 0}, ValueError, "known shape"),
]


@pytest.mark.parametrize(("data", "settings", "error", "message"), BAD_DATA)
def test_bad_data(data, settings, error, message):
    """Unsupported data raise an error, and the layer stays unchanged."""
    layer = Normalization(**settings)
    with pytest.raises(error, match=message):
        layer.adapt(data)
    assert layer.stats is None
    assert not layer.built


@pytest.mark.parametrize(
    "x", [DATA[:, :1], DATA[:, :2], DATA[0, :1], np.zeros(()), da.from_array(DATA[:, :1])]
)
def test_another_feature_count_never_broadcasts(x):
    """Neither one feature nor two pass for three, where Keras would broadcast."""
    with pytest.raises(dn.MismatchError):
        make_adapted_layer(DATA)(x)


def test_one_feature_never_becomes_many():
    """Statistics of one feature, adapted or given, do not spread over three."""
    given = Normalization(mean=1.0, variance=1.0)
    given.build((None, 1))
    for layer in (make_adapted_layer(DATA[:, :1]), given):
        with pytest.raises(dn.MismatchError):
            layer(DATA)


@pytest.mark.parametrize("use", [lambda n: n(DATA), lambda n: n.mean, lambda n: n.count])
def test_not_adapted(use):
    """A layer without statistics raises an error, where Keras returns its input."""
    layer = Normalization()
    with pytest.raises(dn.NotAdaptedError, match=r"layer\.adapt\(data\)"):
        use(layer)
    layer.build((None, 3))
    with pytest.raises(dn.NotAdaptedError):
        use(layer)
    assert not hasattr(layer, "variance")


@pytest.mark.parametrize("verb", ["adapt", "update"])
def test_given_layers_do_not_adapt(verb):
    """A layer with a given mean and variance cannot adapt; the error gives an alternative."""
    stats = dn.Stats.from_values([1.0], [1.0])
    for layer in (Normalization(mean=1.0, variance=1.0), Normalization.from_stats(stats)):
        with pytest.raises(ValueError, match=r"Cannot `adapt`.*Normalization\(axis="):
            getattr(layer, verb)(DATA)
        with pytest.raises(AttributeError, match="no 'count'"):
            _ = layer.count


# -- exactness and dtypes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "asked", "expected"),
    [
        ("f2", None, "f2"),
        ("f4", None, "f4"),
        ("f8", None, "f8"),
        ("?", None, "f4"),
        ("i2", None, "f4"),
        ("u1", None, "f4"),
        ("i4", None, "f8"),
        ("i8", None, "f8"),
        ("f8", "float32", "f4"),
        ("i4", "float16", "f2"),
        ("f4", np.float64, "f8"),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_output_dtypes(given, asked, expected, lazy):
    """A float keeps its dtype and integers get one that holds them, unless one is asked for."""
    x = np.array([[0, 1], [1, 1], [1, 0]]).astype(given)
    x = da.from_array(x, chunks=2) if lazy else x
    layer = make_adapted_layer(x, dtype=asked)
    assert layer(x).dtype == expected
    assert np.asarray(layer(x)).dtype == expected
    assert layer.mean.dtype == layer.variance.dtype == layer.count.dtype == "f8"


def test_no_precision_is_lost_before_subtracting():
    """Unix seconds stay distinct and a large offset goes away, where float32 would lose both."""
    seconds = np.arange(1_700_000_000, 1_700_001_000)[:, None]
    layer = make_adapted_layer(seconds, dtype="float32")
    assert len(np.unique(layer(seconds))) == 1000
    assert layer.variance.item() == (1000**2 - 1) / 12
    offset = 1e9 + np.random.default_rng(0).normal(size=(1000, 1))
    assert np.std(make_adapted_layer(offset)(offset)) == pytest.approx(1, abs=1e-9)


def test_float16_does_not_overflow():
    """The variance of float16 data is not squared in float16."""
    x = np.tile(np.array([[900.0], [1100.0]], "f2"), (1000, 1))
    assert make_adapted_layer(x).variance.item() == 10_000


def test_constant_data():
    """0.1 over and over has a variance of exactly 0; a step of 0.1 is a million scales."""
    layer = make_adapted_layer(np.full((10, 2), 0.1, "f4"))
    assert (layer.variance == 0).all()
    assert layer(np.full((1, 2), 0.2, "f4")) == pytest.approx(1e6)


def test_missing_values_are_skipped_and_stay():
    """NaN, NA and masked values are counted out for their feature only."""
    x = np.array([[1.0, 5.0], [np.nan, 7.0], [3.0, 9.0]])
    frame = pd.DataFrame({"a": pd.array([1, None, 3], "Int16"), "b": [5.0, 7.0, 9.0]})
    layer = make_adapted_layer(x)
    assert (layer.mean.tolist(), layer.count.tolist()) == ([[2, 7]], [[2, 3]])
    assert np.isnan(layer(x)).tolist() == np.isnan(x).tolist()
    assert make_adapted_layer(np.ma.masked_invalid(x))(np.ma.masked_invalid(x)).mask[
        1
    ].tolist() == [1, 0]
    assert make_adapted_layer(frame).count.tolist() == [2, 3]
    assert make_adapted_layer(frame)(frame)["a"].isna().tolist() == [False, True, False]


def test_nothing_but_missing_values():
    """A feature without values gives one warning, for any batches, and becomes NaN."""
    x = np.array([[1.0, np.nan], [3.0, np.nan]])
    layer = Normalization()
    with pytest.warns(UserWarning, match="no valid values") as seen:
        layer.adapt(iter([x, x]))
    assert len(seen) == 1
    assert np.isnan(layer(x)).tolist() == [[False, True]] * 2


# -- axes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axis", "shape"),
    [
        (None, (1, 1, 1)),
        ((), (1, 1, 1)),
        (np.int64(1), (1, 3, 1)),
        (np.array([0, 2]), (2, 1, 4)),
        ([2, 0], (2, 1, 4)),
        ((1, -1), (1, 3, 4)),
        (range(3), (2, 3, 4)),
    ],
)
def test_axes_and_the_shape_of_the_mean(axis, shape):
    """Any way to write kept axes will do; the mean has their sizes, and 1 elsewhere."""
    layer = make_adapted_layer(np.arange(24.0).reshape(2, 3, 4), axis=axis)
    assert layer.mean.shape == layer.variance.shape == layer.count.shape == shape
    assert (layer.count == 24 / np.prod(shape)).all()


@pytest.mark.parametrize(
    ("axis", "mean", "shape", "expected"),
    [
        (-1, 5.0, (None, 3), [[5, 5, 5]]),
        (None, 5.0, (None, 3), [[5]]),
        ((1, 2), [1, 2, 3], (None, 2, 3), [[[1, 2, 3], [1, 2, 3]]]),
        ((2, 1), [[1], [2]], (None, 2, 3), [[[1, 1, 1], [2, 2, 2]]]),
        ((1, 2), [[1, 2, 3], [4, 5, 6]], (7, 2, 3), [[[1, 2, 3], [4, 5, 6]]]),
        (1, [1, 2], (None, 2, 3), [[[1], [2]]]),
        (0, [1, 2], (2, None), [[1], [2]]),
    ],
)
def test_given_numbers_broadcast_from_the_right(axis, mean, shape, expected):
    """Given numbers are laid along the kept axes in the order of the data, from the right."""
    layer = Normalization(axis, mean, np.square(mean))
    assert not layer.built
    assert layer.mean.tolist() == mean
    layer.build(shape)
    assert layer.built
    assert layer.mean.tolist() == expected
    assert layer.variance.tolist() == np.square(expected).tolist()
    x = np.ones([size or 4 for size in shape])
    np.testing.assert_allclose(layer(x), (x - expected) / expected)


@pytest.mark.parametrize(
    ("axis", "mean", "shape", "message"),
    [
        ((1, 2), [1, 2], (None, 2, 3), "do not broadcast"),
        ((2, 1), [[1, 2]] * 3, (None, 2, 3), "do not broadcast"),
        (-1, [1, 2], (None, 3), "do not broadcast"),
        (-1, 1.0, (None,), "known shape"),
        (0, 1.0, (None, 3), "known shape"),
        (2, 1.0, (None, 3), "in the range"),
        ("x", 1.0, (None, 3), "'x' not found"),
    ],
)
def test_what_does_not_build(axis, mean, shape, message):
    """Numbers that do not fit the kept axes are refused when the layer is built, not before."""
    layer = Normalization(axis, mean, mean)
    with pytest.raises(ValueError, match=message):
        layer.build(shape)
    assert not layer.built


def test_built_for_other_sizes():
    """A built layer adapts to data of its features; other axes may have any size."""
    layer = Normalization()
    layer.build((None, 3))
    layer.adapt(DATA[:2])
    layer.adapt(DATA)
    for refused in (lambda: layer.adapt(DATA[:, :2]), lambda: layer.build((None, 2))):
        with pytest.raises(ValueError, match=r"layer was built with \(3,\).*incompatible shape"):
            refused()
    assert layer.count.tolist() == [[4, 4, 4]]
