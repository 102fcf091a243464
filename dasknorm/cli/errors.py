"""Convert expected errors to one-line messages on stderr and exit codes.

Used by cli. Exit codes are part of the interface.
"""

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from dasknorm.errors import ChunkError

EXPECTED = (ValueError, TypeError, OSError, ImportError, EOFError, ChunkError)
"""The errors that the library and file formats raise for bad input; all others are bugs."""


OPTIONS = (
    (r"unseen='nan'", "--unseen nan"),
    (r"An error occurred while calling the \w+ method [^.]*\.\s+Original Message: ", ""),
    (
        r"Select the available ones from the data, or call adapt on",
        "Select them by --var, or adapt",
    ),
    (
        r" of (\S+) in ('.*): this number often stands for missing values; if so, .*",
        r" of \1 in \2: this number often stands for missing values; if so, write --missing \1",
    ),
    (r"replace them by NaN: data\.where\(.*", "replace them by missing values in the files"),
    (
        r"replace them, for example by NaN, which is skipped: np\.where\(.*",
        "replace them by missing values in the files",
    ),
    (
        r"To use only a part of the statistics, call stats\.select\(.*\)",
        "--var uses only a part of the statistics",
    ),
    (r"count steps instead, lag=\{'([^']*)': 1\}", r"count steps instead, --lag \1=1"),
    (
        r"\. If zeros are data, .* If zeros are missing values, write .*",
        ". If zeros are data, write --zeros data; if they are missing values, --zeros missing",
    ),
    (r"write ds\[[^]]*\]\.attrs\['_FillValue'\] = ([-+.\w]+).*", r"write --missing \1"),
)
"""Advice for Python in messages of the library, and the options of the command line instead."""


class InputError(click.ClickException):
    """Invalid input, reported in one line with exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"dasknorm: {' '.join(self.message.split())}", file=file, err=True)


class InterruptError(InputError):
    """Ctrl-C, with the exit code that shells use for it."""

    exit_code = 130


@contextmanager
def input_errors(action: str = "") -> Iterator[None]:
    """Convert errors that bad input causes inside the block to `InputError`."""
    try:
        yield
    except (*EXPECTED, RuntimeError) as error:
        if not isinstance(error, EXPECTED) and type(error) is not RuntimeError:
            raise  # a bug; a plain one is what decompressors raise for damaged data
        if "DASKNORM_TRACEBACK" in os.environ:
            raise
        message = name_options(str(error)) or type(error).__name__
        raise InputError(f"{action}: {message}" if action else message) from error


def name_options(message: str) -> str:
    """Return a message with options of the command line in place of Python."""
    for pattern, option in OPTIONS:
        message = re.sub(pattern, option, message)
    return message


def quote_names(names: Iterable[object]) -> str:
    """Return names in quotes, separated by commas; "none" if there are none."""
    return ", ".join(map(repr, names)) or "none"


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Print each warning as one line, without its position in the code."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        yield


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    click.echo(f"dasknorm: warning: {' '.join(name_options(str(message)).split())}", err=True)


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "dasknorm"
        message = error.format_message().rstrip(".")
        raise InputError(f"{message}. See {command} --help.") from error
    except KeyboardInterrupt:
        raise InterruptError("interrupted; nothing was left under the name of the output") from None


class Commands(click.Group):
    """A group of commands that reports wrong usage in one line too."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _one_line(), plain_warnings():
            return super().invoke(ctx)
