"""Plots show the results with names and units, and leave global state unchanged."""

import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import needs

import dasknorm as dn

pytestmark = needs("matplotlib")

RNG = np.random.default_rng(0)
GRID = xr.Dataset(
    {
        "t": (("time", "level", "lat"), 280 + RNG.normal(size=(8, 3, 4)), {"units": "K"}),
        "q": (("time", "level", "lat"), RNG.normal(size=(8, 3, 4))),
        "sst": ("time", 290 + RNG.normal(size=8), {"units": "K", "long_name": "sea surface"}),
    },
    {
        "time": pd.date_range("2000", periods=8, freq="MS"),
        "level": [1000.0, 500.0, 100.0],
        "lat": [-30.0, -10.0, 10.0, 30.0],
    },
)
FRAME = pd.DataFrame({"speed": [1.0, 3.0, 8.0], "height": [0.0, 8.0, 9.0], "kind": list("aba")})


def line(axes):
    """Return the points of the only line that is drawn."""
    (result,) = [item for item in axes.lines if len(item.get_xdata()) > 1]
    return result.get_xdata(), result.get_ydata()


def test_profiles_by_level():
    """Each variable kept by level is a profile of its means, the highest pressure at the bottom."""
    stats = dn.adapt(GRID[["t", "q"]], keep="level")
    axes = stats.plot().axes
    assert [item.get_xlabel() for item in axes] == ["t (K)", "q"]
    assert {item.get_ylabel() for item in axes} == {"level"}
    x, y = line(axes[0])
    np.testing.assert_array_equal(x, stats.mean["t"])
    np.testing.assert_array_equal(y, GRID.level)
    assert axes[0].yaxis_inverted()
    corners = axes[0].collections[0].get_paths()[0].vertices[:, 0]
    assert corners.min() == float((stats.mean - stats.std)["t"].min())


def test_maps_of_two_dimensions():
    """Two kept dimensions are two maps, of the mean and of the standard deviation."""
    stats = dn.adapt(GRID["t"], over="time")
    maps = [item for item in stats.plot().axes if item.get_title()]
    assert [item.get_title() for item in maps] == ["t: mean", "t: std"]
    for axes, values in zip(maps, (stats.mean, stats.std), strict=True):
        np.testing.assert_allclose(axes.collections[0].get_array(), values, rtol=1e-12)


@pytest.mark.parametrize(
    ("dim", "downwards"),
    [("isobaricInhPa", True), ("plev", True), ("elevation", False), ("height_level", False)],
)
def test_heights_are_upwards(dim, downwards):
    """Heights increase upwards, also where "lev" or "level" is in the name."""
    (axes,) = dn.adapt(GRID[["t"]].rename(level=dim), keep=dim).plot().axes
    assert axes.get_ylabel() == dim
    assert axes.yaxis_inverted() == downwards


@pytest.mark.parametrize(
    "labels",
    [
        [3.0, 1.0, 2.0],
        pd.timedelta_range("0h", periods=3, freq="6h"),
        [(2000, 1), (2000, 2), (2000, 3)],
        ["x", "y", "z"],
    ],
    ids=["unsorted", "timedelta", "objects", "text"],
)
def test_maps_of_labels_that_are_no_places(labels):
    """Rows whose labels cannot be laid out in order follow each other, each named."""
    index = pd.Index(labels, tupleize_cols=False)
    stats = dn.adapt(GRID["t"].assign_coords(level=("level", index)), over="time")
    axes = stats.plot().axes[0]
    texts = [item.get_text() for item in axes.get_yticklabels()]
    assert texts == [str(label) for label in index]
    np.testing.assert_array_equal(axes.get_yticks(), [0, 1, 2])
    np.testing.assert_allclose(axes.collections[0].get_array(), stats.mean, rtol=1e-12)


