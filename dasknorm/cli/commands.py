"""The commands: each reads its arguments, checks them, and calls the library once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from dasknorm.api.adapt import adapt as adapt_statistics
from dasknorm.api.plan import plan
from dasknorm.api.shards import RETRIES
from dasknorm.api.stats import Stats
from dasknorm.chunks.progress import metering
from dasknorm.cli import arrays, options, paths
from dasknorm.cli.changes import Change
from dasknorm.cli.checking import check
from dasknorm.cli.clusters import computing
from dasknorm.cli.exports import Written, as_written, export
from dasknorm.cli.inputs import kind_of, loaded_from
from dasknorm.cli.refusals import Commands, Refusal, expected
from dasknorm.cli.reports import provenance_lines, require_rich, show_contents, show_stats
from dasknorm.cli.statistics import parse_statistics, statistic
from dasknorm.io import store
from dasknorm.io.store.atomic import replacing
from dasknorm.reports.methods_text import wrap
from dasknorm.reports.provenance import __version__

__all__ = ["main"]

SRC_HELP = (
    "SRC is a Zarr store, a NetCDF, Parquet or CSV file, a folder of Parquet files, or a quoted "
    "pattern such as 'era5-*.nc'; several are read as one."
)
OUT_HELP = "Parquet files come out in folders and files of the same names, all else in one file."


VIEW = ("over", "keep", "columns", "by", "lag", "weights")
"""What of a command's options plans know."""


@click.group(
    "norm",
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Bad input is one line and exit code 2; DASKNORM_TRACEBACK=1 shows where it was found.",
)
@click.version_option(__version__, prog_name="dasknorm", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Adapt once, normalize anywhere: statistics of data of any size, and what they are for."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    else:
        require_rich()


@main.command(help=f"Learn the statistics of SRC in one pass and keep them in STATS.\n\n{SRC_HELP}")
@click.argument("src", nargs=-1, required=True)
@options.output("STATS", required=False)
@options.names("--over", "DIMS", "Merge over these: time,lat,lon.")
@options.names("--keep", "DIMS", "Keep statistics along these: level.")
@options.variables
@options.names("--by", "KEYS", "Keep statistics of each value: carrier,origin; time.month.")
@options.lag
@options.weights
@statistic
@click.option("--ddof", default=0.0, show_default=True, help="The variance is m2 / (count - ddof).")
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    default=RETRIES,
    show_default=True,
    help="Tries more, of a chunk that cannot be read.",
)
@options.counted("--expect-count", "Refuse another count.")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Keep what is learned so far in PATH, and go on from it.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be read and held; write nothing.")
@options.overwriting
@options.where
def adapt(
    src: tuple[str, ...],
    out: Path | None,
    names: list[str],
    statistics: tuple[str, ...],
    ddof: float,
    dry_run: bool,
    overwrite: bool,
    workers: int | None,
    scheduler: str | None,
    **how: Any,
) -> None:
    found = paths.sources(src)
    if out is None and not dry_run:
        raise Refusal("give -o STATS, where to write, or --dry-run")
    out = out or Path("dry-run.json")
    paths.check_stats_suffix(out)
    paths.check_output(out, found, overwrite or dry_run)
    if how["checkpoint"] is not None:
        paths.check_stats_suffix(how["checkpoint"])
    with expected():
        learned = parse_statistics(statistics, ddof)
    with computing(workers, scheduler), metering("adapt") as meter:
        form = paths.format_of_all(found)
        if how["weights"] is not None and kind_of(form) is not arrays:
            raise Refusal("--weights are by latitude, for Zarr stores and NetCDF files only")
        with expected():
            data, how["columns"] = kind_of(form).looked_at(found, form, names, how["by"] or ())
            if dry_run:
                selection = {key: how[key] for key in VIEW}
                click.echo("\n".join(plan(data, learned, **selection).lines()))
                return
            stats = adapt_statistics(data, learned, progress=meter, **how)
            stats = _from_source(stats, src)
            stats.save(out)
    show_stats(stats)
    click.echo(meter.summary())
    click.echo(f"wrote {out}")


