"""Weights of xarray objects from their latitudes, and masks for every container."""

from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.marked_chunks import count_loads, mark_loads
from support.optional import import_optional

import dasknorm as dn
from dasknorm import accessors, chunks
from dasknorm.chunks import lazy as lazy_module
from dasknorm.containers import latitudes

dd, pl, pa = (
    import_optional("dask.dataframe"),
    import_optional("polars"),
    import_optional("pyarrow"),
)

LAT = np.linspace(90, -90, 7)
VALUES = np.random.default_rng(0).normal(280, 10, (6, 7, 8))


def grid(**attrs: str) -> xr.Dataset:
    """Return a variable on a regular grid, and a profile that has none."""
    return xr.Dataset(
        {"t": (("time", "y", "x"), VALUES), "p": ("level", [1.0, 2.0, 6.0])},
        {"lat": ("y", LAT, attrs), "lon": ("x", np.arange(8) * 45.0)},
    )


def mean(data: Any, **how: Any) -> float:
    return float(np.asarray(dn.adapt(data, **how).mean))


AREA = float(np.average(VALUES.mean((0, 2)), weights=latitudes.area(LAT)))


# -- where the latitude is ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "attrs"),
    [
        ("lat", {}),
        ("Latitude", {}),
        ("phi", {"standard_name": "latitude"}),
        ("phi", {"units": "degrees_north"}),
        ("phi", {"units": "degreeN"}),
    ],
)
def test_a_latitude_is_known_by_its_attributes_or_its_name(name: str, attrs: Any) -> None:
    """CF attributes or a common name identify the latitude; its dimension has any name."""
    data = grid(**attrs).rename(lat=name)
    assert mean(data["t"], weights="area") == pytest.approx(AREA, rel=1e-13)
    stats = dn.adapt(data, weights="area")
    assert float(stats.mean["t"]) == pytest.approx(AREA, rel=1e-13)
    assert float(stats.mean["p"]) == 3.0
    assert float(stats.count["p"]) == 3.0
    assert mean(data["t"].swap_dims(y=name), weights="area") == pytest.approx(AREA, rel=1e-13)


def test_attributes_go_before_names() -> None:
    """Attributes take precedence over a coordinate's name."""
    data = grid().rename(lat="phi").assign_coords(lat=("time", np.arange(6.0)))
    data["phi"].attrs["standard_name"] = "latitude"
    assert mean(data["t"], weights="area") == pytest.approx(AREA, rel=1e-13)


@pytest.mark.parametrize("place", ["attrs", "encoding"])
def test_bounds_of_a_dataset_are_the_edges(place: str) -> None:
    """CF's bounds of the latitude make the cells; without their variable neighbours do."""
    edges = np.array([90, 80, 45, 20, -10, -50, -70, -90.0])
    data = grid().assign(lat_bnds=(("y", "side"), np.stack([edges[:-1], edges[1:]], 1)))
    data["lat_bnds"].attrs["units"] = "degrees_north"
    getattr(data["lat"], place)["bounds"] = "lat_bnds"
    sizes = -np.diff(np.sin(np.deg2rad(edges)))
    expected = np.average(VALUES.mean((0, 2)), weights=sizes)
    stats = dn.adapt(data, weights="area")
    assert float(stats.mean["t"]) == pytest.approx(expected, rel=1e-13)
    assert "lat_bnds" not in stats.states
    assert mean(data["t"], weights="area") == pytest.approx(AREA, rel=1e-13)
    assert mean(data["t"], weights="coslat") != mean(data["t"], weights="area")


CURVED = grid().assign_coords(lat=(("y", "x"), np.ones((7, 8))))
CELLS = xr.Dataset(
    {"t": ("cell", [1.0, 2])}, {"lat": ("cell", [1.0, 2]), "lon": ("cell", [3.0, 4])}
)


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (grid().drop_vars("lat"), "area", r"need a latitude: .* found \['lon'\]"),
        (
            grid(),
            "cos",
            "weights must be 'area', 'coslat', 'gaussian', 'days' or a DataArray, got 'cos'",
        ),
        (CURVED, "area", r"'lat' has dimensions \('y', 'x'\).*give the area of each cell"),
        (CELLS, "coslat", r"'lat' has dimensions \('cell',\), which the longitude has too"),
        (grid().isel(y=1), "area", "'lat' has no dimension: of one latitude all weighs the same"),
        (
            grid().assign_coords(latitude=("level", [1.0, 2, 3])),
            "area",
            r"need one latitude, found \['lat', 'latitude'\]",
        ),
        (grid(units="radians"), "area", "'lat': it looks like radians"),
        (grid().assign_coords(lat=np.deg2rad(grid()["lat"])), "area", "it looks like radians"),
        (grid().isel(y=[0, 2, 1]), "coslat", "weights='coslat' by the latitude 'lat': .*sort"),
        (grid(), "gaussian", "not those of a Gaussian grid of 7: 90 is not one of them"),
    ],
)
def test_latitudes_that_do_not_do(data: xr.Dataset, kind: str, message: str) -> None:
    """Data without a regular latitude raise an error with an alternative."""
    with pytest.raises(ValueError, match=message):
        dn.adapt(data, weights=kind)


