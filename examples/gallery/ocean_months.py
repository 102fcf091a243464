"""
What is a warm month?
=====================

Near the equator the sea is warmest in one season here, in another there. Each month is compared
with the same month of other years, at the same place: a climatology, ``by="time.month"``. What is
left over is El Niño, late in 2006 and in 2009, and La Niña between.
"""

from pathlib import Path

import iris_sample_data
import matplotlib.pyplot as plt
import xarray as xr

import dasknorm as dn

path = Path(iris_sample_data.path) / "ostia_monthly.nc"
sea = xr.open_dataset(path, engine="h5netcdf").surface_temperature.chunk(time=12)
ocean = sea[0].notnull()  # land is never known, and nothing to warn of

months = dn.adapt(sea, over="time", by="time.month", where=ocean)
unusual = months.normalize(sea)  # lazy; each step by the statistics of its own month
print(months.describe())

# %%
# Along the equator, a row for each month: as it was measured, and as it is among its own kind.

equator = {"latitude": slice(-2, 2)}
fig, (left, right) = plt.subplots(1, 2, sharey=True, figsize=(8.4, 5.2))
celsius = (sea.sel(equator).mean("latitude") - 273.15).assign_attrs(units="°C")
celsius.plot(ax=left, cmap="cividis", cbar_kwargs={"label": "°C", "location": "bottom"})
z = unusual.sel(equator).mean("latitude")
label = "standard deviations of that month"
z.plot(ax=right, cmap="RdBu_r", vmax=2, cbar_kwargs={"label": label, "location": "bottom"})
left.set(title="sea surface temperature", xlabel="longitude, °E", ylabel="")
right.set(title="z-scores by month", xlabel="longitude, °E", ylabel="")
plt.show()
