"""Print statistics, contents and provenance as tables and lines on stdout.

Used by cli.check and cli.commands. The layout may change.
"""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import zip_longest

import click
import numpy as np

from dasknorm.api.shards import progress_of
from dasknorm.api.stats import Stats
from dasknorm.cli.errors import InputError
from dasknorm.fields import State
from dasknorm.fields.missing_values import format_fill
from dasknorm.reports.provenance import Attrs, Run, runs_of
from dasknorm.reports.table import make_table, result_names

MAX_ROWS = 20
GAP = 3
"""Characters between the columns of a table."""


def require_rich() -> None:
    """Raise InputError, before any long work, if the library that prints tables is missing."""
    try:
        import rich  # noqa: F401  # optional
    except ImportError:
        raise InputError("the command line needs rich: pip install 'dasknorm[cli]'") from None


def show_stats(stats: Stats) -> None:
    """Print a line per feature; of many features, the least and the greatest values."""
    names = result_names(stats.states)
    rows = [
        row for name, state in stats.states.items() for row in _feature_rows(name, state, names)
    ]
    _print_table(["", *names], rows)


def show_contents(contents: Mapping[str, tuple[str, ...]], columns: Sequence[str]) -> None:
    """Print the contents of an output, a line per variable."""
    _print_table(["", *columns], [(name, *cells) for name, cells in contents.items()])


def provenance_lines(attrs: Attrs) -> Iterator[str]:
    """Yield lines about the origin of statistics: one per fact."""
    if unfinished := progress_of(attrs):
        yield f"a checkpoint: {unfinished}"
    if attrs.get("given"):
        yield "given, not adapted"
    for run in runs_of(attrs):
        yield f"adapted {run.get('created', 'at an unknown time')} by dasknorm {attrs['dasknorm']}"
        if "source" in run:
            yield f"  from   {', '.join(run['source'])}"
        by = f", by {', '.join(run['by'])}" if run.get("by") else ""
        yield f"  over   {', '.join(_ranges(run)) or 'nothing'}{by}"
        dtypes = ", ".join(f"{name} {dtype}" for name, dtype in run.get("dtypes", {}).items())
        yield f"  dtypes {dtypes.removeprefix('None ')}"
        for name, declared in run.get("missing", {}).items():
            for attribute, values in declared.items():
                yield f"  missing {name} {', '.join(map(format_fill, values))} ({attribute})"


def _ranges(run: Run) -> Iterator[str]:
    """Yield each reduced dimension with its first and last label."""
    for dim in run["over"]:
        ends = run.get("range", {}).get(dim)
        yield f"{dim} ({ends[0]} to {ends[1]})" if ends else dim


def _feature_rows(name: Hashable, state: State, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    if state.data.size > MAX_ROWS and state.dims != ("columns",):
        yield from _extreme_rows(name, state, names)
        return
    frame = make_table({name: state}, MAX_ROWS).reindex(columns=list(names))
    for feature, values in frame.iterrows():
        yield str(feature), *map(format_number, values)
    if state.data.size > MAX_ROWS:
        yield (f"... and {state.data.size - MAX_ROWS} more",)


def _extreme_rows(name: Hashable, state: State, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    sizes = " x ".join(str(n) for n in state.data.shape)
    if name is not None:
        yield (str(name),)
    statistic = state.statistic
    values = [
        statistic.result(state.data, result) if result in statistic.result_names else np.empty(0)
        for result in names
    ]
    values = [array[~np.isnan(array)] for array in values]
    for title, extreme in ((f"  least of {sizes}", np.min), ("  greatest", np.max)):
        cells = [format_number(extreme(array) if array.size else math.nan) for array in values]
        yield title, *cells


def _print_table(columns: list[str], rows: list[tuple[str, ...]]) -> None:
    from rich import box  # optional, and slow to import
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    widths = [max(map(len, cells)) + GAP for cells in zip_longest(columns, *rows, fillvalue="")]
    count = len(columns)
    while console.is_terminal and sum(widths[:count]) > console.width and count > 2:
        count -= 1
    console.width = max(console.width, sum(widths[:count]))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for position, column in enumerate(columns[:count]):
        table.add_column(column, justify="right" if position else "left", overflow="fold")
    for row in rows:
        table.add_row(*row[:count])
    with console.capture() as printed:
        console.print(table)
    lines = [line.rstrip() for line in printed.get().splitlines()]
    click.echo("\n".join(line for line in lines if line))
    if count < len(columns):
        click.echo(f"left out, for lack of width: {', '.join(columns[count:])}")


def format_number(value: float, digits: int = 6) -> str:
    """Return an integer with all its digits, and another number with a few."""
    is_integer = math.isfinite(value) and value == int(value) and abs(value) < 1e15
    return f"{value:,.0f}" if is_integer else f"{value:.{digits}g}"
