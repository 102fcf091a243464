"""Row groups: the columns of Parquet files that are looked at, lazily, as blocks of Arrow.

A container like any other: `adapt` takes `Files` apart into one Dask array, of which each chunk is
some row groups that follow each other in a file. Their lengths stand in the files, so that it is
known beforehand what will be read.
"""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from dask.base import tokenize

from dasknorm.containers import NO_SELECTION, Selection, register
from dasknorm.containers.pandas import Frame
from dasknorm.containers.pyarrow import Tables, field_of
from dasknorm.errors import MismatchError
from dasknorm.fields import Field

__all__ = ["File", "Files", "labelled"]

BUFFER = 1 << 20
"""Bytes of a column that are read ahead of its decoding."""

PART = 1 << 25
"""Row groups are read together up to 32 MB: each opening of a file reads its footer again."""


@dataclass(frozen=True)
class File:
    """A Parquet file, of which only the footer was read.

    Parameters
    ----------
    path : Path
        Absolute, as workers may have another working folder.
    given : str
        As the command was given it, for messages.
    name : Path
        Relative to the folder that all files lie in.
    schema : pyarrow.Schema
    rows : tuple of int
        Of each row group.
    folders : mapping of str to pyarrow.Scalar
        What the folders it lies in say of all its rows: ``month=3`` that the month is 3.
    """

    path: Path
    given: str
    name: Path
    schema: pa.Schema
    rows: tuple[int, ...]
    folders: Mapping[str, Any]

    def parts(self, least: int) -> Iterator[tuple[int, int]]:
        """Yield runs of row groups, from the first to before the last, of so many rows or more."""
        first, found = 0, 0
        for group, rows in enumerate(self.rows):
            found += rows
            if found >= least or group == len(self.rows) - 1:
                yield first, group + 1
                first, found = group + 1, 0

    @contextmanager
    def named(self) -> Iterator[None]:
        """Say in the errors of the calls inside which file it was."""
        try:
            yield
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"in {self.given!r}: {error}") from error


@dataclass(frozen=True)
class Files:
    """Parquet files that are read as one frame.

    Parameters
    ----------
    files : tuple of File
        In order.
    alone : bool
        Whether they are a file that was named by itself, and not in a folder or among others.
    """

    files: tuple[File, ...]
    alone: bool = False

    @cached_property
    def token(self) -> str:
        """A word that is another when a file was written anew."""
        stats = [(str(f.path), f.path.stat().st_mtime_ns, f.rows) for f in self.files]
        return str(tokenize(stats))

    def field(self, selection: Selection) -> Field:
        """Return what is looked at, with no row in it yet; MismatchError unless it is in all."""
        first, *others = [_empty_field(file, selection) for file in self.files]
        for file, other in zip(self.files[1:], others, strict=True):
            mine, theirs = (set(each.labels["columns"]) for each in (first, other))
            for name in sorted(mine ^ theirs):
                _refuse(name, self.files[0], file)
        return first


@register(Files)
class ParquetFiles(Frame):
    """The columns of Parquet files, a part of a file at a time."""

    def fields(self, data: Files, selection: Selection = NO_SELECTION) -> dict[Hashable, Field]:
        field = data.field(selection)
        return {None: replace(field, data=_lazy(data, field, selection))}


# -- what is looked at ----------------------------------------------------------------------------


def _empty_field(file: File, selection: Selection) -> Field:
    with file.named():
        empty = labelled(file.schema.empty_table(), file.folders, selection.by)
        return Tables().fields(empty, selection)[None]


def _refuse(name: str, first: File, other: File) -> None:
    kinds = [
        f"{file.schema.field(name).type if name in file.schema.names else 'missing'} in "
        f"{file.given!r}"
        for file in (first, other)
    ]
    raise MismatchError(
        f"the files differ: column {name!r} is {kinds[0]}, and {kinds[1]}; write them with one "
        "schema, or name the columns that all have: --columns"
    )


# -- reading --------------------------------------------------------------------------------------


def labelled(table: Any, folders: Mapping[str, Any], keys: tuple[Hashable, ...]) -> Any:
    """Return a table with columns for those keys that are told by the folders of its file."""
    for key in keys:
        if key in folders and key not in table.column_names:
            table = table.append_column(key, pa.repeat(folders[str(key)], table.num_rows))
    return table


def _lazy(data: Files, field: Field, selection: Selection) -> da.Array:
    """Return a Dask array of blocks of Arrow; only the columns looked at will be read."""
    columns = list(field.labels["columns"])
    least = PART // sum(dtype.itemsize for dtype in field.data.dtypes)
    name = f"parquet-{tokenize(data.token, columns, selection.by)}"
    graph: dict[Hashable, Any] = {}
    lengths: list[int] = []
    for file in data.files:
        # Without the schema, which each task would bring along.
        light = replace(file, schema=None, rows=())
        for first, last in file.parts(least):
            read = partial(_read, light, first, last, columns=columns, selection=selection)
            graph[name, len(lengths), 0] = (read,)
            lengths.append(sum(file.rows[first:last]))
    dtype = field.data.dtype
    shape = (tuple(lengths), (len(columns),))
    return da.Array(graph, name, shape, dtype=dtype, meta=np.empty((0, 0), dtype))


def _read(file: File, first: int, last: int, *, columns: list[str], selection: Selection) -> Any:
    """Return some row groups as a block, read in the thread of its task."""
    try:
        # By default a row group is in memory twice for a while, as it is stored and decoded.
        with pq.ParquetFile(file.path, pre_buffer=False, buffer_size=BUFFER) as opened:
            wanted = [*columns, *(key for key in selection.by if key in opened.schema_arrow.names)]
            table = opened.read_row_groups(range(first, last), wanted, use_threads=False)
    except (OSError, ValueError) as error:  # as those of pyarrow are
        raise OSError(f"in {file.given!r}, row groups {first} to {last - 1}: {error}") from error
    return field_of(labelled(table, file.folders, selection.by), columns, selection).data
