"""Keras' layer: its results within the error of a float32 mean, and models saved with it."""

import os

import numpy as np
import pandas as pd
import pytest
from support.optional import import_optional, is_installed
from support.serving_data import (
    COLUMNS,
    compute_exact_scores,
    make_maps,
    run_without_dasknorm,
    stack_channels,
)

import dasknorm as dn
from dasknorm.errors import MismatchError

BACKEND = os.environ.get("KERAS_BACKEND", "")
keras = import_optional("keras") if is_installed(BACKEND or "tensorflow") else None

pytestmark = [
    pytest.mark.skipif(keras is None, reason="needs keras, and torch or jax"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras' own
]

DS = make_maps().fillna(1e4)
ASKED = ["sst", ("t", 500), ("t", 1000)]
FRAME = pd.DataFrame(COLUMNS).astype("f4")
U = 2.0**-24
"""Half of float32's last digit, relatively: what one rounding may cost."""


def computed(output):
    """Return the result of a layer as a NumPy array."""
    return keras.ops.convert_to_numpy(output)


def test_it_is_keras_own_layer():
    """The layer is Keras' Normalization itself, in float32 whatever the policy."""
    assert type(dn.adapt(FRAME).to_keras()) is keras.layers.Normalization
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = dn.adapt(FRAME).to_keras()
    finally:
        keras.config.set_dtype_policy("float32")
    x = FRAME.to_numpy()
    assert np.array_equal(computed(layer(x)), computed(dn.adapt(FRAME).to_keras()(x)))


@pytest.mark.parametrize("name", COLUMNS)
def test_off_by_no_more_than_its_mean_is_rounded(name):
    """A score is off by one rounding of the mean, in units of the scale, and four of its own."""
    x = FRAME[[name]].to_numpy()
    stats = dn.adapt(x)
    z, exact = computed(stats.to_keras()(x)), compute_exact_scores(x)
    cost = U * abs(stats.mean.item()) / stats.std.item()
    assert (np.abs(z - exact) <= cost + 4 * U * np.abs(exact)).all()


@pytest.mark.parametrize("name", COLUMNS)
def test_inverse(name):
    """The inverted layer maps back, to two roundings of a number and one of its distance."""
    x = FRAME[[name]].to_numpy()
    stats = dn.adapt(x)
    wide = stats.normalize(x.astype("f8"))
    back = computed(stats.to_keras(invert=True)(wide.astype("f4")))
    size = np.maximum(np.abs(x), np.abs(x - stats.mean))
    assert (np.abs(back - x.astype("f8")) <= 4 * U * size).all()


def test_a_cost_that_is_seen_and_avoided():
    """Scores of 1e4 ± 1 share one error; those of two layers in a row, as documented, do not."""
    x = np.float32(10_000.3 + np.array([[-1.0], [0.0], [1.1]]))
    stats = dn.adapt(x)
    exact = compute_exact_scores(x)
    bias = computed(stats.to_keras()(x)) - exact
    assert 1e-5 < np.abs(bias).min() <= np.abs(bias).max() < 6e-4 / float(stats.std[0])
    c = stats.to_numpy()
    one = np.ones_like(c["scale"])
    layers = [
        keras.layers.Normalization(mean=c["shift"], variance=one),
        keras.layers.Normalization(mean=c["shift_rest"], variance=c["scale"] ** 2),
    ]
    assert np.abs(computed(keras.Sequential(layers)(x)) - exact).max() < 4e-7


@pytest.mark.parametrize("keep", [-1, 1, -3, (1, 2), (0, -1), ()], ids=str)
def test_arrays_keep_their_own_axes(keep):
    """Kept axes are Keras' axis, whichever they are."""
    x = DS["t"].values
    stats = dn.adapt(x, keep=keep)
    z = stats.normalize(x)
    np.testing.assert_allclose(computed(stats.to_keras()(x)), z, rtol=1e-6, atol=2e-3)
    np.testing.assert_allclose(computed(stats.to_keras(invert=True)(z)), x, rtol=4 * U)


@pytest.mark.parametrize("over", [("time", "lat", "lon"), ("time",), ("time", "lon")], ids=" ".join)
@pytest.mark.parametrize("dims", ["time lat lon channel", "time channel lat lon"])
def test_channels_agree_with_normalize(over, dims):
    """Channels of variables and levels agree with normalize, grid points kept or not."""
    dims = tuple(dims.split())
    stats = dn.adapt(DS, over=over)
    layer = stats.to_keras(ASKED, dims)
    x, z = stack_channels(DS, ASKED, dims), stack_channels(stats.normalize(DS), ASKED, dims)
    np.testing.assert_allclose(computed(layer(x)), z, rtol=1e-6, atol=2e-3)
    assert layer(x[:2]).shape == (2, *x.shape[1:])


def test_missing_and_constant():
    """Missing values stay missing, and constant features are 0, as in normalize."""
    x = np.float32([[7, np.nan], [7, 1], [7, 3]])
    z = computed(dn.adapt(x).to_keras()(x))
    np.testing.assert_array_equal(z, np.float32([[0, np.nan], [0, -1], [0, 1]]))


@pytest.mark.parametrize("scale", [1e-8, 1e20])
def test_scales_beyond_keras_are_refused(scale):
    """Keras divides by no less than 1e-7, and keeps a variance in float32."""
    with pytest.raises(MismatchError, match="another unit"):
        dn.Stats.from_values(mean=0.0, std=scale).to_keras()


def test_least_scale_of_keras_itself():
    """Statistics with Keras' own epsilon of 1e-7 are within its rule."""
    layer = dn.adapt(np.ones((3, 1), "f4"), dn.Moments(epsilon=1e-7)).to_keras()
    assert computed(layer(np.float32([[2.0]]))) == pytest.approx(1e7)


def test_another_number_of_channels_is_refused():
    """A batch of one channel is an error, and is not broadcast."""
    layer = dn.adapt(DS, over=("time", "lat", "lon")).to_keras(dims=("channel", "lat", "lon"))
    with pytest.raises((ValueError, RuntimeError), match=r"broadcast|expanded"):
        layer(np.zeros((2, 1, 4, 6), "f4"))


def test_a_saved_model_needs_no_dasknorm(tmp_path):
    """A saved .keras model loads where dasknorm is not installed, and gives the same."""
    stats = dn.adapt(FRAME)
    inputs = keras.Input((5,))
    target = dn.adapt(FRAME["large"]).to_keras(invert=True)
    outputs = target(keras.layers.Dense(1)(stats.to_keras()(inputs)))
    model = keras.Model(inputs, outputs)
    x = FRAME.to_numpy()
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "values.npz", x=x, y=model.predict(x, verbose=0))
    text = run_without_dasknorm(
        "import keras, numpy as np\n"
        f"model = keras.models.load_model({str(tmp_path / 'model.keras')!r})\n"
        f"values = np.load({str(tmp_path / 'values.npz')!r})\n"
        "print(np.array_equal(model.predict(values['x'], verbose=0), values['y']))",
        KERAS_BACKEND=BACKEND,
    )
    assert text == "True"


