"""CSV files, and Parquet files to be written as CSV, as one Dask DataFrame.

Used by cli.parquet and cli.paths. The size of partitions may change.
"""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.blocks import is_numeric
from dasknorm.chunks.dask_internals import meta
from dasknorm.chunks.progress import Meter
from dasknorm.cli.data_files import Contents, DataFiles, Opened, Transform, check_names
from dasknorm.cli.dtypes import cast
from dasknorm.cli.errors import InputError, input_errors
from dasknorm.cli.masks import Condition
from dasknorm.errors import ChunkError

PARTITION_SIZE = "64MiB"
TEXT_ROWS = 100_000
"""Rows that are searched together for text in a column of numbers."""
MISSING_STRINGS = ["NA", "N/A", "n/a", "<NA>", "#N/A", "NaN", "nan", "-nan", "NULL", "null", "None"]
"""The strings that pandas reads as missing, without the empty one and the rarest ones."""


class FrameFiles(DataFiles):
    """CSV files, or Parquet files to be written as CSV."""

    formats = ("parquet", "csv")
    open_options = ("separator",)

    def open_for_adapt(
        self,
        names: Sequence[str],
        keys: Sequence[Hashable],
        condition: Condition | None = None,
    ) -> Opened:
        needed = [*names, *([condition.name] if condition else [])]
        head = self._open()
        _check_columns(head, needed)
        if len(head.columns) == 1 and not is_numeric(head.dtypes.iloc[0]):
            self._check_separator(self.paths[0], head.columns)
        options: dict[str, Any] = {"dtype": self._key_dtypes(keys)} if self.form == "csv" else {}
        if names and self.form == "csv":  # other columns are not parsed
            options["usecols"] = [n for n in head.columns if n in (*needed, *keys)]
        data = self._open(**options)
        return Opened(data, list(names) or None, condition(data) if condition else None)

    def write_transformed(
        self, transform: Transform, names: Sequence[str], meter: Meter, out: Path, form_out: str
    ) -> Contents:
        data = self._open()
        _check_columns(data, names)
        if self.form == "csv":
            transform(_select_columns(data, names, transform))  # raises if columns do not match
            data = self._open_unused_as_text(data, transform)
        data = meter.count_frame(_select_columns(data, names, transform))
        if transform.dtype == "float64":  # computed in this dtype, too
            present = [name for name in transform.columns if name in data.columns]
            narrow = [name for name in present if data.dtypes[name].itemsize < 8]
            data = data.map_partitions(_cast_columns, narrow, "float64")
        result = transform(data)
        if transform.dtype is not None:
            result = result.map_partitions(_cast_columns, transform.columns, transform.dtype)
        _write(result, out, form_out)
        return {str(n): (str(kind),) for n, kind in zip(result.columns, result.dtypes, strict=True)}

    @contextmanager
    def explain_errors(self) -> Iterator[None]:
        """Name the first text in a column that has numbers at first."""
        try:
            yield
        except (ValueError, ChunkError) as error:
            if not any(text in str(error) for text in ("Mismatched dtypes", "Unable to parse")):
                raise
            raise InputError(self._find_text()) from error

    def _find_text(self) -> str:
        """Return where a column, which has numbers in the first rows, has text."""
        numeric = {name: kind for name, kind in self._open().dtypes.items() if is_numeric(kind)}
        options = {**self._csv_options(), "dtype": str, "chunksize": TEXT_ROWS}
        for path in self.paths:
            with pd.read_csv(path, **options) as parts:
                columns = ((part[name], kind) for part in parts for name, kind in numeric.items())
                for texts in (_find_texts(column, kind) for column, kind in columns):
                    if len(texts):
                        return (
                            f"column {texts.name!r} has numbers at first and {texts.iloc[0]!r} in "
                            f"row {texts.index[0] + 1:,} of {str(path)!r}; name the other columns: "
                            "--columns"
                        )
        return "the files have columns of numbers at first, and of text in later rows"

    @property
    def _separator(self) -> str:
        return {"\\t": "\t"}.get(self.opening.separator or ",", self.opening.separator or ",")

    def _csv_options(self) -> dict[str, Any]:
        """Return options to read each block with one dtype for each column, and exact floats."""
        if len(self._separator) > 1 and self._separator != r"\s+":
            return {"sep": self._separator, "engine": "python"}
        return {"sep": self._separator, "low_memory": False} | _float_options()

    def _check_csv(self) -> None:
        """Raise InputError if there is nothing in the files, or nothing but names."""
        for path in self.paths:
            if not path.stat().st_size:
                raise InputError(f"{str(path)!r} is empty")
        options: Any = {"nrows": 1, "dtype": str, "keep_default_na": False}
        heads = {path: pd.read_csv(path, **self._csv_options(), **options) for path in self.paths}
        if all(head.empty for head in heads.values()):
            raise InputError(f"{str(self.paths[0])!r} has no rows")
        for path, head in heads.items():
            has_more_fields = not isinstance(head.index, pd.RangeIndex)
            if has_more_fields and head.iloc[0, -1] == "":  # pandas would shift the columns
                raise InputError(
                    f"{str(path)!r} has rows that end with the separator, and a header that does "
                    "not: add it to the header, or remove it from the rows"
                )
            if has_more_fields:
                self._check_separator(path, head.columns)

    def _check_separator(self, path: Path, columns: Sequence[Hashable]) -> None:
        """Raise InputError if the only column has another separator in its name."""
        if self.opening.separator or len(columns) > 1:
            return
        name = str(columns[0])
        for separator in (";", "\t", "|"):
            if separator in name:
                raise InputError(
                    f"{str(path)!r} has one column {name!r}: is the separator "
                    f"{separator!r}? --separator {separator!r}"
                )

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
                data = dd.read_parquet(
                    names if len(names) > 1 else names[0],
                    split_row_groups="adaptive",
                    blocksize=PARTITION_SIZE,
                    **options,
                )
                if data.columns.nlevels > 1:  # Dask cannot read them
                    raise InputError(
                        f"the columns of {names[0]!r} have several levels: write OUT as .parquet, "
                        "without --where"
                    )
                return data
            self._check_csv()
            # assume_missing: an integer column may have missing values after its first rows.
            options = self._csv_options() | options
            return dd.read_csv(names, blocksize=PARTITION_SIZE, assume_missing=True, **options)

    def _open_unused_as_text(self, data: Any, transform: Transform) -> Any:
        """Open CSV files with all other columns as text, so that these are written as they were."""
        used = {*transform.columns, *transform.keys}
        texts = {name: "object" for name in data.columns if name not in used}
        return self._open(
            dtype=self._key_dtypes(transform.keys) | texts,
            keep_default_na=False,
            na_values={name: ["", *MISSING_STRINGS] for name in data.columns if name in used},
        )

    def _key_dtypes(self, keys: Sequence[Hashable]) -> dict[Hashable, str]:
        """Return the dtypes of integer keys and of text, which later rows would not keep."""
        if not keys or self.form != "csv":
            return {}
        head = pd.read_csv(
            self.paths[0], nrows=1000, usecols=lambda name: name in keys, **self._csv_options()
        )
        dtype_by_kind = {"i": "Int64", "u": "Int64", "O": "str"}
        return {
            n: dtype_by_kind[dtype.kind]
            for n, dtype in head.dtypes.items()
            if dtype.kind in dtype_by_kind
        }


def _find_texts(column: pd.Series, kind: Any) -> pd.Series:
    """Return the values of a column of strings that are not numbers, nor booleans if most are."""
    is_text = column.notna() & pd.to_numeric(column, errors="coerce").isna()
    if pd.api.types.is_bool_dtype(kind):
        is_text &= ~column.str.lower().isin(["true", "false"])
    return column[is_text]


def _select_columns(data: Any, names: Sequence[str], transform: Transform) -> Any:
    """Return the named columns and the keys; all columns if no names are given."""
    return data[[n for n in data.columns if n in (*names, *transform.keys)]] if names else data


def _cast_columns(frame: pd.DataFrame, names: Sequence[Hashable], dtype: str) -> pd.DataFrame:
    """Return a frame with some columns of another float dtype."""
    result = frame.copy(deep=False)
    for name in names:
        if name in frame:
            result[name] = cast(frame[name].to_numpy("f8", na_value=np.nan), dtype)
    return result


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
