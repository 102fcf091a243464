"""Rewriting: a Parquet file with some columns changed, and all else as it was."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dasknorm.chunks.progress import counting
from dasknorm.cli.changes import Change
from dasknorm.containers.parquet import File, labelled

__all__ = ["rewritten", "schema_after"]

CODECS = {"UNCOMPRESSED": "NONE", "LZ4_RAW": "LZ4"}
"""Names of compression in a file's footer that pyarrow's writer calls otherwise."""

PACKED = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}


def schema_after(file: File, change: Change) -> Any:
    """Return the schema that a file has after a change, whatever its rows; it has to fit."""
    with file.named():
        schema = _changed(file.schema.empty_table(), file, change).schema
    for name in change.columns if change.keys else ():
        at = schema.get_field_index(name)  # rows that belong to no group become null
        schema = schema.set(at, schema.field(at).with_nullable(True))
    return schema


def rewritten(file: File, target: Path, schema: Any, change: Change, topic: str) -> None:
    """Write a file anew, a row group at a time."""
    with (
        file.named(),
        pq.ParquetFile(file.path) as source,
        pq.ParquetWriter(target, schema, **_stored(source.metadata)) as writer,
        counting(topic) as count,
    ):
        for group, rows in enumerate(file.rows):
            table = source.read_row_group(group, file.schema.names, use_threads=False)
            count(table.nbytes)
            columns = _changed(table, file, change).columns
            writer.write_table(pa.Table.from_arrays(columns, schema=schema), max(rows, 1))


def _changed(table: Any, file: File, change: Change) -> Any:
    """Return a table changed; what folders tell stands beside it for as long as that takes."""
    return change(labelled(table, file.folders, change.keys)).select(table.column_names)


def _stored(footer: Any) -> dict[str, Any]:
    """Return how the columns of a file are compressed, and which are packed by a dictionary."""
    if not footer.num_row_groups:
        return {}
    group = footer.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    codecs = {c.path_in_schema: CODECS.get(c.compression, c.compression) for c in columns}
    packed = [c.path_in_schema for c in columns if PACKED & set(c.encodings)]
    # Where all are alike it is said of all: names inside of lists may have changed with the years.
    alike = len(set(codecs.values())) == 1
    return {
        "compression": next(iter(codecs.values())) if alike else codecs,
        "use_dictionary": packed if len(packed) < len(columns) else True,
    }