def test_functions_are_a_model_of_keras_own(tmp_path):
    """Functions make a model of Keras' operations, which loads without dasknorm, and inverts."""
    kinds = {name: dn.Transformed("asinh") for name in FRAME}
    kinds |= {"small": dn.Transformed("log1p"), "near 0": dn.Extrema()}
    kinds |= {"1e4 ± 1": dn.Transformed("log"), "1e8 ± 100": dn.Transformed("sqrt", dn.MaxAbs())}
    stats, x = dn.adapt(FRAME, kinds), FRAME.to_numpy()
    model, back = (stats.to_keras(list(FRAME), invert=invert) for invert in (False, True))
    z = stats.normalize(FRAME).to_numpy()
    np.testing.assert_allclose(computed(model(x)), z, rtol=1e-5, atol=2e-2)
    np.testing.assert_allclose(computed(back(z)), x, rtol=1e-4, atol=1e-6)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "values.npz", x=x, y=computed(model(x)))
    text = run_without_dasknorm(
        "import keras, numpy as np\n"
        f"model = keras.models.load_model({str(tmp_path / 'model.keras')!r})\n"
        f"values = np.load({str(tmp_path / 'values.npz')!r})\n"
        "y = keras.ops.convert_to_numpy(model(values['x']))\n"
        "print(np.array_equal(y, values['y']))",
        KERAS_BACKEND=BACKEND,
    )
    assert text == "True"


def test_one_function_of_maps():
    """A transform of all channels of maps needs no mask."""
    stats = dn.adapt(DS, dn.Transformed("sqrt"), over=("time", "lat", "lon"))
    model = stats.to_keras(ASKED, ("time", "channel", "lat", "lon"))
    x = stack_channels(DS, ASKED, ("time", "channel", "lat", "lon"))
    z = stack_channels(stats.normalize(DS), ASKED, ("time", "channel", "lat", "lon"))
    np.testing.assert_allclose(computed(model(x)), z, atol=5e-3)


def test_statistics_by_group_are_refused():
    """Grouped statistics cannot become a layer, which has no group for a sample."""
    with pytest.raises(MismatchError, match="group"):
        dn.adapt(FRAME.assign(k=1), by="k").to_keras()
