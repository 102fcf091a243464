"""
Looking at statistics
=====================

Statistics are looked at before they are used. ``plot`` chooses what to draw by what is kept: a
profile for each variable kept by depth, maps where both coordinates of a grid are, a curve for a
climatology, a point for each variable or column else.
"""

from pathlib import Path

import iris_sample_data
import matplotlib.pyplot as plt
import xarray as xr

import dasknorm as dn

folder = Path(iris_sample_data.path)
atlantic = xr.open_dataset(folder / "atlantic_profiles.nc")
profiles = dn.adapt(atlantic, [dn.Moments(), dn.Extrema()], keep="depth")
profiles.plot(plt.figure(figsize=(9, 4.2)))
plt.show()

# %%
# Over time only, there is a mean and a standard deviation for each place.

america = xr.open_dataset(folder / "E1_north_america.nc")
dn.adapt(america, over="time").plot(plt.figure(figsize=(9, 3.8)))
plt.show()

# %%
# In a notebook, and here, statistics show themselves in tables, and say how they were made.

profiles
