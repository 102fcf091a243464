"""
A file at a time
================

A model writes a file a month. The statistics of each file are small, and merge exactly: those of
the quarter are the sum of those of its months, and April need not read January again.
"""

import warnings
from pathlib import Path

import iris_sample_data
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import dasknorm as dn

files = sorted((Path(iris_sample_data.path) / "NEMO").glob("*.nc"))
months = [xr.open_dataset(path, engine="h5netcdf", decode_times=False).tos for path in files]
sea = months[0].isel(time_counter=0).notnull()  # what is not sea is never counted

warnings.filterwarnings("ignore", "only one value")  # per cell in one file: the sum has three
quarter = dn.adapt(months[0], over="time_counter", where=sea)
for month in months[1:]:
    quarter = quarter + dn.adapt(month, over="time_counter", where=sea)

at_once = xr.concat(months, "time_counter", coords="minimal", compat="override")
np.testing.assert_allclose(quarter.std, at_once.std("time_counter", dtype="f8"), atol=1e-12)
print("months counted at each place of the sea:", float(quarter.count.max()))

# %%
# Where the season turned most: off Newfoundland, in the Yellow Sea, in the east of the Pacific.

fig, axes = plt.subplots(2, 1, figsize=(7, 6.6), sharex=True)
readings = {"mean of three months": quarter.mean, "standard deviation": quarter.std}
for ax, (title, values) in zip(axes, readings.items(), strict=True):
    top = float(values.quantile(0.99))
    dots = ax.scatter(sea.nav_lon, sea.nav_lat, 4, values, marker="s", lw=0, vmax=top)
    fig.colorbar(dots, label="°C", extend="max")
    ax.set(title=title, ylabel="latitude, °N")
axes[1].set_xlabel("longitude, °E")
plt.show()
