"""Edge cases of Dask DataFrames and of Arrow columns; both need pyarrow."""

from decimal import Decimal
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa

import dasknorm as dn
from support.edge_frames import (
    FRAME,
    NO_COLUMNS,
    PANDAS_AND_DASK,
    STATS,
    Either,
    Z,
    adapt_named_column,
    bind,
    compute_mean,
    in_memory,
    make_column,
    normalize,
    raise_for_dtype,
)
from support.edge_outcomes import Case, Raises

__all__ = ["ARROW"]

NAN = np.nan
DECIMAL = pd.ArrowDtype(pa.decimal128(9, 2))


def in_partitions(frame: Any) -> Any:
    return dd.from_pandas(frame, npartitions=2, sort=False)


def _part(i: int) -> pd.DataFrame:
    return (FRAME, FRAME[["b", "a"]], FRAME[["a"]], FRAME.assign(c=1.0), FRAME.iloc[:0])[i]


def make_partitions(*numbers: int) -> Any:
    """Return a frame of partitions that nobody has checked."""
    return dd.from_map(_part, list(numbers), meta=FRAME.iloc[:0], enforce_metadata=False)


def filter_rows() -> Any:
    frame = in_partitions(pd.concat([FRAME, FRAME + 100], ignore_index=True))
    return frame[frame["a"] < 50]


def make_chunked_column() -> pd.DataFrame:
    """Return an Arrow column in several chunks, of which one is empty."""
    chunks = pa.chunked_array([[1.0], [], [None, 3.0]], pa.float64())
    return pd.DataFrame({"a": pd.arrays.ArrowExtensionArray(chunks)})


COLUMNS: Either = {
    "72-arrow-null": (lambda of: compute_mean(of, [1, None, 3], "int64[pyarrow]"), 2.0),
    "72-arrow-null-z": (
        lambda of: normalize(of, make_column([1.0, None, 3.0], "double[pyarrow]")),
        make_column([-1.0, None, 1.0], "double[pyarrow]"),
    ),
    "72-arrow-null-float32-z": (
        lambda of: normalize(of, make_column([1.0, None, 3.0], "float[pyarrow]")),
        make_column([-1.0, None, 1.0], "float[pyarrow]"),
    ),
    "72-arrow-halffloat-z": (
        lambda of: normalize(of, make_column(np.array([1, NAN, 3], "f2"), "halffloat[pyarrow]")),
        make_column(np.array([-1, NAN, 1], "f2"), "halffloat[pyarrow]"),
    ),
    "72-arrow-integers-beyond-floats": (
        lambda of: normalize(of, make_column([2**62 - 1, None, 2**62 + 1], "int64[pyarrow]")),
        make_column([-1.0, None, 1.0], "double[pyarrow]"),
    ),
    "72-arrow-in-chunks-z": (
        lambda of: normalize(of, make_chunked_column()),
        make_column([-1.0, None, 1.0], "double[pyarrow]"),
    ),
    "72-arrow-boolean": (lambda of: compute_mean(of, [True, None, False], "bool[pyarrow]"), 0.5),
    "72-arrow-boolean-z": (
        lambda of: normalize(of, make_column([True, None, False], "bool[pyarrow]")),
        make_column([1.0, None, -1.0], "float[pyarrow]"),
    ),
    "72-arrow-text-alone": (
        lambda of: dn.adapt(of(make_column(["x"], "string[pyarrow]"))),
        Raises(TypeError, NO_COLUMNS),
    ),
    "72-arrow-date-named": (
        lambda of: adapt_named_column(
            of, [pd.Timestamp(0), None], pd.ArrowDtype(pa.timestamp("s"))
        ),
        raise_for_dtype("timestamp"),
    ),
    "73-decimal": (lambda of: compute_mean(of, [Decimal("1.65"), Decimal("3.35")], DECIMAL), 2.5),
    "73-decimal-z": (
        lambda of: normalize(of, make_column([Decimal("1.25"), None, Decimal("3.25")], DECIMAL)),
        make_column([-1.0, None, 1.0], "double[pyarrow]"),
    ),
}

PARTITIONS: dict[str, Case] = {
    "56-reordered-partitions": (
        lambda: dn.adapt(make_partitions(0, 1)).mean,
        pd.Series({"a": 2.0, "b": 20.0}),
    ),
    "56-reordered-partitions-normalized": (
        lambda: STATS.normalize(make_partitions(1, 0)).compute(),
        pd.concat([Z, Z]),
    ),
    "77-unsorted-partitions": (
        lambda: normalize(
            in_memory, dd.concat([in_partitions(FRAME), in_partitions(FRAME)])
        ).compute(),
        pd.concat([Z, Z]),
    ),
    "77-divisions-unknown": (
        lambda: STATS.normalize(in_partitions(FRAME).clear_divisions()).known_divisions,
        False,
    ),
    "77-divisions-known": (lambda: STATS.normalize(in_partitions(FRAME)).divisions, (0, 1, 1)),
    "78-filtered": (lambda: dn.adapt(filter_rows()).mean, pd.Series({"a": 2.0, "b": 20.0})),
    "78-filtered-normalized": (lambda: STATS.normalize(filter_rows()).compute(), Z),
    "78-filtered-to-nothing": (
        lambda: dn.adapt(filter_rows()[filter_rows()["a"] > 99]),
        Raises(ValueError, "no samples to adapt on in the data at a and b"),
    ),
    "78-empty-partitions": (
        lambda: dn.adapt(make_partitions(4, 0, 4)).mean,
        pd.Series({"a": 2.0, "b": 20.0}),
    ),
    "78-empty-partitions-normalized": (
        lambda: STATS.normalize(make_partitions(4, 0, 4)).compute(),
        Z,
    ),
    "80-partition-lacks-a-column": (
        lambda: dn.adapt(make_partitions(0, 0, 2)),
        Raises(
            dn.MismatchError, r"the data at partition 2: columns \['b'\] are missing; found \['a'\]"
        ),
    ),
    "80-partition-lacks-a-column-lazily": (
        lambda: dn.adapt(make_partitions(0, 2), compute=False).compute(),
        Raises(
            dn.MismatchError,
            r"partition 1 of those computed: columns \['b'\] are missing; found \['a'\]",
        ),
    ),
    "80-partition-lacks-a-column-normalized": (
        lambda: STATS.normalize(make_partitions(0, 2)).compute(),
        Raises(
            dn.MismatchError,
            r"partition 1 of those computed: columns \['b'\] are missing; found \['a'\]",
        ),
    ),
    "80-partition-has-one-more": (
        lambda: dn.adapt(make_partitions(0, 3)).mean,
        pd.Series({"a": 2.0, "b": 20.0}),
    ),
    "80-partition-has-one-more-normalized": (
        lambda: STATS.normalize(make_partitions(0, 3)).compute(),
        pd.concat([Z, Z]),
    ),
    "85-weights-of-dask-frame-as-array": (
        lambda: dn.adapt(in_partitions(FRAME), weights=[1.0, 2.0]),
        Raises(TypeError, "a Dask Series of the same partitions.*got list"),
    ),
}

ARROW: dict[str, Case] = {
    **bind(PANDAS_AND_DASK, in_partitions, "-dask"),
    **bind(COLUMNS, in_memory),
    **bind(COLUMNS, in_partitions, "-dask"),
    **PARTITIONS,
}
