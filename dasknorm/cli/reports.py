"""Reports: what a command tells at its end, in tables and lines on stdout."""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import click
import numpy as np

from dasknorm.api.shards import progress_of
from dasknorm.api.stats import Stats
from dasknorm.cli.refusals import Refusal
from dasknorm.fields import State
from dasknorm.reports.table import readings_of
from dasknorm.reports.table import table as readings_table

__all__ = ["provenance_lines", "require_rich", "show_contents", "show_stats"]

LINES = 20


def require_rich() -> None:
    """Refuse to go on without the library that draws tables, before any long work is done."""
    try:
        import rich  # noqa: F401  # optional
    except ImportError:
        raise Refusal("the command line needs rich: pip install 'dasknorm[cli]'") from None


def show_stats(stats: Stats) -> None:
    """Print a line for each feature; where there are many, the least and the greatest reading."""
    readings = readings_of(stats.states)
    rows = [
        row for name, state in stats.states.items() for row in _feature_rows(name, state, readings)
    ]
    _print_table(["", *readings], rows)


def show_contents(contents: Mapping[str, tuple[str, ...]], columns: tuple[str, ...]) -> None:
    """Print what an output holds, a line for each variable."""
    _print_table(["", *columns], [(name, *cells) for name, cells in contents.items()])


def provenance_lines(attrs: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is known of where statistics come from, a line for each thing."""
    if unfinished := progress_of(attrs):
        yield f"a checkpoint: {unfinished}"
    if attrs.get("given"):
        yield "given, not adapted"
    for run in attrs.get("runs", []):
        yield f"adapted {run.get('created', 'at an unknown time')} by dasknorm {attrs['dasknorm']}"
        if "source" in run:
            yield f"  from   {', '.join(run['source'])}"
        by = f", by {', '.join(run['by'])}" if run.get("by") else ""
        yield f"  over   {', '.join(_spans(run)) or 'nothing'}{by}"
        dtypes = ", ".join(f"{name} {dtype}" for name, dtype in run.get("dtypes", {}).items())
        yield f"  dtypes {dtypes.removeprefix('None ')}"


def _spans(run: Mapping[str, Any]) -> Iterator[str]:
    """Yield each merged dimension, and from where to where along it."""
    for dim in run["over"]:
        ends = run.get("range", {}).get(dim)
        yield f"{dim} ({ends[0]} to {ends[1]})" if ends else dim


def _feature_rows(
    name: Hashable, state: State, readings: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    if state.data.size > LINES and state.dims != ("columns",):
        yield from _extreme_rows(name, state, readings)
        return
    frame = readings_table({name: state}, LINES).reindex(columns=list(readings))
    for feature, values in frame.iterrows():
        yield str(feature), *map(_number, values)
    if state.data.size > LINES:
        yield (f"... and {state.data.size - LINES} more",)


def _extreme_rows(
    name: Hashable, state: State, readings: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    sizes = " x ".join(str(n) for n in state.data.shape)
    if name is not None:
        yield (str(name),)
    statistic, none = state.statistic, np.empty(0)
    known = [r in statistic.result_names for r in readings]
    values = [
        statistic.result(state.data, reading) if has else none
        for reading, has in zip(readings, known, strict=True)
    ]
    values = [array[~np.isnan(array)] for array in values]
    for title, extreme in ((f"  least of {sizes}", np.min), ("  greatest", np.max)):
        cells = [_number(extreme(array) if array.size else math.nan) for array in values]
        yield title, *cells


def _print_table(columns: list[str], rows: list[tuple[str, ...]]) -> None:
    from rich import box  # optional, and slow to import
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for position, column in enumerate(columns):
        table.add_column(column, justify="right" if position else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, markup=False)
    with console.capture() as drawn:
        console.print(table)
    lines = [line.rstrip() for line in drawn.get().splitlines()]
    click.echo("\n".join(line for line in lines if line))


def _number(value: float) -> str:
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.6g}"
