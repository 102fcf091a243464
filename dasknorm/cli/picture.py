"""The picture of the demo: maps of what was learned, histograms of what it does."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dasknorm.api.stats import Stats

__all__ = ["draw"]

COLOURS = ("#2c6fbb", "#c8442c")
STYLE: dict[str, Any] = {"bins": 90, "density": True, "histtype": "stepfilled", "alpha": 0.62}


def draw(
    stats: Stats,
    data: xr.DataArray,
    scores: xr.DataArray,
    spans: tuple[slice, slice],
    path: Path,
) -> None:
    """Draw the mean and standard deviation learned, and data before and after, as a PNG."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    ((mean, std), (before, after)) = figure.subplots(2, 2)
    name = data.name
    _map(mean, stats.mean[name], "Learned from E1: mean air temperature (K)", "RdYlBu_r")
    _map(std, stats.std[name], "Learned from E1: standard deviation (K)", "viridis")
    _histograms(before, data, spans, " K")
    _titled(before, "A1B as it is: two climates, one heap", "air temperature (K)")
    _histograms(after, scores, spans, "")
    _bell(after)
    _titled(after, "A1B normalized: the warming stands out", "z (standard deviations of E1)")
    figure.savefig(path, dpi=100, format="png")


def _map(axes: Axes, values: xr.DataArray, title: str, colours: str) -> None:
    west = values["longitude"].to_numpy() - 360
    north = values["latitude"].to_numpy()
    mesh = axes.pcolormesh(west, north, values.to_numpy(), cmap=colours, rasterized=True)
    _titled(axes, title, "")
    axes.xaxis.set_major_formatter(lambda degrees, _: f"{-degrees:.0f}°W")
    axes.yaxis.set_major_formatter(lambda degrees, _: f"{degrees:.0f}°N")
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.outline.set_visible(False)


def _histograms(axes: Axes, values: xr.DataArray, spans: tuple[slice, slice], unit: str) -> None:
    chosen = [values.sel(time=span) for span in spans]
    limits = np.percentile(
        np.concatenate([part.to_numpy().ravel() for part in chosen]), [0.05, 99.95]
    )
    for part, colour in zip(chosen, COLOURS, strict=True):
        years = part["time"].dt.year.to_numpy()
        label = f"{years[0]} to {years[-1]}, mean {float(part.mean(dtype='f8')):.2f}{unit}"
        axes.hist(part.to_numpy().ravel(), range=tuple(limits), color=colour, label=label, **STYLE)
    axes.set(yticks=[], ylabel="share of values")
    axes.margins(x=0.01)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _bell(axes: Axes) -> None:
    """Draw the standard normal density, for scale."""
    z = np.linspace(-4, 4, 200)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    axes.plot(z, density, color="0.25", linewidth=1.1, linestyle="--", label="mean 0, std 1")


def _titled(axes: Axes, title: str, xlabel: str) -> None:
    axes.set_title(title, loc="left", fontweight="bold", fontsize=11.5)
    axes.set_xlabel(xlabel)
    if axes.patches:  # histograms, with room for their legend above them
        axes.set_ylim(top=axes.get_ylim()[1] * 1.32)
        axes.legend(frameon=False, loc="upper left", fontsize=9.5)
