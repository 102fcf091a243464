"""The command `check`: compare new data with statistics; exit code 1 if a limit is exceeded.

Used by cli.commands. Options are documented in docs/checking.md.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pandas as pd

from dasknorm.api.stats import Stats
from dasknorm.cli import options, paths
from dasknorm.cli.clusters import compute_on
from dasknorm.cli.display import format_number, show_contents
from dasknorm.cli.errors import input_errors
from dasknorm.cli.exports import FormatOptions, with_format_options
from dasknorm.cli.figures import check_figure, write_figure
from dasknorm.cli.masks import Condition
from dasknorm.cli.opening import OpenOptions, with_open_options
from dasknorm.fields.selection import Selection

SHOWN_COLUMNS = ("z_mean", "z_std", "z_min", "z_max", "missing", "missing_before", "count")


@click.command()
@click.argument("stats", type=click.Path(path_type=Path))
@click.argument("src", nargs=-1, required=True)
@with_format_options
@options.variables("Variables or columns to check. Default: all in STATS.")
@options.weights
@options.condition
@click.option(
    "--max-shift",
    default=0.5,
    show_default=True,
    help="Largest allowed shift of a mean, in standard deviations.",
)
@click.option(
    "--max-std-ratio",
    default=2.0,
    show_default=True,
    help="Largest allowed ratio of standard deviations, new to old or old to new.",
)
@click.option(
    "--max-missing", type=float, help="Largest allowed rise of the fraction of missing values."
)
@click.option("--max-z", type=float, help="Largest allowed absolute value, normalized.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FIGURE",
    help="Plot the shifts to this file, which ends in .png, .pdf or .svg.",
)
@with_open_options
@options.overwriting
@options.cluster
def check(
    stats: Path,
    src: tuple[str, ...],
    written: FormatOptions,
    opening: OpenOptions,
    names: list[str],
    condition: Condition | None,
    plot: Path | None,
    overwrite: bool,
    workers: int | None,
    scheduler: str | None,
    **how: Any,
) -> None:
    """Compare new data, SRC, with the data that STATS were computed from.

    The exit code is 1 if the mean or standard deviation of a variable or column exceeds a limit.
    """
    sources = paths.find_sources(src)
    if plot is not None:
        check_figure(plot, [*sources, stats], overwrite)
    files = paths.data_files(sources, paths.sources_format(sources, opening), opening)
    files.check_weights(how["weights"])
    loaded = paths.load_stats(stats, written.reader(columns=files.is_table))
    with compute_on(workers, scheduler), input_errors(), files.explain_errors():
        selected = _select(loaded, names) if names else loaded
        keys = Selection.from_states(selected.states).by
        data, _, where = files.open_for_adapt(names, keys, condition)
        result = selected.check(data, where=where, **how)
    _show(result.table)
    if plot is not None:
        write_figure(result.plot, plot)
    for name, reason in result.failures.items():
        worst = result.table["worst"][name]
        click.echo(f"{name}: {reason}{f' (worst at {worst})' if worst else ''}")
    click.echo(result.verdict)
    if not result.passed:
        raise click.exceptions.Exit(1)


def _select(stats: Stats, names: list[str]) -> Stats:
    """Return the statistics of some variables or columns, as if only these had been selected."""
    selection = stats.select(names)
    states = {
        key: replace(state, selected_columns=tuple(state.labels["columns"]))
        if state.has_columns
        else state
        for key, state in selection.states.items()
    }
    return replace(selection, states=states)


def _show(table: pd.DataFrame) -> None:
    rows = {
        str(name): tuple(format_number(row[column], 3) for column in SHOWN_COLUMNS)
        for name, row in table.iterrows()
    }
    headings = [column.removeprefix("missing_") for column in SHOWN_COLUMNS]
    show_contents(rows, headings)
