"""DataFrames in memory and in partitions: every column dtype exactly, every layout, and no copy."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.exact_results import assert_exact, compute_exact
from support.memory import measure_peak
from support.optional import arrow_param, import_optional, is_installed, needs, needs_version

import dasknorm as dn
from dasknorm.blocks import columns, pandas_columns, slabs

dd = import_optional("dask.dataframe")

SMALL = [0, 1, 1, 100, 7, 3, 64]
WIDE = [2**62 + n for n in SMALL]  # which float64 rounds to multiples of 1024
DECIMALS = [f"{n}.25" for n in SMALL]
BITS = [True, False, False, True, True, False, False]

KINDS: dict[str, tuple[list[Any], str]] = {
    # dtype: numbers, and the dtype they are normalized to
    "bool": (BITS, "float32"),
    "int8": (SMALL, "float32"),
    "uint8": (SMALL, "float32"),
    "int16": (SMALL, "float32"),
    "uint16": (SMALL, "float32"),
    "int32": (SMALL, "float64"),
    "uint32": (SMALL, "float64"),
    "int64": (WIDE, "float64"),
    "uint64": (WIDE, "float64"),
    "float16": (SMALL, "float16"),
    "float32": (SMALL, "float32"),
    "float64": (SMALL, "float64"),
    "boolean": (BITS, "Float32"),
    "Int8": (SMALL, "Float32"),
    "UInt8": (SMALL, "Float32"),
    "Int16": (SMALL, "Float32"),
    "UInt16": (SMALL, "Float32"),
    "Int32": (SMALL, "Float64"),
    "UInt32": (SMALL, "Float64"),
    "Int64": (WIDE, "Float64"),
    "UInt64": (WIDE, "Float64"),
    "Float32": (SMALL, "Float32"),
    "Float64": (SMALL, "Float64"),
    "Sparse[int64]": (WIDE, "float64"),
    "Sparse[float32]": (SMALL, "float32"),
    "bool[pyarrow]": (BITS, "float[pyarrow]"),
    "int8[pyarrow]": (SMALL, "float[pyarrow]"),
    "uint16[pyarrow]": (SMALL, "float[pyarrow]"),
    "int32[pyarrow]": (SMALL, "double[pyarrow]"),
    "int64[pyarrow]": (WIDE, "double[pyarrow]"),
    "uint64[pyarrow]": (WIDE, "double[pyarrow]"),
    "halffloat[pyarrow]": (SMALL, "halffloat[pyarrow]"),
    "float[pyarrow]": (SMALL, "float[pyarrow]"),
    "double[pyarrow]": (SMALL, "double[pyarrow]"),
    "decimal128(20, 2)[pyarrow]": (DECIMALS, "double[pyarrow]"),
}
HOLDS_MISSING = [kind for kind in KINDS if kind[0].isupper() or "pyarrow" in kind]
HOLDS_MISSING = [kind for kind in HOLDS_MISSING if "Sparse[int" not in kind]
HOLDS_MISSING += ["boolean", "float16", "float32", "float64"]


def cases(kinds: Any) -> list[Any]:
    return [arrow_param(kind) if "pyarrow" in kind else kind for kind in kinds]


def column(kind: str, numbers: list[Any]) -> Any:
    """Return numbers, some of them None, as a column of a kind."""
    if kind.startswith("decimal"):
        import pyarrow as pa

        whole = pa.array(numbers, pa.string()).cast(pa.decimal128(20, 2))
        return pd.arrays.ArrowExtensionArray(whole)
    if kind == "halffloat[pyarrow]" or kind.startswith(("float", "Sparse[float")):
        numbers = np.array([np.nan if n is None else n for n in numbers], "f4")
        numbers = numbers.astype("f2") if kind == "halffloat[pyarrow]" else numbers
    return pd.array(numbers, dtype=kind)


def both(frame: Any) -> list[Any]:
    """Return a frame, and the same in partitions."""
    lazy = [dd.from_pandas(frame, npartitions=3, sort=False)] if is_installed("pyarrow") else []
    return [frame, *lazy]


def ready(data: Any) -> Any:
    return data.compute() if hasattr(data, "compute") else data


def exact(numbers: list[Any]) -> list[Fraction]:
    return [Fraction(n) for n in numbers if n is not None]


def check(kind: str, numbers: list[Any]) -> None:
    """Compare the statistics and the normalized values of a column with exact arithmetic."""
    values = exact(numbers)
    mean = sum(values) / len(values)
    variance = sum((x - mean) ** 2 for x in values) / len(values)
    expected = compute_exact(np.array([0.0]))._replace(
        count=len(values), mean=mean, variance=variance
    )
    std = float(variance) ** 0.5
    z = [np.nan if n is None else float(Fraction(n) - mean) / std for n in numbers]
    for data in both(pd.DataFrame({"a": column(kind, numbers), "t": "x"})):
        stats = dn.adapt(data)
        assert stats.count["a"] == len(values)
        assert_exact(stats.mean["a"], stats.variance["a"], expected)
        result = ready(stats.normalize(data))["a"]
        assert result.dtype == KINDS[kind][1]
        assert result.isna().tolist() == [n is None for n in numbers]
        actual = result.astype("Float64").to_numpy("f8", na_value=np.nan)
        half = "16" in str(result.dtype) or "half" in str(result.dtype)
        single = "32" in str(result.dtype) or "float[" in str(result.dtype)
        rtol = 2.0 ** (-10 if half else -23 if single else -49)
        np.testing.assert_allclose(actual, z, rtol=rtol)


@pytest.mark.parametrize("kind", cases(KINDS))
def test_every_kind_of_column_is_exact(kind: str) -> None:
    """Moments and normalized values of each dtype are those of its numbers, however large."""
    check(kind, KINDS[kind][0])


@pytest.mark.parametrize("kind", cases(HOLDS_MISSING))
def test_every_kind_is_exact_beside_missing_values(kind: str) -> None:
    """A missing value is not counted, rounds none of the others, and stays missing."""
    first, *others = KINDS[kind][0]
    check(kind, [None, first, None, *others, None])


@pytest.mark.parametrize("kind", cases(HOLDS_MISSING))
def test_nothing_but_missing_values(kind: str) -> None:
    """A column of which all is missing has a count of 0, and stays missing."""
    frame = pd.DataFrame({"a": column(kind, [None, None]), "b": [1.0, 3.0]})
    with pytest.warns(UserWarning, match="a"):
        stats = dn.adapt(frame)
    assert stats.count.tolist() == [0.0, 2.0]
    assert stats.normalize(frame)["a"].isna().all()


@pytest.mark.parametrize("kind", cases(["Int64", "UInt64", "int64[pyarrow]"]))
def test_integers_beside_missing_values_are_exact_by_group(kind: str) -> None:
    """A group's moments of integers that a float would round are exact with missing values."""
    frame = pd.DataFrame({"a": column(kind, [*WIDE, None] * 2), "g": [0] * 8 + [1] * 8})
    stats = dn.adapt(frame, by="g")
    expected = compute_exact(np.array(WIDE, dtype=object).astype("i8"))
    for mean, variance in zip(stats.mean["a"], stats.variance["a"], strict=True):
        assert_exact(mean, variance, expected)
    z = stats.normalize(frame)["a"]
    assert z.isna().tolist() == ([False] * 7 + [True]) * 2
    assert z[0] == pytest.approx(float(WIDE[0] - expected.mean) / float(expected.variance) ** 0.5)


