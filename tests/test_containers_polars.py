"""Polars: eager DataFrames, Series, and lazy queries that stay lazy."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dasknorm as dn
from dasknorm.testing import check_container

pl = pytest.importorskip("polars")
pytest.importorskip("pyarrow")

from dasknorm.containers import polars as container  # noqa: E402

FRAME = pl.DataFrame({"a": [1.0, 3.0, None], "t": ["x", None, "z"], "b": [10, 30, 20]})
INTEGERS = ["Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"]
DTYPES = {name: "Float32" if name[-1] in "86" else "Float64" for name in INTEGERS}
DTYPES |= {"Float32": "Float32", "Float64": "Float64", "Boolean": "Float32"}
if hasattr(pl, "Float16"):
    DTYPES["Float16"] = "Float16"


def lazily(data: Any) -> Any:
    """Return a frame as a query."""
    return data.lazy()


KINDS = [pytest.param(lambda data: data, id="eager"), pytest.param(lazily, id="lazy")]


def eager(data: Any) -> Any:
    return data.collect() if isinstance(data, pl.LazyFrame) else data


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", [[0, 1, 1, 0], [0, None, 1, None]], ids=["whole", "nulls"])
def test_column_dtypes(dtype: str, values: list[Any], kind: Any) -> None:
    """Every dtype of numbers skips nulls, keeps them null, and becomes a float of its width."""
    frame = kind(pl.DataFrame({"a": pl.Series(values).cast(getattr(pl, dtype))}))
    stats = dn.adapt(frame)
    assert (stats.count.item(), stats.mean.item()) == (4.0 - values.count(None), 0.5)
    z = stats.normalize(frame)
    assert z.collect_schema() == {"a": getattr(pl, DTYPES[dtype])}
    assert eager(z)["a"].to_list() == [None if v is None else 2.0 * v - 1 for v in values]
    assert eager(stats.inverse(z))["a"].to_list() == values


@pytest.mark.parametrize("kind", KINDS)
def test_null_stays_null_and_nan_stays_nan(kind: Any) -> None:
    """Both are skipped, and neither becomes the other."""
    frame = kind(pl.DataFrame({"a": [1.0, None, float("nan"), 3.0]}))
    stats = dn.adapt(frame)
    assert stats.count.item() == 2.0
    z = eager(stats.normalize(frame))["a"]
    assert (z.is_null().to_list(), str(z.to_list())) == (
        [False, True, False, False], "[-1.0, None, nan, 1.0]",
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_dtype_asked_for(dtype: str, kind: Any) -> None:
    """dtype= holds for every column."""
    frame = kind(FRAME)
    schema = dn.adapt(frame).normalize(frame, dtype=dtype).collect_schema()
    assert schema["a"] == schema["b"] == (pl.Float32 if dtype == "f4" else pl.Float64)


def everything() -> Any:
    return pl.DataFrame(
        {
            "x": [1.0, 3.0, 5.0],
            "text": ["a", None, "c"],
            "day": [datetime.date(2001, 1, d) for d in (1, 2, 3)],
            "when": [datetime.datetime(2001, 1, 1)] * 3,
            "long": [datetime.timedelta(1)] * 3,
            "enum": pl.Series(["p", "q", "p"], dtype=pl.Enum(["p", "q"])),
            "kind": pl.Series(["p", "q", "p"], dtype=pl.Categorical),
            "list": [["a"], [], None],
            "pair": [{"u": "a"}, {"u": "b"}, None],
            "none": pl.Series([None, None, None], dtype=pl.Null),
            "y": pl.Series([1, 2, None], dtype=pl.UInt16),
        }
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_rides_along(kind: Any) -> None:
    """Dates, texts, categories, lists and structs come through untouched, and nothing changes."""
    frame = everything()
    stats = dn.adapt(kind(frame))
    assert stats.mean.columns == ["x", "y"]
    z = eager(stats.normalize(kind(frame)))
    assert z.columns == frame.columns
    assert z.drop("x", "y").equals(frame.drop("x", "y"))
    assert z.drop("x", "y").schema == frame.drop("x", "y").schema
    assert frame.equals(everything())


def test_decimals_are_read_as_floats() -> None:
    """Decimals count as the floats nearest to them, and come out as Float64."""
    frame = pl.DataFrame({"d": [Decimal("1.65"), None, Decimal("3.35")]})
    stats = dn.adapt(frame)
    assert stats.mean.item() == 2.5
    z = stats.normalize(frame)["d"]
    assert (z.dtype, z.null_count(), z[0]) == (pl.Float64, 1, pytest.approx(-1.0))


@pytest.mark.parametrize("kind", KINDS)
def test_integers_of_128_bits_are_refused(kind: Any) -> None:
    """128-bit integers, which Arrow lacks, raise an error with an alternative."""
    frame = kind(pl.DataFrame({"a": [1.0], "i": pl.Series([1], dtype=pl.Int128)}))
    with pytest.raises(TypeError, match=r"\['i'\] have 128 bits.*cast\(pl.Float64\)"):
        dn.adapt(frame)
    assert dn.adapt(frame, columns=["a"]).mean.item() == 1.0


def test_containers_keep_their_laws() -> None:
    """Frames, in chunks too, series and queries keep the laws of `Container` and of `Stats`."""
    values = np.arange(17.0) ** 2
    frame = pl.DataFrame(
        {"a": values, "b": values.astype("i4"), "t": "x", "c": values.astype("f4")}
    )
    frame = frame.with_columns(n=pl.when(pl.col("a") != 25).then(pl.col("a")))
    chunked = pl.concat([frame[:5], frame[5:]], rechunk=False)
    for item in (frame, chunked, frame[3:14], frame["b"], frame.lazy()):
        check_container(item)
    assert dn.adapt(chunked).normalize(chunked).n_chunks() == 2


def test_a_series_has_numbers_for_readings() -> None:
    """A series keeps its name and its kind; its mean is a number."""
    series = pl.Series("a", [1, None, 3], dtype=pl.Int16)
    stats = dn.adapt(series)
    assert (stats.mean, stats.std, stats.container) == (2.0, 1.0, "polars.Series")
    z = stats.normalize(series)
    assert (z.name, z.dtype, z.to_list()) == ("a", pl.Float32, [-1.0, None, 1.0])


def test_readings_and_given_numbers_are_frames_of_one_row() -> None:
    """The mean is a frame of one row, as df.mean() is; such a frame can be given."""
    stats = dn.adapt(FRAME)
    assert stats.mean.equals(FRAME.select("a", "b").mean())
    given = dn.Stats.from_values(mean=FRAME.select("a", "b").mean(), std=stats.std)
    assert given.normalize(FRAME).equals(stats.normalize(FRAME))
    assert dn.adapt(FRAME, over=["index", "columns"]).mean == pytest.approx(64 / 5)
    with pytest.raises(TypeError, match=r"frame of one row.*got 3 rows"):
        dn.Stats.from_values(mean=FRAME.select("a"), std=stats.std)
    with pytest.raises(TypeError, match="frame of one row"):
        dn.Stats.from_values(mean=FRAME["a"], std=stats.std)


@pytest.mark.parametrize("kind", KINDS)
def test_columns_are_found_by_name(kind: Any) -> None:
    """Columns may come in another order; missing and unknown ones are errors that list them."""
    stats = dn.adapt(FRAME)
    turned = kind(FRAME.select("b", "t", "a"))
    assert eager(stats.normalize(turned)).equals(stats.normalize(FRAME).select("b", "t", "a"))
    with pytest.raises(dn.MismatchError, match=r"lack \['b'\]"):
        stats.normalize(kind(FRAME.select("a", "t")))
    with pytest.raises(dn.MismatchError, match=r"\['c'\] along 'columns' are not in"):
        stats.normalize(kind(FRAME.with_columns(c=1)))
    with pytest.raises(TypeError, match=r"no numeric columns.*'t' \(String\)"):
        dn.adapt(kind(FRAME.select("t")))
    with pytest.raises(dn.MismatchError, match=r"no columns \['q'\]"):
        dn.adapt(kind(FRAME), columns=["q"])


@pytest.mark.parametrize("kind", KINDS)
def test_chosen_columns_and_weights(kind: Any) -> None:
    """columns= chooses; weights are an expression, or for eager frames a column of any kind."""
    frame = kind(FRAME)
    stats = dn.adapt(frame, columns=["a"], weights=1 + pl.col("b") / 10)
    assert stats.mean.item() == pytest.approx(14 / 6)
    assert eager(stats.normalize(frame))["b"].equals(FRAME["b"])
    if eager(frame) is frame:
        for weights in ([2.0, 4.0, 3.0], pl.Series([2, 4, 3]), pd.Series([2, 4, 3])):
            assert dn.adapt(frame, columns=["a"], weights=weights) == stats
    else:
        with pytest.raises(TypeError, match=r"an expression, such as pl.col.*got list"):
            dn.adapt(frame, weights=[2.0, 4.0, 3.0])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(-(2**40), 2**40)), min_size=1, max_size=30))
def test_polars_and_pandas_agree(values: list[int | None]) -> None:
    """The same numbers have the same statistics, and z-scores, in pandas and polars."""
    if all(value is None for value in values):
        return
    frame = pl.DataFrame({"i": values, "f": [None if v is None else v / 7 for v in values]})
    frame = frame.cast({"i": pl.Int64, "f": pl.Float64})
    twin = pd.DataFrame({"i": pd.array(values, "Int64"), "f": frame["f"].to_pandas()})
    stats, other = dn.adapt(frame), dn.adapt(twin)
    scale = np.maximum(np.abs(other.mean), other.std)
    assert (np.abs(stats.mean.to_numpy()[0] - other.mean) <= 4 * np.spacing(scale)).all()
    np.testing.assert_allclose(stats.variance.to_numpy()[0], other.variance, rtol=1e-14)
    assert (stats + other).count["i"].item() == 2 * other.count["i"]
    assert other.update(frame).count["i"] == 2 * other.count["i"]
    z, expected = other.normalize(frame), other.normalize(twin)
    for name in "if":
        exact = expected[name].to_numpy("f8", na_value=np.nan)
        np.testing.assert_array_equal(z[name].fill_null(float("nan")).to_numpy(), exact)


# -- queries --------------------------------------------------------------------------------------


def test_nothing_is_read_while_a_query_is_built() -> None:
    """Normalizing and inverting a query runs none of it."""
    runs: list[int] = []

    def seen(frame: Any) -> Any:
        runs.append(frame.height)
        return frame

    query = FRAME.lazy().map_batches(seen, schema=FRAME.schema)
    stats = dn.adapt(FRAME)
    z = stats.inverse(stats.normalize(query))
    assert isinstance(z, pl.LazyFrame)
    assert z.collect_schema() == {"a": pl.Float64, "t": pl.String, "b": pl.Float64}
    assert runs == []
    assert z.collect()["b"].to_list() == pytest.approx([10.0, 30.0, 20.0])
    assert runs == [3]


def test_queries_are_read_once_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is adapted batch by batch, its needed columns only, and normalized to a file."""
    monkeypatch.setattr(container, "BATCH_BYTES", 16 * 100)
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(1e6, 1.0, 1050), "t": "x", "b": np.arange(1050)})
    frame.write_parquet(tmp_path / "in.parquet", row_group_size=70)
    query = pl.scan_parquet(tmp_path / "in.parquet")
    (field,) = container.LazyFrames().fields(query).values()
    sizes = [len(batch.frame) for batch, _ in field.data.source.batches(field.data)]
    assert sizes == [100] * 10 + [50]
    stats, whole = dn.adapt(query), dn.adapt(frame)
    np.testing.assert_allclose(stats.mean.to_numpy(), whole.mean.to_numpy(), rtol=1e-15)
    np.testing.assert_allclose(stats.variance.to_numpy(), whole.variance.to_numpy(), rtol=1e-13)
    assert dn.adapt(query) == stats
    stats.normalize(query).sink_parquet(tmp_path / "out.parquet")
    assert pl.read_parquet(tmp_path / "out.parquet").equals(stats.normalize(frame))


