"""The picture of a check: a dot and a bar for each variable, and the limits as a band."""

from collections.abc import Hashable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

__all__ = ["drawn"]

PASSES: dict[str, Any] = {"marker": "o", "color": "#0072B2"}
FAILS: dict[str, Any] = {"marker": "D", "color": "#D55E00"}
BAND: dict[str, Any] = {"color": "0.91", "linewidth": 0}
NAME = 24


def drawn(table: pd.DataFrame, shift: float) -> Figure:
    """Return the figure, as high as it has rows."""
    rows = len(table)
    figure = Figure(figsize=(7.6, 1.9 + 0.36 * rows), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(-shift, shift, zorder=0, **BAND)
    axes.axvline(0, color="0.55", linewidth=0.8, zorder=0.5)
    for at, (_, row) in enumerate(table.iterrows()):
        _draw(axes, at, row)
    axes.set_yticks(range(rows), [_short(name) for name in table.index])
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xlabel("mean ± standard deviation, in those of the data before")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, -1.25), max(high, 1.25))
    _explain(figure, shift, failing=bool((table["failed"] != "").any()))
    return figure


def _draw(axes: Axes, at: int, row: pd.Series) -> None:
    style = FAILS if row["failed"] else PASSES
    if pd.isna(row["z_mean"]):
        said = row["failed"] or "no mean is known"
        axes.text(0, at, f" {said}", color=style["color"], va="center", fontsize=9)
        return
    axes.errorbar(row["z_mean"], at, xerr=row["z_std"], markersize=7, linewidth=2, **style)


def _explain(figure: Figure, shift: float, failing: bool) -> None:
    handles: list[Any] = [Line2D([], [], markersize=7, linewidth=2, label="passes", **PASSES)]
    if failing:
        handles.append(Line2D([], [], markersize=7, linewidth=2, label="fails", **FAILS))
    handles.append(Patch(label=f"means may shift by {shift:g}", **BAND))
    figure.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False)


def _short(name: Hashable) -> str:
    text = str(name).replace("$", r"\$")  # which would begin a formula
    return text if len(text) <= NAME else f"{text[: NAME - 1]}…"
