"""
A large mean, a small spread
============================

Potential temperature over a town: 288 K, give or take a quarter. In float32 the numbers are good
to 0.00003 K, but the square of 288 is good to 0.008 only: the mean of the squares less the square
of the mean, the shortest way to a variance in one pass, is mostly rounding. ``adapt`` takes one
pass too, and is right to the last digit.
"""

from pathlib import Path

import iris_sample_data
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import dasknorm as dn

path = Path(iris_sample_data.path) / "hybrid_height.nc"
theta = xr.open_dataset(path, engine="h5netcdf").air_potential_temperature.load()
places = ("grid_latitude", "grid_longitude")
height = theta.level_height

stats = dn.adapt(theta, over=places)
truth = theta.astype("f8").std(places)
squares = (theta**2).mean(places) - theta.mean(places) ** 2  # in float32, as it comes
naive = np.sqrt(np.maximum(squares, 0))
print("largest error of adapt:", float(abs(stats.std / truth - 1).max()))
print("largest error of the squares:", float(abs(naive / truth - 1).max()))

# %%
# Divided by such a standard deviation, one level would come out half as large as its neighbours.

fig, (left, right) = plt.subplots(1, 2, sharey=True, figsize=(8, 4.2))
left.plot(truth, height, color="0.6", lw=6, label="float64, two passes")
left.plot(stats.std, height, lw=1.5, label="dasknorm")
left.plot(naive, height, "o--", label="mean of squares, float32")
left.set(title="standard deviation", xlabel="K", ylabel="height of the level, m", xlim=(0, 0.24))
left.legend(loc="upper left")
off = {"dasknorm": stats.std, "mean of squares": naive, "xarray's std": theta.std(places)}
for (label, std), line in zip(off.items(), ("-", "o--", ":"), strict=True):
    (drawn,) = right.plot(np.maximum(abs(std / truth - 1), 1e-16), height, line, label=label)
    right.text(drawn.get_xdata().max(), 900, label, color=drawn.get_color(), ha="center")
right.set(title="relative error", xscale="log", xlabel="of the deviation", xlim=(1e-19, 1e3))
left.set_ylim(-40, 960)
plt.show()
