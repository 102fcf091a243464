"""`Panel`: one variable of a plot, and functions to draw it as profile, curve, map or point.

Used by reports.plots. To add a type of panel, add a function, and use it in `plan`.
"""

from base64 import b64encode
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dasknorm.reports.plots.bands import Band

__all__ = ["NotebookFigure", "Panel", "draw_curve", "draw_map", "draw_points", "draw_profile"]

LINE, SHADE = "#0072B2", "#0072B233"
DOWNWARDS = ("level", "lev", "plev", "pressure", "isobaric", "depth", "pfull")
"""Names of vertical dimensions that increase downwards."""

UPWARDS = ("height", "altitude", "elev")
"""Names that do not, even if they contain one of the above, as "height_level"."""

MAX_NAME = 30

MAX_TICKS = 24
"""Text labels that fit along an axis."""


class NotebookFigure(Figure):
    """A Matplotlib figure that is not registered with pyplot, so it need not be closed."""

    def _repr_html_(self) -> str:
        """Return the figure for a notebook, as an embedded PNG image."""
        data = BytesIO()
        self.savefig(data, dpi=100, format="png")
        return f'<img src="data:image/png;base64,{b64encode(data.getvalue()).decode()}"/>'


@dataclass(frozen=True)
class Panel:
    """One variable or column to plot.

    Parameters
    ----------
    name : str
        Name of the variable or column.
    units : str
        Units; empty if there are none.
    band : Band
        Location and range, along `dims`.
    dims : tuple of hashable
        Kept dimensions: one for a profile or a curve, two for a map, none for a point.
    labels : tuple of Index
        Labels or positions along these dimensions.
    """

    name: str
    units: str
    band: Band
    dims: tuple[Hashable, ...] = ()
    labels: tuple[pd.Index, ...] = ()

    @property
    def title(self) -> str:
        """The name and the units."""
        return f"{shorten(self.name)} ({self.units})" if self.units else shorten(self.name)


def shorten(name: Any) -> str:
    """Return a shortened name, with dollar signs escaped because they begin a formula."""
    text = str(name).replace("$", r"\$")
    return text if len(text) <= MAX_NAME else f"{text[: MAX_NAME - 1]}…"


def draw_profile(axes: Axes, panel: Panel) -> None:
    """Draw the location against height or depth, with its range."""
    (dim,), (labels,) = panel.dims, panel.labels
    at = labels.to_numpy()
    band = panel.band
    axes.fill_betweenx(at, band.low, band.high, color=SHADE, linewidth=0)
    axes.plot(band.centre, at, color=LINE, marker="o", markersize=3)
    axes.set(xlabel=panel.title, ylabel=shorten(dim))
    if _is_downwards(dim):
        axes.invert_yaxis()
    _hide_spines(axes)


def draw_curve(axes: Axes, panel: Panel) -> None:
    """Draw the location along a dimension or by group, with its range."""
    (dim,), (labels,) = panel.dims, panel.labels
    is_number = labels.dtype.kind in "iufM"
    at = labels.to_numpy() if is_number else np.arange(len(labels))
    band = panel.band
    if is_number:
        axes.fill_between(at, band.low, band.high, color=SHADE, linewidth=0)
        axes.plot(at, band.centre, color=LINE, marker="o", markersize=3)
    else:
        _bars(axes, at, band)
        axes.set_xticks(*_ticks(labels), rotation=45, ha="right")
    axes.set(xlabel=shorten(dim), ylabel=panel.title)
    _hide_spines(axes)


def draw_points(axes: Axes, panels: Sequence[Panel]) -> None:
    """Draw variables of the same units below each other, as dots with bars."""
    for row, panel in enumerate(panels):
        band = panel.band
        around = [[band.centre - band.low], [band.high - band.centre]]
        axes.errorbar(band.centre, row, xerr=around, color=LINE, marker="o", linewidth=2)
    axes.set_yticks(range(len(panels)), [shorten(panel.name) for panel in panels])
    axes.set_ylim(len(panels) - 0.5, -0.5)
    axes.set_xlabel(panels[0].units)
    axes.margins(x=0.08)
    _hide_spines(axes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def draw_map(axes: Axes, panel: Panel, quantity: str) -> None:
    """Draw the location or the width over two dimensions; increasing labels go upwards."""
    values = panel.band.centre if quantity == "centre" else panel.band.width
    (y, x), (rows, columns) = panel.dims, panel.labels
    colours = "viridis" if quantity == "centre" else "cividis"
    mesh = axes.pcolormesh(
        _coordinates(columns), _coordinates(rows), values, cmap=colours, shading="nearest"
    )
    if not _are_coordinates(columns):
        axes.set_xticks(*_ticks(columns), rotation=45, ha="right")
    if not _are_coordinates(rows):
        axes.set_yticks(*_ticks(rows))
    title = panel.band.words[0 if quantity == "centre" else 2]
    bar = axes.figure.colorbar(mesh, ax=axes, shrink=0.85, label=panel.units)
    bar.outline.set_linewidth(0.5)
    axes.set(xlabel=shorten(x), ylabel=shorten(y), title=f"{shorten(panel.name)}: {title}")


def _is_downwards(dim: Hashable) -> bool:
    name = str(dim).lower()
    return any(word in name for word in DOWNWARDS) and not any(word in name for word in UPWARDS)


def _are_coordinates(labels: pd.Index) -> bool:
    """Check whether labels are sorted numbers or dates, which can be coordinates of an axis."""
    in_order = labels.is_monotonic_increasing or labels.is_monotonic_decreasing
    return labels.dtype.kind in "iufM" and in_order


def _coordinates(labels: pd.Index) -> np.ndarray:
    """Return the coordinates of rows or columns: their labels, or else their positions."""
    return labels.to_numpy() if _are_coordinates(labels) else np.arange(len(labels))


def _ticks(labels: pd.Index) -> tuple[np.ndarray, list[str]]:
    """Return positions and text labels, at most as many as fit."""
    at = np.arange(0, len(labels), max(1, -(-len(labels) // MAX_TICKS)))
    return at, [shorten(labels[i]) for i in at]


def _bars(axes: Axes, at: np.ndarray, band: Band) -> None:
    around = [band.centre - band.low, band.high - band.centre]
    axes.errorbar(at, band.centre, yerr=around, color=LINE, marker="o", linestyle="none")


def _hide_spines(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
