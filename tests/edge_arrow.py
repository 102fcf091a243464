"""Edge cases of Dask frames and of Arrow columns: pyarrow is needed for both."""

from decimal import Decimal

import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
from edge_frames import FRAME, NO_COLUMNS, NUMERIC, STATS, Z, column, mean, z
from edge_outcomes import Case, Raises

import dasknorm as dn

__all__ = ["ARROW"]


def lazy(frame: pd.DataFrame, partitions: int = 2) -> dd.DataFrame:
    return dd.from_pandas(frame, npartitions=partitions, sort=False)


def _part(i: int) -> pd.DataFrame:
    return (FRAME, FRAME[["b", "a"]], FRAME[["a"]])[i]


def parts(*numbers: int) -> dd.DataFrame:
    """Return a frame of partitions that nobody has checked."""
    return dd.from_map(_part, list(numbers), meta=FRAME.iloc[:0], enforce_metadata=False)


def filtered() -> dd.DataFrame:
    frame = lazy(pd.concat([FRAME, FRAME + 100], ignore_index=True))
    return frame[frame["a"] < 50]


ARROW: dict[str, Case] = {
    "56-reordered-columns-dask": (
        lambda: STATS.normalize(lazy(FRAME[["b", "a"]])).compute(),
        Z[["b", "a"]],
    ),
    "56-reordered-partitions": (
        lambda: dn.adapt(parts(0, 1)).mean,
        pd.Series({"a": 2.0, "b": 20.0}),
    ),
    "56-reordered-partitions-normalized": (
        lambda: STATS.normalize(parts(1, 0)).compute(),
        pd.concat([Z, Z]),
    ),
    "61-multiindex-columns-dask": (lambda: z(lazy(NUMERIC)).compute(), (NUMERIC - 2) / [1, 2]),
    "62-mixed-names-dask": (
        lambda: z(lazy(FRAME.set_axis([0, "b"], axis=1))).compute(),
        Z.set_axis([0, "b"], axis=1),
    ),
    "72-arrow-null": (lambda: mean([1, None, 3], "int64[pyarrow]"), 2.0),
    "72-arrow-null-z": (
        lambda: z(column([1.0, None, 3.0], "double[pyarrow]")),
        column([-1.0, None, 1.0], "double[pyarrow]"),
    ),
    "72-arrow-boolean": (lambda: mean([True, None, False], "bool[pyarrow]"), 0.5),
    "72-arrow-text-alone": (
        lambda: dn.adapt(column(["x"], "string[pyarrow]")),
        Raises(TypeError, NO_COLUMNS),
    ),
    "73-decimal": (
        lambda: mean([Decimal("1.65"), Decimal("3.35")], pd.ArrowDtype(pa.decimal128(9, 2))),
        2.5,
    ),
    "77-unsorted-index-dask": (
        lambda: z(dd.concat([lazy(FRAME, 1), lazy(FRAME, 1)])).compute(),
        pd.concat([Z, Z]),
    ),
    "78-empty-partition": (lambda: dn.adapt(filtered()).mean, pd.Series({"a": 2.0, "b": 20.0})),
    "78-empty-partition-normalized": (lambda: STATS.normalize(filtered()).compute(), Z),
    "80-partition-lacks-a-column": (
        lambda: dn.adapt(parts(0, 2)),
        Raises(dn.MismatchError, r"columns \['b'\] are missing.*partition"),
    ),
    "80-partition-lacks-a-column-normalized": (
        lambda: STATS.normalize(parts(0, 2)).compute(),
        Raises(dn.MismatchError, r"columns \['b'\] are missing.*partition"),
    ),
    "82-no-columns-dask": (
        lambda: dn.adapt(lazy(FRAME)[[]]),
        Raises(TypeError, f"{NO_COLUMNS} no columns"),
    ),
    "85-weights-of-dask-frame-as-array": (
        lambda: dn.adapt(lazy(FRAME), weights=[1.0, 2.0]),
        Raises(TypeError, "a Dask Series of the same partitions.*got list"),
    ),
}
