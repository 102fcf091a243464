"""Edge cases of pandas frames."""

from typing import Any

import numpy as np
import pandas as pd
from edge_outcomes import Case, Raises, Warns

import dasknorm as dn

__all__ = ["FRAME", "FRAMES", "NO_COLUMNS", "NUMERIC", "STATS", "Z", "column", "mean", "z"]

NAN = np.nan
FRAME = pd.DataFrame({"a": [1.0, 3.0], "b": [10.0, 30.0]})
Z = pd.DataFrame({"a": [-1.0, 1.0], "b": [-1.0, 1.0]})
STATS = dn.adapt(FRAME)
NUMERIC = pd.DataFrame({("a", "x"): [1.0, 3.0], ("a", "y"): [0.0, 4.0]})


def z(frame: Any) -> Any:
    return dn.adapt(frame).normalize(frame)


def column(values: Any, dtype: Any = None) -> pd.DataFrame:
    return pd.DataFrame({"a": pd.array(values, dtype=dtype)})


def mean(values: Any, dtype: Any = None) -> Any:
    return dn.adapt(column(values, dtype)).mean["a"]


def true_nan() -> pd.DataFrame:
    """Return a column with a NaN that is not NA, beside an NA."""
    data = np.array([1.0, NAN, 3.0, 0.0])
    mask = np.array([False, False, False, True])
    return pd.DataFrame({"a": pd.arrays.FloatingArray(data, mask)})


def mixed(values: Any, kind: str) -> pd.DataFrame:
    return pd.DataFrame({"a": [1.0, 3.0], "b": pd.array(values, dtype=kind)})


NO_COLUMNS = "no numeric columns to normalize; found"

