"""Weights and masks: by latitude, by DataArray and by where=, against exact sums."""

from decimal import Decimal, localcontext
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from support.exact_results import assert_exact, compute_exact
from support.strategies import chunkings, weights_for

import dasknorm as dn
from dasknorm.containers import latitudes
from dasknorm.kernels import block_moments, moments

LATS = {
    "area": lambda n: np.linspace(90, -90, n),
    "coslat": lambda n: np.linspace(90, -90, n),
    "gaussian": latitudes.gaussian_latitudes,
}
"""Latitudes from north to south that each kind of weights takes."""


def field(values: np.ndarray, lat: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, dims=("time", "lat", "lon"), coords={"lat": lat}, name="t")


def along(kind: str, lat: np.ndarray) -> np.ndarray:
    """Return the weights of a kind as numbers that go along with (time, lat, lon)."""
    return getattr(latitudes, kind)(lat)[:, None]


@st.composite
def fields(draw: Any, kind: str) -> xr.DataArray:
    """Draw a field with holes, on latitudes that ascend or descend."""
    shape = tuple(draw(st.integers(least, 6)) for least in (1, 2, 1))
    steps = draw(st.lists(st.integers(-99, 99), min_size=1, max_size=20))
    values = 250.0 + 0.1 * np.resize(np.array(steps, "f8"), shape)
    values[np.resize(draw(st.lists(st.booleans(), min_size=1, max_size=9)), shape)] = np.nan
    values = values.astype(draw(st.sampled_from(["f4", "f8"])))
    lat = LATS[kind](shape[1])
    return field(values, lat[::-1] if draw(st.booleans()) else lat)


def check(stats: dn.Stats, values: np.ndarray, weights: Any) -> None:
    """Compare statistics with exact weighted sums; they are NaN if the total weight is 0."""
    counted = np.broadcast_to(weights, values.shape)[~np.isnan(values)]
    if not counted.sum():
        assert np.isnan(stats.mean)
        return
    exact = compute_exact(values, weights)
    assert_exact(float(stats.mean), float(stats.variance), exact, weighted=True)
    assert float(stats.count) == pytest.approx(float(exact.count), rel=1e-13)


# -- against the exact sums -----------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:no valid values")
@pytest.mark.parametrize("kind", LATS)
@given(data=st.data())
def test_weights_by_latitude_are_exact(kind: str, data: Any) -> None:
    """Mean and variance equal the exact sums, in memory and cut in any way."""
    t = data.draw(fields(kind))
    weights = along(kind, t["lat"].values)
    if not np.broadcast_to(weights, t.shape).any():  # coslat, of the two poles alone
        return
    check(dn.adapt(t, over=t.dims, weights=kind), t.values, weights)
    cut = field(da.from_array(t.values, chunks=data.draw(chunkings(t.shape))), t["lat"].values)
    check(dn.adapt(cut, over=t.dims, weights=kind), t.values, weights)


@pytest.mark.filterwarnings("ignore:no valid values")
@given(data=st.data())
def test_two_dimensional_weights_and_masks_are_exact(data: Any) -> None:
    """Areas of cells, turned and cut in any way, and a mask weigh each value as they should."""
    t = data.draw(fields("area"))
    areas = data.draw(weights_for(t.shape[1:]))
    mask = np.resize(data.draw(st.lists(st.booleans(), min_size=1, max_size=9)), t.shape[1:])
    both = np.where(mask, areas, 0.0)
    if not both.any():
        return
    area_weights = xr.DataArray(areas, dims=("lat", "lon"), coords={"lat": t["lat"], "run": 1}).T
    where = xr.DataArray(mask, dims=("lat", "lon"))
    if data.draw(st.booleans()):
        area_weights = area_weights.copy(
            data=da.from_array(area_weights.values, chunks=data.draw(st.integers(1, 5)))
        )
        where = where.chunk(data.draw(st.integers(1, 5)))
    cut = t.copy(data=da.from_array(t.values, chunks=data.draw(chunkings(t.shape))))
    for item in (t, cut):
        check(dn.adapt(item, over=t.dims, weights=area_weights, where=where), t.values, both)


WEIGHTS: dict[str, dict[str, Any]] = {
    "area": {"weights": "area"},
    "coslat": {"weights": "coslat"},
    "2-D": {"weights": xr.DataArray(np.random.default_rng(0).random((9, 8)), dims=("lat", "lon"))},
    "float32": {"weights": xr.DataArray(np.full((9, 8), 0.1, "f4"), dims=("lat", "lon"))},
    "mask": {"where": xr.DataArray(np.arange(72).reshape(9, 8) % 3 > 0, dims=("lat", "lon"))},
}
WEIGHTS["area of a mask"] = WEIGHTS["area"] | WEIGHTS["mask"]