@pytest.mark.parametrize("kind", cases(["Int64", "int64[pyarrow]"]))
def test_missing_values_that_are_not_skipped(kind: str) -> None:
    """With skipna=False a missing value makes its own column missing, and no other."""
    frame = pd.DataFrame({"a": column(kind, [*WIDE, None]), "b": column(kind, [*WIDE, 1])})
    stats = dn.adapt(frame, dn.Moments(skipna=False))
    assert stats.mean.isna().tolist() == [True, False]


# -- layouts --------------------------------------------------------------------------------------

X = np.random.default_rng(0).normal(5.0, 2.0, (60, 6))
NAMES = list("abcdef")


def _mixed(of: Callable[[int], str]) -> pd.DataFrame:
    return pd.DataFrame({name: X[:, i].astype(of(i)) for i, name in enumerate(NAMES)})


LAYOUTS: dict[str, Callable[[], pd.DataFrame]] = {
    "a matrix of rows": lambda: pd.DataFrame(X, columns=NAMES),
    "a matrix of columns": lambda: pd.DataFrame(np.asfortranarray(X), columns=NAMES),
    "rows, with words": lambda: pd.DataFrame(X, columns=NAMES).assign(t="x"),
    "rows, words amid": lambda: pd.DataFrame(X, columns=NAMES).assign(t="x")[[*"abtcdef"]],
    "columns, words amid": lambda: _mixed(lambda i: "f8").assign(t="x")[[*"abtcdef"]],
    "columns one by one": lambda: pd.DataFrame({n: X[:, i].copy() for i, n in enumerate(NAMES)}),
    "two dtypes in turn": lambda: _mixed(lambda i: "f4" if i % 2 else "f8"),
    "two dtypes in blocks": lambda: _mixed(lambda i: "f4" if i % 2 else "f8").copy(),
    "two dtypes, side by side": lambda: _mixed(lambda i: "f4" if i > 2 else "f8").copy(),
    "backwards": lambda: pd.DataFrame(X, columns=NAMES)[NAMES[::-1]],
    "every second row": lambda: pd.DataFrame(np.repeat(X, 2, axis=0), columns=NAMES).iloc[::2],
    "of other byte order": lambda: _mixed(lambda i: ">f8"),
    "nullable": lambda: _mixed(lambda i: "f8").astype("Float64"),
    "nullable beside plain": lambda: _mixed(lambda i: "f8").astype({"b": "Float64", "e": "f4"}),
}