def test_small_regions_are_degrees_if_they_say_so() -> None:
    """Latitudes near the equator are ambiguous with radians, unless they have units."""
    data = grid(units="degrees_north").assign_coords(lat=("y", LAT / 90, {"units": "degrees"}))
    assert np.isfinite(mean(data["t"], weights="area"))


@pytest.mark.parametrize("data", [VALUES, da.ones(5), pd.DataFrame({"a": [1.0]})])
def test_words_are_for_xarray(data: Any) -> None:
    """A string for weights raises an error for data without coordinates."""
    with pytest.raises(
        TypeError, match="weights='area' needs the coordinates of an xarray object, got"
    ):
        dn.adapt(data, weights="area")


# -- what it costs --------------------------------------------------------------------------------

KINDS: list[dict[str, Any]] = [
    {"weights": "area"},
    {"weights": xr.DataArray(np.ones((7, 8), "f4"), dims=("y", "x"))},
    {"where": xr.DataArray(np.ones((7, 8), bool), dims=("y", "x")).chunk(x=3)},
    {"where": xr.DataArray(VALUES > 280, dims=("time", "y", "x")), "weights": "coslat"},
]


@pytest.mark.parametrize("how", KINDS[:2] + KINDS[3:])
def test_weights_cost_no_task(how: dict[str, Any]) -> None:
    """Weights in memory are part of the streams and add no task."""
    big = grid().isel(time=np.arange(600) % 6).chunk(time=1)[["t"]]
    more = {key: item for key, item in how.items() if getattr(item, "ndim", 0) < 3}
    assert dn.plan(big, **more).tasks <= dn.plan(big).tasks + len(more)
    assert dn.plan(big, **more).chunks == dn.plan(big).chunks


@pytest.mark.parametrize("how", KINDS)
def test_each_chunk_is_read_once(tmp_path: Any, how: dict[str, Any]) -> None:
    """With weights or a mask, a chunk is loaded once, as without."""
    t = grid()["t"]
    dn.adapt(t.copy(data=mark_loads(t.values, (2, 3, 8), tmp_path)), **how)
    assert set(count_loads(tmp_path).values()) == {1}
    assert len(count_loads(tmp_path)) == 9


# -- masks ----------------------------------------------------------------------------------------

X = np.arange(12.0).reshape(6, 2)
X[0] = np.inf
MASK = np.array([False, True, True, True, False, True])
WEIGHTS = np.array([np.nan, 1.0, 2, 3, 9, 4])
FRAME = pd.DataFrame(X, columns=["a", "b"])
NAMED = xr.DataArray(X, dims=("time", "f"))

MASKED: dict[str, Any] = {
    "numpy": lambda: (X, MASK[:, None], WEIGHTS[:, None]),
    "dask": lambda: (da.from_array(X, chunks=(2, 1)), MASK[:, None], WEIGHTS[:, None]),
    "dask, both lazy": lambda: (
        da.from_array(X, chunks=(2, 1)),
        da.from_array(MASK[:, None], chunks=4),
        da.from_array(WEIGHTS[:, None], chunks=5),
    ),
    "pandas": lambda: (FRAME, MASK, WEIGHTS),
    "pandas, nullable": lambda: (FRAME, pd.Series(MASK).astype("boolean"), pd.Series(WEIGHTS)),
    "dask frame": lambda: tuple(
        dd.from_pandas(each, npartitions=3) for each in (FRAME, pd.Series(MASK), pd.Series(WEIGHTS))
    ),
    "polars": lambda: (pl.DataFrame(FRAME), pl.Series(MASK), pl.Series(WEIGHTS)),
    "polars, lazy": lambda: (
        pl.LazyFrame(FRAME.assign(m=MASK.astype(int), w=WEIGHTS)),
        pl.col("m") == 1,
        pl.col("w"),
    ),
    "arrow": lambda: (pa.table({"a": X[:, 0], "b": X[:, 1]}), pa.array(MASK), pa.array(WEIGHTS)),
    "xarray": lambda: (NAMED, *(xr.DataArray(each, dims="time") for each in (MASK, WEIGHTS))),
    "xarray, lazy": lambda: (
        NAMED.chunk(time=4),
        xr.DataArray(MASK, dims="time").chunk(time=5),
        xr.DataArray(WEIGHTS, dims="time"),
    ),
}


