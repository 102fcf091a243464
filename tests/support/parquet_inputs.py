"""Flights as Parquet: in several files, and in a folder for each month."""

import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from support.optional import import_optional, read_nycflights

pa, pq = map(import_optional, ("pyarrow", "pyarrow.parquet"))
DELAYS = ["dep_delay", "arr_delay", "air_time", "distance"]


def read_flights() -> pd.DataFrame:
    """Return every tenth flight: 33,678 rows of numbers, times and words, NaN in delays."""
    return read_nycflights("flights.csv.zip")[::10].reset_index(drop=True)


def make_table() -> Any:
    """Return flights with columns of every kind that has to come through untouched."""
    frame = read_flights()
    rows = np.arange(len(frame))
    data = pa.Table.from_pandas(frame)
    more = {
        "carrier": data["carrier"].dictionary_encode(),
        "dep_time": data["dep_time"].cast(pa.int32(), safe=False),
        "air_time": data["air_time"].cast(pa.float32()),
        "fare": pa.array([decimal.Decimal(int(i)).scaleb(-2) for i in rows], pa.decimal128(9, 2)),
        "date": pa.array(rows % 365, pa.int32()).cast(pa.date32()),
        "stops": pa.array([["a"] * (i % 3) for i in rows], pa.list_(pa.string())),
        "late": pa.compute.greater(data["dep_delay"], 15.0),
    }
    for name, column in more.items():
        at = data.schema.get_field_index(name)
        data = data.set_column(at, name, column) if at >= 0 else data.append_column(name, column)
    at = data.schema.get_field_index("distance")
    field = pa.field("distance", pa.int64(), nullable=False, metadata={"unit": "mile"})
    schema = data.schema.set(at, field).with_metadata({**data.schema.metadata, b"made by": b"us"})
    return pa.Table.from_arrays(data.columns, schema=schema)


def write_files(folder: Path) -> list[Path]:
    """Write flights as three files of unlike row groups and compression."""
    folder.mkdir()
    data = make_table()
    ways = [("snappy", 5000), ("zstd", 1 << 20), ({"dep_delay": "gzip", "origin": "lz4"}, 977)]
    for part, (codec, rows) in enumerate(ways):
        subset = data.slice(12_000 * part, 12_000)
        pq.write_table(subset, folder / f"{part}.parquet", rows, compression=codec)
    return sorted(folder.iterdir())


def write_month_folders(folder: Path) -> Path:
    """Write flights in a folder for each month; only the folder names contain the month."""
    pq.write_to_dataset(
        pa.Table.from_pandas(read_flights(), preserve_index=False),
        folder,
        partition_cols=["month"],
        basename_template="part-{i}.parquet",
    )
    return folder


def list_files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*.parquet"))
