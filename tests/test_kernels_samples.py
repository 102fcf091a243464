"""Kernels whose first guess of the mean is misled by a sample, and every float16 value."""

import numpy as np
import pytest
from test_kernels import agree, exact, normal

from dasknorm.kernels import moments


@pytest.mark.parametrize("at_the_sample", [1e8, np.nan, np.inf])
@pytest.mark.parametrize(("shape", "sample"), [((5000,), 8), ((5000, 150), 20), ((40, 700), 8)])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_misleading_sample_costs_no_digit(kernel, shape, sample, at_the_sample, weighted):
    """Where the values of a first guess are unlike the rest, tiles are read again."""
    x = normal(1e6, shape)
    axis = 1 if shape == (40, 700) else 0
    every = shape[axis] // sample | 1
    np.moveaxis(x, axis, 0)[::every] = at_the_sample
    weights = np.random.default_rng(1).random(shape) if weighted else None
    record = moments(x, (axis,), weights)
    columns = np.moveaxis(x, axis, 0).reshape(shape[axis], -1)
    for j in (0, columns.shape[1] - 1):
        one = record.ravel()[j]
        if at_the_sample == np.inf:
            assert np.isnan(one["mean"])
            continue
        if weighted:
            column_weights = np.moveaxis(weights, axis, 0).reshape(columns.shape)[:, j]
            mean, m2 = exact(columns[:, j].tolist(), column_weights.tolist())
            assert one["mean"] == pytest.approx(float(mean), rel=1e-15)
            assert one["m2"] == pytest.approx(float(m2), rel=1e-13)
        else:
            agree(one, columns[:, j].tolist())


def test_every_float16_is_what_numpy_says():
    """All 65,536 float16 are read as NumPy converts them, in runs and in rows."""
    x = np.arange(1 << 16, dtype="u2").view("f2").repeat(2)
    record = moments(x.reshape(1, -1), (0,))[0]
    with np.errstate(invalid="ignore"):
        wide = x.astype("f8")
    fine = np.isfinite(wide)
    np.testing.assert_array_equal(record["mean"][fine], wide[fine])
    np.testing.assert_array_equal(record["count"], ~np.isnan(wide))
    assert np.isnan(record["mean"][np.isinf(wide)]).all()
    agree(moments(x[fine], (0,))[0], wide[fine].tolist())
