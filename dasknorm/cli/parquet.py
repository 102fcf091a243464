"""Parquet: files and folders of them, adapted by row group, and written file by file.

Used by cli.paths. Everything but the format of outputs may change: outputs have the names, row
groups, compression and, except for normalized columns, the schema of the inputs.
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

from dasknorm.chunks.progress import Meter, count_chunks
from dasknorm.cli.data_files import Contents, DataFiles, Opened, Transform
from dasknorm.cli.dtypes import cast
from dasknorm.cli.errors import InputError, input_errors, quote_names
from dasknorm.cli.frames import FrameFiles
from dasknorm.cli.masks import Condition
from dasknorm.containers.parquet import File, Files, add_folder_columns

SUFFIXES = (".parquet", ".pq")
NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"

CODECS = {"UNCOMPRESSED": "NONE", "LZ4_RAW": "LZ4"}
"""Codec names in the footer that the writer of pyarrow spells differently."""

DICTIONARY_ENCODINGS = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}


def open_data(paths: Sequence[Path]) -> Files:
    """Return all files in some files and folders; only footers are read."""
    file_paths = [file for path in paths for file in _find_files(path)]
    roots = [path.resolve() if path.is_dir() else path.resolve().parent for path in paths]
    with ThreadPoolExecutor() as pool:
        files = list(pool.map(partial(_open_file, root=Path(commonpath(roots))), file_paths))
    is_single = len(paths) == 1 and paths[0].is_file()
    return Files(tuple(_with_folders(files)), is_single)


class ParquetFiles(DataFiles):
    """Parquet files, to be written as Parquet."""

    formats = ("parquet",)

    def open_for_adapt(
        self,
        names: Sequence[str],
        keys: Sequence[Hashable],
        condition: Condition | None = None,
    ) -> Opened:
        if condition is not None:  # a mask needs rows, of which `Files` has the numbers only
            frames = FrameFiles(self.paths, self.form, self.opening)
            return frames.open_for_adapt(names, keys, condition)
        data = open_data(self.paths)
        if not any(sum(file.rows) for file in data.files):
            others = f", nor in {len(data.files) - 1} other files" if len(data.files) > 1 else ""
            raise InputError(f"there are no rows in {data.files[0].given_path!r}{others}")
        return Opened(data, list(names) or None)

    def write_transformed(
        self, transform: Transform, names: Sequence[str], meter: Meter, out: Path, form_out: str
    ) -> Contents:
        data = open_data(self.paths)
        files = [_select(file, names, transform.keys) for file in data.files]
        schemas = [_transformed_schema(file, transform) for file in files]
        meter.expected += sum(len(file.rows) for file in files)
        # As a task with a name: it may contain many groups, and is sent to each worker once.
        delayed_transform = dask.delayed(transform, name=f"change-{meter.topic}", traverse=False)
        rewrite = dask.delayed(_rewrite_file, pure=False)
        tasks = []
        for file, schema in zip(files, schemas, strict=True):
            target = out if data.is_single else out / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            tasks.append(rewrite(file, target, schema, delayed_transform, meter.topic))
        dask.compute(*tasks)
        kinds = zip(schemas[0].names, schemas[0].types, strict=True)
        return {name: (str(kind),) for name, kind in kinds}


# -- which files ----------------------------------------------------------------------------------


def _find_files(path: Path) -> Iterator[Path]:
    """Yield a file, or the files in a folder except hidden ones (``.name``, ``_name``)."""
    if not path.is_dir():
        yield path
        return
    files = [file for suffix in SUFFIXES for file in path.rglob(f"*{suffix}") if file.is_file()]
    visible = [file for file in files if not _is_hidden(file.relative_to(path))]
    if not visible:
        raise InputError(f"there is no Parquet file in {str(path)!r}")
    yield from sorted(visible)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _open_file(path: Path, root: Path) -> File:
    with input_errors(f"cannot read {str(path)!r}"), pq.ParquetFile(path) as file:
        footer, schema = file.metadata, file.schema_arrow
    rows = tuple(footer.row_group(i).num_rows for i in range(footer.num_row_groups))
    absolute = path.resolve()
    return File(absolute, str(path), absolute.relative_to(root), schema, rows, {})


def _with_folders(files: Sequence[File]) -> Iterator[File]:
    """Yield files with the keys in their folder names (``month=3``), as numbers if all are."""
    keys_of_files = [dict(_folder_keys(file.path)) for file in files]
    values: dict[str, list[str]] = {}
    for keys in keys_of_files:
        for key, value in keys.items():
            values.setdefault(key, []).append(value)
    parse = {key: _scalar_parser(texts) for key, texts in values.items()}
    for file, keys in zip(files, keys_of_files, strict=True):
        yield replace(file, folders={key: parse[key](value) for key, value in keys.items()})


def _folder_keys(path: Path) -> Iterator[tuple[str, str]]:
    for part in path.resolve().parts[:-1]:
        key, equals, value = part.partition("=")
        if key and equals:
            yield key, unquote(value)


def _scalar_parser(values: Sequence[str]) -> Callable[[str], Any]:
    """Return a function from the values of a key to Arrow scalars of one type."""
    is_number = all(value.isdecimal() for value in values if value != NULL_FOLDER)
    kind = pa.int64() if is_number else pa.string()
    return lambda value: pa.scalar(
        None if value == NULL_FOLDER else int(value) if is_number else value, kind
    )


# -- which columns --------------------------------------------------------------------------------


def _select(file: File, names: Sequence[str], keys: Sequence[Hashable]) -> File:
    """Return a file with some columns only, the keys, and the index of pandas."""
    schema = file.schema
    if not names:
        return file
    if unknown := [name for name in names if name not in schema.names]:
        raise InputError(
            f"no column {quote_names(unknown)} in {file.given_path!r}; "
            f"there are {quote_names(schema.names)}"
        )
    index = (schema.pandas_metadata or {}).get("index_columns", [])
    kept = [field for field in schema if field.name in (*names, *keys, *index)]
    return replace(file, schema=pa.schema(kept, schema.metadata))


# -- writing --------------------------------------------------------------------------------------


def _transformed_schema(file: File, transform: Transform) -> Any:
    """Return the schema of a transformed file; raises an error if the columns do not match."""
    with file.named_in_errors():
        schema = _transform_table(file.schema.empty_table(), file, transform).schema
    for name in transform.columns if transform.keys else ():
        index = schema.get_field_index(name)  # rows without a group become null
        schema = schema.set(index, schema.field(index).with_nullable(True))
    return schema


def _rewrite_file(file: File, target: Path, schema: Any, transform: Transform, topic: str) -> None:
    """Write a transformed file, one row group at a time."""
    with (
        file.named_in_errors(),
        pq.ParquetFile(file.path) as source,
        pq.ParquetWriter(target, schema, **_writer_options(source.metadata)) as writer,
        count_chunks(topic) as count,
    ):
        for group, rows in enumerate(file.rows):
            table = source.read_row_group(group, file.schema.names, use_threads=False)
            count(table.nbytes)
            columns = _transform_table(table, file, transform).columns
            writer.write_table(pa.Table.from_arrays(columns, schema=schema), max(rows, 1))


def _transform_table(table: Any, file: File, transform: Transform) -> Any:
    """Return a transformed table; values from folder names are added only as keys."""
    keyed = add_folder_columns(table, file.folders, transform.keys)
    if transform.dtype == "float64":  # computed in this dtype, too
        types = {name: keyed.schema.field(name).type for name in table.column_names}
        narrow = [n for n in transform.columns if n in types and types[n].bit_width < 64]
        keyed = _cast_columns(keyed, narrow, "float64")
    result = transform(keyed).select(table.column_names)
    if transform.dtype is not None:
        result = _cast_columns(result, transform.columns, transform.dtype)
    return result


def _cast_columns(table: Any, names: Sequence[Hashable], dtype: str) -> Any:
    """Return a table with columns of another float dtype; nulls stay nulls."""
    for name in names:
        if name not in table.column_names:
            continue
        column = table[name]
        values = cast(column.to_numpy(zero_copy_only=False), dtype)
        nulls = column.is_null().to_numpy(zero_copy_only=False)
        index = table.schema.get_field_index(name)
        field = table.schema.field(index).with_type(pa.from_numpy_dtype(values.dtype))
        table = table.set_column(index, field, pa.array(values, mask=nulls, from_pandas=False))
    return table


def _writer_options(footer: Any) -> dict[str, Any]:
    """Return the compression of the columns of a file, and which use dictionary encoding."""
    if not footer.num_row_groups:
        return {}
    group = footer.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    codecs = {c.path_in_schema: CODECS.get(c.compression, c.compression) for c in columns}
    with_dictionary = [c.path_in_schema for c in columns if DICTIONARY_ENCODINGS & set(c.encodings)]
    # One codec for all columns is passed as one: names of nested columns vary between versions.
    is_same = len(set(codecs.values())) == 1
    return {
        "compression": next(iter(codecs.values())) if is_same else codecs,
        "use_dictionary": with_dictionary if len(with_dictionary) < len(columns) else True,
    }