def test_only_what_is_asked_for_is_computed() -> None:
    """A column of a normalized query is mapped without the others."""
    stats = dn.adapt(FRAME)
    z = stats.normalize(FRAME.lazy())
    maps = {name: z.select(name).explain().count("python_udf") for name in FRAME.columns}
    assert maps == {"a": 1, "t": 0, "b": 1}


def test_wide_integers_of_queries_are_exact() -> None:
    """A query maps integers that a float would round by the same kernels as a frame."""
    frame = pl.DataFrame({"i": [2**60 + 1, None, 2**60 + 3]})
    query = frame.lazy()
    assert dn.adapt(query) == dn.adapt(frame)
    assert dn.adapt(query).normalize(query).collect()["i"].to_list() == [-1.0, None, 1.0]


@pytest.mark.parametrize("kind", KINDS)
def test_empty_frames(kind: Any) -> None:
    """A frame without rows has nothing to adapt on, and normalizes to one without rows."""
    empty = kind(FRAME.clear())
    with pytest.raises(ValueError, match="no samples"):
        dn.adapt(empty)
    z = eager(dn.adapt(FRAME).normalize(empty))
    assert (z.height, z.schema["b"]) == (0, pl.Float64)


# -- groups ---------------------------------------------------------------------------------------


def keyed() -> Any:
    return pl.DataFrame(
        {
            "k": ["x", "y", "x", None, "y", "x"],
            "n": pl.Series([1, 1, 2, 2, None, 1], dtype=pl.Int32),
            "e": pl.Series(list("ppqqpp"), dtype=pl.Enum(["p", "q"])),
            "a": [1.0, 2.0, 5.0, 7.0, 4.0, None],
        }
    )