@pytest.mark.parametrize("kind", MASKED)
def test_masks_of_every_kind_of_data(kind: str) -> None:
    """Values off the mask are not counted, may be infinite, and have no weight to look at."""
    needed = {"polars": pl, "arrow": pa, "dask frame": dd}.get(kind.partition(",")[0], 1)
    if needed is None:
        pytest.skip("not installed")
    data, where, weights = MASKED[kind]()
    how: dict[str, Any] = {"keep": "f"} if kind.startswith("xarray") else {}
    how |= {"columns": ["a", "b"]} if kind == "polars, lazy" else {}
    stats = dn.adapt(data, where=where, **how)
    np.testing.assert_allclose(np.asarray(stats.mean).ravel(), X[MASK].mean(0), rtol=1e-15)
    assert np.asarray(stats.count).ravel().tolist() == [4, 4]
    both = dn.adapt(data, where=where, weights=weights, **how)
    expected = np.average(X[MASK], axis=0, weights=WEIGHTS[MASK])
    np.testing.assert_allclose(np.asarray(both.mean).ravel(), expected, rtol=1e-15)
    assert np.asarray(both.count).ravel().tolist() == [10, 10]


def test_masks_keep_and_update() -> None:
    """Each kept position counts its own values; update takes a mask, and plan and .norm do."""
    t = grid()["t"]
    where = t > 280
    stats = dn.adapt(t, over="time", where=where)
    np.testing.assert_array_equal(stats.count, where.sum("time"))
    more = stats.update(
        t[:2], where=where[:2], weights=xr.DataArray(np.full(6, 2.0)[:2], dims="time")
    )
    np.testing.assert_array_equal(more.count, where.sum("time") + 2 * where[:2].sum("time"))
    assert dn.plan(t.chunk(time=1), where=where).chunks == 6
    assert accessors.XarrayNorm(t).adapt("time", where=where) == stats


@pytest.mark.parametrize(
    ("data", "where", "error", "message"),
    [
        (
            X,
            np.ones((6, 1)),
            TypeError,
            "where= must be a boolean mask, got dtype float64. Use a compa",
        ),
        (FRAME, [1] * 6, TypeError, "got dtype int64"),
        (FRAME, [True, None] * 3, TypeError, "got dtype object"),
        (FRAME, pd.Series([True, pd.NA] * 3, dtype="boolean"), ValueError, "where= has missing"),
        (X, np.ma.masked_equal([[True], [False]] * 3, False), ValueError, "where= has missing"),
        (NAMED, MASK, TypeError, "a DataArray of booleans.*write xr.DataArray"),
        (NAMED, NAMED, TypeError, "where= must be a boolean mask"),
        (NAMED, xr.DataArray(MASK, dims="x"), dn.MismatchError, "no variable has the dimensions"),
        ([X, X], MASK[:, None], ValueError, "weights=, where=.* are not supported"),
    ],
)
def test_masks_that_are_refused(data: Any, where: Any, error: Any, message: str) -> None:
    """A mask is of booleans, one for each value, with names where the data have names."""
    with pytest.raises(error, match=message):
        dn.adapt(data, where=where)


def test_what_weights_were_is_kept() -> None:
    """Provenance has the word, or the name of the weights."""
    t = grid()["t"]
    areas = xr.DataArray(np.ones(7), dims="y", name="areacella")
    for weights, word in (("area", "area"), (areas, "areacella"), (areas.rename(None), "given")):
        assert dn.adapt(t, weights=weights).attrs["runs"][0]["weights"] == word
    assert "weights" not in dn.adapt(t).attrs["runs"][0]


def test_a_large_mask_meets_weights_chunk_by_chunk(monkeypatch: Any, tmp_path: Any) -> None:
    """Weights and a mask that would be large together are put together where they are used."""
    t = grid()["t"]
    where, how = t > 280, {"weights": "area"}
    expected = dn.adapt(t, where=where, **how)
    monkeypatch.setattr(lazy_module, "CONVERTED_SIZE", 10)
    lazy = t.copy(data=mark_loads(t.values, (2, 3, 8), tmp_path))
    result = dn.adapt(lazy, where=where, **how)
    assert float(result.mean) == pytest.approx(float(expected.mean), rel=1e-14)
    assert set(count_loads(tmp_path).values()) == {1}
    assert isinstance(chunks.combine_weights(np.ones((1, 7, 1)), where.values, lazy.data), da.Array)
