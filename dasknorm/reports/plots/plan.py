"""Plan: which panels a picture has, by the dimensions that statistics keep."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pandas as pd

from dasknorm.errors import MismatchError
from dasknorm.fields import State, States
from dasknorm.fields.labels import format_dims
from dasknorm.reports.plots.bands import band_of
from dasknorm.reports.plots.figure import Picture
from dasknorm.reports.plots.panels import Panel, draw_curve, draw_map, draw_points, draw_profile

__all__ = ["drawn"]

MOST = 24
"""Panels, beyond which nobody looks at each."""

VERTICAL = ("lev", "pressure", "isobaric", "depth", "height", "altitude", "pfull")
"""What names of vertical dimensions have in them."""


class Part(NamedTuple):
    """Panels of one kind: how each is drawn, and how large."""

    draw: Callable[..., None]
    panels: list[Any]
    columns: int
    height: float


def drawn(states: States, figure: Any = None) -> Any:
    """Return the picture of states in memory: a new one, or the figure that is given.

    Raises
    ------
    MismatchError
        If more than two dimensions are kept, or there are too many variables.
    TypeError
        If a statistic has nothing to be drawn.
    """
    panels = [panel for name, state in states.items() for panel in _panels(name, state)]
    if len(panels) > MOST:
        raise MismatchError(
            f"there would be {len(panels)} panels, and at most {MOST} can be told apart: take "
            "some, stats.select([...]).plot()"
        )
    parts = [part for part in _parts(panels) if part.panels]
    rows = [-(-len(part.panels) // part.columns) for part in parts]
    heights = [part.height * n for part, n in zip(parts, rows, strict=True)]
    picture = Picture(figsize=(9, 0.5 + sum(heights))) if figure is None else figure
    picture.set_layout_engine("constrained")
    several = picture.subfigures(len(parts), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, many, own in zip(parts, rows, several, strict=True):
        places = own.subplots(many, part.columns, squeeze=False).ravel()
        for axes, panel in zip(places, part.panels, strict=False):
            part.draw(axes, *panel)
        for axes in places[len(part.panels) :]:
            axes.set_axis_off()
    picture.suptitle("; ".join(dict.fromkeys(panel.band.words[1] for panel in panels)))
    return picture


def _parts(panels: Sequence[Panel]) -> Iterator[Part]:
    """Yield the panels that belong together, with what each is drawn from."""
    profiles = [(panel,) for panel in panels if len(panel.dims) == 1 and _is_vertical(panel)]
    curves = [(panel,) for panel in panels if len(panel.dims) == 1 and not _is_vertical(panel)]
    grids = [panel for panel in panels if len(panel.dims) == 2]
    points: dict[Hashable, list[Panel]] = {}
    for number, panel in enumerate(panels):
        if not panel.dims:
            points.setdefault(panel.units or number, []).append(panel)
    yield Part(draw_profile, profiles, max(1, min(3, len(profiles))), 4.2)
    yield Part(draw_curve, curves, max(1, min(2, len(curves))), 2.8)
    maps = [(panel, what) for panel in grids for what in ("centre", "width")]
    yield Part(draw_map, maps, 2, 3.4)
    most = max(map(len, points.values()), default=1)
    together = [(same,) for same in points.values()]
    yield Part(draw_points, together, max(1, min(2, len(together))), 0.7 + 0.3 * most)


def _panels(name: Hashable, state: State) -> Iterator[Panel]:
    """Yield a panel for the variable, or for each column of a frame."""
    band = band_of(state)
    units = str(state.statistic.units(band.words[0], str(state.attrs.get("units", ""))))
    own = str(state.attrs.get("long_name", "data" if name is None else name))
    if not state.has_columns:
        yield _panel(own, units, state, band)
        return
    axis = state.dims.index("columns")
    rest = tuple(dim for dim in state.dims if dim != "columns")
    for i, column in enumerate(state.labels["columns"]):
        index = (slice(None),) * axis + (i,)
        yield _panel(str(column), units, replace(state, dims=rest), band.at(index))


def _panel(name: str, units: str, state: State, band: Any) -> Panel:
    if len(state.dims) > 2:
        raise MismatchError(
            f"there is no picture of statistics kept along {format_dims(state.dims)}; take one "
            f"position of them, as in stats.mean.isel({state.dims[0]}=0).plot()"
        )
    labels = tuple(
        _index(state, dim, size) for dim, size in zip(state.dims, band.centre.shape, strict=True)
    )
    return Panel(name, units if units != "1" else "", band, state.dims, labels)


def _index(state: State, dim: Hashable, size: int) -> pd.Index:
    """Return the labels along a dimension, or positions; of several keys their texts."""
    labels = state.labels.get(dim, pd.RangeIndex(size))
    if labels.nlevels == 1:
        return labels
    return pd.Index([", ".join(map(str, each)) for each in labels])


def _is_vertical(panel: Panel) -> bool:
    (dim,), (labels,) = panel.dims, panel.labels
    return labels.dtype.kind in "iuf" and any(word in str(dim).lower() for word in VERTICAL)
