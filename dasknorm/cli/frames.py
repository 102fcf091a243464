"""CSV files, and Parquet files to be written as CSV, as one Dask DataFrame.

Used by cli.paths. The size of partitions may change.
"""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from dasknorm.chunks.dask_internals import meta
from dasknorm.chunks.progress import Meter
from dasknorm.cli.data_files import Contents, DataFiles, Transform, check_names
from dasknorm.cli.errors import InputError, input_errors

PARTITION_SIZE = "64MiB"
MISSING_STRINGS = ["NA", "N/A", "n/a", "<NA>", "#N/A", "NaN", "nan", "-nan", "NULL", "null", "None"]
"""The strings that pandas reads as missing, without the empty one and the rarest ones."""


class FrameFiles(DataFiles):
    """CSV files, or Parquet files to be written as CSV."""

    formats = ("parquet", "csv")

    def open_for_adapt(
        self, names: Sequence[str], keys: Sequence[Hashable]
    ) -> tuple[Any, list[str] | None]:
        _check_columns(self._open(), names)
        return self._open(dtype=self._integer_keys(keys)), list(names) or None

    def write_transformed(
        self, transform: Transform, names: Sequence[str], meter: Meter, out: Path, form_out: str
    ) -> Contents:
        data = self._open()
        _check_columns(data, names)
        if self.form == "csv":
            transform(_select_columns(data, names, transform))  # raises if columns do not match
            data = self._open_unused_as_text(data, transform)
        result = transform(meter.count_frame(_select_columns(data, names, transform)))
        _write(result, out, form_out)
        return {str(n): (str(kind),) for n, kind in zip(result.columns, result.dtypes, strict=True)}

    def _open(self, **options: Any) -> Any:
        """Return a Dask DataFrame; only the first rows are read."""
        try:
            import dask.dataframe as dd  # optional
        except ImportError:
            raise InputError(
                f"{self.form} files need dask.dataframe: pip install 'dasknorm[dataframe]'"
            ) from None
        names = [str(path) for path in self.paths]
        with input_errors(f"cannot read {', '.join(map(repr, names))}"):
            if self.form == "parquet":
                return dd.read_parquet(
                    names if len(names) > 1 else names[0],
                    split_row_groups="adaptive",
                    blocksize=PARTITION_SIZE,
                )
            # assume_missing: an integer column may have missing values after its first rows.
            options = _float_options() | options
            return dd.read_csv(names, blocksize=PARTITION_SIZE, assume_missing=True, **options)

    def _open_unused_as_text(self, data: Any, transform: Transform) -> Any:
        """Open CSV files with all other columns as text, so that these are written as they were."""
        used = {*transform.columns, *transform.keys}
        texts = {name: "object" for name in data.columns if name not in used}
        return self._open(
            dtype=self._integer_keys(transform.keys) | texts,
            keep_default_na=False,
            na_values={name: ["", *MISSING_STRINGS] for name in data.columns if name in used},
        )

    def _integer_keys(self, keys: Sequence[Hashable]) -> dict[Hashable, str]:
        """Return the dtype of integer keys, which would otherwise be read as floats."""
        if not keys:
            return {}
        head = pd.read_csv(self.paths[0], nrows=1000, usecols=lambda name: name in keys)
        return {name: "Int64" for name, dtype in head.dtypes.items() if dtype.kind in "iu"}


def _select_columns(data: Any, names: Sequence[str], transform: Transform) -> Any:
    """Return the named columns and the keys; all columns if no names are given."""
    return data[[n for n in data.columns if n in (*names, *transform.keys)]] if names else data


def _write(data: Any, path: Path, form: str) -> None:
    """Write CSV as one file, and Parquet as one file or as a folder of several partitions."""
    rows = meta(data).index
    has_index = not (isinstance(rows, pd.RangeIndex) and rows.name is None)
    if form == "csv":
        data.to_csv(str(path), single_file=True, index=has_index)
    elif data.npartitions == 1:
        data.compute().to_parquet(path, index=has_index or None)
    else:
        data.to_parquet(str(path), write_index=has_index)


def _float_options() -> dict[str, str]:
    """Return options to read the exact float that was written; from pandas 3.1 on the default."""
    is_old = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
    return {"float_precision": "round_trip"} if is_old else {}


def _check_columns(data: Any, names: Sequence[str]) -> None:
    check_names(names, dict(zip(data.columns, data.dtypes, strict=True)), "column")
