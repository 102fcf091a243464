"""Moments by group, compiled and plain, against exact fractions and one group at a time."""

from fractions import Fraction

import numpy as np
import pytest

from dasknorm import kernels
from dasknorm.kernels import RECORD, inputs, moments_by_group
from dasknorm.statistics import Moments, Statistic

RNG = np.random.default_rng(7)
N, GROUPS = 3000, 7


def _columns():
    normal = RNG.normal(size=N)
    yield "float64", 1e8 + normal
    yield "float32", (1e4 + normal).astype("f4")
    yield "float16", normal.astype("f2")
    yield "big-endian", normal.astype(">f8")
    yield "an outlier first", np.r_[1e12, normal[1:]]
    yield "with gaps", np.where(RNG.random(N) < 0.3, np.nan, normal)
    yield "int64", RNG.integers(2**60, 2**60 + 9, N)
    yield "uint64", RNG.integers(0, 9, N).astype("u8") + np.uint64(2**63)
    yield "int8", RNG.integers(-128, 127, N).astype("i1")
    yield "bool", normal > 0.5
    yield "constant", np.full(N, 0.1)
    yield "every second", np.repeat(normal, 2)[::2]


COLUMNS = dict(_columns())


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("weighted", [False, True])
def test_every_group_is_right(name, weighted, kernel):
    """The mean is within 4 ulp of max(|mean|, std), the variance within 16 (weighted: 1e-13)."""
    x = COLUMNS[name]
    codes = RNG.integers(-1, GROUPS, N)
    weights = RNG.integers(0, 5, N) / 4 if weighted else None
    out = moments_by_group(np.zeros(GROUPS + 1, RECORD), x, codes, weights)
    assert out[-1].tobytes() == bytes(RECORD.itemsize), "nothing was in the last group"
    for group in range(GROUPS):
        in_group = codes == group
        w = np.ones(N)[in_group] if weights is None else weights[in_group]
        _assert_right(out[group], x[in_group], w, 1e-13 if weighted else None)


def _assert_right(record, x, weights, rtol):
    pairs = [
        (Fraction(value), Fraction(w))
        for value, w in zip(x.astype(x.dtype.newbyteorder("=")).tolist(), weights, strict=True)
        if value == value and w
    ]
    count = sum(w for _, w in pairs)
    mean = sum(v * w for v, w in pairs) / count
    m2 = sum(w * (v - mean) ** 2 for v, w in pairs)
    scale = max(abs(float(mean)), float(m2 / count) ** 0.5)
    assert record["count"] == float(count)
    assert record["missing"] == sum(weights[x != x])
    result = Fraction(float(record["mean"])) + Fraction(float(record["mean_rest"]))
    assert abs(result - mean) <= 4 * Fraction(float(np.spacing(scale)))
    spread = Fraction(float(record["m2"])) + Fraction(float(record["m2_rest"]))
    allowed = Fraction(rtol) * m2 if rtol else 16 * Fraction(float(np.spacing(float(m2))))
    assert abs(spread - m2) <= (allowed if m2 else 0)


def test_it_merges_with_what_is_there(kernel):
    """Two calls give what one call with all values gives."""
    x, codes = COLUMNS["with gaps"], RNG.integers(0, GROUPS, N)
    whole = moments_by_group(np.zeros(GROUPS, RECORD), x, codes)
    parts = np.zeros(GROUPS, RECORD)
    for rows in (slice(0, 500), slice(500, None)):
        moments_by_group(parts, x[rows], codes[rows])
    assert (parts["count"] == whole["count"]).all()
    assert (parts["missing"] == whole["missing"]).all()
    np.testing.assert_allclose(parts["mean"], whole["mean"], rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(parts["m2"], whole["m2"], rtol=1e-14)


def test_infinities_spoil_their_group_only(kernel):
    """A group with an infinity has a state that is told to be unusable; the others are right."""
    x = np.array([1.0, np.inf, 3.0, 5.0, -np.inf, np.inf])
    out = moments_by_group(np.zeros(3, RECORD), x, np.array([0, 1, 0, 0, 2, 2]))
    assert Moments().is_invalid(out).tolist() == [False, True, True]
    assert out["mean"][0] == 3.0


def test_any_statistic_has_groups_by_its_own_merge():
    """The way of `Statistic`, by merging pairs, gives what the kernel gives."""
    x, codes = COLUMNS["with gaps"], np.random.default_rng(8).integers(-1, GROUPS, N)
    by_merging = np.zeros(GROUPS, RECORD)
    Statistic.add_by_group(Moments(), by_merging, x, codes)
    Statistic.add_by_group(Moments(), by_merging, x[:0], codes[:0])
    by_kernel = moments_by_group(np.zeros(GROUPS, RECORD), x, codes)
    assert (by_merging["count"] == by_kernel["count"]).all()
    np.testing.assert_allclose(by_merging["mean"], by_kernel["mean"], rtol=1e-14)
    np.testing.assert_allclose(by_merging["m2"], by_kernel["m2"], rtol=1e-14)


def test_wrong_shapes_and_codes_are_refused():
    """Arrays of other lengths are a ValueError, a group that is not there an IndexError."""
    records = np.zeros(2, RECORD)
    with pytest.raises(ValueError, match="differ"):
        moments_by_group(records, np.zeros(3), np.zeros(2, int))
    with pytest.raises(IndexError, match="group 2 of only 2"):
        moments_by_group(records, np.zeros(3), np.array([0, 1, 2]))
    with pytest.raises(TypeError, match="RECORD"):
        kernels.moments_by_group(np.zeros(2), np.zeros(3), np.zeros(3, int))


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("out", ["f2", "f4", "f8"])
@pytest.mark.parametrize("kernel", [kernels.standardize, kernels.restore])
def test_maps_by_group_are_the_maps_of_each_value(name, out, kernel, monkeypatch):
    """Large and small columns are mapped to the bits that a map for each value gives."""
    monkeypatch.setattr(inputs, "MIN_COMPILED", 0)
    x, codes = COLUMNS[name], RNG.integers(-1, GROUPS, N)
    affine = np.zeros(GROUPS + 1, kernels.AFFINE)
    affine["shift"] = RNG.normal(size=GROUPS + 1) + float(x[0])
    affine["shift_rest"] = 1e-20
    affine["scale"] = np.r_[1 + RNG.random(GROUPS), np.nan]
    actual = kernels.map_by_group(kernel, x, affine, codes, np.empty(N, out))
    want = kernel(x, affine[codes], np.dtype(out))
    assert actual.tobytes() == want.tobytes()


@pytest.mark.parametrize("weights", [[1e-25, 1.0, 0.5, 0.7], [1e-8, 1e8, 0.0, 0.0]])
def test_a_light_value_far_off_is_of_no_account(weights, kernel):
    """What weighs next to nothing is no shift to sum around, though it stands first."""
    x, weights = np.array([1e9, 0.1, -0.7, 1.3]), np.array(weights)
    out = moments_by_group(np.zeros(1, RECORD), x, np.zeros(4, int), weights)
    _assert_right(out[0], x, weights, 1e-13)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_weights_that_are_none_are_refused(bad, kernel):
    """Negative weights, NaN and infinity are a ValueError, as they are without groups."""
    with pytest.raises(ValueError, match="weights must be finite and at least 0"):
        moments_by_group(np.zeros(1, RECORD), np.ones(2), np.zeros(2, int), np.array([1.0, bad]))
