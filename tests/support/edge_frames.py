"""Edge cases of DataFrames: one table for pandas and, in edge_arrow, for Dask."""

import tempfile
from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import dasknorm as dn
from support.edge_outcomes import Case, Outcome, Raises, Warns
from support.optional import is_installed

__all__ = ["FRAME", "FRAMES", "NO_COLUMNS", "STATS", "Either", "Made", "Z", "bind", "make_column"]
__all__ += ["PANDAS_AND_DASK", "adapt_named_column", "compute_mean", "in_memory", "normalize"]
__all__ += ["raise_for_dtype"]

NAN = np.nan
FRAME = pd.DataFrame({"a": [1.0, 3.0], "b": [10.0, 30.0]})
Z = pd.DataFrame({"a": [-1.0, 1.0], "b": [-1.0, 1.0]})
STATS = dn.adapt(FRAME)
NUMERIC = pd.DataFrame({("a", "x"): [1.0, 3.0], ("a", "y"): [0.0, 4.0]})
WORDS, DIGITS = pd.array(["x", None], "string"), pd.array(["1", "2"], "string")
UNUSUAL_NAMES = ["", "a/b", "../x", "é\n", 7, -1.5, True, None, ("t", 1), pd.Timestamp(0)]

Made = Callable[[Any], Any]
"""What makes a frame of pandas the frame in question: nothing, or cuts it in partitions."""


def normalize(of: Made, frame: Any, **how: Any) -> Any:
    return dn.adapt(of(frame), **how).normalize(of(frame))


def make_column(values: Any, dtype: Any = None) -> pd.DataFrame:
    return pd.DataFrame({"a": pd.array(values, dtype=dtype)})


def compute_mean(of: Made, values: Any, dtype: Any = None) -> Any:
    return dn.adapt(of(make_column(values, dtype))).mean["a"]


def adapt_named_column(of: Made, values: Any, dtype: Any = None) -> Any:
    """Adapt to one of two columns, selected by name."""
    return dn.adapt(of(make_two_columns(values, dtype)), columns=["b"])


def make_two_columns(values: Any, dtype: Any = None) -> pd.DataFrame:
    return pd.DataFrame({"a": [1.0, 3.0], "b": pd.array(values, dtype=dtype)})


def make_nan_and_na() -> pd.DataFrame:
    """Return a column with a NaN that is not NA, and with an NA."""
    data = np.array([1.0, NAN, 3.0, 0.0])
    mask = np.array([False, False, False, True])
    return pd.DataFrame({"a": pd.arrays.FloatingArray(data, mask)})


def save_names(of: Made, names: list[Hashable], suffix: str) -> list[Hashable]:
    """Adapt on columns of these names; return the names of those statistics once saved."""
    frame = pd.DataFrame(np.ones((2, len(names))), columns=pd.Index(names, tupleize_cols=False))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"stats{suffix}"
        dn.adapt(of(frame)).save(path)
        return list(dn.load(path).mean.index)


def raise_for_dtype(dtype: str) -> Raises:
    return Raises(TypeError, rf"not of real numbers that can be averaged: 'b' \({dtype}")


NO_COLUMNS = "no numeric columns to normalize; found"

Either = dict[str, tuple[Callable[[Made], Any], Outcome]]
"""Cases that are the same for every kind of frame."""

