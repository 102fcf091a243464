"""The merge of moments: its identity, any order, and the double-double arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dasknorm.kernels import RECORD, arithmetic, in_numpy, merge, merge_along, moments

numbers = st.floats(-1e12, 1e12, allow_subnormal=False).map(lambda v: v if abs(v) > 1e-60 else 0.0)
blocks = st.lists(numbers, min_size=1, max_size=8).map(lambda v: moments(np.array(v), (0,)))


def value(record, name):
    """A double-double of a record as a rational."""
    return Fraction(record[name].item()) + Fraction(record[name + "_rest"].item())


def within_an_ulp(a, b):
    """Two records of the same data differ by 1 ulp of max(|mean|, std), and of m2, at most."""
    std = (a["m2"].item() / a["count"].item()) ** 0.5
    mean = np.spacing(max(abs(a["mean"].item()), std))
    assert a["count"] == b["count"]
    assert abs(value(a, "mean") - value(b, "mean")) <= mean
    assert abs(value(a, "m2") - value(b, "m2")) <= np.spacing(a["m2"].item())


@settings(deadline=None)
@given(blocks, blocks)
def test_merging_commutes(a, b):
    """merge(a, b) and merge(b, a) agree to 1 ulp."""
    within_an_ulp(merge(a, b), merge(b, a))


@settings(deadline=None)
@given(blocks, blocks, blocks)
def test_merging_associates(a, b, c):
    """merge(merge(a, b), c) and merge(a, merge(b, c)) agree to 1 ulp."""
    within_an_ulp(merge(merge(a, b), c), merge(a, merge(b, c)))


@pytest.mark.parametrize("mean", [0.1, -0.0, 1e308, np.nan])
def test_zeros_are_the_identity_bit_for_bit(merge_kernel, mean):
    """A record of zeros changes no bit of the record it is merged with, from either side."""
    record = np.array([(3.0, mean, 1e-18, 5.0, 1e-17, 2.0)], RECORD)
    zeros = np.zeros(1, RECORD)
    assert merge(zeros, record).tobytes() == record.tobytes()
    assert merge(record, zeros).tobytes() == record.tobytes()


def test_a_billion_equal_means_stay_equal():
    """Doubling constant data to more than 1e9 values moves neither mean nor m2 by a bit."""
    for x in (np.full(3, 0.1), np.full(7, 2**53 + 1), np.full(5, 1e300)):
        record = first = moments(x, (0,))
        while record["count"] < 1e9:
            record = merge(record, merge(record, first))
        for name in ("mean", "mean_rest", "m2", "m2_rest"):
            assert record[name] == first[name]


def test_the_order_of_a_thousand_merges_does_not_matter():
    """Shuffled chunks of the NIST NumAcc4 kind merge to one mean and one m2."""
    x = np.r_[10000000.2, np.tile([10000000.1, 10000000.3], 500)]
    parts = moments(x[:1000].reshape(100, 10), (1,))
    rng = np.random.default_rng(0)
    results = {
        tuple(merge_along(rng.permutation(parts), (0,))[["mean", "m2"]].item()) for _ in range(50)
    }
    assert len(results) == 1


def test_merge_broadcasts():
    """Records of different shapes merge as arrays of numbers add."""
    a, b = moments(np.arange(6.0).reshape(2, 3), ()), moments(np.arange(3.0), ())
    both = merge(a, b)
    assert both.shape == (2, 3)
    assert both["mean"].tolist() == [[0.0, 1.0, 2.0], [1.5, 2.5, 3.5]]
    assert merge(a[0, 0], b[1])["m2"] == 0.5


@pytest.mark.parametrize("axes", [(), (0,), (1,), (2,), (0, 2), (-1, 0), (0, 1, 2)])
@pytest.mark.parametrize("shape", [(30, 7, 5), (5000, 2, 1), (1, 2, 5000)])
def test_merge_along_is_what_moments_would_say(merge_kernel, axes, shape):
    """Merging records of single values along axes gives the moments along these axes."""
    x = np.random.default_rng(0).normal(size=shape) + 1e6
    singles = moments(x, ())
    copy = singles.copy()
    merged, direct = merge_along(singles, axes), moments(x, axes)
    assert merged.shape == direct.shape
    np.testing.assert_array_equal(merged["count"], direct["count"])
    np.testing.assert_allclose(merged["mean"], direct["mean"], rtol=1e-15)
    np.testing.assert_allclose(merged["m2"], direct["m2"], rtol=1e-14)
    assert singles.tobytes() == copy.tobytes()


def test_merging_never_writes_to_what_it_is_given():
    """Arguments may be read-only, and stay as they are."""
    a, b = moments(np.arange(9.0), ()), moments(np.arange(9.0) + 1, ())
    before = a.tobytes(), b.tobytes()
    a.flags.writeable = b.flags.writeable = False
    merge(a, b)
    merge_along(a, (0,))
    assert (a.tobytes(), b.tobytes()) == before


@pytest.mark.parametrize(("shape", "axes", "result"), [((0, 3), (0,), (1, 3)), ((0,), (0,), (1,))])
def test_merging_nothing_gives_zeros(shape, axes, result):
    """Along an axis of size 0 the result is the identity."""
    record = merge_along(np.zeros(shape, RECORD), axes)
    assert record.shape == result
    assert record.tobytes() == np.zeros(result, RECORD).tobytes()


def test_other_arrays_are_refused():
    """An array without records is a TypeError that names its dtype."""
    with pytest.raises(TypeError, match="a must be of dtype RECORD, got float64"):
        merge(np.zeros(2), np.zeros(2, RECORD))
    with pytest.raises(TypeError, match="records must be of dtype RECORD, got int64"):
        merge_along(np.zeros(2, "i8"), (0,))


@settings(deadline=None)
@given(numbers, numbers)
def test_transforms_are_free_of_error(a, b):
    """A sum or a product and its rest are together the exact one."""
    assert Fraction(a) + Fraction(b) == sum(map(Fraction, arithmetic.two_sum(a, b)))
    assert Fraction(a) * Fraction(b) == sum(map(Fraction, arithmetic.two_product(a, b)))


@settings(deadline=None)
@given(numbers, st.floats(-1e-5, 1e-5, allow_subnormal=False), st.integers(1, 10**9))
def test_division_carries_a_hundred_bits(a, rest, divisor):
    """A double-double over a count is right to 2**-100."""
    assume(abs(a) > 1)
    a, rest = arithmetic.two_sum(a, rest)
    true = (Fraction(a) + Fraction(rest)) / divisor
    actual = sum(map(Fraction, arithmetic.divide(a, rest, float(divisor))))
    assert abs(actual - true) <= abs(true) * Fraction(1, 2**100)


def test_folding_compiled_is_folding_in_numpy():
    """The compiled merge gives the bits of the one in NumPy."""
    from dasknorm.kernels.compiled.primitives import fold_flat

    rng = np.random.default_rng(0)
    a, b = (moments(rng.normal(size=(500, 3)) + 1e8, (1,)).ravel() for _ in range(2))
    compiled = a.copy()
    fold_flat(compiled.view("f8").reshape(-1, 6), b.view("f8").reshape(-1, 6))
    in_numpy.fold(a, b)
    assert compiled.tobytes() == a.tobytes()
