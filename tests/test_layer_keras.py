"""The layer against Keras: its documentation, its tests, and values it returned."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.layer_data import DATA as DOC
from support.layer_data import make_adapted_layer

from dasknorm.layer import Normalization

CASES = json.loads((Path(__file__).parent / "data" / "keras_normalization.json").read_text())[
    "cases"
]

F4 = np.float32
CUBE = np.arange(24, dtype="f4").reshape(2, 3, 4)
GRID = np.arange(12, dtype="f4").reshape(4, 3)
FIVE = np.arange(1, 6, dtype="f4")
SCORES = [[-1.4142135], [-0.70710677], [0.0]]


def case_id(case):
    """Name a golden case by its shape, dtype and axis."""
    return f"{case['shape']}-{case['dtype']}-axis{case['axis']}"


def generated(case):
    """Return the input that Keras was run on, by the formula in the golden file."""
    k = np.arange(np.prod(case["shape"]))
    x = (k * 7919 % 1009) / 10.0 - 37.5 + (k % 5) * k * 0.01
    return x.reshape(case["shape"]).astype(case["dtype"])


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_golden_values_of_keras(case):
    """Every case that Keras was run on gives what it gave, to float32's precision."""
    x = generated(case)
    layer = make_adapted_layer(x, axis=case["axis"], dtype="float32")
    back = make_adapted_layer(x, axis=case["axis"], dtype="float32", invert=True)
    assert list(layer.mean.shape) == list(layer.variance.shape) == case["bshape"]
    np.testing.assert_allclose(layer.mean.ravel(), case["mean"], rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(layer.variance.ravel(), case["variance"], rtol=1e-5)
    for output, expected in [(layer(x), case["out"]), (back(x), case["inv"])]:
        assert str(output.dtype) == case["out_dtype"]
        np.testing.assert_allclose(output.ravel()[:8], expected, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_at_least_as_exact_as_keras(case):
    """Where the golden values and ours differ, ours are the rounded exact ones."""
    x = generated(case)
    axes = range(x.ndim)[case["axis"]] if isinstance(case["axis"], int) else case["axis"] or ()
    over = tuple(i for i in range(x.ndim) if i not in np.atleast_1d(axes))
    wide = x.astype("f8")
    scale = np.maximum(wide.std(axis=over, keepdims=True), 1e-7)
    z = ((wide - wide.mean(axis=over, keepdims=True)) / scale).astype("f4")
    ours = make_adapted_layer(x, axis=case["axis"], dtype="float32")(x)
    # Near 0 an ulp is tiny, and the float64 reference itself has rounded at the size of x.
    np.testing.assert_allclose(ours, z, rtol=2**-23, atol=1e-13)


def test_documentation_one_mean_for_all():
    """Keras' first example: axis=None learns one mean and variance of all the data."""
    layer = make_adapted_layer(FIVE, axis=None)
    np.testing.assert_allclose(layer(FIVE[:3]), [-1.4142135, -0.70710677, 0.0], rtol=1e-6)
    assert (layer.mean.tolist(), layer.variance.tolist()) == ([3.0], [2.0])


def test_documentation_one_mean_a_feature():
    """Keras' second example: axis=-1 learns a mean and variance of each feature."""
    layer = make_adapted_layer(DOC, axis=-1)
    assert layer(DOC[:1]).tolist() == [[-1.0, -1.0, -1.0]]
    assert (layer.mean.tolist(), layer.variance.tolist()) == ([[1.0, 8.0, 5.0]], [[1.0, 1.0, 1.0]])


def test_documentation_given_mean_and_variance():
    """Keras' third example: mean and variance may be given instead of learned."""
    layer = Normalization(mean=3.0, variance=2.0)
    np.testing.assert_allclose(layer(FIVE[:3, None]), SCORES, rtol=1e-6)


def test_documentation_invert():
    """Keras' fourth example: invert=True maps normalized data back."""
    layer = make_adapted_layer(DOC, axis=-1, invert=True)
    assert layer(np.array([[1.0, 2.0, 3.0]])).tolist() == [[2.0, 10.0, 8.0]]


@pytest.mark.parametrize(
    ("axis", "mean", "variance", "first"),
    [
        (None, [11.5], 47.9166667, [-1.6613247, -1.5168617, -1.3723987]),
        (0, [5.5, 17.5], 11.9166667, [-1.5932550]),
        (1, [7.5, 11.5, 15.5], 37.25, [-1.2288479]),
        (-1, [10, 11, 12, 13], 46.6666667, [-1.4638500]),
        ((0, 1), [1.5, 5.5, 9.5, 13.5, 17.5, 21.5], 1.25, [-1.3416407]),
        ((0, 2), [4, 5, 6, 7, 16, 17, 18, 19], 10.6666667, [-1.2247448]),
        ((1, 2), range(6, 18), 36, [-1]),
        ((2, 1), range(6, 18), 36, [-1]),
        ((0, 1, 2), range(24), 0, [0]),
    ],
)
def test_every_axis_of_a_cube(axis, mean, variance, first):
    """Kept axes are sorted, and all others merged, the first one too."""
    layer = make_adapted_layer(CUBE, axis=axis)
    np.testing.assert_allclose(layer.mean.ravel(), mean)
    np.testing.assert_allclose(layer.variance, np.full(layer.mean.shape, variance), rtol=1e-8)
    np.testing.assert_allclose(layer(CUBE).ravel()[: len(first)], first, rtol=1e-7)


@pytest.mark.parametrize(
    ("axis", "batches", "mean", "variance"),
    [
        (0, [GRID, GRID + 10], [6, 9, 12, 15], 25.6666667),
        ((0, 1), [GRID, GRID + 10], (GRID + 5).ravel(), 25),
        (-1, [FIVE, FIVE + 10, FIVE + 50], [21, 22, 23, 24, 25], 466.6666667),
        (0, [GRID], [1, 4, 7, 10], 0.6666667),
        (None, [np.array(1.0), np.array(3.0)], [2], 1),
        (None, [np.arange(1.0, 8), np.array([100.0, 200, 3000])], [332.8], 794258.16),
    ],
)
def test_streamed_batches(axis, batches, mean, variance):
    """Batches are merged by the number of their values, also where nothing else is merged."""
    layer = make_adapted_layer(iter(batches), axis=axis)
    np.testing.assert_allclose(layer.mean.ravel(), mean)
    np.testing.assert_allclose(layer.variance.ravel(), np.full(len(mean), variance), rtol=1e-7)


@pytest.mark.parametrize(
    ("parts", "mean", "variance"),
    [
        (
            [np.arange(1.0, 8), np.repeat(np.arange(8.0, 13), 65535), [100.0, 200, 3000]],
            10.00985092390558,
            29.418185761379473,
        ),
        (
            [np.arange(1.0, 8), [1e15, 2e15, 3000.0], [100.0, 200]],
            (3e15 + 3328) / 12,
            3.5416666666652795e29,
        ),
    ],
)
def test_merges_of_very_unlike_batches(parts, mean, variance):
    """Merging stays exact where batches differ by orders of magnitude in size or value."""
    layer = make_adapted_layer((np.array(part) for part in parts), axis=None)
    assert layer.mean.item() == pytest.approx(mean, rel=1e-15)
    assert layer.variance.item() == pytest.approx(variance, rel=1e-14)


SEVENTHS = [[-1.5491934, -0.7745967, 0.0]] * 2
STAIRS = [[[1, 2, 3], [2, 3, 4]], [[3, 4, 5], [4, 5, 6]]]


@pytest.mark.parametrize("stream", [False, True], ids=["array", "stream"])
@pytest.mark.parametrize(
    ("axis", "data", "x", "expected"),
    [
        pytest.param(-1, FIVE[:, None], FIVE[:3, None], SCORES, id="features"),
        pytest.param(-1, FIVE[:, None].astype("i4"), np.array([[1], [2], [3]]), SCORES, id="ints"),
        pytest.param(None, FIVE[:, None], FIVE[:3, None], SCORES, id="none"),
        pytest.param(None, FIVE[None], FIVE[:3, None], SCORES, id="none-flat"),
        pytest.param(
            1, F4(STAIRS), F4(STAIRS), [SEVENTHS, -np.array(SEVENTHS)[:, ::-1]], id="inner-axis"
        ),
        pytest.param(
            (1, 2),
            F4([[[1, 0, 3], [2, 3, 4]], [[3, -1, 5], [4, 5, 8]]]),
            F4([[[3, 1, -1], [2, 5, 4]], [[3, 0, 5], [2, 5, 8]]]),
            [[[1, 3, -5], [-1, 1, -1]], [[1, 1, 1], [-1, 1, 1]]],
            id="two-axes",
        ),
        pytest.param(-1, np.zeros((3, 4)), np.zeros((3, 4)), np.zeros((3, 4)), id="no-variance"),
    ],
)
def test_computations_of_tf_keras(axis, data, x, expected, stream):
    """The computations that tf-keras tests itself by, on an array and streamed."""
    layer = make_adapted_layer(np.array_split(data, len(data)) if stream else data, axis=axis)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-6, atol=1e-7)


def test_layer_api_case():
    """What Keras' own layer test adapts on and calls gives what Keras gives."""
    layer = make_adapted_layer(np.array([[1, 2, 1], [2, 3, 4]] * 2), axis=-1)
    output = layer(F4([[3, 1, 2], [6, 5, 4]]))
    np.testing.assert_allclose(output, [[3, -3, -1 / 3], [9, 5, 1]], rtol=1e-7)


def test_least_scale():
    """A scale is at least 1e-7, both ways: a constant feature is exactly 0, a step off it 1e7."""
    layer = make_adapted_layer(F4([[1, 2, 3]]))
    assert layer(F4([[2, 2, 3]])).tolist() == [[1e7, 0, 0]]
    back = make_adapted_layer(F4([[1, 2, 3]]), invert=True)
    assert back(F4([[1e7, 0, 0]])).tolist() == [[2, 2, 3]]


@pytest.mark.parametrize("variance", [0.0, 1e-20, 1e-14])
def test_least_scale_of_a_given_variance(variance):
    """Given variances of at most 1e-14 all give the least scale."""
    assert Normalization(mean=0.0, variance=variance)(np.ones((1, 1))) == pytest.approx(1e7)


def test_given_scalar_there_and_back():
    """A given scalar broadcasts to all features, and invert undoes it."""
    layer = Normalization(mean=2, variance=4)(F4([0, 4, 0, 4]))
    assert layer.tolist() == [-1, 1, -1, 1]
    assert Normalization(mean=2, variance=4, invert=True)(layer).tolist() == [0, 4, 0, 4]


def test_given_list_of_one_broadcasts():
    """A list of one number stands for every feature."""
    assert Normalization(mean=[1.0], variance=[1.0])(F4([[1, 2]])).tolist() == [[0, 1]]


def test_rank_one_keeps_each_element():
    """On a 1-D array the only axis is the kept one: each element is its own feature."""
    layer = make_adapted_layer(FIVE)
    assert layer.mean.tolist() == [1, 2, 3, 4, 5]
    assert layer.variance.tolist() == [0] * 5
    assert layer(FIVE).tolist() == [0] * 5
    with pytest.raises(ValueError, match="the data have 3, the statistics 5"):
        layer(FIVE[:3])


def test_rank_zero():
    """A single number has a mean with axis=None, and no last axis to keep."""
    layer = make_adapted_layer(np.array(3.0), axis=None)
    assert (layer.mean.item(), layer.variance.item()) == (3.0, 0.0)
    assert layer(4.0) == pytest.approx(1e7)
    with pytest.raises(ValueError, match="must be in the range"):
        Normalization().adapt(np.array(3.0))


def test_adapt_resets():
    """A second adapt, which returns None too, forgets the first; update does not."""
    data = F4([[0, 7, 4], [2, 9, 6]])
    layer = make_adapted_layer(data)
    assert layer.adapt(data + 100) is None
    assert layer.mean.tolist() == [[101, 108, 105]]
    layer.update(data)
    assert layer.mean.tolist() == [[51, 58, 55]]
    assert layer.count.tolist() == [[4, 4, 4]]