PANDAS_AND_DASK: Either = {
    "56-reordered-columns": (lambda of: STATS.normalize(of(FRAME[["b", "a"]])), Z[["b", "a"]]),
    "56-reordered-columns-back": (
        lambda of: STATS.inverse(of(Z[["b", "a"]])),
        FRAME[["b", "a"]],
    ),
    "57-missing-column": (
        lambda of: STATS.normalize(of(FRAME[["a"]])),
        Raises(dn.MismatchError, r"the data lack \['b'\].*stats\.select"),
    ),
    "57-missing-columns-are-all-listed": (
        lambda of: dn.adapt(FRAME.assign(c=1.0, d=2.0)).normalize(of(FRAME)),
        Raises(dn.MismatchError, r"the data lack \['c', 'd'\]"),
    ),
    "57-missing-column-selected": (
        lambda of: STATS.select(["a"]).normalize(of(FRAME[["a"]])),
        Z[["a"]],
    ),
    "58-extra-column": (
        lambda of: STATS.normalize(of(FRAME.assign(c=1.0))),
        Raises(dn.MismatchError, r"\['c'\].* not in the statistics"),
    ),
    "58-extra-columns-are-all-listed": (
        lambda of: STATS.normalize(of(FRAME.assign(c=1.0, d=2.0))),
        Raises(dn.MismatchError, r"\['c', 'd'\].* not in the statistics"),
    ),
    "58-extra-text": (lambda of: STATS.normalize(of(FRAME.assign(c=WORDS))), Z.assign(c=WORDS)),
    "58-extra-column-of-chosen": (
        lambda of: dn.adapt(FRAME, columns=["a", "b"]).normalize(of(FRAME.assign(c=1.0))),
        Z.assign(c=1.0),
    ),
    "59-renamed": (
        lambda of: STATS.normalize(of(FRAME.rename(columns={"b": "B"}))),
        Raises(dn.MismatchError, r"lack \['b'\].*found \['a', 'B'\]"),
    ),
    "60-duplicate-columns": (
        lambda of: dn.adapt(of(pd.concat([FRAME, FRAME], axis=1))),
        Raises(ValueError, r"column names are not unique: \['a', 'b'\]"),
    ),
    "60-duplicate-columns-normalized": (
        lambda of: STATS.normalize(of(pd.concat([FRAME, FRAME[["b"]]], axis=1))),
        Raises(ValueError, r"column names are not unique: \['b'\]"),
    ),
    "61-multiindex-columns": (lambda of: dn.adapt(of(NUMERIC)).mean, NUMERIC.mean()),
    "61-multiindex-columns-z": (lambda of: normalize(of, NUMERIC), (NUMERIC - 2) / [1, 2]),
    "61-multiindex-columns-reordered": (
        lambda of: dn.adapt(NUMERIC).normalize(of(NUMERIC[[("a", "y"), ("a", "x")]])),
        ((NUMERIC - 2) / [1, 2])[[("a", "y"), ("a", "x")]],
    ),
    "61-multiindex-columns-selected": (
        lambda of: dn.adapt(of(NUMERIC)).select([("a", "y")]).mean,
        NUMERIC.mean()[[("a", "y")]],
    ),
    "61-multiindex-columns-missing": (
        lambda of: dn.adapt(NUMERIC).normalize(of(NUMERIC[[("a", "y")]])),
        Raises(dn.MismatchError, r"the data lack \[\('a', 'x'\)\]"),
    ),
    "62-integer-names": (
        lambda of: normalize(of, FRAME.set_axis([7, 3], axis=1)),
        Z.set_axis([7, 3], axis=1),
    ),
    "62-integer-names-are-no-positions": (
        lambda of: dn.adapt(FRAME.set_axis([1, 0], axis=1)).normalize(
            of(FRAME.set_axis([1, 0], axis=1)[[0, 1]])
        ),
        Z.set_axis([1, 0], axis=1)[[0, 1]],
    ),
    "62-mixed-names": (
        lambda of: normalize(of, FRAME.set_axis([0, "b"], axis=1)[["b", 0]]),
        Z.set_axis([0, "b"], axis=1)[["b", 0]],
    ),
    "62-integer-and-its-text": (
        lambda of: dn.adapt(FRAME.set_axis([0, 1], axis=1)).normalize(
            of(FRAME.set_axis(["0", "1"], axis=1))
        ),
        Raises(dn.MismatchError, r"\['0', '1'\]|\[0, 1\]"),
    ),
    "64-array-then-frame": (
        lambda of: dn.adapt(FRAME.to_numpy()).normalize(of(FRAME)),
        Warns("taken by position", Z),
    ),
    "65-text-rides-along": (lambda of: normalize(of, FRAME.assign(s=WORDS)), Z.assign(s=WORDS)),
    "65-text-alone": (
        lambda of: dn.adapt(of(make_column(["x"]))),
        Raises(TypeError, rf"{NO_COLUMNS} 'a'"),
    ),
    "65-text-named": (lambda of: adapt_named_column(of, ["x", "y"]), raise_for_dtype("str")),
    "66-text-of-numbers-named": (
        lambda of: adapt_named_column(of, ["1", "2"]),
        raise_for_dtype("str"),
    ),
    "66-text-of-numbers-rides-along": (
        lambda of: normalize(of, FRAME.assign(s=DIGITS)),
        Z.assign(s=DIGITS),
    ),
    "67-datetime-rides-along": (
        lambda of: normalize(of, FRAME.assign(t=pd.Timestamp(0))),
        Z.assign(t=pd.Timestamp(0)),
    ),
    "67-datetime-alone": (
        lambda of: dn.adapt(of(pd.DataFrame({"a": [pd.Timestamp(0)]}))),
        Raises(TypeError, r"found 'a' \(datetime64"),
    ),
    "67-datetime-named": (
        lambda of: adapt_named_column(of, [0, 1], "M8[ns]"),
        raise_for_dtype("datetime64"),
    ),
    "67-datetime-with-zone-named": (
        lambda of: adapt_named_column(of, pd.to_datetime([0, 1], utc=True)),
        raise_for_dtype("datetime64"),
    ),
    "68-timedelta-rides-along": (
        lambda of: normalize(of, FRAME.assign(t=pd.Timedelta(5))),
        Z.assign(t=pd.Timedelta(5)),
    ),
    "68-timedelta-alone": (
        lambda of: dn.adapt(of(pd.DataFrame({"a": [pd.Timedelta(1)]}))),
        Raises(TypeError, r"found 'a' \(timedelta64"),
    ),
    "68-timedelta-named": (
        lambda of: adapt_named_column(of, [0, 1], "m8[ns]"),
        raise_for_dtype("timedelta64"),
    ),
    "69-bool": (lambda of: compute_mean(of, [True, False]), 0.5),
    "69-boolean-na": (lambda of: compute_mean(of, [True, None, False, False], "boolean"), 1 / 3),
    "69-boolean-na-z": (
        lambda of: normalize(of, make_column([True, None, False], "boolean")),
        make_column([1.0, None, -1.0], "Float32"),
    ),
    "70-integer-na": (
        lambda of: compute_mean(of, [2**60, None, 2**60 + 256], "Int64"),
        2.0**60 + 128,
    ),
    "70-integer-na-beyond-floats": (
        lambda of: normalize(of, make_column([2**62 - 1, None, 2**62 + 1], "Int64")),
        make_column([-1.0, None, 1.0], "Float64"),
    ),
    "71-true-nan-beside-na": (lambda of: dn.adapt(of(make_nan_and_na())).mean["a"], 2.0),
    "71-true-nan-beside-na-counted": (lambda of: dn.adapt(of(make_nan_and_na())).count["a"], 2.0),
    "71-true-nan-beside-na-z": (
        lambda of: normalize(of, make_nan_and_na()),
        make_column([-1.0, None, 1.0, None], "Float64"),
    ),
    "74-sparse": (lambda of: compute_mean(of, [0.0, 0.0, 3.0], pd.SparseDtype("f8", 0.0)), 1.0),
    "74-sparse-of-nan": (lambda of: compute_mean(of, [1.0, NAN, 3.0], pd.SparseDtype("f8")), 2.0),
    "74-sparse-integers-beyond-floats": (
        lambda of: dn.adapt(of(make_column([2**62, 2**62 + 2], pd.SparseDtype("i8", 0)))).std["a"],
        1.0,
    ),
    "74-sparse-z": (
        lambda of: normalize(of, make_column([0, 4], pd.SparseDtype("i2", 0))),
        pd.DataFrame({"a": np.array([-1, 1], "f4")}),
    ),
    "76-categories-ride-along": (
        lambda of: normalize(of, make_two_columns(["x", "y"], "category")),
        make_two_columns(["x", "y"], "category").assign(a=[-1.0, 1.0]),
    ),
    "76-categories-named": (
        lambda of: adapt_named_column(of, ["x", "y"], "category"),
        raise_for_dtype("category"),
    ),
    "76-categories-of-numbers-named": (
        lambda of: adapt_named_column(of, [1, 2], "category"),
        raise_for_dtype("category"),
    ),
    "76-complex-rides-along": (lambda of: normalize(of, FRAME.assign(c=1j)), Z.assign(c=1j)),
    "76-complex-named": (
        lambda of: adapt_named_column(of, [1j, 2j]),
        raise_for_dtype("complex128"),
    ),
    "77-unsorted-index": (lambda of: normalize(of, FRAME.set_axis([9, 1])), Z.set_axis([9, 1])),
    "77-repeated-index": (lambda of: normalize(of, FRAME.set_axis([9, 9])), Z.set_axis([9, 9])),
    "78-empty-frame": (
        lambda of: dn.adapt(of(FRAME.iloc[:0])),
        Raises(ValueError, "no samples to adapt on in the data at a and b"),
    ),
    "78-empty-frame-normalized": (lambda of: STATS.normalize(of(FRAME.iloc[:0])), Z.iloc[:0]),
    "79-one-row": (lambda of: normalize(of, FRAME.iloc[:1]), Z.iloc[:1] * 0.0),
    "82-no-columns": (
        lambda of: dn.adapt(of(FRAME)[[]]),
        Raises(TypeError, f"{NO_COLUMNS} no columns"),
    ),
    "83-series": (lambda of: normalize(of, FRAME["b"]), Z["b"]),
    "83-series-of-another-name": (
        lambda of: dn.adapt(of(FRAME["a"])).normalize(of(FRAME["b"])),
        Raises(dn.MismatchError, r"\['b'\].*available: \['a'\]"),
    ),
    "83-series-by-the-stats-of-its-frame": (lambda of: STATS.normalize(of(FRAME["b"])), Z["b"]),
    "83-frame-by-the-stats-of-a-series": (
        lambda of: dn.adapt(of(FRAME["a"])).normalize(of(FRAME)),
        Raises(dn.MismatchError, r"\['b'\].*available: \['a'\]"),
    ),
    "83-series-of-text": (
        lambda of: dn.adapt(of(pd.Series(["x"], name="a"))),
        Raises(TypeError, rf"{NO_COLUMNS} 'a'"),
    ),
    "84-float32": (lambda of: normalize(of, FRAME.astype("f4")), Z.astype("f4")),
    "84-float32-beside-float64": (
        lambda of: normalize(of, FRAME.astype({"a": "f4"})),
        Z.astype({"a": "f4"}),
    ),
    "84-dtype": (lambda of: STATS.normalize(of(FRAME), dtype="f2"), Z.astype("f2")),
    "85-integers": (lambda of: normalize(of, FRAME.astype("i8")), Z),
    "85-small-integers": (lambda of: normalize(of, FRAME.astype("i2")), Z.astype("f4")),
    "86-names-that-need-escaping": (
        lambda of: dn.adapt(of(FRAME.set_axis(["", "a/b"], axis=1))).mean,
        pd.Series({"": 2.0, "a/b": 20.0}),
    ),
    "86-names-saved": (
        lambda of: save_names(of, UNUSUAL_NAMES[:4], ".json") == UNUSUAL_NAMES[:4],
        True,
    ),
    "86-names-of-many-kinds-saved": (
        lambda of: save_names(of, UNUSUAL_NAMES, ".json") == UNUSUAL_NAMES,
        True,
    ),
    "86-nan-as-a-name-saved": (
        lambda of: str(save_names(of, ["a", NAN], ".json")) == "['a', nan]",
        True,
    ),
}

