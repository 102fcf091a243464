"""The options of all commands that open data: `OpenOptions`.

Used by cli.check, cli.commands, cli.data_files, cli.datasets and cli.paths. To add an option, add
a field and a row.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import click

from dasknorm.cli.engines import check_engine
from dasknorm.cli.errors import InputError
from dasknorm.cli.options import combine_options


@dataclass(frozen=True)
class OpenOptions:
    """How to open data files; None leaves the choice to the files."""

    engine: str | None = None
    group: str | None = None
    concat_dim: str | None = None
    zeros: str | None = None
    missing: tuple[float, ...] = ()
    separator: str | None = None

    def __post_init__(self) -> None:
        if self.engine is not None:
            check_engine(self.engine)

    def check_for(self, description: str, allowed: tuple[str, ...]) -> None:
        """Raise InputError if an option is given that a type of file does not have."""
        for item in fields(self):
            if getattr(self, item.name) not in (None, ()) and item.name not in allowed:
                option = f"--{item.name.replace('_', '-')}"
                raise InputError(f"{option} cannot be used with {description}")


def with_open_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command that opens data, as ``opening``."""

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> None:
        names = [item.name for item in fields(OpenOptions)]
        opening = OpenOptions(**{name: arguments.pop(name) for name in names})
        command(opening=opening, **arguments)

    return combine_options(
        click.option(
            "--engine", metavar="NAME",
            help="The engine of xarray to open files with. Default: by the content of each file.",
        ),
        click.option(
            "--group", metavar="PATH",
            help="The group of a NetCDF file or Zarr store to open, for example /PRODUCT.",
        ),
        click.option(
            "--concat-dim", metavar="DIM",
            help="The dimension to join several files along. Default: by their coordinates, else "
            "along the only dimension with dates.",
        ),
        click.option(
            "--zeros", type=click.Choice(["data", "missing"]),
            help="The meaning of 0 in variables whose fill value is 0.",
        ),
        click.option(
            "--missing", type=float, multiple=True, metavar="VALUE",
            help="A number that stands for missing values. Can be repeated.",
        ),
        click.option(
            "--separator", metavar="TEXT",
            help="The separator of columns in CSV files. Default: a comma.",
        ),
    )(wrapped)  # fmt: skip
