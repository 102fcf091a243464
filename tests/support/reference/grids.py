"""Reference cases of xarray: Datasets, climatologies, tendencies and weights."""

from dataclasses import replace

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr

import dasknorm as dn
from support.digests import make_numbers
from support.reference.table import Results, adapt_and_map, case, map_data


def make_grid(seed: int = 28) -> xr.Dataset:
    t = make_numbers(48, 3, 6, 8, seed=seed).astype("f4")
    t[3, 1, 2, 4] = np.nan
    coords = {
        "time": pd.date_range("2000-01-01", periods=48, freq="15D"),
        "level": [1000, 850, 500],
        "lat": [75.0, 45.0, 15.0, -15.0, -45.0, -75.0],
        "lon": np.arange(8) * 45.0,
    }
    dims = ("time", "level", "lat", "lon")
    surface = make_numbers(48, 6, 8, seed=seed + 1)
    data = {"t": (dims, t, {"units": "K"}), "p": (("time", "lat", "lon"), surface, {"units": "Pa"})}
    return xr.Dataset(data, coords)


@case()
def dataset() -> Results:
    ds = make_grid()
    return adapt_and_map(ds, over=("time", "lat", "lon")) | {"all": dn.adapt(ds)}


@case()
def dataset_chunked() -> Results:
    return adapt_and_map(make_grid().chunk(time=10, lat=4), keep="level")


@case()
def dataset_by_variable() -> Results:
    statistics = {"p": dn.Transformed("sqrt"), ...: [dn.Moments(), dn.Extrema()]}
    return adapt_and_map(make_grid().chunk(time=10), statistics, keep="level")


@case()
def dataarray() -> Results:
    return adapt_and_map(make_grid()["t"], keep=("lat", "lon"))


@case()
def datatree() -> Results:
    nodes = {"/fine": make_grid()[["p"]], "/coarse": make_grid(30).isel(lat=slice(3))[["t"]]}
    return adapt_and_map(xr.DataTree.from_dict(nodes), over="time")


@case()
def climatology() -> Results:
    ds = make_grid().chunk(time=10)
    months = dn.adapt(ds, over="time", by="time.month")
    days = dn.adapt(ds["p"], over=("time", "lat", "lon"), by="time.dayofyear")
    return map_data(months, ds) | {"days": days, "windowed": days.smooth(31, "linear")}


@case()
def tendencies() -> Results:
    ds = make_grid().chunk(time=7)
    stats = dn.adapt(ds, keep="level", lag={"time": [1, 3]})
    return map_data(stats, ds) | {"tendency": stats.tendency(3)}


@case()
def tendencies_of_an_array() -> Results:
    x = da.from_array(make_numbers(50, 3, seed=31), chunks=(8, 3))
    stats = dn.adapt(x, lag={0: 2})
    return map_data(stats, x) | {"tendency": stats.tendency(2)}


@case()
def array_weights() -> Results:
    x, weights = make_numbers(60, 4, seed=32), make_numbers(60, 1, seed=33)
    lazy = da.from_array(x, chunks=(17, 4))
    chunked = dn.adapt(lazy, weights=weights, where=x < 900)
    return adapt_and_map(x, weights=weights) | {"chunked": chunked}


@case()
def labelled_weights() -> Results:
    ds = make_grid()
    weights = xr.DataArray(make_numbers(6, seed=34), dims="lat", coords={"lat": ds["lat"]})
    stats = dn.adapt(ds.chunk(time=10), keep="level", weights=weights, where=ds["p"] > 300)
    # Only variables of the same units share a standard deviation; the digests are of both units.
    same_units = ds.assign(p=ds["p"].assign_attrs(units=ds["t"].attrs["units"]))
    shared = dn.adapt(same_units, weights=weights).share_std(("t", "p"))
    shared.states["p"] = replace(shared.states["p"], attrs=ds["p"].attrs)
    return map_data(stats, ds) | {"shared": shared}


@case(elementary=True)
def area_weights() -> Results:
    ds = make_grid()
    return {word: dn.adapt(ds, keep="level", weights=word) for word in ("area", "coslat")}


@case(elementary=True)
def gaussian_weights() -> Results:
    nodes = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(6)[0][::-1]))
    ds = make_grid().assign_coords(lat=nodes).chunk(time=10)
    return {"gaussian": dn.adapt(ds, keep="level", weights="gaussian")}
