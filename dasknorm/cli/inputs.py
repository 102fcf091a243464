"""Inputs: which module knows data of a form, and statistics in a file."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dasknorm.api.load import load
from dasknorm.api.stats import Stats
from dasknorm.cli import arrays, frames
from dasknorm.cli.refusals import Refusal, expected

__all__ = ["kind_of", "loaded_from"]


def kind_of(form: str, out: str | None = None) -> Any:
    """Return the module that knows data of a form, and how they become another."""
    if form in arrays.FORMATS:
        return arrays
    if form == "parquet" and out in (None, "parquet"):
        if importlib.util.find_spec("pyarrow") is None:
            raise Refusal("parquet files need pyarrow: pip install 'dasknorm[arrow]'")
        from dasknorm.cli import parquet  # pyarrow is optional, and slow to import

        return parquet
    return frames


def loaded_from(path: Path, how: Callable[[Path], Stats] = load) -> Stats:
    """Return the statistics in a file; a Refusal if there are none."""
    if not path.exists():
        raise Refusal(f"no such statistics file: {str(path)!r}")
    with expected(f"cannot read the statistics in {str(path)!r}"):
        return how(path)
