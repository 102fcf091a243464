"""HTML: statistics as a notebook shows them, beside xarray's own objects.

Every text is escaped: names and units come from data. Colours are the notebook's own, by the
variables of its theme, so that a dark one stays dark.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from dasknorm.chunks import is_lazy
from dasknorm.fields import State, States
from dasknorm.fields.labels import format_dims
from dasknorm.reports.methods_text import describe
from dasknorm.reports.table import size, table

__all__ = ["html", "html_table"]

LINES = 12
"""Kept positions that are shown of each variable; of more, the others are counted."""

OPEN = 3
"""Variables whose numbers are in sight at once."""

STYLE = """
<style>
.dasknorm-stats {
  color: var(--jp-content-font-color0, var(--vscode-editor-foreground, var(--pst-color-text-base, inherit)));
  line-height: 1.5; max-width: 60em;
}
.dasknorm-stats .head {
  border-bottom: 1px solid var(--jp-border-color2, var(--pst-color-border, #8884)); padding: 0.2em 0;
}
.dasknorm-stats .quiet {
  color: var(--jp-content-font-color2, var(--pst-color-text-muted, #777)); font-weight: normal;
}
.dasknorm-stats summary { cursor: pointer; }
.dasknorm-stats details { margin: 0.2em 0 0.2em 0.6em; }
.dasknorm-stats table { border-collapse: collapse; margin: 0.2em 0 0.4em 1.2em; }
.dasknorm-stats th, .dasknorm-stats td {
  background: transparent; border: none; padding: 0.1em 0.9em 0.1em 0; text-align: right;
}
.dasknorm-stats tbody th, .dasknorm-stats thead th:first-child {
  font-weight: normal; text-align: left;
}
</style>
"""  # noqa: E501


def html(states: States, container: str, attrs: Mapping[str, Any]) -> str:
    """Return statistics as HTML; of lazy ones nothing is computed."""
    kinds = dict.fromkeys(str(state.statistic) for state in states.values())
    what = _quiet(f"of {container}, {', '.join(kinds)}")
    parts = [
        _details(_title(name, state), _numbers(name, state), number < OPEN)
        for number, (name, state) in enumerate(states.items())
    ]
    return (
        f'{STYLE}<div class="dasknorm-stats"><div class="head"><b>dasknorm.Stats</b> {what}</div>'
        f"{''.join(parts)}{_made(states, attrs)}</div>"
    )


def html_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, the first cell of each row its title."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr><th>{escape(title)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for title, *cells in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _made(states: States, attrs: Mapping[str, Any]) -> str:
    """Say how the statistics were made; of lazy ones nobody knows yet what was counted."""
    return _details("how they were made", escape(describe(states, attrs)), True)


def _title(name: Hashable, state: State) -> str:
    own = "data" if name is None else str(name)
    if state.has_columns:
        own = ", ".join(map(str, state.labels["columns"][:OPEN]))
        own += ", ..." if len(state.labels["columns"]) > OPEN else ""
    units = state.attrs.get("units")
    sizes = ", ".join(
        f"{dim}: {n}" if isinstance(dim, str) else f"axis {dim}: {n}" for dim, n in _sizes(state)
    )
    said = " ".join(filter(None, [f"({sizes})" if sizes else "", str(units) if units else ""]))
    return f"<b>{escape(own)}</b> {_quiet(said)}"


def _sizes(state: State) -> list[tuple[Hashable, Any]]:
    """Return the kept dimensions and their sizes; several keys name one of groups."""
    by = state.group_dim
    keys = format_dims([str(key) for key in by]) if type(by) is tuple else None
    return [
        (keys if keys is not None and dim == by else dim, n) for dim, n in state.sizes().items()
    ]


def _numbers(name: Hashable, state: State) -> str:
    if is_lazy(state.data):
        return _quiet("lazy: not yet computed")
    frame = table({name: state}, LINES)
    rest = size({name: state}) - LINES
    prefix = "" if name is None or state.has_columns else f"{name} "
    rows = [
        [str(place).removeprefix(prefix), *map(_number, values)]
        for place, values in zip(frame.index, frame.to_numpy(), strict=True)
    ]
    more = _quiet(f"... and {rest:,} more") if rest > 0 else ""
    return html_table(["", *frame.columns], rows) + more


def _number(value: float) -> str:
    return "NaN" if np.isnan(value) else f"{value:,.6g}"


def _details(title: str, inside: str, is_open: bool) -> str:
    return f"<details{' open' if is_open else ''}><summary>{title}</summary>{inside}</details>"


def _quiet(text: str) -> str:
    return f'<span class="quiet">{escape(text)}</span>'
