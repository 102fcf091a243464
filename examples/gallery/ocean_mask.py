"""
An ocean with land in it
========================

A third of this ocean model's grid is land, and its cells shrink towards the poles. Land is missing
in the data, is skipped, and stays missing. Cells count by the cosine of their latitude, which here
is an array of two dimensions: the grid is ORCA2, with two poles in the north.
"""

from pathlib import Path

import iris_sample_data
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import dasknorm as dn

path = Path(iris_sample_data.path) / "orca2_votemper.nc"
sea = xr.open_dataset(path, engine="h5netcdf").votemper.drop_vars("time_counter").load()

plain = dn.adapt(sea, over=("dim0", "dim1"))
stats = dn.adapt(sea, over=("dim0", "dim1"), weights=np.cos(np.deg2rad(sea.nav_lat)))
z = stats.normalize(sea)
print(f"every cell alike: {float(plain.mean):5.2f} ± {float(plain.std):.2f} °C")
print(f"weighted by area: {float(stats.mean):5.2f} ± {float(stats.std):.2f} °C")
print(f"missing before: {int(sea.isnull().sum())}, after: {int(z.isnull().sum())}")

# %%
# The map is the same, in other units; 0 is where the sea is as warm as its mean.

fig, (left, right) = plt.subplots(2, 1, figsize=(7, 6.6), sharex=True)
for ax, values, colours in ((left, sea, {"cmap": "cividis"}), (right, z, {"cmap": "RdBu_r"})):
    limits = {"vmin": -2, "vmax": 2} if values is z else {}
    dots = ax.scatter(z.nav_lon, z.nav_lat, 9, values, marker="s", lw=0, **colours, **limits)
    fig.colorbar(dots, label="std from the mean" if values is z else "°C")
    ax.set(ylabel="latitude, °N")
left.set_title("temperature of the sea")
right.set(title="normalized, weighted by area", xlabel="longitude, °E")
plt.show()
