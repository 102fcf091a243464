"""Parquet and CSV: opened lazily as one Dask DataFrame, and written a partition at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from dasknorm.blocks import is_numeric
from dasknorm.cli.refusals import Refusal, expected
from dasknorm.progress import Meter

__all__ = [
    "COLUMNS",
    "FORMATS",
    "WHAT",
    "contents",
    "counted",
    "numeric",
    "opened",
    "selected",
    "written",
]

WHAT = "frames"
COLUMNS = ("dtype",)
FORMATS = ("parquet", "csv")
BLOCK = "64MiB"


def opened(paths: Sequence[Path], form: str) -> Any:
    """Return the Dask DataFrame in one or several files, nothing read yet but their heads."""
    try:
        import dask.dataframe as dd  # optional
    except ImportError:
        raise Refusal(
            f"{form} files need dask.dataframe: pip install 'dasknorm[dataframe]'"
        ) from None
    names = [str(path) for path in paths]
    with expected(f"cannot read {', '.join(repr(name) for name in names)}"):
        if form == "parquet":
            many = names if len(names) > 1 else names[0]
            return dd.read_parquet(many, split_row_groups="adaptive", blocksize=BLOCK)
        # assume_missing: an integer column may well have a gap beyond the rows looked at first.
        return dd.read_csv(names, blocksize=BLOCK, assume_missing=True)


def selected(data: Any, names: Sequence[str]) -> Any:
    """Return the named columns; all of them if no name is given."""
    unknown = [name for name in names if name not in data.columns]
    if unknown:
        raise Refusal(f"no column {_listed(unknown)}; there are {_listed(data.columns)}")
    for name in names:
        if not is_numeric(data.dtypes[name]):
            raise Refusal(f"column {name!r} has dtype {data.dtypes[name]}: it has no mean")
    return data[list(names)] if names else data


def numeric(data: Any) -> Any:
    """Return the columns that have a mean, so that the others are not even read."""
    names = [n for n, dtype in zip(data.columns, data.dtypes, strict=True) if is_numeric(dtype)]
    return data[names] if names else data


def counted(data: Any, meter: Meter) -> Any:
    """Return the frame with a meter told of each partition that is read."""
    return meter.frame(data)


def contents(data: Any) -> dict[str, tuple[str, ...]]:
    """Return the dtype of each column, to be shown."""
    return {str(n): (str(dtype),) for n, dtype in zip(data.columns, data.dtypes, strict=True)}


def written(data: Any, source: Any, path: Path, form: str) -> None:
    """Write a frame: CSV as one file, Parquet as one file, or a folder of several partitions."""
    rows = data._meta.index
    index = not (isinstance(rows, pd.RangeIndex) and rows.name is None)  # mere row numbers
    if form == "csv":
        data.to_csv(str(path), single_file=True, index=index)
    elif data.npartitions == 1:
        data.compute().to_parquet(path, index=index or None)
    else:
        data.to_parquet(str(path), write_index=index)


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in names) or "none"