def test_many_labels_in_words_are_thinned():
    """Some of a hundred stations are named below the curve, each at its position."""
    names = [f"station {i}" for i in range(100)]
    data = xr.DataArray(RNG.normal(size=(4, 100)), {"place": names}, ("time", "place"))
    (axes,) = dn.adapt(data, over="time").plot().axes
    texts = [item.get_text() for item in axes.get_xticklabels()]
    assert 1 < len(texts) <= 24  # so many stand side by side in half of the picture
    assert texts == [names[int(at)] for at in axes.get_xticks()]


def test_curves_over_groups():
    """A climatology is a curve over its months; of a frame by group there are bars by group."""
    stats = dn.adapt(GRID["sst"], by="time.month")
    (axes,) = stats.plot().axes
    np.testing.assert_array_equal(line(axes)[1], stats.mean)
    assert axes.get_ylabel() == "sea surface (K)"
    (speed, _) = dn.adapt(FRAME, by="kind").plot().axes
    assert [item.get_text() for item in speed.get_xticklabels()] == ["a", "b"]


def test_points_share_their_units():
    """Variables of the same units lie on one axis, others and columns on their own."""
    stats = dn.adapt(GRID[["t", "sst", "q"]])
    first, second = stats.plot().axes
    assert [item.get_text() for item in first.get_yticklabels()] == ["t", "sea surface"]
    assert (first.get_xlabel(), second.get_xlabel()) == ("K", "")
    assert len(dn.adapt(FRAME).plot().axes) == 2


@pytest.mark.parametrize(
    ("statistic", "low", "high"),
    [
        (dn.Extrema(), "min", "max"),
        (dn.Quantiles(), "lower", "upper"),
        ([dn.Extrema(), dn.Quantiles()], "lower", "upper"),
    ],
    ids=["extrema", "quantiles", "several"],
)
def test_other_statistics_have_bands_too(statistic, low, high):
    """A bar goes from the minimum to the maximum, or from quantile to quantile."""
    stats = dn.adapt(FRAME[["speed"]], statistic)
    (axes,) = stats.plot().axes
    ((start, _), (end, _)) = axes.collections[0].get_segments()[0]
    assert (start, end) == (stats.result(low)["speed"], stats.result(high)["speed"])


def test_a_mean_of_a_largest_absolute_value():
    """MaxAbs is a bar around 0; units of a function's values are the function's."""
    (axes,) = dn.adapt(FRAME[["speed"]], dn.MaxAbs()).plot().axes
    ((start, _), (end, _)) = axes.collections[0].get_segments()[0]
    assert (start, end) == (-8.0, 8.0)
    (axes,) = dn.adapt(GRID[["sst"]], dn.Transformed("log")).plot().axes
    assert axes.get_xlabel() == "log(K)"


def test_what_cannot_be_drawn_is_said():
    """More than two dimensions and more than 24 variables are refused, with a way out."""
    many = GRID["t"].expand_dims(run=2)
    with pytest.raises(dn.MismatchError, match=r"kept along .*; take one position"):
        dn.adapt(many, over="time").plot()
    wide = pd.DataFrame(RNG.normal(size=(3, 25)))
    with pytest.raises(dn.MismatchError, match=r"got 25.*stats.select"):
        dn.adapt(wide).plot()


def test_nothing_global_is_touched():
    """No figure is left with pyplot, which is not even imported; a notebook shows the picture."""
    before = "matplotlib.pyplot" in sys.modules
    picture = dn.adapt(FRAME).plot()
    assert picture._repr_html_().startswith('<img src="data:image/png;base64,')
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_each_of_some_groups_is_named():
    """Sixteen airlines are all named below their bars."""
    names = [f"{i:02}" for i in range(16)]
    frame = pd.DataFrame({"delay": np.arange(32.0), "carrier": names * 2})
    (axes,) = dn.adapt(frame, by="carrier").plot().axes
    assert [item.get_text() for item in axes.get_xticklabels()] == names