FRAMES: dict[str, Case] = {
    "56-reordered-columns": (lambda: STATS.normalize(FRAME[["b", "a"]]), Z[["b", "a"]]),
    "57-missing-column": (
        lambda: STATS.normalize(FRAME[["a"]]),
        Raises(dn.MismatchError, r"the data lack \['b'\].*stats\.select"),
    ),
    "57-missing-column-selected": (lambda: STATS.select(["a"]).normalize(FRAME[["a"]]), Z[["a"]]),
    "58-extra-column": (
        lambda: STATS.normalize(FRAME.assign(c=1.0)),
        Raises(dn.MismatchError, r"\['c'\].* not in the statistics"),
    ),
    "58-extra-text": (lambda: STATS.normalize(FRAME.assign(c="x")), Z.assign(c="x")),
    "59-renamed": (
        lambda: STATS.normalize(FRAME.rename(columns={"b": "B"})),
        Raises(dn.MismatchError, r"lack \['b'\].*found \['a', 'B'\]"),
    ),
    "60-duplicate-columns": (
        lambda: dn.adapt(pd.concat([FRAME, FRAME], axis=1)),
        Raises(ValueError, r"column names are not unique: \['a', 'b'\]"),
    ),
    "61-multiindex-columns": (lambda: dn.adapt(NUMERIC).mean, NUMERIC.mean()),
    "61-multiindex-columns-z": (lambda: z(NUMERIC), (NUMERIC - 2) / [1, 2]),
    "61-multiindex-columns-selected": (
        lambda: dn.adapt(NUMERIC).select([("a", "y")]).mean,
        NUMERIC.mean()[[("a", "y")]],
    ),
    "62-integer-names": (
        lambda: z(FRAME.set_axis([7, 3], axis=1)),
        Z.set_axis([7, 3], axis=1),
    ),
    "62-mixed-names": (
        lambda: z(FRAME.set_axis([0, "b"], axis=1)[["b", 0]]),
        Z.set_axis([0, "b"], axis=1)[["b", 0]],
    ),
    "63-frame-then-array": (
        lambda: STATS.normalize(FRAME.to_numpy()),
        Raises(dn.MismatchError, "'columns'.*data lack"),
    ),
    "64-array-then-frame": (
        lambda: dn.adapt(FRAME.to_numpy()).normalize(FRAME),
        Warns("taken by position", Z),
    ),
    "65-text-rides-along": (lambda: z(FRAME.assign(s="x")), Z.assign(s="x")),
    "65-text-alone": (lambda: dn.adapt(column(["x"])), Raises(TypeError, rf"{NO_COLUMNS} 'a'")),
    "67-datetime-rides-along": (
        lambda: z(FRAME.assign(t=pd.Timestamp(0))),
        Z.assign(t=pd.Timestamp(0)),
    ),
    "67-datetime-alone": (
        lambda: dn.adapt(pd.DataFrame({"a": [pd.Timestamp(0)]})),
        Raises(TypeError, r"found 'a' \(datetime64"),
    ),
    "68-timedelta-alone": (
        lambda: dn.adapt(pd.DataFrame({"a": [pd.Timedelta(1)]})),
        Raises(TypeError, r"found 'a' \(timedelta64"),
    ),
    "69-bool": (lambda: mean([True, False]), 0.5),
    "69-boolean-na": (lambda: mean([True, None, False, False], "boolean"), 1 / 3),
    "70-integer-na": (lambda: mean([2**60, None, 2**60 + 256], "Int64"), 2.0**60 + 128),
    "71-true-nan-beside-na": (lambda: dn.adapt(true_nan()).mean["a"], 2.0),
    "74-sparse": (lambda: mean([0.0, 0.0, 3.0], pd.SparseDtype("f8", 0.0)), 1.0),
    "74-sparse-z": (lambda: z(column([0, 4], pd.SparseDtype("i2", 0)))["a"].tolist(), [-1.0, 1.0]),
    "75-objects-ride-along": (
        lambda: z(FRAME.assign(o=pd.Series([1.0, None], dtype=object))),
        Z.assign(o=pd.Series([1.0, None], dtype=object)),
    ),
    "75-objects-alone": (
        lambda: dn.adapt(pd.DataFrame({"a": pd.Series([1.0, None], dtype=object)})),
        Raises(TypeError, r"found 'a' \(object\)"),
    ),
    "76-categories-ride-along": (
        lambda: z(mixed(["x", "y"], "category")),
        mixed(["x", "y"], "category").assign(a=[-1.0, 1.0]),
    ),
    "76-complex-rides-along": (lambda: z(FRAME.assign(c=1j)), Z.assign(c=1j)),
    "77-unsorted-index": (lambda: z(FRAME.set_axis([9, 9])), Z.set_axis([9, 9])),
    "78-empty-frame": (
        lambda: dn.adapt(FRAME.iloc[:0]),
        Raises(ValueError, "no samples to adapt on in the data at a and b"),
    ),
    "78-empty-frame-normalized": (lambda: STATS.normalize(FRAME.iloc[:0]), Z.iloc[:0]),
    "79-one-row": (lambda: z(FRAME.iloc[:1]), Z.iloc[:1] * 0.0),
    "82-no-columns": (lambda: dn.adapt(FRAME[[]]), Raises(TypeError, f"{NO_COLUMNS} no columns")),
    "83-series": (lambda: z(FRAME["b"]), Z["b"]),
    "83-series-of-another-name": (
        lambda: dn.adapt(FRAME["a"]).normalize(FRAME["b"]),
        Raises(dn.MismatchError, r"\['b'\].*which know \['a'\]"),
    ),
    "83-series-by-the-stats-of-its-frame": (lambda: STATS.normalize(FRAME["b"]), Z["b"]),
    "83-frame-by-the-stats-of-a-series": (
        lambda: dn.adapt(FRAME["a"]).normalize(FRAME),
        Raises(dn.MismatchError, r"\['b'\].*which know \['a'\]"),
    ),
    "83-index": (
        lambda: dn.adapt(FRAME.index),
        Raises(TypeError, "cannot take numbers from a pandas.*RangeIndex"),
    ),
    "84-float32": (lambda: z(FRAME.astype("f4")), Z.astype("f4")),
    "84-dtype": (lambda: STATS.normalize(FRAME, dtype="f2"), Z.astype("f2")),
    "85-integers": (lambda: z(FRAME.astype("i8")), Z),
    "85-small-integers": (lambda: z(FRAME.astype("i2")), Z.astype("f4")),
    "85-weights-of-another-index": (
        lambda: dn.adapt(FRAME, weights=pd.Series([1.0, 2.0], index=[5, 6])),
        Raises(dn.MismatchError, "the index of the weights is not the index of the data"),
    ),
    "85-weights-of-another-length": (
        lambda: dn.adapt(FRAME, weights=[1.0, 2.0, 3.0]),
        Raises(dn.MismatchError, r"one number for each of its 2 rows, got shape \(3,\)"),
    ),
    "85-rows-kept": (
        lambda: dn.adapt(FRAME, keep=0),
        Raises(ValueError, r"rows of a frame cannot keep .*to_numpy\(\)"),
    ),
    "86-names-that-need-escaping": (
        lambda: dn.adapt(FRAME.set_axis(["", "a/b"], axis=1)).mean,
        pd.Series({"": 2.0, "a/b": 20.0}),
    ),
}