if is_installed("zarr"):
    PANDAS_AND_DASK["86-names-in-zarr"] = (
        lambda of: save_names(of, UNUSUAL_NAMES[:4], ".zarr") == UNUSUAL_NAMES[:4],
        True,
    )
if is_installed("h5netcdf"):
    PANDAS_AND_DASK["86-names-in-netcdf"] = (
        lambda of: save_names(of, UNUSUAL_NAMES[:4], ".nc") == UNUSUAL_NAMES[:4],
        True,
    )

OBJECTS = pd.Series([1.0, None], dtype=object)

PANDAS_ONLY: dict[str, Case] = {
    "63-frame-then-array": (
        lambda: STATS.normalize(FRAME.to_numpy()),
        Raises(dn.MismatchError, "columns .* of a DataFrame, got a ndarray"),
    ),
    "75-objects-beside-others": (
        lambda: dn.adapt(FRAME.assign(o=OBJECTS)),
        Raises(TypeError, r"column 'o' has dtype object but holds numbers.*df\['o'\].astype"),
    ),
    "75-objects-alone": (
        lambda: dn.adapt(pd.DataFrame({"a": OBJECTS})),
        Raises(TypeError, "column 'a' has dtype object but holds numbers"),
    ),
    "75-objects-named": (
        lambda: dn.adapt(FRAME.assign(b=pd.Series([1.0, 2.0], dtype=object)), columns=["b"]),
        Raises(TypeError, "column 'b' has dtype object but holds numbers"),
    ),
    "83-index": (
        lambda: dn.adapt(FRAME.index),
        Raises(TypeError, "cannot take numbers from a pandas.*RangeIndex"),
    ),
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
}


def bind(cases: Either, of: Made, said: str = "") -> dict[str, Case]:
    """Return cases of all kinds of frames for one of them."""
    return {f"{name}{said}": (partial(_act, act, of), out) for name, (act, out) in cases.items()}


def _act(act: Callable[[Made], Any], of: Made) -> Any:
    result = act(of)
    return result.compute() if hasattr(result, "dask") else result


def in_memory(frame: Any) -> Any:
    return frame


FRAMES: dict[str, Case] = {**bind(PANDAS_AND_DASK, in_memory), **PANDAS_ONLY}
