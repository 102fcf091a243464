"""Refusals: bad input is one line on stderr and exit code 2; an interrupt is exit code 130."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from dasknorm.errors import ChunkError

__all__ = ["Commands", "Refusal", "expected", "plain_warnings"]

EXPECTED = (ValueError, TypeError, OSError, ImportError, ChunkError)
"""What the library and the file formats raise for bad input; anything else is a bug."""


class Refusal(click.ClickException):
    """Input that cannot be used, said in one line."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"dasknorm: {' '.join(self.message.split())}", file=file, err=True)


class Interrupted(Refusal):
    """Ctrl-C, with the exit code that a shell gives to it."""

    exit_code = 130


@contextmanager
def expected(while_doing: str = "") -> Iterator[None]:
    """Turn the errors that bad input causes in the calls inside into a `Refusal`."""
    try:
        yield
    except (*EXPECTED, RuntimeError) as error:
        if not isinstance(error, EXPECTED) and type(error) is not RuntimeError:
            raise  # a bug; a plain one is what decompressors raise for damaged data
        if "DASKNORM_TRACEBACK" in os.environ:
            raise
        said = str(error) or type(error).__name__
        raise Refusal(f"{while_doing}: {said}" if while_doing else said) from error


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Show each warning as one line without the place in the code it comes from."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        yield


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"dasknorm: warning: {' '.join(str(message).split())}", err=True)


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "dasknorm"
        raise Refusal(f"{error.format_message()} See {command} --help") from error
    except KeyboardInterrupt:
        raise Interrupted("interrupted; nothing was left under the name of the output") from None


class Commands(click.Group):
    """A group whose wrong usage is one line too, under ``dasknorm`` as under ``dask norm``."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _one_line():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _one_line(), plain_warnings():
            return super().invoke(ctx)
