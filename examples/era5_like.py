"""Statistics of a store like ERA5's: weighted by area, for each level, and of six-hourly changes.

python examples/era5_like.py            # makes and reads 2 GB in a temporary folder
python examples/era5_like.py --small    # 6 MB
"""

import argparse
import tempfile
from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import xarray as xr

import dasknorm as dn

VARIABLES = {"t": (250.0, 15.0, "K"), "u": (5.0, 10.0, "m s-1"), "v": (0.0, 8.0, "m s-1")}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="6 MB instead of 2 GB")
    step, days = (15.0, 28) if parser.parse_args().small else (3.0, 440)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "era5.zarr", step, days)
        run(Path(folder))


def run(folder: Path) -> None:
    era5 = xr.open_zarr(folder / "era5.zarr", consolidated=False)
    print(f"{era5.nbytes / 1e9:.3f} GB", dict(era5.sizes))
    how = {"keep": "level", "weights": "area", "lag": {"time": "6h"}}
    print(dn.plan(era5, **how))
    stats = dn.adapt(era5, **how)  # one pass for all of it; the orography has no level: one mean
    stats = stats.share_std(("u", "v"))  # so that normalizing does not turn the wind
    stats.save(folder / "era5-stats.nc")
    stats = dn.load(folder / "era5-stats.nc")
    changes = stats.tendency("6h")
    print(stats.describe())
    print(stats.mean.t.round(2).values, "K: the mean of each level")
    print(changes.std.t.round(2).values, "K: the deviation of what changes in six hours")

    z = stats.normalize(era5)
    z.drop_encoding().to_zarr(folder / "normalized.zarr", consolidated=False)

    z = xr.open_zarr(folder / "normalized.zarr", consolidated=False)
    spread = dn.adapt(z.t, keep="level", weights="area").std
    print("normalized:", spread.values.round(4), dict(z.t.attrs), z.t.dtype)
    np.testing.assert_allclose(stats.inverse(z).t[-1], era5.t[-1], rtol=1e-6)
    moved = era5[list(VARIABLES)].diff("time").isel(time=[-1])
    tomorrow = changes.inverse(changes.normalize(moved))
    np.testing.assert_allclose(tomorrow.t[0], era5.t[-1] - era5.t[-2], atol=1e-4)


def write(path: Path, step: float, days: int) -> None:
    """Write four maps a day on 13 levels, from the north pole to the south, and the mountains."""
    latitude = np.arange(90, -90 - step, -step, dtype="f4")
    longitude = np.arange(0, 360, step, dtype="f4")
    level = [50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000]
    coords = {
        "time": pd.date_range("2020-01-01", periods=4 * days, freq="6h"),
        "level": ("level", level, {"units": "hPa"}),
        "latitude": ("latitude", latitude, {"units": "degrees_north"}),
        "longitude": ("longitude", longitude, {"units": "degrees_east"}),
    }
    shape = (4 * days, len(level), len(latitude), len(longitude))
    sun = np.cos(np.deg2rad(latitude))[:, None]
    height = 500 * sun * (1 + np.sin(np.deg2rad(3 * longitude)))
    warmth = np.linspace(0.2, 2, len(level), dtype="f4")[:, None, None] * sun
    store = xr.Dataset({"oro": (("latitude", "longitude"), height, {"units": "m"})}, coords)
    weather = da.random.default_rng(0)
    for name, (mean, spread, units) in VARIABLES.items():
        noise = weather.standard_normal(shape, dtype="f4", chunks=(28, *shape[1:]))
        values = np.float32(mean) + np.float32(spread) * (warmth + noise)
        store[name] = (("time", "level", "latitude", "longitude"), values, {"units": units})
    store.to_zarr(path, consolidated=False)


if __name__ == "__main__":
    main()
