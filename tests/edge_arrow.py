"""Edge cases of Dask frames and of Arrow columns: pyarrow is needed for both."""

from decimal import Decimal
from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
from edge_frames import (
    EITHER,
    FRAME,
    NO_COLUMNS,
    STATS,
    Either,
    Z,
    bound,
    column,
    mean,
    named,
    refused,
    whole,
    z,
)
from edge_outcomes import Case, Raises

import dasknorm as dn

__all__ = ["ARROW"]

NAN = np.nan
DECIMAL = pd.ArrowDtype(pa.decimal128(9, 2))


def lazy(frame: Any) -> Any:
    return dd.from_pandas(frame, npartitions=2, sort=False)


def _part(i: int) -> pd.DataFrame:
    return (FRAME, FRAME[["b", "a"]], FRAME[["a"]], FRAME.assign(c=1.0), FRAME.iloc[:0])[i]


def parts(*numbers: int) -> Any:
    """Return a frame of partitions that nobody has checked."""
    return dd.from_map(_part, list(numbers), meta=FRAME.iloc[:0], enforce_metadata=False)


def filtered() -> Any:
    frame = lazy(pd.concat([FRAME, FRAME + 100], ignore_index=True))
    return frame[frame["a"] < 50]


def apart() -> pd.DataFrame:
    """Return an Arrow column in several chunks, of which one is empty."""
    chunks = pa.chunked_array([[1.0], [], [None, 3.0]], pa.float64())
    return pd.DataFrame({"a": pd.arrays.ArrowExtensionArray(chunks)})


COLUMNS: Either = {
    "72-arrow-null": (lambda of: mean(of, [1, None, 3], "int64[pyarrow]"), 2.0),
    "72-arrow-null-z": (
        lambda of: z(of, column([1.0, None, 3.0], "double[pyarrow]")),
        column([-1.0, None, 1.0], "double[pyarrow]"),
    ),
    "72-arrow-null-float32-z": (
        lambda of: z(of, column([1.0, None, 3.0], "float[pyarrow]")),
        column([-1.0, None, 1.0], "float[pyarrow]"),
    ),
    "72-arrow-halffloat-z": (
        lambda of: z(of, column(np.array([1, NAN, 3], "f2"), "halffloat[pyarrow]")),
        column(np.array([-1, NAN, 1], "f2"), "halffloat[pyarrow]"),
    ),
    "72-arrow-integers-beyond-floats": (
        lambda of: z(of, column([2**62 - 1, None, 2**62 + 1], "int64[pyarrow]")),
        column([-1.0, None, 1.0], "double[pyarrow]"),
    ),
    "72-arrow-in-chunks-z": (
        lambda of: z(of, apart()),
        column([-1.0, None, 1.0], "double[pyarrow]"),
    ),
    "72-arrow-boolean": (lambda of: mean(of, [True, None, False], "bool[pyarrow]"), 0.5),
    "72-arrow-boolean-z": (
        lambda of: z(of, column([True, None, False], "bool[pyarrow]")),
        column([1.0, None, -1.0], "float[pyarrow]"),
    ),
    "72-arrow-text-alone": (
        lambda of: dn.adapt(of(column(["x"], "string[pyarrow]"))),
        Raises(TypeError, NO_COLUMNS),
    ),
    "72-arrow-date-named": (
        lambda of: named(of, [pd.Timestamp(0), None], pd.ArrowDtype(pa.timestamp("s"))),
        refused("timestamp"),
    ),
    "73-decimal": (lambda of: mean(of, [Decimal("1.65"), Decimal("3.35")], DECIMAL), 2.5),
    "73-decimal-z": (
        lambda of: z(of, column([Decimal("1.25"), None, Decimal("3.25")], DECIMAL)),
        column([-1.0, None, 1.0], "double[pyarrow]"),
    ),
}

PARTITIONS: dict[str, Case] = {
    "56-reordered-partitions": (
        lambda: dn.adapt(parts(0, 1)).mean,
        pd.Series({"a": 2.0, "b": 20.0}),
    ),
    "56-reordered-partitions-normalized": (
        lambda: STATS.normalize(parts(1, 0)).compute(),
        pd.concat([Z, Z]),
    ),
    "77-unsorted-partitions": (
        lambda: z(whole, dd.concat([lazy(FRAME), lazy(FRAME)])).compute(),
        pd.concat([Z, Z]),
    ),
    "77-divisions-unknown": (
        lambda: STATS.normalize(lazy(FRAME).clear_divisions()).known_divisions,
        False,
    ),
    "77-divisions-known": (lambda: STATS.normalize(lazy(FRAME)).divisions, (0, 1, 1)),
    "78-filtered": (lambda: dn.adapt(filtered()).mean, pd.Series({"a": 2.0, "b": 20.0})),
    "78-filtered-normalized": (lambda: STATS.normalize(filtered()).compute(), Z),
    "78-filtered-to-nothing": (
        lambda: dn.adapt(filtered()[filtered()["a"] > 99]),
        Raises(ValueError, "no samples to adapt on in the data at a and b"),
    ),
    "78-empty-partitions": (
        lambda: dn.adapt(parts(4, 0, 4)).mean,
        pd.Series({"a": 2.0, "b": 20.0}),
    ),
    "78-empty-partitions-normalized": (lambda: STATS.normalize(parts(4, 0, 4)).compute(), Z),
    "80-partition-lacks-a-column": (
        lambda: dn.adapt(parts(0, 0, 2)),
        Raises(
            dn.MismatchError, r"the data at partition 2: columns \['b'\] are missing; found \['a'\]"
        ),
    ),
    "80-partition-lacks-a-column-lazily": (
        lambda: dn.adapt(parts(0, 2), compute=False).compute(),
        Raises(
            dn.MismatchError,
            r"partition 1 of those computed: columns \['b'\] are missing; found \['a'\]",
        ),
    ),
    "80-partition-lacks-a-column-normalized": (
        lambda: STATS.normalize(parts(0, 2)).compute(),
        Raises(
            dn.MismatchError,
            r"partition 1 of those computed: columns \['b'\] are missing; found \['a'\]",
        ),
    ),
    "80-partition-has-one-more": (
        lambda: dn.adapt(parts(0, 3)).mean,
        pd.Series({"a": 2.0, "b": 20.0}),
    ),
    "80-partition-has-one-more-normalized": (
        lambda: STATS.normalize(parts(0, 3)).compute(),
        pd.concat([Z, Z]),
    ),
    "85-weights-of-dask-frame-as-array": (
        lambda: dn.adapt(lazy(FRAME), weights=[1.0, 2.0]),
        Raises(TypeError, "a Dask Series of the same partitions.*got list"),
    ),
}

ARROW: dict[str, Case] = {
    **bound(EITHER, lazy, "-dask"),
    **bound(COLUMNS, whole),
    **bound(COLUMNS, lazy, "-dask"),
    **PARTITIONS,
}