@main.command(help=f"Write (SRC - mean) / std to OUT.\n\n{SRC_HELP}\n\n{OUT_HELP}")
@click.argument("src", nargs=-1, required=True)
@click.argument("stats", type=click.Path(path_type=Path))
@options.output("OUT")
@options.variables
@as_written
@options.unseen
@options.overwriting
@options.where
def normalize(**arguments: Any) -> None:
    _transform(Stats.normalize, "normalize", **arguments)


@main.command(
    help=f"Write SRC * std + mean to OUT: what normalize was given.\n\n{SRC_HELP}\n\n{OUT_HELP}"
)
@click.argument("src", nargs=-1, required=True)
@click.argument("stats", type=click.Path(path_type=Path))
@options.output("OUT")
@options.variables
@as_written
@options.unseen
@options.overwriting
@options.where
def inverse(**arguments: Any) -> None:
    _transform(Stats.inverse, "inverse", **arguments)


@main.command()
@click.argument("stats", type=click.Path(path_type=Path))
@as_written
def show(stats: Path, written: Written) -> None:
    """Print what is in STATS, finished or a checkpoint, and where it comes from."""
    loaded = loaded_from(stats, written.reader(lambda path: Stats(*store.read(path))))
    show_stats(loaded)
    for each in dict.fromkeys(state.statistic for state in loaded.states.values()):
        click.echo(str(each))
    click.echo(wrap(loaded.describe()))
    for line in provenance_lines(loaded.attrs):
        click.echo(line)


@main.command()
@click.argument("parts", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.output("STATS")
@options.overwriting
def merge(parts: tuple[Path, ...], out: Path, overwrite: bool) -> None:
    """Make one of several STATS: of the same variables a merge, of different ones a union."""
    paths.check_stats_suffix(out)
    paths.check_output(out, parts, overwrite)
    loaded = [loaded_from(path) for path in parts]
    with expected():
        stats = loaded[0].merge(*loaded[1:])
        stats.save(out)
    show_stats(stats)
    click.echo(f"wrote {out}")


main.add_command(export)
main.add_command(check)


def _transform(
    method: Callable[..., Any],
    what: str,
    *,
    src: tuple[str, ...],
    stats: Path,
    out: Path,
    names: list[str],
    written: Written,
    unseen: str,
    overwrite: bool,
    workers: int | None,
    scheduler: str | None,
) -> None:
    """Map every chunk of the sources through the statistics, into the output."""
    found = paths.sources(src)
    paths.check_output(out, [*found, stats], overwrite)
    form, form_out = paths.format_of_all(found), paths.format_of(out)
    kind = kind_of(form, form_out)
    loaded = loaded_from(stats, written.reader(columns=kind is not arrays))
    _check_kinds(kind, form_out, out, loaded.container)
    with (
        replacing(out) as partial,
        computing(workers, scheduler),
        metering(what) as meter,
        expected(),
        _as_options(),
    ):
        change = Change(method, loaded.select(names) if names else loaded, unseen)
        shown = kind.mapped(found, form, change, names, meter, partial, form_out)
    show_contents(shown, kind.COLUMNS)
    click.echo(meter.summary())
    click.echo(f"wrote {out}")


@contextmanager
def _as_options() -> Iterator[None]:
    """Say in errors what to write on a command line, in place of what to write in Python."""
    try:
        yield
    except ValueError as error:
        raise ValueError(str(error).replace("unseen='nan'", "--unseen nan")) from error


def _check_kinds(kind: ModuleType, form: str, out: Path, container: str) -> None:
    """Refuse an output or statistics that are not for the kind of data the source holds."""
    if form not in kind.FORMATS:
        suffixes = [suffix for suffix, each in paths.FORMATS.items() if each in kind.FORMATS]
        raise Refusal(
            f"{kind.WHAT} cannot be written as {str(out)!r}; give a name that ends in "
            f"{' or '.join(suffixes)}"
        )
    if container.startswith(("xarray", "pandas", "dask.dataframe")):
        fits = container.startswith("xarray") is (kind is arrays)
        if not fits:
            raise Refusal(f"the statistics are of {container}, and not for {kind.WHAT}")


def _from_source(stats: Stats, src: Sequence[str]) -> Stats:
    """Note in the provenance what was read, as it was named on the command line."""
    runs = [{**run, "source": list(src)} for run in stats.attrs.get("runs", [])]
    return replace(stats, attrs={**stats.attrs, "runs": runs})
