"""Options of commands, and their parsers.

Used by cli. A new option here has to be added to the commands
that have it.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from itertools import chain
from pathlib import Path
from typing import Any

import click
import numpy as np

from dasknorm.cli.errors import InputError, input_errors
from dasknorm.cli.masks import Condition
from dasknorm.containers.coordinate_weights import WEIGHTS
from dasknorm.containers.per_variable import StatisticSpec
from dasknorm.kernels import FUNCTIONS
from dasknorm.statistics import Statistic, Transformed
from dasknorm.statistics.registry import STATISTICS

DEFAULT_STATISTIC = "moments"

Command = Callable[..., None]
Option = Callable[[Command], Command]


def combine_options(*options: Option) -> Option:
    """Return one decorator for several options, in the order of the help."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _split(_: click.Context, __: click.Parameter, value: str | None) -> list[str] | None:
    if value is None:
        return None
    names = [name.strip() for name in next(csv.reader([value], skipinitialspace=True))]
    if not all(names):
        raise click.BadParameter(f"an empty name in {value!r}; write them as time,lat,lon")
    return names


def _split_all(_: click.Context, __: click.Parameter, values: Sequence[str]) -> list[str]:
    """Return one list of unique names."""
    return list(dict.fromkeys(name for value in values for name in _split(_, __, value) or ()))


def _count(_: click.Context, __: click.Parameter, value: str | None) -> Any:
    if value is None or value == "all":
        return value
    try:
        return float(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number nor 'all'") from None


def _lags(
    _: click.Context, __: click.Parameter, value: str | None
) -> dict[str, list[int | str]] | None:
    if value is None:
        return None
    dim, equals, lags = value.partition("=")
    parts = [part.strip() for part in lags.split(",")]
    if not dim or not equals or not all(parts):
        raise click.BadParameter(f"{value!r}; write it as time=6h,24h, or time=1")
    return {dim: [int(part) if part.lstrip("-").isdigit() else part for part in parts]}


def _condition(_: click.Context, __: click.Parameter, value: str | None) -> Condition | None:
    try:
        return None if value is None else Condition.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def output(metavar: str, required: bool = True) -> Option:
    """Return the option for the output."""
    return click.option(
        "-o", "--out", required=required, metavar=metavar, type=click.Path(path_type=Path),
        help="Output path. It is created only when the output is complete.",
    )  # fmt: skip


def names(option: str, metavar: str, help: str) -> Option:
    """Return an option for several names."""
    return click.option(option, callback=_split, metavar=metavar, help=help)


def counted(option: str, help: str) -> Option:
    """Return an option for a number, or ``all``."""
    return click.option(option, metavar="N|all", callback=_count, help=help)


cluster = combine_options(
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


def variables(help: str) -> Option:
    """Return the option for the names of variables or columns."""
    flags = ("--var", "--columns", "names")
    return click.option(*flags, multiple=True, callback=_split_all, metavar="NAMES", help=help)


weights = click.option(
    "--weights",
    type=click.Choice(list(WEIGHTS)),
    multiple=True,
    callback=lambda _, __, kinds: kinds[0] if len(kinds) == 1 else list(kinds) or None,
    help="Weight values by latitude (grid-cell area, cosine, or Gaussian quadrature weights), or "
    "monthly data by the days of their months. Can be repeated, for the product of both.",
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


def _statistic_names() -> dict[str, str]:
    """Return the names of computable statistics without settings by their names in lower case."""
    defined = STATISTICS.defined()
    unfit = {n for n, cls in defined.items() if cls.unmergeable_reason or _has_required(cls)}
    return {name.lower(): name for name in STATISTICS.names() if name not in unfit}


def _has_required(cls: type[Statistic]) -> bool:
    settings = fields(cls)  # type: ignore[arg-type]
    return any(setting.default is setting.default_factory is MISSING for setting in settings)


condition = click.option(
    "--where",
    "condition",
    callback=_condition,
    metavar="CONDITION",
    help="Include only values where a condition is true, for example 'lsm < 0.5', or the name of "
    "a variable or column of booleans.",
)
dtype = click.option(
    "--dtype",
    type=click.Choice(["float16", "float32", "float64"]),
    help="The dtype of transformed values. Default: that of the input; float32 for integers of at "
    "most 16 bits, also if they are packed.",
)


statistic = click.option(
    "--statistic",
    "statistics",
    multiple=True,
    metavar="[NAME=]KINDS",
    help=f"Statistics to compute: {', '.join(_statistic_names())}, or a list such as "
    "moments,extrema. With a transform: log1p:moments. For one variable or column: "
    f"tp=log1p:moments. Can be repeated. Default: {DEFAULT_STATISTIC}.",
)


def parse_statistics(values: Sequence[str], ddof: float) -> StatisticSpec:
    """Return the statistics for `adapt`; `ddof` is for those that have one."""
    by_name: dict[Any, list[Statistic]] = {}
    for value in values:
        name, equals, kinds = value.rpartition("=")
        key = name if equals else ...
        if key in by_name:
            whose = "this name" if equals else "all"
            raise InputError(
                f"--statistic {value}: given for {whose} before; write several as one list, such "
                "as moments,extrema"
            )
        by_name[key] = [_parse(kind.strip(), ddof) for kind in kinds.split(",")]
    by_name.setdefault(..., [_parse(DEFAULT_STATISTIC, ddof)])
    if ddof and not any(map(_has_ddof, chain.from_iterable(by_name.values()))):
        raise InputError("--ddof needs the statistic moments, which is not in --statistic")
    return by_name if len(by_name) > 1 else by_name[...]


def _parse(text: str, ddof: float) -> Statistic:
    """Return one statistic, possibly with a transform."""
    function, colon, kind = text.rpartition(":")
    names = _statistic_names()
    if kind not in names or (colon and function not in FUNCTIONS):
        raise InputError(
            f"unknown statistic {text!r} in --statistic; available: {', '.join(names)}, optionally "
            f"after {', '.join(FUNCTIONS)}, as in log1p:moments"
        )
    cls = STATISTICS.find(names[kind])
    if cls is None:
        raise InputError(f"--statistic {kind}: its entry point defines no class {names[kind]!r}")
    with input_errors(f"--statistic {kind}"):
        inner = cls(**({"ddof": ddof} if ddof and hasattr(cls, "ddof") else {}))
    return Transformed(function, inner) if colon else inner  # type: ignore[arg-type]


def _has_ddof(statistic: Statistic) -> bool:
    components = statistic.components(np.zeros(1, statistic.dtype))
    return any(hasattr(component.statistic, "ddof") for component in components)
