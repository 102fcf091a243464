"""The export command, and the options of commands that read other programs' statistics.

Used by cli.check and cli.commands. Formats are found by `io.formats`, so there is no list here.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from dasknorm.api.load import load
from dasknorm.api.stats import Stats
from dasknorm.cli import options
from dasknorm.cli.errors import InputError, input_errors
from dasknorm.io.formats import FORMATS


@dataclass(frozen=True)
class FormatOptions:
    """The format of STATS if written by another program, its settings, and names of variables."""

    format: str | None
    names: dict[str, str]
    settings: dict[str, Any]

    def __post_init__(self) -> None:
        if self.format is None and (self.names or self.settings):
            raise InputError(
                "--name and --set belong to another program's statistics: add --format"
            )

    def reader(
        self, otherwise: Callable[[Path], Stats] = load, columns: bool = False
    ) -> Callable[[Path], Stats]:
        """Return the function that reads STATS; with `columns` as those of a DataFrame."""
        if self.format is None:
            return otherwise
        container = {"container": "pandas.DataFrame"} if columns else {}
        return functools.partial(
            load, format=self.format, names=self.names, **container, **self.settings
        )


def with_format_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command that reads statistics, also those of other programs, as ``written``."""
    return _formatted(command, "The program that wrote STATS, if not dasknorm.", required=False)


def _formatted(command: Callable[..., None], help: str, required: bool) -> Callable[..., None]:
    @functools.wraps(command)
    def wrapped(
        format: str | None, renamed: dict[str, str], settings: dict[str, Any], **arguments: Any
    ) -> None:
        command(written=FormatOptions(format, renamed, settings), **arguments)

    return options.combine_options(
        click.option("--format", type=click.Choice(FORMATS.names()), required=required, help=help),
        click.option(
            "--name", "renamed", multiple=True, callback=_pairs, metavar="OURS=THEIRS",
            help="The name of a variable in that program: temperature=t.",
        ),
        click.option(
            "--set", "settings", multiple=True, callback=_settings, metavar="KEY=VALUE",
            help="A setting of the format: 'levels={name}{level}', channels=data.json, lag=6h.",
        ),
    )(wrapped)  # fmt: skip


def _pairs(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    if invalid := [
        value for value, (key, equals, _) in zip(values, pairs, strict=True) if not (key and equals)
    ]:
        raise click.BadParameter(f"{invalid[0]!r}; write it as NAME=VALUE")
    return {key: value for key, _, value in pairs}


def _settings(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Return settings; a value with commas is a list, and one of digits a number."""
    return {
        key: value.split(",") if "," in value else int(value) if value.isdigit() else value
        for key, value in _pairs(_, __, values).items()
    }


@click.command()
@click.argument("stats", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@functools.partial(_formatted, help="The program that will read OUT.", required=True)
@options.overwriting
def export(stats: Path, out: Path, written: FormatOptions, overwrite: bool) -> None:
    """Write STATS to OUT in the format of another program; other contents of OUT stay."""
    if not stats.exists():
        raise InputError(f"no such statistics file: {str(stats)!r}")
    if out.resolve() == stats.resolve():
        raise InputError(f"the output {str(out)!r} is the input; write it under another name")
    arguments = {"format": written.format, "names": written.names, **written.settings}
    with input_errors():
        try:
            omitted = load(stats).export(out, overwrite=overwrite, **arguments)
        except FileExistsError as error:
            message = str(error).replace("write overwrite=True to replace", "--overwrite replaces")
            raise InputError(message) from error
    click.echo(f"left out: {', '.join(omitted)}")
    click.echo(f"wrote {out}")