@pytest.mark.parametrize("chunks", [None, {"time": 1}, {"time": 2, "lat": 4, "lon": 3}])
@pytest.mark.parametrize("kind", WEIGHTS)
def test_a_masked_constant_has_mean_1(kind: str, chunks: Any) -> None:
    """The mean of 1 with holes is exactly 1 and its std exactly 0, whatever the weights."""
    ones = np.ones((5, 9, 8), "f4")
    ones[:, ::2, 3] = np.nan
    ones[0] = np.nan
    t = field(ones, np.linspace(-90, 90, 9))
    stats = dn.adapt(t if chunks is None else t.chunk(chunks), over=t.dims, **WEIGHTS[kind])
    assert (float(stats.mean), float(stats.std)) == (1.0, 0.0)


@pytest.mark.parametrize("shape", [(3, 40, 1440), (12, 100, 100), (2, 9, 7000), (60, 60, 40)])
@pytest.mark.parametrize("kind", ["?", "f4", "f8", ">f4", "i2"])
def test_large_blocks_of_weights(monkeypatch: Any, shape: tuple[int, ...], kind: str) -> None:
    """Compiled loops read weights of any dtype, the common ones where they lie."""
    rng = np.random.default_rng(1)
    x = rng.normal(280, 10, shape).astype("f4")
    x[rng.random(shape) < 0.1] = np.nan
    x[0, 3] = np.inf
    drawn = rng.random((2, *shape)) * 9
    drawn[:, :, 3] = 0
    if kind in ("?", "f4", "f8"):
        monkeypatch.setattr(block_moments, "_merge_converted", None)
    for subset in (drawn[0, :1], drawn[1]):
        weights = (subset > 3 if kind == "?" else subset.astype(kind)) * np.ones(1, kind)
        (record,) = moments(x, (0, 1, 2), weights).ravel()
        exact = compute_exact(np.where(np.isinf(x), np.nan, x), weights.astype("f8"))
        assert_exact(record["mean"], record["m2"] / record["count"], exact, weighted=True)


# -- what latitudes weigh -------------------------------------------------------------------------


def test_cells_end_at_the_poles_and_midway_between_neighbours() -> None:
    """A node at a pole has half a cell, right to the last digits, in either direction."""
    lat = np.linspace(-90, 90, 721)
    weights = latitudes.area(lat)
    assert weights[0] == pytest.approx(2 * np.sin(np.deg2rad(0.125 / 2)) ** 2, rel=1e-15)
    assert weights[360] == pytest.approx(2 * np.sin(np.deg2rad(0.125)), rel=1e-15)
    assert weights.sum() == pytest.approx(2, abs=1e-14)
    np.testing.assert_allclose(weights, weights[::-1], rtol=1e-15)
    np.testing.assert_array_equal(latitudes.area(lat[::-1]), weights[::-1])
    centres = np.linspace(-89.5, 89.5, 180)
    assert latitudes.area(centres).sum() == pytest.approx(2, abs=1e-14)
    region = latitudes.area([40.0, 50.0])  # from 35 to 55
    assert region.sum() == pytest.approx(np.sin(np.deg2rad(55)) - np.sin(np.deg2rad(35)))


def test_bounds_are_the_edges_where_there_are_some() -> None:
    """Given bounds, in either order, replace what neighbours would say; one cell is enough."""
    edges = [[0, 10], [40, 10]]
    expected = np.sin(np.deg2rad([10, 40])) - np.sin(np.deg2rad([0, 10]))
    np.testing.assert_allclose(latitudes.area([5, 20], edges), expected, rtol=1e-14)
    assert latitudes.area([5], [[-90, 90]]).tolist() == [2.0]


def test_the_cosine_is_0_at_the_poles() -> None:
    """cos(90 degrees) is 0, and not 6e-17; next to a pole no digit is lost."""
    result = latitudes.coslat([-90, -60, 0, 89.999, 90])
    assert result[[0, 2, 4]].tolist() == [0, 1, 0]
    assert result[3] == pytest.approx(np.sin(np.deg2rad(90 - 89.999)), rel=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 64, 65])
def test_gaussian_weights_integrate_polynomials(n: int) -> None:
    """The quadrature is exact for powers of the sine up to 2 n - 1, and NumPy's where that is."""
    lat = latitudes.gaussian_latitudes(n)
    weights = latitudes.gaussian(lat.astype("f4"))
    for power in range(min(2 * n, 20)):
        result = (weights * np.sin(np.deg2rad(lat)) ** power).sum()
        assert result == pytest.approx((1 - (-1) ** (power + 1)) / (power + 1), abs=1e-14)
    nodes, other = np.polynomial.legendre.leggauss(n)
    np.testing.assert_allclose(np.sin(np.deg2rad(lat)), nodes[::-1], atol=1e-14)
    np.testing.assert_allclose(weights, other, rtol=1e-11)
    np.testing.assert_array_equal(latitudes.gaussian(lat[::-1]), weights[::-1])


