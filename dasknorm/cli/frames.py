"""CSV, and Parquet that becomes CSV: one Dask DataFrame, read and written by partition."""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from dasknorm.blocks import is_numeric
from dasknorm.chunks.dask_internals import meta
from dasknorm.chunks.progress import Meter
from dasknorm.cli.changes import Change
from dasknorm.cli.refusals import Refusal, expected

__all__ = ["COLUMNS", "FORMATS", "WHAT", "looked_at", "mapped", "opened"]

WHAT = "frames"
COLUMNS = ("dtype",)
FORMATS = ("parquet", "csv")
BLOCK = "64MiB"
MISSING = ["", "NA", "N/A", "n/a", "<NA>", "#N/A", "NaN", "nan", "-nan", "NULL", "null", "None"]
"""What pandas takes for no number, but for its rarest spellings."""


def opened(paths: Sequence[Path], form: str, **how: Any) -> Any:
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
        return dd.read_csv(names, blocksize=BLOCK, assume_missing=True, **_exactly(), **how)


def looked_at(
    paths: Sequence[Path], form: str, names: Sequence[str], keys: Sequence[Hashable]
) -> tuple[Any, list[str] | None]:
    """Return the frame, and the columns of it that take part; None for all of numbers."""
    data = opened(paths, form)
    _check(data, names)
    return opened(paths, form, dtype=_whole(paths, keys)), list(names) or None


def mapped(
    paths: Sequence[Path],
    form: str,
    change: Change,
    names: Sequence[str],
    meter: Meter,
    out: Path,
    form_out: str,
) -> dict[str, tuple[str, ...]]:
    """Write the frame changed; returns the dtype of each column, to be shown."""
    data = opened(paths, form)
    _check(data, names)
    if form == "csv":
        change(_only(data, names, change))  # refused here, if it does not fit
        data = _verbatim(paths, data, change)
    result = change(meter.frame(_only(data, names, change)))
    _write(result, out, form_out)
    return {str(n): (str(kind),) for n, kind in zip(result.columns, result.dtypes, strict=True)}


def _only(data: Any, names: Sequence[str], change: Change) -> Any:
    """Return the named columns, and those of keys; all of them if no name is given."""
    return data[[n for n in data.columns if n in (*names, *change.keys)]] if names else data


def _verbatim(paths: Sequence[Path], data: Any, change: Change) -> Any:
    """Return a frame of CSV whose other columns are text, to be written just as they were read."""
    touched = {*change.columns, *change.keys}
    texts = {name: "object" for name in data.columns if name not in touched}
    return opened(
        paths,
        "csv",
        dtype=_whole(paths, change.keys) | texts,
        keep_default_na=False,
        na_values={name: MISSING for name in data.columns if name in touched},
    )


def _whole(paths: Sequence[Path], keys: Sequence[Hashable]) -> dict[Hashable, str]:
    """Return the dtype of keys that are whole numbers, which would be read as floats."""
    if not keys:
        return {}
    head = pd.read_csv(paths[0], nrows=1000, usecols=lambda name: name in keys)
    return {name: "Int64" for name, dtype in head.dtypes.items() if dtype.kind in "iu"}


def _write(data: Any, path: Path, form: str) -> None:
    """Write a frame: CSV as one file, Parquet as one file, or a folder of several partitions."""
    rows = meta(data).index
    index = not (isinstance(rows, pd.RangeIndex) and rows.name is None)  # mere row numbers
    if form == "csv":
        data.to_csv(str(path), single_file=True, index=index)
    elif data.npartitions == 1:
        data.compute().to_parquet(path, index=index or None)
    else:
        data.to_parquet(str(path), write_index=index)


def _exactly() -> dict[str, str]:
    """Return what makes pandas read the very float that was written; from 3.1 on it does anyway."""
    old = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
    return {"float_precision": "round_trip"} if old else {}


def _check(data: Any, names: Sequence[str]) -> None:
    if unknown := [name for name in names if name not in data.columns]:
        raise Refusal(f"no column {_listed(unknown)}; there are {_listed(data.columns)}")
    for name in names:
        if not is_numeric(data.dtypes[name]):
            raise Refusal(f"column {name!r} has dtype {data.dtypes[name]}: it has no mean")


def _listed(names: Any) -> str:
    return ", ".join(repr(name) for name in names) or "none"
