"""Statistics as they are asked for on a command line: ``extrema``, ``tp=log1p:moments``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from dasknorm.cli.refusals import Refusal
from dasknorm.containers.per_variable import StatisticSpec
from dasknorm.kernels import FUNCTIONS
from dasknorm.statistics import Extrema, MaxAbs, Moments, Quantiles, Statistic, Transformed

__all__ = ["asked", "statistic"]

KINDS: dict[str, Callable[[], Statistic]] = {
    "extrema": Extrema,
    "maxabs": MaxAbs,
    "quantiles": Quantiles,
}

statistic = click.option(
    "--statistic",
    "statistics",
    multiple=True,
    metavar="[NAME=]KINDS",
    help="moments, extrema, maxabs or quantiles; several: moments,extrema; of a function of the "
    "data: log1p:moments; of one variable or column: tp=log1p:moments.",
)


def asked(values: Sequence[str], ddof: float) -> StatisticSpec:
    """Return what is asked of `adapt`; moments have this ddof.

    Raises Refusal for what is no statistic, for a second one of the same name, and for a ddof that
    is of no moments.
    """
    moments = Moments(ddof=ddof)
    kinds = {"moments": lambda: moments, **KINDS}
    named: dict[Any, list[Statistic]] = {}
    for value in values:
        name, equals, words = value.rpartition("=")
        key = name if equals else ...
        if key in named:
            whose = "this name" if equals else "all"
            raise Refusal(
                f"--statistic {value}: asked for {whose} before; several are one list, such as "
                "moments,extrema"
            )
        named[key] = [_one(word.strip(), kinds) for word in words.split(",")]
    named.setdefault(..., [moments])
    found = [getattr(each, "statistic", each) for parts in named.values() for each in parts]
    if ddof and moments not in found:
        raise Refusal(f"--ddof {ddof:g} is of moments, and --statistic asks for none")
    return named if len(named) > 1 else named[...]


def _one(word: str, kinds: Mapping[str, Callable[[], Statistic]]) -> Statistic:
    """Read one statistic, perhaps of a function."""
    function, colon, kind = word.rpartition(":")
    if kind not in kinds or (colon and function not in FUNCTIONS):
        raise Refusal(
            f"--statistic: {word!r} is none; write {', '.join(kinds)}, or one of a function "
            f"({', '.join(FUNCTIONS)}), as in log1p:moments"
        )
    return Transformed(function, kinds[kind]()) if colon else kinds[kind]()  # type: ignore[arg-type]