@pytest.mark.parametrize(("n", "at"), [(64, 0), (320, 5), (1280, 0), (1280, 1), (1280, 639)])
def test_gaussian_weights_to_14_digits(n: int, at: int) -> None:
    """Nodes and weights are those of 40-digit arithmetic, next to the poles too."""
    lat = latitudes.gaussian_latitudes(n)
    x, weight = in_decimals(n, float(np.sin(np.deg2rad(lat[at]))))
    assert latitudes.gaussian(lat)[at] == pytest.approx(weight, rel=1.2e-14)
    assert np.sin(np.deg2rad(lat[at])) == pytest.approx(x, rel=2e-16)


def in_decimals(n: int, guess: float) -> tuple[float, float]:
    """Return a node, by Newton's method from a guess, and its weight."""
    with localcontext() as context:
        context.prec = 40
        x = Decimal(guess)
        for _ in range(4):
            before, value = Decimal(1), x
            for k in range(1, n):
                before, value = value, ((2 * k + 1) * x * value - k * before) / (k + 1)
            slope = n * (before - x * value) / (1 - x * x)
            result, x = x, x - value / slope
        return float(result), float(2 / ((1 - result * result) * slope * slope))


@pytest.mark.parametrize(
    ("kind", "lat", "message"),
    [
        ("area", [0, 90.1], "degrees from -90 to 90, got 90.1"),
        ("coslat", [0, np.nan], "degrees from -90 to 90, got nan"),
        ("area", [0, 20, 10], "got 0, 20, 10 one after the other"),
        ("coslat", [10, 10], "got 10, 10, 10 one after the other"),
        ("area", [5], "at least 2 latitudes are needed, got 1"),
        ("coslat", [], "at least 1 latitudes are needed, got 0"),
        ("area", [[5, 6]], r"one dimension, got shape \(1, 2\)"),
        ("gaussian", np.linspace(90, -90, 64), "90 is not one of them, the nearest is 87.86"),
        ("gaussian", latitudes.gaussian_latitudes(64)[8:], "not those of a Gaussian grid of 56"),
        ("gaussian", latitudes.gaussian_latitudes(64) + 2e-3, "off by 0.001 degrees"),
    ],
)
def test_latitudes_that_are_refused(kind: str, lat: Any, message: str) -> None:
    """What are no latitudes, or not of a Gaussian grid, is an error that says which."""
    with pytest.raises(ValueError, match=message):
        getattr(latitudes, kind)(lat)


@pytest.mark.parametrize(
    "bounds", [[[0, 10]], [[0, 10], [30, 40]], [[5, 5], [10, 30]], [[0, 10], [10, 91]]]
)
def test_bounds_that_are_refused(bounds: Any) -> None:
    """Bounds must be two for each latitude, around it, and within the poles."""
    with pytest.raises(ValueError, match="bounds of"):
        latitudes.area([5, 20], bounds)


def test_each_node_of_a_tree_has_its_own_latitude() -> None:
    """A word weighs each node of a tree by its own latitude, as if it were a Dataset alone."""
    rng = np.random.default_rng(0)
    nodes = {
        f"/{name}": xr.Dataset(
            {"t": (("time", "lat"), rng.normal(280, 9, (4, size)))},
            {"lat": np.linspace(90, -90, size)},
        )
        for name, size in (("coarse", 5), ("fine", 9))
    }
    stats = dn.adapt(xr.DataTree.from_dict(nodes), weights="area")
    for path, node in nodes.items():
        expected = dn.adapt(node, weights="area")
        xr.testing.assert_identical(stats.mean[path]["t"], expected.mean["t"])
        xr.testing.assert_identical(stats.std[path]["t"], expected.std["t"])


def test_what_a_mask_leaves_out_is_no_surprise() -> None:
    """Where all is missing there is a warning, but not where a mask has said so; land stays NaN."""
    sea = xr.DataArray(
        np.random.default_rng(0).normal(15, 3, (6, 2, 3)), dims=("time", "lat", "lon"), name="sst"
    )
    land = xr.DataArray([[True, False, False], [False, False, True]], dims=("lat", "lon"))
    sea = sea.where(~land)
    for item in (sea, sea.chunk(time=2)):
        stats = dn.adapt(item, over="time", where=~land)
        assert (stats.count == xr.where(land, 0, 6)).all()
        assert (np.isnan(stats.normalize(item)) == land).all()
        with pytest.warns(UserWarning, match=r"no valid values in 'sst' at lat=0, lon=0 and lat=1"):
            dn.adapt(item, over="time")
