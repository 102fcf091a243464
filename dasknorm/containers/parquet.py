"""Parquet files (`Files`): the selected columns as one Dask array of Arrow blocks.

Used by `cli.parquet`. The sizes of tasks and buffers can change without other
changes.

A chunk is a run of adjacent row groups. Its size is known from the footer of the file.
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

from dasknorm.blocks.tables import Table
from dasknorm.containers import NO_SELECTION, Fields, Selection, register
from dasknorm.containers.pandas import Frame
from dasknorm.containers.pyarrow import Tables, check_types, excluded_types, make_arrow_field
from dasknorm.errors import MismatchError
from dasknorm.fields import Field

READ_AHEAD_BYTES = 1 << 20
"""Bytes of a column that are read before they are decoded."""

TASK_BYTES = 1 << 25
"""Row groups are read together up to 32 MB: each opening of a file reads its footer again."""


@dataclass(frozen=True)
class File:
    """A Parquet file; only its footer has been read."""

    path: Path  # absolute, as workers may have another working folder
    given_path: str  # as the user wrote it, for messages
    name: Path  # relative to the common folder of all files
    schema: pa.Schema
    rows: tuple[int, ...]  # of each row group
    folders: Mapping[str, pa.Scalar]  # values from the names of folders: 3 in ``month=3``

    def split_row_groups(self, min_rows: int) -> Iterator[tuple[int, int]]:
        """Yield the start and stop of runs of row groups that have at least `min_rows` rows."""
        start, run_rows = 0, 0
        for group, rows in enumerate(self.rows):
            run_rows += rows
            if run_rows >= min_rows or group == len(self.rows) - 1:
                yield start, group + 1
                start, run_rows = group + 1, 0

    @contextmanager
    def named_in_errors(self) -> Iterator[None]:
        """Add the path of the file to errors that are raised inside."""
        try:
            yield
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"in {self.given_path!r}: {error}") from error


@dataclass(frozen=True)
class Files:
    """Parquet files that are read as one DataFrame."""

    files: tuple[File, ...]
    is_single: bool = False  # whether the user named one file, not a folder or multiple files

    @cached_property
    def token(self) -> str:
        """A string that changes when a file is rewritten."""
        stats = [(str(f.path), f.path.stat().st_mtime_ns, f.rows) for f in self.files]
        return str(tokenize(stats))

    def field(self, selection: Selection) -> Field:
        """Return the selected columns, without rows; MismatchError unless all files have them."""
        first, *further = [_make_empty_field(file, selection) for file in self.files]
        for file, field in zip(self.files[1:], further, strict=True):
            if differences := set(first.labels["columns"]) ^ set(field.labels["columns"]):
                raise _difference(min(differences), self.files[0], file)
        return first


@register(Files)
class ParquetFiles(Frame):
    """The columns of Parquet files, read in runs of row groups."""

    def check_excluded(self, data: Files, selection: Selection) -> Files:
        for file in data.files:
            with file.named_in_errors():
                check_types(file.schema, selection, _format_option)
        return data

    def excluded_dtypes(self, data: Files) -> dict[Hashable, object]:
        return excluded_types(data.files[0].schema)

    def fields(self, data: Files, selection: Selection = NO_SELECTION) -> Fields:
        field = data.field(selection)
        return {None: replace(field, data=_make_lazy(data, field, selection))}


def _format_option(names: list[str]) -> str:
    return f"--columns {','.join(names)}" if names else ""


# -- the selected columns -------------------------------------------------------------------------


def _make_empty_field(file: File, selection: Selection) -> Field:
    with file.named_in_errors():
        empty = add_folder_columns(file.schema.empty_table(), file.folders, selection.by)
        return Tables().fields(empty, selection)[None]


def _difference(name: str, *files: File) -> MismatchError:
    """Return the error for two files with a column of different types."""
    types = [
        f"{file.schema.field(name).type if name in file.schema.names else 'missing'} in "
        f"{file.given_path!r}"
        for file in files
    ]
    return MismatchError(
        f"the files differ: column {name!r} is {types[0]}, and {types[1]}; write them with one "
        "schema, or name the columns that all have: --columns"
    )


# -- reading --------------------------------------------------------------------------------------


def add_folder_columns(
    table: pa.Table, folders: Mapping[str, pa.Scalar], keys: tuple[Hashable, ...]
) -> pa.Table:
    """Return a table with columns for the keys that are in the names of the file's folders."""
    for key in keys:
        if key in folders and key not in table.column_names:
            table = table.append_column(key, pa.repeat(folders[str(key)], table.num_rows))
    return table


def _make_lazy(data: Files, field: Field, selection: Selection) -> da.Array:
    """Return a Dask array of Arrow blocks; only the selected columns will be read."""
    columns = list(field.labels["columns"])
    min_rows = TASK_BYTES // sum(dtype.itemsize for dtype in field.data.dtypes)
    name = f"parquet-{tokenize(data.token, columns, selection.by)}"
    graph: dict[Hashable, Any] = {}
    lengths: list[int] = []
    for file in data.files:
        # Without the schema, which would be part of each task.
        light = replace(file, schema=None, rows=())
        for start, stop in file.split_row_groups(min_rows):
            read = partial(_read, light, start, stop, columns=columns, selection=selection)
            graph[name, len(lengths), 0] = (read,)
            lengths.append(sum(file.rows[start:stop]))
    dtype = field.data.dtype
    shape = (tuple(lengths), (len(columns),))
    return da.Array(graph, name, shape, dtype=dtype, meta=np.empty((0, 0), dtype))


def _read(file: File, start: int, stop: int, *, columns: list[str], selection: Selection) -> Table:
    """Return a run of row groups as a block, read in the thread of its task."""
    try:
        # With pre_buffer, a row group would be in memory twice: encoded and decoded.
        with pq.ParquetFile(file.path, pre_buffer=False, buffer_size=READ_AHEAD_BYTES) as source:
            keys = [key for key in selection.by if key in source.schema_arrow.names]
            table = source.read_row_groups(range(start, stop), [*columns, *keys], use_threads=False)
    except (OSError, ValueError) as error:  # pyarrow's errors are subclasses
        raise OSError(
            f"in {file.given_path!r}, row groups {start} to {stop - 1}: {error}"
        ) from error
    table = add_folder_columns(table, file.folders, selection.by)
    return make_arrow_field(table, columns, selection).data
