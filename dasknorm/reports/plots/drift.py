"""Plot a check for drift: a dot and a bar per variable, and the limits as bands.

Used by reports.drift. Colours and labels may change.
"""

from collections.abc import Hashable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from dasknorm.reports.plots.panels import NotebookFigure

PASSES: dict[str, Any] = {"marker": "o", "color": "#0072B2", "markersize": 7, "linewidth": 2}
FAILS: dict[str, Any] = {**PASSES, "marker": "D", "color": "#D55E00"}
BAND: dict[str, Any] = {"color": "0.9", "linewidth": 0}
ENDS: dict[str, Any] = {"color": "#E6C65C", "alpha": 0.45, "linewidth": 0}
MAX_LABEL = 24
"""Characters of a name that fit next to the axes."""


def plot_drift(
    table: pd.DataFrame, shift: float, std_ratio: float, figure: Figure | None
) -> Figure:
    """Return the plot; the height of a new figure depends on the number of rows."""
    rows = len(table)
    figure = figure or NotebookFigure(figsize=(7.6, 1.9 + 0.36 * rows))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    axes.use_sticky_edges = False
    axes.axvspan(-shift, shift, zorder=0, **BAND)
    axes.axvline(0, color="0.55", linewidth=0.8, zorder=0.5)
    for at, (_, row) in enumerate(table.iterrows()):
        _draw(axes, at, row, std_ratio)
    axes.set_yticks(range(rows), [_short(name) for name in table.index])
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xlabel("mean ± standard deviation, in standard deviations before")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -1.25), max(high, 1.25))
    _explain(
        figure, f"dots belong here: {shift:g}", f"bars end here: 1/{std_ratio:g} to {std_ratio:g}"
    )
    return figure


def _draw(axes: Axes, at: int, row: pd.Series, std_ratio: float) -> None:
    style, mean = (FAILS if row["failed"] else PASSES), row["z_mean"]
    if pd.isna(mean):
        message = row["failed"] or "its mean is not known"
        axes.text(0, at, f" {message}", color=style["color"], va="center", fontsize=9)
        return
    axes.errorbar(mean, at, xerr=row["z_std"], **style)
    for end in (mean - std_ratio, mean + 1 / std_ratio):
        axes.barh(at, std_ratio - 1 / std_ratio, 0.5, end, zorder=0.4, **ENDS)


def _explain(figure: Figure, dots: str, ends: str) -> None:
    lines = [
        Line2D([], [], label=label, **style)
        for label, style in (("passes", PASSES), ("fails", FAILS))
    ]
    handles = [*lines, Patch(label=dots, **BAND), Patch(label=ends, **ENDS)]
    figure.legend(handles=handles, loc="outside lower left", ncols=4, frameon=False, fontsize=9)


def _short(name: Hashable) -> str:
    text = str(name)
    text = text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…"
    return text.replace("$", r"\$")  # which would begin a formula