@pytest.mark.parametrize("slab", [1, 7, 64, 1 << 18])
@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(
            layout, marks=needs_version("pandas", "3", "it takes no columns of such a frame")
        )
        if layout == "of other byte order"
        else layout
        for layout in LAYOUTS
    ],
)
def test_every_layout(layout: str, slab: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However columns lie in memory, and wherever they are cut, they are read as the same."""
    monkeypatch.setattr(slabs, "CONVERTED_ELEMENTS", slab)
    monkeypatch.setattr(slabs, "COLUMN_ROWS", 13)
    frame = LAYOUTS[layout]()
    before = frame.copy(deep=True)
    numbers = frame[NAMES].astype("f8").astype("f8")
    stats = dn.adapt(frame)
    np.testing.assert_allclose(stats.mean[NAMES], numbers.mean(), rtol=1e-14)
    np.testing.assert_allclose(stats.variance[NAMES], numbers.var(ddof=0), rtol=1e-14)
    z = stats.normalize(frame)
    assert list(z.columns) == list(frame.columns)
    assert [np.dtype(str(d).lower()) for d in z[NAMES].dtypes] == [
        np.dtype(str(d).lower().replace(">f8", "float64")) for d in frame[NAMES].dtypes
    ]
    expected = (numbers - numbers.mean()) / numbers.std(ddof=0)
    np.testing.assert_allclose(z[NAMES].astype("f8"), expected, rtol=1e-5, atol=1e-6)
    z.iloc[0, 0] = 99.0
    pd.testing.assert_frame_equal(frame, before)


@given(
    order=st.permutations(NAMES),
    kinds=st.lists(
        st.sampled_from(["f4", "f8", "i2", "Float64", "Int64", "boolean"]), min_size=6, max_size=6
    ),
)
def test_columns_do_not_touch_each_other(order: list[str], kinds: list[str]) -> None:
    """A column's statistics and values are the same alone and among others, in any order."""
    whole = pd.DataFrame(np.abs(X).round(), columns=NAMES) % 2
    frame = whole.astype(dict(zip(NAMES, kinds, strict=True)))[order]
    stats = dn.adapt(frame)
    z = stats.normalize(frame)
    for name in NAMES:
        single = dn.adapt(frame[[name]])
        assert (single.mean[name], single.std[name]) == (stats.mean[name], stats.std[name])
        pd.testing.assert_series_equal(single.normalize(frame[[name]])[name], z[name])


def test_many_short_columns_with_some_missing() -> None:
    """Short nullable columns are read side by side, those with missing values and those without."""
    values = np.random.default_rng(0).integers(0, 9, (5, 300))
    frame = pd.DataFrame(values, columns=[f"c{i}" for i in range(300)]).astype("Int64")
    frame.iloc[2, ::7] = pd.NA
    stats = dn.adapt(frame)
    np.testing.assert_allclose(stats.mean, frame.mean().astype("f8"), rtol=1e-14)
    z = stats.normalize(frame)
    assert z.isna().to_numpy().tolist() == frame.isna().to_numpy().tolist()


# -- memory ---------------------------------------------------------------------------------------


def large() -> pd.DataFrame:
    """Return a DataFrame of 100 MB: floats, integers with and without NA, booleans, and strings."""
    rows, rng = 1_600_000, np.random.default_rng(0)
    frame = pd.DataFrame(index=pd.RangeIndex(rows))
    for i in range(2):
        frame[f"d{i}"] = rng.standard_normal(rows)
        frame[f"f{i}"] = rng.standard_normal(rows, "f4")
        frame[f"i{i}"] = rng.integers(0, 99, rows)
        frame[f"n{i}"] = pd.arrays.IntegerArray(np.arange(rows), np.arange(rows) % 9 == 0)
        frame[f"b{i}"] = np.arange(rows) % 2 == 0
    frame["t"] = "word"
    return frame


def peak_of_second_call(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the MB allocated at most during a call, without compilation, and its result."""
    with dask.config.set(scheduler="threads", num_workers=2):
        function()  # compiles
        peak, result = measure_peak(function)
        return peak / 1e6, result


@needs_version("pandas", "3", "to look at a column copies it")
@pytest.mark.parametrize("layout", ["one by one", "in blocks"])
def test_no_frame_is_copied(layout: str) -> None:
    """Adapting to 100 MB takes less than 15 MB; normalizing takes that and the result."""
    frame = large() if layout == "one by one" else large().copy()
    assert frame.drop(columns="t").memory_usage(index=False).sum() > 90e6
    taken, stats = peak_of_second_call(lambda: dn.adapt(frame))
    assert taken < 15.0
    taken, z = peak_of_second_call(lambda: stats.normalize(frame))
    result = z.drop(columns="t").memory_usage(index=False).sum() / 1e6
    assert taken < result + 15.0
    taken, _ = peak_of_second_call(lambda: dn.adapt(frame, columns=["d0", "n0", "f1"], by="b0"))
    assert taken < 45.0  # the codes of the rows' groups among them


@needs("pyarrow")
def test_arrow_columns_are_read_where_they_lie() -> None:
    """A column of Arrow's is not copied, but for a slab; a normalized one is NumPy's own memory."""
    values = np.random.default_rng(0).standard_normal(4_000_000)
    frame = pd.DataFrame({"a": pd.array(values, dtype="double[pyarrow]")})
    taken, stats = peak_of_second_call(lambda: dn.adapt(frame))
    assert taken < 15.0
    taken, _ = peak_of_second_call(lambda: stats.normalize(frame))
    assert taken < 32.0 + 15.0


def test_slabs_cover_each_value_once() -> None:
    """The slabs of a group are all its rows of all its columns, each once."""
    frame = pd.DataFrame({n: np.arange(10.0) for n in NAMES}).astype("Float64")
    (group,) = pandas_columns.PandasSource(frame).groups(frame.columns)
    seen = np.zeros((10, 6), int)
    for slab in group.slabs:
        assert isinstance(slab, columns.ColumnSlab)
        seen[slab.rows, slab.features] += 1
    assert (seen == 1).all()
