"""Define the commands: each reads and checks its arguments, and calls the library once.

Used by cli. To add a command, add a function.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from dasknorm.api.adapt import adapt as adapt_statistics
from dasknorm.api.plan import plan
from dasknorm.api.shards import RETRIES
from dasknorm.api.stats import Stats
from dasknorm.chunks.progress import track_progress
from dasknorm.cli import options, paths
from dasknorm.cli.check import check
from dasknorm.cli.clusters import compute_on
from dasknorm.cli.data_files import DataFiles, Transform
from dasknorm.cli.display import provenance_lines, require_rich, show_contents, show_stats
from dasknorm.cli.engines import FORMAT_BY_SUFFIX
from dasknorm.cli.errors import Commands, InputError, input_errors
from dasknorm.cli.exports import FormatOptions, export, with_format_options
from dasknorm.cli.figures import check_figure, write_figure
from dasknorm.cli.masks import Condition
from dasknorm.cli.opening import OpenOptions, with_open_options
from dasknorm.io import store
from dasknorm.io.store.atomic import replacing
from dasknorm.reports.methods_text import wrap
from dasknorm.reports.provenance import Run, __version__, runs_of

SRC_HELP = (
    "SRC is a Zarr store, a NetCDF, GRIB, TIFF, Parquet or CSV file, another file that xarray "
    "opens, a folder of Parquet files, or a quoted pattern such as 'era5-*.nc'. Several sources of "
    "one format are combined into one dataset."
)
OUT_HELP = (
    "Several Parquet files are written as files of the same names, all other data as one file."
)

PLAN_OPTIONS = ("over", "keep", "columns", "by", "lag", "weights", "where")
"""The options of `adapt` that `plan` also has."""


@click.group(
    "norm",
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Invalid input prints one line and exits with code 2. With DASKNORM_TRACEBACK=1 it "
    "prints a traceback.",
)
@click.version_option(__version__, prog_name="dasknorm", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Compute statistics of data of any size once, and normalize data with them anywhere."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    else:
        require_rich()


@main.command(help=f"Compute statistics of SRC in one pass and write them to STATS.\n\n{SRC_HELP}")
@click.argument("src", nargs=-1, required=True)
@options.output("STATS", required=False)
@options.names("--over", "DIMS", "Dimensions to reduce, for example time,lat,lon.")
@options.names("--keep", "DIMS", "Dimensions to keep, for example level.")
@options.variables(
    "Variables or columns to use, for example dep_delay,air_time. Default: all numeric ones."
)
@options.names(
    "--by", "KEYS", "Compute statistics per group, for example carrier,origin or time.month."
)
@options.lag
@options.weights
@options.condition
@options.statistic
@click.option(
    "--ddof",
    default=0.0,
    show_default=True,
    help="Delta degrees of freedom: divide the sum of squares by count - ddof.",
)
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    default=RETRIES,
    show_default=True,
    help="How often to retry a chunk that cannot be read.",
)
@options.counted(
    "--expect-count",
    "Fail unless all statistics are based on exactly N values; 'all': on all values in SRC.",
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Save intermediate results to PATH, and resume from them if PATH exists.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print the estimated cost (bytes, chunks, tasks, memory) and exit.",
)
@with_open_options
@options.overwriting
@options.cluster
def adapt(
    src: tuple[str, ...],
    out: Path | None,
    opening: OpenOptions,
    names: list[str],
    condition: Condition | None,
    statistics: tuple[str, ...],
    ddof: float,
    dry_run: bool,
    overwrite: bool,
    workers: int | None,
    scheduler: str | None,
    **how: Any,
) -> None:
    sources = paths.find_sources(src)
    if out is None and not dry_run:
        raise InputError("missing option -o STATS (or use --dry-run)")
    out = out or Path("dry-run.json")
    paths.check_stats_suffix(out)
    paths.check_output(out, sources, overwrite or dry_run)
    if how["checkpoint"] is not None:
        paths.check_stats_suffix(how["checkpoint"])
    with input_errors():
        statistic_spec = options.parse_statistics(statistics, ddof)
    with compute_on(workers, scheduler), track_progress("adapt") as meter:
        files = paths.data_files(sources, paths.sources_format(sources, opening), opening)
        files.check_weights(how["weights"])
        with input_errors(), files.explain_errors():
            data, how["columns"], how["where"] = files.open_for_adapt(
                names, how["by"] or (), condition
            )
            if dry_run:
                selection = {key: how[key] for key in PLAN_OPTIONS}
                click.echo("\n".join(plan(data, statistic_spec, **selection).lines()))
                return
            stats = adapt_statistics(data, statistic_spec, progress=meter, **how)
            stats = _add_sources(stats, src)
            stats.save(out)
    show_stats(stats)
    click.echo(meter.summary())
    click.echo(f"wrote {out}")


def _add_transform(method: Callable[..., Any], name: str, task: str) -> None:
    """Add a command that applies statistics to data."""

    @main.command(name, help=f"{task}\n\n{SRC_HELP}\n\n{OUT_HELP}")
    @click.argument("src", nargs=-1, required=True)
    @click.argument("stats", type=click.Path(path_type=Path))
    @options.output("OUT")
    @options.variables("Variables or columns to write. Default: all.")
    @with_format_options
    @options.unseen
    @options.dtype
    @with_open_options
    @options.overwriting
    @options.cluster
    def command(**arguments: Any) -> None:
        _transform(method, name, **arguments)


_add_transform(Stats.normalize, "normalize", "Write (SRC - mean) / std to OUT.")
_add_transform(Stats.inverse, "inverse", "Write SRC * std + mean to OUT, the inverse of normalize.")


@main.command()
@click.argument("stats", type=click.Path(path_type=Path))
@with_format_options
def show(stats: Path, written: FormatOptions) -> None:
    """Print the statistics in STATS, or in a checkpoint, and their provenance."""
    loaded = paths.load_stats(stats, written.reader(lambda path: Stats(*store.read(path))))
    show_stats(loaded)
    for kind in dict.fromkeys(state.statistic for state in loaded.states.values()):
        click.echo(str(kind))
    click.echo(wrap(loaded.describe()))
    for line in provenance_lines(loaded.attrs):
        click.echo(line)


@main.command()
@click.argument("parts", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.output("STATS")
@options.overwriting
def merge(parts: tuple[Path, ...], out: Path, overwrite: bool) -> None:
    """Merge several STATS files.

    Statistics of the same variables are merged; those of different variables are combined.
    """
    paths.check_stats_suffix(out)
    paths.check_output(out, parts, overwrite)
    loaded = [paths.load_stats(path) for path in parts]
    with input_errors():
        stats = _merge(dict(zip(parts, loaded, strict=True)))
        stats.save(out)
    show_stats(stats)
    click.echo(f"wrote {out}")


@main.command()
@click.argument("stats", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    required=True,
    metavar="FIGURE",
    type=click.Path(path_type=Path),
    help="Output path, which ends in .png, .pdf or .svg.",
)
@options.variables("Variables or columns to plot. Default: all.")
@with_format_options
@options.overwriting
def plot(stats: Path, out: Path, names: list[str], written: FormatOptions, overwrite: bool) -> None:
    """Plot the statistics in STATS: profiles, maps, curves over groups, or points."""
    check_figure(out, [stats], overwrite)
    loaded = paths.load_stats(stats, written.reader())
    with input_errors():
        selected = loaded.select(names) if names else loaded
    write_figure(selected.plot, out)


main.add_command(export)
main.add_command(check)


def _transform(
    method: Callable[..., Any],
    topic: str,
    *,
    src: tuple[str, ...],
    stats: Path,
    out: Path,
    names: list[str],
    written: FormatOptions,
    opening: OpenOptions,
    unseen: str,
    dtype: str | None,
    overwrite: bool,
    workers: int | None,
    scheduler: str | None,
) -> None:
    """Write the transformed sources to the output."""
    sources = paths.find_sources(src)
    paths.check_output(out, [*sources, stats], overwrite)
    form = paths.sources_format(sources, opening)
    form_out = paths.output_format(out, form)
    files = paths.data_files(sources, form, opening, form_out)
    loaded = paths.load_stats(stats, written.reader(columns=files.is_table))
    _check_formats(files, form_out, out, loaded.container)
    with (
        replacing(out) as partial,
        compute_on(workers, scheduler),
        track_progress(topic) as meter,
        input_errors(),
        files.explain_errors(),
    ):
        transform = Transform(method, loaded.select(names) if names else loaded, unseen, dtype)
        contents = files.write_transformed(transform, names, meter, partial, form_out)
    show_contents(contents, files.headings)
    click.echo(meter.summary())
    click.echo(f"wrote {out}")


def _merge(loaded: dict[Path, Stats]) -> Stats:
    """Return merged statistics; the error names the first file that does not match the first."""
    (first, stats), *remaining = loaded.items()
    try:
        return stats.merge(*(part for _, part in remaining))
    except ValueError:
        for path, part in remaining:
            with input_errors(f"cannot merge {str(path)!r} with {str(first)!r}"):
                stats.merge(part)
        raise


def _check_formats(files: DataFiles, form: str, out: Path, container: str) -> None:
    """Raise InputError if the output or the statistics do not suit the type of the source."""
    if form not in files.formats:
        suffixes = [s for s, name in FORMAT_BY_SUFFIX.items() if name in files.formats]
        raise InputError(
            f"{files.description} cannot be written as {str(out)!r}; give a name that ends in "
            f"{' or '.join(suffixes)}"
        )
    is_known = container.startswith(("xarray", "pandas", "dask.dataframe"))
    if is_known and container.startswith("xarray") is files.is_table:
        raise InputError(f"cannot apply statistics of {container} to {files.description}")


def _add_sources(stats: Stats, src: Sequence[str]) -> Stats:
    """Store the sources in the provenance, as they were named on the command line."""
    runs = [Run(**{**run, "source": list(src)}) for run in runs_of(stats.attrs)]
    return replace(stats, attrs={**stats.attrs, "runs": runs})
