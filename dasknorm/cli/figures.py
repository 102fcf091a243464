"""Check the path of a figure before long work, and write the figure.

Used by cli.check and cli.commands. The resolution may change.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dasknorm.cli.errors import InputError, input_errors
from dasknorm.cli.paths import check_output
from dasknorm.io.store.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".pdf", ".svg")


def check_figure(path: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    """Raise InputError if a figure could not be written."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"a figure ends in {', '.join(SUFFIXES)}, got {str(path)!r}")
    check_output(path, inputs, overwrite)
    try:
        import matplotlib  # noqa: F401  # optional
    except ImportError:
        raise InputError("a plot needs matplotlib: pip install 'dasknorm[plot]'") from None


def write_figure(plot: Callable[[], "Figure"], path: Path) -> None:
    """Write the figure that a function draws."""
    with input_errors(), replacing(path) as partial:
        plot().savefig(partial, dpi=130, format=path.suffix[1:])
    click.echo(f"wrote {path}")
