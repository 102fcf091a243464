"""xarray: coordinates, names, attributes, and weights by dimension name."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import dasknorm as dn


def dataset() -> xr.Dataset:
    """Return variables with and without levels, coordinates of many kinds, and attributes."""
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "t": (("time", "lev", "x"), rng.normal(280.0, 5.0, (6, 3, 4)).astype("f4")),
            "u": (("lev", "time", "x"), rng.normal(0.0, 9.0, (3, 6, 4))),
            "p": (("time", "x"), rng.integers(900, 1100, (6, 4)).astype("i2")),
            "name": ("x", list("abcd")),
        },
        coords={
            "time": pd.date_range("2001", periods=6),
            "lev": [1000, 500, 100],
            "lat": ("x", [10.0, 20.0, 30.0, 40.0]),
            "when": ("time", pd.date_range("1999", periods=6)),
            "run": 7,
        },
        attrs={"title": "a run"},
    ).assign({"t": lambda ds: ds["t"].assign_attrs(units="K", long_name="temperature")})


@pytest.mark.parametrize("chunks", [None, {}, {"time": 2}, {"time": 4, "lev": 1, "x": 3}])
@pytest.mark.parametrize("over", [None, "time", ("time", "x"), ("x", "time", "lev")])
def test_datasets_against_float64(chunks: Any, over: Any) -> None:
    """A Dataset has the mean and std of float64 NumPy, over any dimensions, cut anywhere."""
    plain = dataset()[["t", "u", "p"]]
    if over is None or "lev" in over:
        expected = plain.astype("f8").mean(), plain.astype("f8").std()
    else:
        expected = plain.astype("f8").mean(over), plain.astype("f8").std(over)
    data = dataset() if chunks is None else dataset().chunk(chunks)
    stats = dn.adapt(data, over=over)
    xr.testing.assert_allclose(stats.mean.drop_vars("lat", errors="ignore"), bare(expected[0]))
    xr.testing.assert_allclose(stats.std.drop_vars("lat", errors="ignore"), bare(expected[1]))
    z = stats.normalize(data)
    by_hand = bare((plain - expected[0]) / expected[1])
    xr.testing.assert_allclose(bare(z[["t", "u", "p"]].astype("f8")), by_hand, atol=1e-5)
    assert [z[name].dtype for name in "tup"] == ["f4", "f8", "f4"]
    assert (z["t"].chunks is None) == (chunks is None)


def bare(data: xr.Dataset) -> xr.Dataset:
    return data.drop_vars([name for name in data.coords if name not in data.dims])


@pytest.mark.parametrize("chunked", [False, True])
def test_what_rides_along(chunked: bool) -> None:
    """Coordinates, other variables, the order of dimensions and attributes are kept."""
    data = dataset().chunk(time=2) if chunked else dataset()
    stats = dn.adapt(data, keep="lev")
    z = stats.normalize(data)
    for out, attrs in (
        (z, {"units": "1", "long_name": "normalized temperature"}),
        (stats.inverse(z), {"units": "K", "long_name": "temperature"}),
    ):
        assert list(out.variables) == list(data.variables)
        assert out.attrs == data.attrs
        for name in data.coords:
            xr.testing.assert_identical(out[name].variable, data[name].variable)
        xr.testing.assert_identical(out["name"].load(), data["name"].load())
        assert {name: out[name].dims for name in data} == {name: data[name].dims for name in data}
        assert out["t"].attrs == attrs
        assert out["u"].attrs == {}
    xr.testing.assert_identical(data.compute(), dataset())


def test_readings_have_names_dims_and_labels() -> None:
    """Readings of a Dataset are a Dataset: variables by name, kept dimensions with labels."""
    stats = dn.adapt(dataset(), keep=("lev", "x"))
    assert list(stats.mean) == ["t", "u", "p"]
    assert stats.mean["t"].dims == stats.mean["u"].dims == ("lev", "x")
    assert stats.mean["p"].dims == ("x",)
    assert stats.mean["lev"].values.tolist() == [1000, 500, 100]
    assert stats.mean["t"].sel(lev=500).shape == (4,)
    array = dn.adapt(dataset()["t"], keep="lev").std
    assert isinstance(array, xr.DataArray)
    assert (array.name, array.dims, array.dtype) == ("t", ("lev",), np.dtype("f8"))


def test_writing_to_a_result_leaves_the_data_alone() -> None:
    """A normalized Dataset shares no memory of what was normalized, and no attributes."""
    data = dataset()
    z = dn.adapt(data).normalize(data)
    z["t"][:] = 0.0
    z["t"].attrs["units"] = "m"
    z.attrs["title"] = "mine"
    xr.testing.assert_identical(data, dataset())


def test_units_that_were_not_learned_come_back_as_they_were_learned() -> None:
    """inverse gives the units of what was adapted, and invents none."""
    data = dataset()
    stats = dn.adapt(data)
    z = stats.normalize(data)
    assert stats.inverse(z)["t"].attrs["units"] == "K"
    assert "units" not in stats.inverse(z)["u"].attrs
    z["t"].attrs.clear()
    assert stats.inverse(z)["t"].attrs == {"units": "K", "long_name": "temperature"}
    assert dn.Stats.from_values(mean=0.0, std=1.0).inverse(z["t"] * 1.0).attrs == {}


def test_weights_by_name_go_to_the_variables_that_have_them() -> None:
    """Weights along a dimension weigh the variables that have it; of the rest none differ."""
    data = dataset()
    weights = xr.DataArray([0.0, 1.0, 0.0, 3.0], dims="x")
    stats = dn.adapt(data.assign(s=("time", np.arange(6.0))), weights=weights)
    exact = data["t"].astype("f8").weighted(weights)
    assert float(stats.mean["t"]) == pytest.approx(float(exact.mean()), rel=1e-12)
    assert float(stats.variance["t"]) == pytest.approx(float(exact.var()), rel=1e-10)
    assert float(stats.mean["s"]) == 2.5
    two = xr.DataArray(np.ones((4, 3)), dims=("x", "lev"), coords={"lev": [100, 500, 1000]})
    two[1:, 0] = 0.0
    by_two = dn.adapt(data[["t", "u"]].chunk(time=4), weights=two)
    assert float(by_two.mean["u"]) == pytest.approx(float(data["u"].weighted(two).mean()))
    assert float(by_two.std["t"]) == pytest.approx(
        float(data["t"].astype("f8").weighted(two).std())
    )


def test_stats_of_one_variable_normalize_its_slices() -> None:
    """Statistics kept by level normalize any part of the data that still has levels."""
    data = dataset()["t"]
    stats = dn.adapt(data, keep="lev")
    z = stats.normalize(data)
    parts: list[dict[str, Any]] = [
        {"time": slice(2)},
        {"x": [3, 0]},
        {"lev": [2]},
        {"lev": [2, 0], "time": 1},
        {"time": []},
    ]
    for part in parts:
        xr.testing.assert_identical(stats.normalize(data.isel(part)), z.isel(part))
        lazy = stats.normalize(data.chunk(time=2).isel(part))
        xr.testing.assert_identical(lazy.compute(), z.isel(part))


def test_kept_dimension_with_datetimes_and_strings() -> None:
    """Kept labels may be dates, strings or numbers, and are matched all the same."""
    data = dataset()["p"].astype("f8")
    by_time = dn.adapt(data, keep="time")
    xr.testing.assert_allclose(
        by_time.normalize(data[::-2]).mean("x"), 0.0 * data[::-2].mean("x"), atol=1e-12
    )
    labelled = data.assign_coords(x=list("abcd"))
    by_name = dn.adapt(labelled, keep="x")
    z = by_name.normalize(labelled)
    xr.testing.assert_identical(by_name.normalize(labelled.sel(x=["d", "a"])), z.sel(x=["d", "a"]))
    with pytest.raises(dn.MismatchError, match=r"labels \['e'\] along 'x'"):
        by_name.normalize(labelled.assign_coords(x=list("abce")))


def test_numpy_stats_meet_named_data() -> None:
    """Statistics of a bare array are taken by position, with a warning that says so."""
    data = dataset()["u"]
    stats = dn.adapt(data.values, keep=(0,))
    with pytest.warns(UserWarning, match="taken by position: {-3: 'lev'}"):
        z = stats.normalize(data)
    xr.testing.assert_allclose(z, dn.adapt(data, keep="lev").normalize(data))


def test_bounds_and_grid_mappings_ride_along():
    """CF's helpers, named in attributes of others, are not data and are handed through."""
    ds = xr.Dataset(
        {
            "t": (("time", "level"), np.arange(6.0).reshape(3, 2), {"grid_mapping": "crs"}),
            "crs": ((), np.int32(7)),
            "level_bnds": (("level", "edge"), np.arange(4.0).reshape(2, 2)),
        },
        {"level": ("level", [1000, 500], {"bounds": "level_bnds"})},
    )
    stats = dn.adapt(ds, over="time")
    assert list(stats.states) == ["t"]
    z = stats.normalize(ds)
    xr.testing.assert_identical(z[["crs", "level_bnds"]], ds[["crs", "level_bnds"]])
