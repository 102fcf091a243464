"""The command `check`: compare new data with statistics; exit code 1 if a limit is exceeded.

Used by cli.commands. Options are documented in docs/checking.md.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from dasknorm.api.stats import Stats
from dasknorm.cli import options, paths
from dasknorm.cli.clusters import compute_on
from dasknorm.cli.display import format_number, show_contents
from dasknorm.cli.errors import InputError, input_errors
from dasknorm.cli.exports import FormatOptions, with_format_options
from dasknorm.fields.selection import Selection
from dasknorm.io.store.atomic import replacing

if TYPE_CHECKING:
    from dasknorm.reports.drift import Check

SHOWN_COLUMNS = ("z_mean", "z_std", "z_min", "z_max", "missing", "missing_before", "count")


@click.command()
@click.argument("stats", type=click.Path(path_type=Path))
@click.argument("src", nargs=-1, required=True)
@with_format_options
@options.variables("Variables or columns to check. Default: all in STATS.")
@options.weights
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
    metavar="PNG",
    help="Plot the shifts to this file.",
)
@options.overwriting
@options.where
def check(
    stats: Path,
    src: tuple[str, ...],
    written: FormatOptions,
    names: list[str],
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
        _check_plot(plot, [*sources, stats], overwrite)
    files = paths.data_files(sources)
    files.check_weights(how["weights"])
    loaded = paths.load_stats(stats, written.reader(columns=files.is_table))
    with compute_on(workers, scheduler), input_errors():
        selected = _select(loaded, names) if names else loaded
        keys = Selection.from_states(selected.states).by
        data, _ = files.open_for_adapt(names, keys)
        result = selected.check(data, **how)
    _show(result.table)
    if plot is not None:
        _draw(result, plot)
    for name, reason in result.failures.items():
        worst = result.table["worst"][name]
        click.echo(f"{name}: {reason}{f' (worst at {worst})' if worst else ''}")
    click.echo(result.verdict)
    if not result.passed:
        raise click.exceptions.Exit(1)


def _check_plot(plot: Path, inputs: list[Path], overwrite: bool) -> None:
    """Raise InputError before data are read if the plot could not be written."""
    if plot.suffix != ".png":
        raise InputError(f"--plot must be a file name that ends in .png, got {plot}")
    paths.check_output(plot, inputs, overwrite)
    try:
        import matplotlib  # noqa: F401  # optional
    except ImportError:
        raise InputError("a plot needs matplotlib: pip install 'dasknorm[plot]'") from None


def _draw(result: "Check", plot: Path) -> None:
    with input_errors(), replacing(plot) as partial:
        result.plot().savefig(partial, dpi=130, format="png")
    click.echo(f"wrote {plot}")


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