@pytest.mark.parametrize("by", ["k", "n", "e", ["k", "n"], ["e", "k"]])
def test_groups(by: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups have pandas' statistics and z-scores, in frames and in queries of many batches."""
    monkeypatch.setattr(container, "BATCH_BYTES", 16)
    frame = keyed()
    twin = frame.to_pandas()
    twin["n"] = twin["n"].astype("Int64")
    other = dn.adapt(twin, columns="a", by=by)
    expected = other.normalize(twin)["a"].to_numpy()
    for item in (frame, frame.lazy()):
        stats = dn.adapt(item, columns="a", by=by)
        keys = [by] if isinstance(by, str) else by
        assert stats.mean.columns == [*keys, "a"]
        np.testing.assert_array_equal(stats.mean["a"].to_numpy(), other.mean["a"].to_numpy("f8"))
        z = eager(stats.normalize(item))
        np.testing.assert_array_equal(z["a"].fill_null(float("nan")).to_numpy(), expected)
        assert z.drop("a").equals(frame.drop("a"))


@pytest.mark.parametrize("kind", KINDS)
def test_groups_never_seen_and_weights(kind: Any) -> None:
    """A group never seen is an error when it is read, or null; weights weigh within groups."""
    frame = kind(keyed())
    stats = dn.adapt(keyed()[:1], by="k", columns=["a"])
    with pytest.raises((dn.MismatchError, pl.exceptions.ComputeError), match=r"\['y'\] of 'k'"):
        eager(stats.normalize(frame))
    z = eager(stats.normalize(frame, unseen="nan"))["a"].to_list()
    assert z == [0.0, None, 4.0, None, None, None]
    weighted = dn.adapt(frame, by="k", columns=["a"], weights=pl.col("a").fill_null(1))
    assert weighted.mean["a"].to_list() == pytest.approx([26 / 6, 20 / 6])


@pytest.mark.parametrize("kind", KINDS)
def test_names_that_polars_takes_for_patterns(kind: Any) -> None:
    """A column named ``*`` or ``^x.*$`` is that column, as a feature, a key, and in queries."""
    frame = pl.DataFrame(
        {
            "^x.*$": [1.0, 2.0, 3.0],
            "x": [100.0, 200.0, 300.0],
            "*": [4, 6, 8],
            "^k.*$": ["a", "a", "b"],
            "k": ["c", "d", "d"],
        }
    )
    item = kind(frame)
    assert dn.adapt(item, columns="^x.*$").mean.item() == 2.0
    assert dn.adapt(item).mean.to_dicts() == [{"^x.*$": 2.0, "x": 200.0, "*": 6.0}]
    stats = dn.adapt(item, columns=["*", "^x.*$"], by="^k.*$")
    assert stats.mean.rows() == [("a", 5.0, 1.5), ("b", 8.0, 3.0)]
    z = stats.normalize(item)
    changed = {"^x.*$": [-1.0, 1.0, 0.0], "*": [-1.0, 1.0, 0.0]}
    assert eager(z).to_dict(as_series=False) == frame.to_dict(as_series=False) | changed
    back = eager(stats.inverse(z))
    assert back.equals(frame.with_columns(pl.Series("*", [4.0, 6.0, 8.0])))
    assert eager(dn.adapt(item, columns="*").normalize(item))["x"].equals(frame["x"])


@pytest.mark.parametrize("name", ["^a.*$", "*"])
def test_series_named_like_patterns(name: str) -> None:
    """The name of a series is no pattern either."""
    series = pl.Series(name, [1.0, 3.0])
    z = dn.adapt(series).normalize(series)
    assert (z.name, z.to_list()) == (name, [-1.0, 1.0])


@pytest.mark.parametrize("kind", KINDS)
def test_groups_show_only_while_data_are_read(kind: Any) -> None:
    """By group nothing can stay lazy or be counted beforehand, and a plan is for each group."""
    frame = kind(keyed())
    with pytest.raises(ValueError, match="by= and lag= need compute=True"):
        dn.adapt(frame, columns="a", by="k", compute=False)
    with pytest.raises(ValueError, match="needs a known number of values"):
        dn.adapt(frame, columns="a", by="k", expect_count="all")
    assert "per group" in repr(dn.plan(frame, columns="a", by="k"))
    assert "per group" not in repr(dn.plan(frame, columns="a"))


def test_readings_by_group_keep_nan() -> None:
    """The mean of a group without values is NaN, as without groups, and not null."""
    frame = pl.DataFrame({"k": ["x", "y"], "a": [1.0, None]})
    with pytest.warns(UserWarning, match="no valid values"):
        mean = dn.adapt(frame, by="k").mean
    assert mean["k"].to_list() == ["x", "y"]
    assert mean["a"].null_count() == 0
    assert mean["a"].is_nan().to_list() == [False, True]


@pytest.mark.parametrize(("key", "name"), [("k", "value"), ("value", "values")])
def test_one_reading_a_group_is_a_column_of_values(key: str, name: str) -> None:
    """A result reduced over columns has one named column in addition to the keys."""
    frame = pl.DataFrame({key: ["x", "y", "x"], "a": [1.0, 2.0, 3.0], "b": [3.0, 4.0, 5.0]})
    assert dn.adapt(frame, by=key, keep=key).mean.to_dicts() == [
        {key: "x", name: 3.0},
        {key: "y", name: 3.0},
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("key", "words"),
    [
        (pl.lit([1, 2]), r"column 'k', whose type is List\(Int"),
        (pl.struct("a"), r"column 'k', whose type is Struct\("),
        (pl.lit(1001).cast(pl.Time), r"column 'k', whose type is time64\[ns\].*nanoseconds; cast"),
    ],
    ids=["list", "struct", "nanoseconds"],
)
def test_keys_that_name_no_group(kind: Any, key: Any, words: str) -> None:
    """Values within values, and times that Python has not, are refused as keys, by name."""
    frame = kind(pl.DataFrame({"a": [1.0, 2.0]}).with_columns(k=key))
    with pytest.raises(TypeError, match=words):
        dn.adapt(frame, by="k")


def test_times_of_microseconds_are_keys() -> None:
    """Times of day that Python has are keys, and come back as such."""
    frame = pl.DataFrame({"k": [datetime.time(1), datetime.time(0, 0, 0, 1)], "a": [1.0, 2.0]})
    mean = dn.adapt(frame, by="k").mean
    assert mean.rows() == [(datetime.time(0, 0, 0, 1), 2.0), (datetime.time(1), 1.0)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [pl.lit(2.0), pl.col("b").max() / 15], ids=["number", "maximum"])
def test_one_weight_is_one_for_each_row(kind: Any, weight: Any) -> None:
    """An expression of a single number weighs all rows alike."""
    assert dn.adapt(kind(FRAME), columns="b", weights=weight).count.item() == 6.0
    if kind is not lazily:
        assert dn.adapt(FRAME["b"], weights=pl.col("b") / 10).count == 6.0
