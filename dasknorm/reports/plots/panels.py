"""Panels: what one of the pictures is drawn of: a profile, a curve, a map, or points."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dasknorm.reports.plots.bands import Band

__all__ = ["Panel", "draw_curve", "draw_map", "draw_points", "draw_profile"]

LINE, SHADE = "#0072B2", "#0072B233"
DOWNWARDS = ("level", "lev", "plev", "pressure", "isobaric", "depth", "pfull")
"""How vertical dimensions are called that are counted from above."""

UPWARDS = ("height", "altitude", "elev")
"""And those that are not, whatever else their names have in them: "height_level"."""

LONG = 30

TICKS = 24
"""Labels in words that fit along an axis."""


@dataclass(frozen=True)
class Panel:
    """What is drawn of one variable or column.

    Parameters
    ----------
    name : str
        Of the variable or column.
    units : str
        Empty if it has none.
    band : Band
        As many positions as there are labels along each of `dims`.
    dims : tuple of hashable
        What it lies along; one for a profile or a curve, two for a map, none for a point.
    labels : tuple of Index
        The labels along each of them, or their positions.
    """

    name: str
    units: str
    band: Band
    dims: tuple[Hashable, ...] = ()
    labels: tuple[pd.Index, ...] = ()

    @property
    def title(self) -> str:
        """The name and the units."""
        return f"{short(self.name)} ({self.units})" if self.units else short(self.name)


def short(name: Any) -> str:
    """Return a name that fits, and that begins no formula."""
    text = str(name).replace("$", r"\$")
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


def draw_profile(axes: Axes, panel: Panel) -> None:
    """Draw the centre against the height or depth, with its band."""
    (dim,), (labels,) = panel.dims, panel.labels
    at = labels.to_numpy()
    band = panel.band
    axes.fill_betweenx(at, band.low, band.high, color=SHADE, linewidth=0)
    axes.plot(band.centre, at, color=LINE, marker="o", markersize=3)
    axes.set(xlabel=panel.title, ylabel=short(dim))
    if _is_downwards(dim):
        axes.invert_yaxis()
    _plain(axes)


def draw_curve(axes: Axes, panel: Panel) -> None:
    """Draw the centre along a dimension or over groups, with its band."""
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
    axes.set(xlabel=short(dim), ylabel=panel.title)
    _plain(axes)


def draw_points(axes: Axes, panels: Sequence[Panel]) -> None:
    """Draw variables of the same units below each other, each a dot and a bar."""
    for row, panel in enumerate(panels):
        band = panel.band
        around = [[band.centre - band.low], [band.high - band.centre]]
        axes.errorbar(band.centre, row, xerr=around, color=LINE, marker="o", linewidth=2)
    axes.set_yticks(range(len(panels)), [short(panel.name) for panel in panels])
    axes.set_ylim(len(panels) - 0.5, -0.5)
    axes.set_xlabel(panels[0].units)
    axes.margins(x=0.08)
    _plain(axes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def draw_map(axes: Axes, panel: Panel, what: str) -> None:
    """Draw the centre or the width over two dimensions: rows upwards, if their labels increase."""
    values = panel.band.centre if what == "centre" else panel.band.width
    (y, x), (rows, columns) = panel.dims, panel.labels
    colours = "viridis" if what == "centre" else "cividis"
    drawn = axes.pcolormesh(
        _places(columns), _places(rows), values, cmap=colours, shading="nearest"
    )
    if not _are_places(columns):
        axes.set_xticks(*_ticks(columns), rotation=45, ha="right")
    if not _are_places(rows):
        axes.set_yticks(*_ticks(rows))
    word = panel.band.words[0 if what == "centre" else 2]
    bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.85, label=panel.units)
    bar.outline.set_linewidth(0.5)
    axes.set(xlabel=short(x), ylabel=short(y), title=f"{short(panel.name)}: {word}")


def _is_downwards(dim: Hashable) -> bool:
    name = str(dim).lower()
    return any(word in name for word in DOWNWARDS) and not any(word in name for word in UPWARDS)


def _are_places(labels: pd.Index) -> bool:
    """Tell whether labels are numbers or dates in order, each its own place on an axis."""
    in_order = labels.is_monotonic_increasing or labels.is_monotonic_decreasing
    return labels.dtype.kind in "iufM" and in_order


def _places(labels: pd.Index) -> np.ndarray:
    """Return where a map has its rows or columns: at their labels, else one after the other."""
    return labels.to_numpy() if _are_places(labels) else np.arange(len(labels))


def _ticks(labels: pd.Index) -> tuple[np.ndarray, list[str]]:
    """Return positions and their labels in words, no more than fit."""
    at = np.arange(0, len(labels), max(1, -(-len(labels) // TICKS)))
    return at, [short(labels[i]) for i in at]


def _bars(axes: Axes, at: np.ndarray, band: Band) -> None:
    around = [band.centre - band.low, band.high - band.centre]
    axes.errorbar(at, band.centre, yerr=around, color=LINE, marker="o", linestyle="none")


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
