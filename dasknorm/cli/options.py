"""Options that several commands share, and their parsers.

Used by cli.check, cli.commands and cli.exports. A new option here has to be added to the commands
that take it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from dasknorm.containers.latitudes import WEIGHTS

__all__ = [
    "counted",
    "lag",
    "names",
    "output",
    "overwriting",
    "unseen",
    "variables",
    "weights",
    "where",
]

Command = Callable[..., None]


def combine_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return one decorator of several, in the order in which help shows them."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _split(_: Any, __: Any, value: str | None) -> list[str] | None:
    """Read a list of names, such as ``time,lat,lon``."""
    if value is None:
        return None
    names = [name.strip() for name in value.split(",")]
    if not all(names):
        raise click.BadParameter(f"an empty name in {value!r}; write them as time,lat,lon")
    return names


def _split_all(_: Any, __: Any, values: Sequence[str]) -> list[str]:
    """Read lists of names into one; a name that is there twice counts once."""
    return list(dict.fromkeys(name for value in values for name in _split(_, __, value) or ()))


def _count(_: Any, __: Any, value: str | None) -> Any:
    """Read a number of values, or ``all``."""
    if value is None or value == "all":
        return value
    try:
        return float(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number nor 'all'") from None


def _lags(_: Any, __: Any, value: str | None) -> dict[str, list[int | str]] | None:
    """Read lags along a dimension, such as ``time=1`` or ``time=6h,24h``."""
    if value is None:
        return None
    dim, equals, lags = value.partition("=")
    parts = [part.strip() for part in lags.split(",")]
    if not dim or not equals or not all(parts):
        raise click.BadParameter(f"{value!r}; write it as time=6h,24h, or time=1")
    return {dim: [int(part) if part.lstrip("-").isdigit() else part for part in parts]}


def output(metavar: str, required: bool = True) -> Callable[[Command], Command]:
    """Return the option of what is written."""
    return click.option(
        "-o", "--out", required=required, metavar=metavar, type=click.Path(path_type=Path),
        help="Output path. It is created only when the output is complete.",
    )  # fmt: skip


def names(option: str, metavar: str, help: str) -> Callable[[Command], Command]:
    """Return an option of several names."""
    return click.option(option, callback=_split, metavar=metavar, help=help)


def counted(option: str, help: str) -> Callable[[Command], Command]:
    """Return an option of a number, or ``all``."""
    return click.option(option, metavar="N|all", callback=_count, help=help)


where = combine_options(
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        help="Run on a local cluster with this many processes.",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Run on an existing cluster, for example tcp://10.0.0.1:8786.",
    ),
)
overwriting = click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")


def variables(help: str) -> Callable[[Command], Command]:
    """Return the option of names of variables or columns."""
    return click.option(
        "--var",
        "--columns",
        "names",
        multiple=True,
        callback=_split_all,
        metavar="NAMES",
        help=help,
    )


weights = click.option(
    "--weights",
    type=click.Choice(list(WEIGHTS)),
    help="Weight values by latitude: grid-cell area, cosine, or Gaussian quadrature weights.",
)
lag = click.option(
    "--lag",
    callback=_lags,
    metavar="DIM=LAGS",
    help="Also compute statistics of changes along DIM over a duration, time=6h,24h, or a "
    "number of steps, time=1.",
)
unseen = click.option(
    "--unseen",
    type=click.Choice(["error", "nan"]),
    default="error",
    show_default=True,
    help="Treatment of rows whose group is not in STATS: an error, or missing values.",
)
