"""
Each depth by itself
====================

A hundred metres down in the Atlantic a degree is little, at the bottom it is a lot. With
``keep="depth"`` every depth has a mean and a standard deviation of its own, so that a model sees
the same spread at all of them. The sea floor is missing at some places, and is left out depth by
depth.
"""

from pathlib import Path

import iris_sample_data
import matplotlib.pyplot as plt
import xarray as xr

import dasknorm as dn

path = Path(iris_sample_data.path) / "atlantic_profiles.nc"
ocean = xr.open_dataset(path, engine="h5netcdf").drop_vars("time")
ocean["theta"].attrs["units"], ocean["salinity"].attrs["units"] = "K", "psu"

stats = dn.adapt(ocean, keep="depth")
z = stats.normalize(ocean)
print(stats.count.salinity.values[[0, -1]], "values at the surface and at the bottom")

# %%
# A profile at each of 48 places: measured; how far they are apart; and with the same spread at
# every depth.

depth = ocean.depth
fig, (left, middle, right) = plt.subplots(1, 3, sharey=True, figsize=(8.4, 4.6))
left.plot(ocean.theta.stack(place=("lat", "lon")), depth, color="0.7", lw=0.6)
left.plot(stats.mean.theta, depth, lw=2, label="mean")
left.set(title="theta", xlabel="K", ylabel="depth, m", yscale="log", ylim=(4600, 5))
left.legend(loc="upper left")
middle.plot(stats.std.theta, depth, lw=2, label="theta, K")
middle.plot(stats.std.salinity, depth, "--", lw=2, label="salinity, psu")
middle.set(title="standard deviation", xlabel="K or psu", xscale="log")
middle.legend(loc="upper left")
right.plot(z.theta.stack(place=("lat", "lon")), depth, color="0.7", lw=0.6)
right.axvspan(-1, 1, alpha=0.25, label="mean ± std")
right.set(title="theta, normalized", xlabel="std from the mean")
right.legend(loc="upper left")
plt.show()
