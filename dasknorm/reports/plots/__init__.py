"""Plot statistics with Matplotlib: choose a type of panel by the kept dimensions, and draw all.

Used by api.stats. The choice and the size of panels may change. `panels` draws one panel, and
`drift` the result of a check.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from dasknorm.errors import MismatchError
from dasknorm.fields import State, States
from dasknorm.fields.labels import format_dims
from dasknorm.reports.plots.panels import (
    NotebookFigure,
    Panel,
    band_of,
    draw_curve,
    draw_map,
    draw_points,
    draw_profile,
)

__all__ = ["NotebookFigure", "plot_states"]

MAX_PANELS = 24


class Section(NamedTuple):
    """Panels of one type, with their arguments, number of columns and height."""

    draw: Callable[..., None]
    panels: list[Any]
    columns: int
    height: float


def plot_states(states: States, container: str, figure: Any = None) -> Any:
    """Return a plot of states in memory, in a new or in a given figure (`Stats.plot`)."""
    if figure is not None and not isinstance(figure, Figure):
        raise TypeError(
            "plot() takes no argument, or figure= with a Matplotlib figure, got a "
            f"{type(figure).__name__}. For one variable write stats.select(['t']).plot(); for an "
            "axes pass its figure"
        )
    for name, state in states.items():
        _check_rank(name, state, container)
    panels = [panel for name, state in states.items() for panel in _panels(name, state)]
    if len(panels) > MAX_PANELS:
        raise MismatchError(
            f"too many panels to plot: got {len(panels)}, at most {MAX_PANELS}. Select some "
            "variables: stats.select([...]).plot()"
        )
    sections = [section for section in _sections(panels) if section.panels]
    rows = [-(-len(section.panels) // section.columns) for section in sections]
    heights = [section.height * n for section, n in zip(sections, rows, strict=True)]
    if figure is None:
        figure = NotebookFigure(figsize=(9, 0.5 + sum(heights)))
    figure.set_layout_engine("constrained")
    subfigures = figure.subfigures(len(sections), 1, height_ratios=heights, squeeze=False)[:, 0]
    for section, n, subfigure in zip(sections, rows, subfigures, strict=True):
        grid = subfigure.subplots(n, section.columns, squeeze=False).ravel()
        for axes, panel in zip(grid, section.panels, strict=False):
            section.draw(axes, *panel)
        for axes in grid[len(section.panels) :]:
            axes.set_axis_off()
    figure.suptitle("; ".join(dict.fromkeys(panel.band.names[1] for panel in panels)))
    return figure


def _sections(panels: Sequence[Panel]) -> Iterator[Section]:
    """Yield the panels grouped by type."""
    profiles = [(panel,) for panel in panels if panel.is_profile]
    curves = [(panel,) for panel in panels if len(panel.dims) == 1 and not panel.is_profile]
    maps = [(p, quantity) for p in panels if len(p.dims) == 2 for quantity in ("centre", "width")]
    points: dict[Hashable, list[Panel]] = {}
    for number, panel in enumerate(panels):
        if not panel.dims:
            points.setdefault(panel.units or number, []).append(panel)
    yield Section(draw_profile, profiles, max(1, min(3, len(profiles))), 4.2)
    yield Section(draw_curve, curves, max(1, min(2, len(curves))), 2.8)
    yield Section(draw_map, maps, 2, 3.4)
    most = max(map(len, points.values()), default=1)
    by_units = [(same_units,) for same_units in points.values()]
    yield Section(draw_points, by_units, max(1, min(2, len(by_units))), 0.7 + 0.3 * most)


def _check_rank(name: Hashable, state: State, container: str) -> None:
    """Raise MismatchError with code that plots one position if there are too many dimensions."""
    dims = [dim for dim in state.dims if dim != "columns" or not state.has_columns]
    if len(dims) <= 2:
        return
    result = f"stats.{next(r for r in state.statistic.result_names if r != 'count')}"
    if container == "numpy.ndarray":
        code = f"plt.imshow({result}[{', '.join('0' * (len(dims) - 2))}])"
    else:
        # Dimensions of groups are named as in xarray: month for time.month.
        groups = [key for dim in dims for key in (dim if isinstance(dim, tuple) else (dim,))]
        position = {str(key).rpartition(".")[2]: 0 for key in groups[:-2]}
        variable = "" if container == "xarray.DataArray" else f"[{name!r}]"
        code = f"{result}{variable}.isel({position}).plot()"
    raise MismatchError(
        f"cannot plot statistics kept along {format_dims(state.dims)}; take one position "
        f"first, for example {code}"
    )


def _panels(name: Hashable, state: State) -> Iterator[Panel]:
    """Yield a panel for a variable, or for each column of a DataFrame."""
    band = band_of(state)
    units = str(state.statistic.units(band.names[0], str(state.attrs.get("units", ""))))
    title = str(state.attrs.get("long_name", "data" if name is None else name))
    if not state.has_columns:
        yield _panel(title, units, state, band)
        return
    axis = state.dims.index("columns")
    dims = tuple(dim for dim in state.dims if dim != "columns")
    for i, column in enumerate(state.labels["columns"]):
        index = (slice(None),) * axis + (i,)
        yield _panel(str(column), units, replace(state, dims=dims), band.at(index))


def _panel(name: str, units: str, state: State, band: Any) -> Panel:
    labels = tuple(
        _index(state, dim, size) for dim, size in zip(state.dims, band.centre.shape, strict=True)
    )
    return Panel(name, units if units != "1" else "", band, state.dims, labels)


def _index(state: State, dim: Hashable, size: int) -> pd.Index:
    """Return the labels along a dimension, or else positions; multiple keys as one text."""
    labels = state.labels.get(dim, pd.RangeIndex(size))
    if labels.nlevels == 1:
        return labels
    return pd.Index([", ".join(map(str, keys)) for keys in labels])
