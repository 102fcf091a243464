"""Parquet: files and folders of them, adapted by row group, and rewritten file by file.

What comes out lies in files and folders of the same names, with the same row groups, the same
schema but for the columns that are normalized, and the same compression.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from os.path import commonpath
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import dask
import pyarrow as pa
import pyarrow.parquet as pq

from dasknorm.chunks.progress import Meter
from dasknorm.cli.changes import Change
from dasknorm.cli.refusals import Refusal, expected
from dasknorm.cli.rewriting import rewritten, schema_after
from dasknorm.containers.parquet import File, Files

__all__ = ["COLUMNS", "FORMATS", "WHAT", "looked_at", "mapped", "opened"]

WHAT = "frames"
COLUMNS = ("dtype",)
FORMATS = ("parquet",)
SUFFIXES = (".parquet", ".pq")
NULL = "__HIVE_DEFAULT_PARTITION__"


def opened(paths: Sequence[Path]) -> Files:
    """Return the files in some files and folders; of each only the footer is read."""
    found = [file for path in paths for file in _within(path)]
    roots = [path.resolve() if path.is_dir() else path.resolve().parent for path in paths]
    with ThreadPoolExecutor() as pool:
        files = list(pool.map(partial(_opened_one, root=Path(commonpath(roots))), found))
    alone = len(paths) == 1 and paths[0].is_file()
    return Files(tuple(_with_folders(files)), alone)


def looked_at(
    paths: Sequence[Path], form: str, names: Sequence[str], keys: Sequence[Hashable]
) -> tuple[Files, list[str] | None]:
    """Return the files, and the columns that take part; None for all of numbers."""
    data = opened(paths)
    if not any(sum(file.rows) for file in data.files):
        others = f", nor in {len(data.files) - 1} other files" if len(data.files) > 1 else ""
        raise Refusal(f"there are no rows in {data.files[0].given!r}{others}")
    return data, list(names) or None


def mapped(
    paths: Sequence[Path],
    form: str,
    change: Change,
    names: Sequence[str],
    meter: Meter,
    out: Path,
    form_out: str,
) -> dict[str, tuple[str, ...]]:
    """Write the files anew, several at a time; returns the type of each column then."""
    data = opened(paths)
    files = [_only(file, names, change.keys) for file in data.files]
    schemas = [schema_after(file, change) for file in files]
    meter.expected += sum(len(file.rows) for file in files)
    # By a name of its own: it may hold many groups, and travels to each worker once.
    shared = dask.delayed(change, name=f"change-{meter.topic}", traverse=False)
    rewrite = dask.delayed(rewritten, pure=False)
    tasks = []
    for file, schema in zip(files, schemas, strict=True):
        target = out if data.alone else out / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        tasks.append(rewrite(file, target, schema, shared, meter.topic))
    dask.compute(*tasks)
    kinds = zip(schemas[0].names, schemas[0].types, strict=True)
    return {name: (str(kind),) for name, kind in kinds}


# -- which files ----------------------------------------------------------------------------------


def _within(path: Path) -> Iterator[Path]:
    """Yield a file, or those in a folder; names that begin with a dot or a line are not data."""
    if not path.is_dir():
        yield path
        return
    found = [each for suffix in SUFFIXES for each in path.rglob(f"*{suffix}") if each.is_file()]
    seen = [each for each in found if not _hidden(each.relative_to(path))]
    if not seen:
        raise Refusal(f"there is no Parquet file in {str(path)!r}")
    yield from sorted(seen)


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _opened_one(path: Path, root: Path) -> File:
    with expected(f"cannot read {str(path)!r}"), pq.ParquetFile(path) as file:
        footer, schema = file.metadata, file.schema_arrow
    rows = tuple(footer.row_group(i).num_rows for i in range(footer.num_row_groups))
    place = path.resolve()
    return File(place, str(path), place.relative_to(root), schema, rows, {})


def _with_folders(files: Sequence[File]) -> Iterator[File]:
    """Yield files with what the folders they lie in tell; numbers, if all of a name are."""
    told = [dict(_told(file.path)) for file in files]
    found: dict[str, list[str]] = {}
    for own in told:
        for key, value in own.items():
            found.setdefault(key, []).append(value)
    read = {key: _reader(values) for key, values in found.items()}
    for file, own in zip(files, told, strict=True):
        yield replace(file, folders={key: read[key](value) for key, value in own.items()})


def _told(path: Path) -> Iterator[tuple[str, str]]:
    for part in path.resolve().parts[:-1]:
        key, equals, value = part.partition("=")
        if key and equals:
            yield key, unquote(value)


def _reader(values: Sequence[str]) -> Callable[[str], Any]:
    """Return what makes a scalar of Arrow of a folder's value, like all others of its name."""
    number = all(value.isdecimal() for value in values if value != NULL)
    kind = pa.int64() if number else pa.string()
    return lambda value: pa.scalar(None if value == NULL else int(value) if number else value, kind)


# -- which columns --------------------------------------------------------------------------------


def _only(file: File, names: Sequence[str], keys: Sequence[Hashable]) -> File:
    """Return a file with no other columns than some, keys, and the index of pandas' rows."""
    schema = file.schema
    if not names:
        return file
    if unknown := [name for name in names if name not in schema.names]:
        there = ", ".join(map(repr, schema.names))
        listed = ", ".join(map(repr, unknown))
        raise Refusal(f"no column {listed} in {file.given!r}; there are {there}")
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    kept = [field for field in schema if field.name in (*names, *keys, *index)]
    return replace(file, schema=pa.schema(kept, schema.metadata))
