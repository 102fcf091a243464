"""Format statistics as HTML for notebooks.

Used by api.stats. Layout and style may change. Every text is escaped, because names and units come
from data. Colours are variables of the theme of the notebook, so dark themes stay dark.
"""

from collections.abc import Hashable, Iterable, Sequence
from html import escape

import numpy as np

from dasknorm.chunks import is_lazy
from dasknorm.fields import State, States
from dasknorm.fields.labels import format_dims
from dasknorm.reports.methods_text import describe
from dasknorm.reports.provenance import Attrs
from dasknorm.reports.table import count_features, make_table

HTML_ROWS = 12
"""Output elements shown per variable; further ones are counted."""

MAX_OPEN = 3
"""Variables whose tables are open at first, and columns named in a title."""

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


def format_html(states: States, container: str, attrs: Attrs) -> str:
    """Return statistics as HTML; lazy statistics are not computed."""
    kinds = dict.fromkeys(str(state.statistic) for state in states.values())
    subtitle = _quiet(f"of {container}, {', '.join(kinds)}")
    parts = [
        _details(_title(name, state), _results(name, state), number < MAX_OPEN)
        for number, (name, state) in enumerate(states.items())
    ]
    provenance = _details("how they were made", escape(describe(states, attrs)), True)
    return (
        f'{STYLE}<div class="dasknorm-stats">'
        f'<div class="head"><b>dasknorm.Stats</b> {subtitle}</div>'
        f"{''.join(parts)}{provenance}</div>"
    )


def format_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, with the first cell of each row as its title."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr><th>{escape(title)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for title, *cells in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _title(name: Hashable, state: State) -> str:
    title = "data" if name is None else str(name)
    if state.has_columns:
        title = ", ".join(map(str, state.labels["columns"][:MAX_OPEN]))
        title += ", ..." if len(state.labels["columns"]) > MAX_OPEN else ""
    units = state.attrs.get("units")
    sizes = ", ".join(
        f"{dim}: {n}" if isinstance(dim, str) else f"axis {dim}: {n}" for dim, n in _sizes(state)
    )
    details = " ".join(filter(None, [f"({sizes})" if sizes else "", str(units) if units else ""]))
    return f"<b>{escape(title)}</b> {_quiet(details)}"


def _sizes(state: State) -> list[tuple[Hashable, float]]:
    """Return the kept dimensions and their sizes; the keys of groups name their dimension."""
    by = state.group_dim
    keys = format_dims([str(key) for key in by]) if type(by) is tuple else None
    return [
        (keys if keys is not None and dim == by else dim, n) for dim, n in state.sizes().items()
    ]


def _results(name: Hashable, state: State) -> str:
    if is_lazy(state.data):
        return _quiet("lazy: not yet computed")
    frame = make_table({name: state}, HTML_ROWS)
    more = count_features({name: state}) - HTML_ROWS
    prefix = "" if name is None or state.has_columns else f"{name} "
    rows = [
        [str(position).removeprefix(prefix), *map(_format_number, values)]
        for position, values in zip(frame.index, frame.to_numpy(), strict=True)
    ]
    footer = _quiet(f"... and {more:,} more") if more > 0 else ""
    return format_table(["", *frame.columns], rows) + footer


def _format_number(value: float) -> str:
    return "NaN" if np.isnan(value) else f"{value:,.6g}"


def _details(title: str, inside: str, is_open: bool) -> str:
    return f"<details{' open' if is_open else ''}><summary>{title}</summary>{inside}</details>"


def _quiet(text: str) -> str:
    return f'<span class="quiet">{escape(text)}</span>'
