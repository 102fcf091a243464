"""Check: other data beside statistics; what is beyond a limit is named, and the exit code 1."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from dasknorm.api.stats import Stats
from dasknorm.cli import arrays, options, paths
from dasknorm.cli.clusters import computing
from dasknorm.cli.exports import Written, as_written
from dasknorm.cli.inputs import kind_of, loaded_from
from dasknorm.cli.refusals import Refusal, expected
from dasknorm.cli.reports import show_contents
from dasknorm.fields.selection import Selection
from dasknorm.io.store.atomic import replacing

if TYPE_CHECKING:
    from dasknorm.reports.drift import Check

__all__ = ["check"]

SHOWN = {"missing_before": "before"}
"""What columns are called where a terminal is narrow."""
COLUMNS = ("z_mean", "z_std", "z_min", "z_max", "missing", "missing_before", "count")


@click.command()
@click.argument("stats", type=click.Path(path_type=Path))
@click.argument("src", nargs=-1, required=True)
@as_written
@options.variables
@options.weights
@click.option(
    "--max-shift", default=0.5, show_default=True, help="Of means, in standard deviations."
)
@click.option(
    "--max-std-ratio", default=2.0, show_default=True, help="Times larger or smaller, of spreads."
)
@click.option("--max-missing", type=float, help="Rise of the share of missing values.")
@click.option("--max-z", type=float, help="Of any value, normalized.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PNG",
    help="Draw the shifts.",
)
@options.overwriting
@options.where
def check(
    stats: Path,
    src: tuple[str, ...],
    written: Written,
    names: list[str],
    picture: Path | None,
    overwrite: bool,
    workers: int | None,
    scheduler: str | None,
    **how: Any,
) -> None:
    """Tell whether other data, SRC, still look like those that STATS were learned from.

    Exit code 1 if the mean or the spread of a variable or column is beyond its limit.
    """
    found = paths.sources(src)
    if picture is not None:
        _check_picture(picture, [*found, stats], overwrite)
    form = paths.format_of_all(found)
    kind = kind_of(form)
    if how["weights"] is not None and kind is not arrays:
        raise Refusal("--weights are by latitude, for Zarr stores and NetCDF files only")
    loaded = loaded_from(stats, written.reader(columns=kind is not arrays))
    with computing(workers, scheduler), expected():
        known = _only(loaded, names) if names else loaded
        data, _ = kind.looked_at(found, form, names, Selection.from_states(known.states).by)
        verdict = known.check(data, **how)
    _show(verdict.table)
    if picture is not None:
        _draw(verdict, picture)
    for name, said in verdict.failures.items():
        worst = verdict.table["worst"][name]
        click.echo(f"{name}: {said}{f' (worst at {worst})' if worst else ''}")
    click.echo(verdict.verdict)
    if not verdict.passed:
        raise click.exceptions.Exit(1)


def _check_picture(picture: Path, inputs: list[Path], overwrite: bool) -> None:
    """Refuse, before data are read, what cannot be drawn then."""
    if picture.suffix != ".png":
        raise Refusal(f"a picture is a PNG file; give a name that ends in .png, not {picture}")
    paths.check_output(picture, inputs, overwrite)
    try:
        import matplotlib  # noqa: F401  # optional
    except ImportError:
        raise Refusal("a picture needs matplotlib: pip install 'dasknorm[plot]'") from None


def _draw(verdict: "Check", picture: Path) -> None:
    with expected(), replacing(picture) as partial:
        verdict.plot().savefig(partial, dpi=130, format="png")
    click.echo(f"wrote {picture}")


def _only(stats: Stats, names: list[str]) -> Stats:
    """Return the statistics of some columns, which are the ones chosen, or of some variables."""
    some = stats.select(names)
    states = {
        key: replace(state, selected_columns=tuple(state.labels["columns"]))
        if state.has_columns
        else state
        for key, state in some.states.items()
    }
    return replace(some, states=states)


def _show(table: pd.DataFrame) -> None:
    rows = {
        str(name): tuple(_number(row[column]) for column in COLUMNS)
        for name, row in table.iterrows()
    }
    show_contents(rows, tuple(SHOWN.get(column, column) for column in COLUMNS))


def _number(value: float) -> str:
    whole = math.isfinite(value) and value == int(value) and abs(value) < 1e15
    return f"{value:,.0f}" if whole else f"{value:.3g}"
