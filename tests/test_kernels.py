"""The moments of one block against exact rationals, in every dtype, and invalid input."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.optional import WITHOUT_COMPILER

from dasknorm.kernels import RECORD, merge, moments

INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


def exact(values, weights=None):
    """Mean and m2 of numbers, as rationals; NaN takes no part."""
    pairs = zip(values, weights if weights is not None else [1] * len(values), strict=True)
    pairs = [(Fraction(v), Fraction(w)) for v, w in pairs if v == v and w]
    total = sum(w for _, w in pairs)
    mean = sum(v * w for v, w in pairs) / total
    return mean, sum(w * (v - mean) ** 2 for v, w in pairs)


def agree(record, values, weights=None, mean_ulp=4, m2_ulp=16):
    """The record of some numbers is right to so many units in the last place."""
    mean, m2 = exact(values, weights)
    total = record["count"].item()
    std = (float(m2) / total) ** 0.5
    error = Fraction(record["mean"].item()) + Fraction(record["mean_rest"].item()) - mean
    assert abs(error) <= mean_ulp * np.spacing(max(abs(float(mean)), std))
    error = Fraction(record["m2"].item()) + Fraction(record["m2_rest"].item()) - m2
    assert abs(error) <= m2_ulp * np.spacing(float(m2))


def normal(offset, size=5000, dtype="f8"):
    return (np.random.default_rng(0).normal(size=size) + offset).astype(dtype)


NASTY = {
    "sorted": np.sort(normal(1e4)),
    "steps": np.repeat(np.arange(5.0) * 1e6, 1000) + normal(0.0),
    "mean 1": normal(1e0),
    "mean 1e4": normal(1e4, dtype="f4"),
    "mean 1e8": normal(1e8),
    "mean 1e12": normal(1e12),
    "float32 1e8": (normal(0) * 1e3 + 1e8).astype("f4"),
    "spike first": np.r_[1e15, np.ones(4999)],
    "spike later": np.r_[np.ones(3000), 1e15, np.ones(1999)],
    "spike amid noise": np.r_[1e15, normal(1.0)],
    "NumAcc4": np.r_[10000000.2, np.tile([10000000.1, 10000000.3], 2000)],
    "two values": np.repeat([0.1, 0.3], 4096),
    "two values in turn": np.tile([0.1, 0.3], 4096),
    "float16": normal(100, dtype="f2"),
    "int16": (normal(0) * 1000).astype("i2"),
    "int64 about 2**62": 2**62 + (normal(0) * 1000).astype("i8"),
    "int64 spike": np.r_[2**62, np.full(4999, 300)],
    "uint64 about 2**63": np.uint64(2**63) + np.arange(5000, dtype="u8"),
    "bool": np.arange(5000) % 7 == 0,
}


@pytest.mark.parametrize("name", NASTY)
def test_nasty_data_are_right_to_a_few_ulp(kernel, name):
    """Mean within 4 ulp of max(|mean|, std), and variance within 16, of the exact rational."""
    x = NASTY[name]
    agree(moments(x, (0,)), x.tolist())


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("cuts", [[1], [4097], [7, 1000, 1001, 4000]])
def test_nasty_data_are_right_in_chunks(name, cuts):
    """What is merged from ragged chunks is as near to the rational as what is read at once."""
    x = NASTY[name]
    total = np.zeros(1, RECORD)
    for part in np.split(x, cuts)[::-1]:
        total = merge(total, moments(part, (0,)))
    agree(total, x.tolist())


@pytest.mark.parametrize(
    "name", ["mean 1e12", "spike first", "NumAcc4", "steps", "int64 about 2**62"]
)
def test_columns_are_right_to_a_few_ulp(kernel, name):
    """Columns of rows are as near to the exact rational as runs are."""
    x = NASTY[name]
    columns = np.stack([x, x[::-1], x], axis=1)
    record = moments(columns, (0,))
    for j in range(3):
        agree(record[0, j], columns[:, j].tolist())


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays("f8", st.integers(1, 60), elements=st.floats(-1e9, 1e9, allow_subnormal=False)),
    st.lists(st.integers(0, 60), max_size=3),
)
def test_any_floats_in_any_chunks(x, cuts):
    """Blocks and merges of any float64 agree with the exact rational."""
    total = np.zeros(1, RECORD)
    for part in np.split(x, sorted(cuts)):
        total = merge(total, moments(part, (0,)))
    if float(exact(x)[1]) > 1e-200 or not exact(x)[1]:  # squares below that are subnormal
        agree(total, x.tolist())


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(st.sampled_from(INTEGERS), st.integers(1, 60)))
def test_any_integers(x):
    """No integer dtype wraps, rounds or overflows at its extremes."""
    agree(moments(x, (0,)), x.tolist())


@pytest.mark.parametrize(
    ("values", "dtype", "variance"),
    [
        ([2**53, 2**53 + 1, 2**53 + 3], "i8", Fraction(14, 9)),
        ([-(2**63), 2**63 - 1], "i8", Fraction(2**64 - 1, 2) ** 2),
        ([0, 2**64 - 1], "u8", Fraction(2**64 - 1, 2) ** 2),
        ([2**63, 2**63 + 2], "u8", 1),
    ],
)
def test_wide_integers_lose_nothing(kernel, values, dtype, variance):
    """64-bit integers beyond 2**53 keep the differences that a float64 would round away."""
    record = moments(np.tile(np.array(values, dtype), 50), (0,))
    error = Fraction(record["m2"].item()) / (50 * len(values)) - variance
    assert abs(error) <= 16 * np.spacing(float(variance))


@pytest.mark.parametrize("value", [0.1, -0.0, 1e300, 5e-324, np.float32(0.1), 2**53 + 1, True])
@pytest.mark.parametrize("shape", [(9001,), (600, 15)])
def test_constants_have_no_variance(kernel, value, shape):
    """Constant data have m2 of exactly 0 and exactly their value as mean, weighted or not."""
    x = np.full(shape, value)
    axes = tuple(range(x.ndim))
    for weights in (None, np.random.default_rng(0).random(shape)):
        for along in (axes, (0,)):
            record = merge(moments(x, along, weights), moments(x[:7], along, None))
            assert (record["m2"] == 0).all()
            assert (record["m2_rest"] == 0).all()
            mean = Fraction(record["mean"].flat[0]) + Fraction(record["mean_rest"].flat[0])
            assert mean == Fraction(x.flat[0].item())


def test_missing_values_are_counted_out(kernel):
    """NaN takes no part, and is counted."""
    x = normal(5.0, 9000)
    x[::3] = np.nan
    for shape, axes in [((9000,), (0,)), ((900, 10), (0, 1))]:
        record = moments(x.reshape(shape), axes)
        assert record["count"].item() == 6000
        assert record["missing"].item() == 3000
        agree(record, x.tolist())


def test_all_missing_is_count_zero(kernel):
    """Where everything is missing, all but ``missing`` is the identity."""
    record = moments(np.full((300, 2), np.nan, "f4"), (0,))
    assert record["missing"].tolist() == [[300.0, 300.0]]
    record["missing"] = 0
    assert (record == np.zeros(1, RECORD)).all()


@pytest.mark.parametrize("bad", [[np.inf], [-np.inf], [np.inf, -np.inf], [np.inf, np.nan]])
@pytest.mark.parametrize("shape", [(2000,), (500, 4)])
def test_infinities_make_a_record_nan(kernel, bad, shape):
    """One infinity makes mean and m2 NaN, with a count above 0, and merging keeps them so."""
    x = normal(0.0, 2000)
    x[4 : 4 + 4 * len(bad) : 4] = bad
    clean = moments(normal(0.0, 2000), (0,))
    record = moments(x.reshape(shape), tuple(range(len(shape))))
    for r in (record, merge(record.ravel(), clean), merge(clean, record.ravel())):
        assert r["count"].item() > 0
        assert np.isnan(r["mean"]).all()
        assert np.isnan(r["m2"]).all()
    if shape == (500, 4):
        columns = moments(x.reshape(shape), (0,))
        assert np.isnan(columns["m2"]).ravel().tolist() == [True, False, False, False]


def test_overflowing_squares_do_not_raise(kernel):
    """Squares beyond float64 make m2 not finite, without an exception or a warning."""
    assert not np.isfinite(moments(np.tile([1e200, -1e200], 99), (0,))["m2"]).any()
    assert not np.isfinite(moments(np.tile([1.7e308, -1.7e308], 99), (0,))["m2"]).any()


@pytest.mark.parametrize("shape", [(6000,), (1500, 4), (4, 1500)])
def test_weights_against_the_rational(kernel, shape):
    """Weighted mean and m2 are right to 1e-13, with zero weights and missing values."""
    rng = np.random.default_rng(3)
    x = normal(1e6, 6000)
    w = rng.random(6000) * (rng.random(6000) < 0.8)
    x[::11] = np.nan
    x[w == 0] = np.inf
    axes = tuple(range(len(shape)))
    record = moments(x.reshape(shape), axes, w.reshape(shape))
    mean, m2 = exact(np.where(w > 0, x, 0).tolist(), w.tolist())
    assert record["mean"].item() == pytest.approx(float(mean), rel=1e-13)
    assert record["m2"].item() == pytest.approx(float(m2), rel=1e-13)
    assert record["count"].item() == pytest.approx(w[~np.isnan(x)].sum(), rel=1e-13)
    assert record["missing"].item() == pytest.approx(w[np.isnan(x) & (w > 0)].sum(), rel=1e-13)


@pytest.mark.parametrize("weights", [np.arange(4), np.ones((500, 1), "f4"), np.float64(2), True])
def test_weights_broadcast(kernel, weights):
    """Weights of any real dtype stand along the axes they have."""
    x = normal(0.0, 2000).reshape(500, 4)
    whole = np.broadcast_to(np.asarray(weights, "f8"), x.shape).copy()
    a, b = moments(x, (0, 1), weights), moments(x, (0, 1), whole)
    assert a["mean"].item() == pytest.approx(b["mean"].item(), rel=1e-14)
    assert a["m2"].item() == pytest.approx(b["m2"].item(), rel=1e-14)


@pytest.mark.parametrize(
    ("weight", "got"), [(np.nan, "NaN"), (np.inf, "inf"), (-1.0, "-1.0"), (-np.inf, "-inf")]
)
def test_bad_weights_are_refused(weight, got):
    """A weight that is NaN, infinite or negative is named in a ValueError."""
    with pytest.raises(ValueError, match=f"finite and at least 0, got {got}"):
        moments(np.ones(3), (0,), np.array([1.0, weight, 2.0]))


def test_weights_of_another_shape_are_refused():
    """Weights that do not broadcast are a ValueError that says both shapes."""
    with pytest.raises(ValueError, match=r"shape of x \(3,\), got shape \(2,\)"):
        moments(np.ones(3), (0,), np.ones(2))


@pytest.mark.parametrize("dtype", ["c8", "O", "M8[s]", "g", "S3", [("a", "f4")]])
def test_other_dtypes_are_refused(dtype):
    """What is not a boolean, an integer or a float up to 64 bits is a TypeError that names it."""
    with pytest.raises(TypeError, match="got dtype"):
        moments(np.zeros(3, dtype), (0,))


@pytest.mark.parametrize("axes", [(1,), (-2,), (0, 0), (0, -1)])
def test_bad_axes_are_refused(axes):
    """An axis that does not exist, or is named twice, is a ValueError."""
    with pytest.raises(ValueError, match="axes must"):
        moments(np.zeros(3), axes)


@pytest.mark.parametrize(
    ("shape", "axes", "result"),
    [
        ((), (), ()),
        ((0,), (0,), (1,)),
        ((0, 3), (0,), (1, 3)),
        ((0, 3), (1,), (0, 1)),
        ((3,), (), (3,)),
    ],
)
def test_sizes_of_nothing(shape, axes, result):
    """Empty blocks give identities, and no axes give a record for each element."""
    record = moments(np.ones(shape), axes)
    assert record.shape == result
    assert (record["count"] == (0 if 0 in shape else 1)).all()


def test_small_blocks_never_wake_the_compiler():
    """Importing the kernels and using them on small blocks leaves Numba alone."""
    code = WITHOUT_COMPILER + (
        "import numpy as np; from dasknorm.kernels import *\n"
        "s = moments(np.ones((100, 9)), (0,)); merge_along(merge(s, s), (1,))\n"
        "restore(standardize(np.ones(9), np.ones(1, AFFINE), 'f4'), np.ones(1, AFFINE), 'f4')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
