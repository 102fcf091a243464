"""Merging: the same variables are merged, different ones combined, and mixtures are rejected."""

import functools
import operator
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import dasknorm as dn

RNG = np.random.default_rng(0)
T = xr.DataArray(RNG.normal(280, 5, (12, 3)), dims=("time", "lev"), name="t")
U = xr.DataArray(RNG.normal(3, 8, (12,)), dims="time", name="u")
FRAME = pd.DataFrame(RNG.normal(size=(20, 3)), columns=list("abc"))


def statistics(data: Any) -> dn.Stats:
    return dn.adapt(data, over="time") if hasattr(data, "dims") else dn.adapt(data)


def test_variables_unite() -> None:
    """Statistics of different variables, side by side, are those of a Dataset of them."""
    whole = statistics(xr.Dataset({"t": T, "u": U}))
    for parts in ((T, U), (T.to_dataset(), U), (T.to_dataset(), U.to_dataset())):
        assert functools.reduce(operator.add, map(statistics, parts)) == whole


def test_jobs_run_apart_are_one() -> None:
    """Jobs for each year and variable equal one job for all data, up to rounding."""
    jobs = [statistics(data[i : i + 4]) for data in (T, U) for i in (0, 4, 8)]
    merged = sum(jobs[1:3], jobs[0]) + sum(jobs[4:], jobs[3])
    whole = statistics(xr.Dataset({"t": T, "u": U}))
    xr.testing.assert_allclose(merged.variance, whole.variance, rtol=1e-14)
    runs = [(run["dtypes"], run["batches"]) for run in merged.attrs["runs"]]
    assert runs == [({"t": "float64"}, 3), ({"u": "float64"}, 3)]


def test_columns_unite() -> None:
    """Statistics of different columns are those of a frame that has them all."""
    whole = dn.adapt(FRAME)
    for parts in ([FRAME[["a", "b"]], FRAME[["c"]]], [FRAME[name] for name in "abc"]):
        both = functools.reduce(operator.add, map(dn.adapt, parts))
        pd.testing.assert_series_equal(both.std, whole.std, rtol=1e-15)
        pd.testing.assert_frame_equal(both.normalize(FRAME), whole.normalize(FRAME), rtol=1e-13)


def test_lazy_statistics_unite_lazily() -> None:
    """Lazy statistics of different variables stay lazy in their union."""
    lazy = [data.copy(data=da.from_array(data.values, chunks=4)) for data in (T, U)]
    both = dn.adapt(lazy[0], over="time", compute=False) + dn.adapt(lazy[1], compute=False)
    xr.testing.assert_allclose(
        both.compute().mean, xr.Dataset({"t": T.mean("time"), "u": U.mean()})
    )


def test_given_statistics_unite() -> None:
    """Statistics given without a count cannot be merged, but stand side by side."""
    one = dn.Stats.from_values(mean=pd.Series({"a": 1.0}), std=2.0)
    both = one + dn.Stats.from_values(mean=pd.Series({"b": 3.0}), std=4.0)
    assert both.std.to_dict() == {"a": 2.0, "b": 4.0}
    with pytest.raises(dn.MismatchError, match="without a count"):
        one + one


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (xr.Dataset({"t": T, "u": U}), T, r"statistics of \['t', 'u'\] and \['t'\]"),
        (FRAME, FRAME[["a"]], "identical or disjoint"),
        (FRAME, T, "cannot be combined"),
        (FRAME.to_numpy(), T, "identical or disjoint"),
    ],
    ids=["some-variables", "some-columns", "frame-and-array", "array-without-a-name"],
)
def test_what_is_neither_is_refused(left: Any, right: Any, message: str) -> None:
    """Sets that have only some names in common would count those twice and others once."""
    with pytest.raises(dn.MismatchError, match=message):
        statistics(left) + statistics(right)
