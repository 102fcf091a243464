"""Parse the option ``--statistic``, such as ``extrema`` or ``tp=log1p:moments``.

Used by cli.commands. Installed statistics are found by `statistics.registry`, so there is no list
here.
"""

from collections.abc import Sequence
from dataclasses import MISSING, fields
from itertools import chain
from typing import Any

import click
import numpy as np

from dasknorm.cli.errors import InputError, input_errors
from dasknorm.containers.per_variable import StatisticSpec
from dasknorm.kernels import FUNCTIONS
from dasknorm.statistics import Statistic, Transformed
from dasknorm.statistics.registry import STATISTICS

__all__ = ["parse_statistics", "statistic"]

DEFAULT = "moments"


def _names() -> dict[str, str]:
    """Return the names of statistics by those of the command line, which are in lower case.

    Statistics that need settings, or that are not computed from data, are left out.
    """
    defined = STATISTICS.defined()
    unfit = {name for name, cls in defined.items() if cls.unmergeable_reason or _needs(cls)}
    return {name.lower(): name for name in STATISTICS.names() if name not in unfit}


def _needs(cls: type[Statistic]) -> bool:
    """Check whether a statistic cannot be made without settings."""
    settings = fields(cls)  # type: ignore[arg-type]
    return any(setting.default is setting.default_factory is MISSING for setting in settings)


statistic = click.option(
    "--statistic",
    "statistics",
    multiple=True,
    metavar="[NAME=]KINDS",
    help=f"Statistics to compute: {', '.join(_names())}, or a list such as moments,extrema. With a "
    "transform: log1p:moments. For one variable or column: tp=log1p:moments. Can be repeated. "
    f"Default: {DEFAULT}.",
)


def parse_statistics(values: Sequence[str], ddof: float) -> StatisticSpec:
    """Return the statistics that `adapt` computes, with this ddof where they have one.

    Raises InputError for an unknown statistic, for a second one of the same name, and for a ddof if
    no statistic has one.
    """
    by_name: dict[Any, list[Statistic]] = {}
    for value in values:
        name, equals, kinds = value.rpartition("=")
        key = name if equals else ...
        if key in by_name:
            whose = "this name" if equals else "all"
            raise InputError(
                f"--statistic {value}: asked for {whose} before; several are one list, such as "
                "moments,extrema"
            )
        by_name[key] = [_parse(kind.strip(), ddof) for kind in kinds.split(",")]
    by_name.setdefault(..., [_parse(DEFAULT, ddof)])
    if ddof and not any(map(_has_ddof, chain.from_iterable(by_name.values()))):
        raise InputError(f"--ddof {ddof:g} is of moments, and --statistic asks for none")
    return by_name if len(by_name) > 1 else by_name[...]


def _parse(text: str, ddof: float) -> Statistic:
    """Return one statistic, perhaps of a function of the data."""
    function, colon, kind = text.rpartition(":")
    names = _names()
    if kind not in names or (colon and function not in FUNCTIONS):
        raise InputError(
            f"--statistic: {text!r} is none; write {', '.join(names)}, or one of a function "
            f"({', '.join(FUNCTIONS)}), as in log1p:moments"
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
