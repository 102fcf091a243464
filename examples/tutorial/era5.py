"""
From a store to a training loop
===============================

Weather models are trained on stores that no memory holds. This is the whole way, on a store like
ERA5's that is small enough to be made here: statistics by level, weighted by area, and of changes
in six hours, in one pass; a look at another period; a file; and a model that learns to forecast
from normalized data. It takes a few seconds, and each step is the same for a store of terabytes.

A store
-------

Two months of temperature and wind, four times a day, on five levels. Waves travel to the east
with the wind, the poles are cold, and there is noise that nobody can forecast.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr

import dasknorm as dn

LEVELS = np.array([200, 300, 500, 700, 850])


def weather(start: str, steps: int, warmer: float = 0.0) -> xr.Dataset:
    """Return six-hourly weather on a grid of 7.5 degrees, from the north pole to the south."""
    dims = ("time", "level", "latitude", "longitude")
    latitude, longitude = np.arange(90, -91, -7.5), np.arange(0, 360, 7.5)
    hours, level = 6 * np.arange(steps)[:, None, None, None], LEVELS[:, None, None]
    cosine, rng = np.cos(np.deg2rad(latitude))[:, None], np.random.default_rng(steps)
    t = 215 + warmer + 65 * np.sqrt(level / 850) * (0.7 + 0.3 * cosine)
    u = 5 + 30 * cosine * (1 - level / 1000)
    v = 0.0
    for wave in range(2, 7):
        phase = wave * np.deg2rad(longitude - 0.6 * hours) + rng.uniform(0, 2 * np.pi)
        t = t + 12 / wave * np.sqrt(level / 850) * cosine * np.sin(phase)
        u = u + 12 / wave * cosine * np.sin(phase + wave)
        v = v + 15 / wave * cosine * np.cos(phase)
    t, u, v = (x + rng.normal(0, 0.25, (steps, 5, 25, 48)) for x in (t, u, v))
    height = 800 * cosine * (1 + np.sin(np.deg2rad(3 * longitude)))
    ds = xr.Dataset(
        {
            "t": (dims, t.astype("f4"), {"units": "K"}),
            "u": (dims, u.astype("f4"), {"units": "m s-1"}),
            "v": (dims, v.astype("f4"), {"units": "m s-1"}),
            "oro": (dims[2:], height, {"units": "m"}),
        },
        {
            "time": pd.date_range(start, periods=steps, freq="6h"),
            "level": ("level", LEVELS, {"units": "hPa"}),
            "latitude": latitude,
            "longitude": longitude,
        },
    )
    return ds.chunk(time=40)


folder = tempfile.TemporaryDirectory()
store = Path(folder.name) / "era5.zarr"
weather("2020-01-01", 240).to_zarr(store, consolidated=False)
era5 = xr.open_zarr(store, consolidated=False)  # nothing is loaded
era5

# %%
# What will it cost?
# ------------------
#
# Before a pass over terabytes, ``plan`` says what it will read and hold; it reads nothing.

how = {"keep": "level", "weights": "area", "lag": {"time": "6h"}}
print(dn.plan(era5, **how))

# %%
# Adapt
# -----
#
# One pass, each chunk read once, for all variables. ``keep="level"`` keeps a mean and a standard
# deviation for each level; the mountains have no level, and have one of each. Grid cells count by
# their area, or the poles would count as much as the tropics. ``lag=`` learns of the changes within
# six hours too.

stats = dn.adapt(era5, **how)
print(stats.describe())

# %%
# Readings are xarray objects, with levels and units. The changes within six hours are much smaller
# than the fields are; a model that predicts changes has to be scaled by these.

changes = stats.tendency("6h")
fig, axes = plt.subplots(1, 3, sharey=True, figsize=(8.4, 3.6))
for name in ("t", "u", "v"):
    style = {"y": "level", "yincrease": False, "marker": "o", "label": name}
    stats.std[name].plot(ax=axes[1], **style)
    changes.std[name].plot(ax=axes[2], **style)
stats.mean.t.plot(ax=axes[0], y="level", yincrease=False, marker="o")
axes[0].set(title="mean of t", xlabel="K", ylabel="level, hPa")
axes[1].set(title="std", xlabel="K or m/s", ylabel="", xlim=0)
axes[2].set(title="std of changes in 6 h", xlabel="K or m/s", ylabel="", xlim=0)
axes[1].legend()
plt.show()

# %%
# Check another period
# --------------------
#
# Do they still fit what they have not seen? ``check`` reads other data once, weighs them as before,
# and compares: here a spring that is two kelvin warmer.

spring = weather("2020-03-01", 80, warmer=2.0)
found = stats.check(spring)
found

# %%
# Temperature has moved, by the most where it varies least; the wind is as it was.

found.plot(plt.figure(figsize=(7.6, 3.2)))
plt.show()

# %%
# Normalize
# ---------
#
# ``normalize`` is lazy, keeps float32, and names its units "1". Normalized each by its own
# deviation, the components of the wind would turn it; ``share_std`` gives them one together.

stats = stats.share_std(["u", "v"])
z = stats.normalize(spring)
print(z.u.attrs["units"], float(z.u.sel(level=500).std()), float(z.v.sel(level=500).std()))

# %%
# Keep them
# ---------
#
# A file holds exact numbers, names, and how they were made; other tools read it as plain NetCDF.
# Statistics of more data, as long as no deviations are shared, merge by ``+``, without reading the
# winter again.

stats.save(Path(folder.name) / "stats.nc")
stats = dn.load(Path(folder.name) / "stats.nc")
# %%
# Train
# -----
#
# A small model, in plain NumPy: from the normalized temperature and wind at a place and at its
# neighbours in the west and in the east, predict the normalized change in six hours. Batches are
# read from the store as they are needed, and normalized on the way.

inputs, targets = stats.select(["t", "u", "v"]), stats.tendency("6h").select(["t"])


def features(ds: xr.Dataset) -> np.ndarray:
    """Return normalized t, u and v, here, in the west and in the east: an array (rows, 9)."""
    z = inputs.normalize(ds).to_array().values
    return np.stack([z, np.roll(z, 1, -1), np.roll(z, -1, -1)]).reshape(9, -1).T


def batches(size: int):
    """Yield inputs (rows, 9) and targets (rows,) of a few steps each, in random order."""
    starts = np.arange(0, era5.sizes["time"] - size, size)
    for start in np.random.default_rng(0).permutation(starts):
        some = era5[["t", "u", "v"]].isel(time=slice(start, start + size + 1)).load()
        now, later = some.isel(time=slice(size)), some.isel(time=slice(1, None))
        moved = later[["t"]].assign_coords(time=now.time) - now[["t"]]
        yield features(now), targets.normalize(moved).t.values.ravel()


weights, losses = np.zeros(9, "f4"), []
for _epoch in range(4):
    for x, y in batches(8):
        error = x @ weights - y
        losses.append(float(np.mean(error**2)))
        weights -= 0.2 * x.T @ error / len(error)

# %%
# Because targets have mean 0 and standard deviation 1, the first loss is about 1, whatever the
# variable and its units: this is a forecast that nothing changes. What is left in the end is noise,
# and what nine weights cannot say.

fig, ax = plt.subplots(figsize=(7, 3.4))
ax.plot(losses)
ax.axhline(1, color="0.5", ls="--", lw=1)
ax.text(len(losses), 0.93, "nothing changes", ha="right", color="0.4")
ax.set(title="mean squared error of the normalized change", xlabel="batch", ylim=0)
plt.show()

# %%
# Forecast
# --------
#
# What the model says is a normalized change. ``inverse`` makes kelvin of it.

last = era5[["t", "u", "v"]].isel(time=[-2]).load()
said = last[["t"]].copy(data={"t": (features(last) @ weights).reshape(last.t.shape)})
said.t.attrs["units"] = "1"  # no kelvin: normalized, like the targets
change = targets.inverse(said).t[0]
truth = era5.t[-1] - era5.t[-2]

fig, axes = plt.subplots(1, 2, sharey=True, figsize=(8.4, 3.4))
for ax, field, title in zip(axes, (change, truth), ("forecast", "what came"), strict=True):
    shown = field.sel(level=500)
    image = ax.pcolormesh(*np.meshgrid(shown.longitude, shown.latitude), shown, cmap="RdBu_r")
    image.set_clim(-3, 3)
    ax.set(title=f"{title}, 500 hPa", xlabel="longitude, °E")
axes[0].set_ylabel("latitude, °N")
fig.colorbar(image, ax=axes, label="K in six hours")
plt.show()

folder.cleanup()
