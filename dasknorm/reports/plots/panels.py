"""`Panel`: one variable of a plot, and functions to draw it as profile, curve, map or point.

Used by reports.plots. To add a type of panel, add a function, and a section of `plots`.
"""

from base64 import b64encode
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dasknorm.fields import State

LINE, SHADE = "#0072B2", "#0072B233"
MAX_NAME, MAX_TICKS = 30, 24

DOWNWARDS = ("lev", "pressure", "isobaric", "depth", "pfull")
"""Parts of the names of vertical dimensions that increase downwards."""

UPWARDS = ("height", "altitude", "elev")
"""Parts of those that do not, even if they contain one of the above, as "height_level"."""


class NotebookFigure(Figure):
    """A Matplotlib figure that is not registered with pyplot, so it need not be closed."""

    def _repr_html_(self) -> str:
        """Return the figure for a notebook, as an embedded PNG image."""
        data = BytesIO()
        self.savefig(data, dpi=100, format="png")
        return f'<img src="data:image/png;base64,{b64encode(data.getvalue()).decode()}"/>'


@dataclass(frozen=True)
class Band:
    """Location and range at each output element, NaN without values, in the units of the data.

    The names are those of the centre, the band and its width: "mean", "mean ± std", "std".
    """

    centre: np.ndarray
    low: np.ndarray
    high: np.ndarray
    names: tuple[str, str, str]

    @property
    def width(self) -> np.ndarray:
        """The standard deviation, or else the distance between the ends."""
        return (self.high - self.low) / (2 if self.names[2] == "std" else 1)

    def at(self, index: tuple[int | slice, ...]) -> "Band":
        """Return the band at some positions."""
        return replace(self, centre=self.centre[index], low=self.low[index], high=self.high[index])


def band_of(state: State) -> Band:
    """Return mean and standard deviation, or else median and quantiles, or else the range."""
    statistic, records = state.statistic, np.asarray(state.data)
    available = {*statistic.result_names}

    def read(*names: str) -> list[np.ndarray]:
        return [statistic.result(records, name) for name in names]

    if {"mean", "std"} <= available:
        mean, std = read("mean", "std")
        return Band(mean, mean - std, mean + std, ("mean", "mean ± std", "std"))
    if {"median", "lower", "upper"} <= available:
        labels = ("median", "median, and between the two quantiles", "quantile range")
        median, low, high = read("median", "lower", "upper")
        return Band(median, low, high, labels)
    if {"min", "max"} <= available:
        low, high = read("min", "max")
        return Band((low + high) / 2, low, high, ("middle", "from min to max", "range"))
    if "max_abs" in available:
        (most,) = read("max_abs")
        return Band(np.zeros_like(most), -most, most, ("0", "± max_abs", "range"))
    if names := statistic.location_scale_names:
        location, scale = statistic.location_scale(*read(*names))
        labels = ("centre", f"centre ± {names[-1]}", "range")
        return Band(location, location - scale, location + scale, labels)
    raise TypeError(
        f"cannot plot {type(statistic).__name__}: its results, {', '.join(statistic.result_names)},"
        " contain no mean, median or range"
    )


@dataclass(frozen=True)
class Panel:
    """One variable or column to plot, along its kept dimensions: none for a point, two for a map.

    The units are empty if unknown; the labels are positions if a dimension has none.
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

    @property
    def is_profile(self) -> bool:
        """Whether the one dimension is height, depth or pressure, and its labels are numbers."""
        if len(self.dims) != 1 or self.labels[0].dtype.kind not in "iuf":
            return False
        return any(word in str(self.dims[0]).lower() for word in (*DOWNWARDS, *UPWARDS))


def shorten(name: object) -> str:
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
    if not any(word in str(dim).lower() for word in UPWARDS):
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
        around = [band.centre - band.low, band.high - band.centre]
        axes.errorbar(at, band.centre, yerr=around, color=LINE, marker="o", linestyle="none")
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
    title = panel.band.names[0 if quantity == "centre" else 2]
    bar = axes.figure.colorbar(mesh, ax=axes, shrink=0.85, label=panel.units)
    bar.outline.set_linewidth(0.5)
    axes.set(xlabel=shorten(x), ylabel=shorten(y), title=f"{shorten(panel.name)}: {title}")


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


def _hide_spines(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
