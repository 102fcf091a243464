"""Statistics by group: against pandas in float64, in any partitions, and with invalid keys."""

import datetime as dt
import warnings

import dask
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dasknorm as dn
from dasknorm import MismatchError

dd = pytest.importorskip("dask.dataframe")
RNG = np.random.default_rng(3)


def _frame(n=500):
    return pd.DataFrame(
        {
            "station": RNG.choice(["b", "a", "c"], n),
            "t": np.where(RNG.random(n) < 0.2, np.nan, 280 + RNG.normal(size=n)),
            "hour": RNG.integers(0, 4, n),
            "p": (1e5 + RNG.normal(size=n)).astype("f4"),
            "wet": RNG.random(n) < 0.5,
            "day": pd.date_range("2000", periods=n),
            "n": RNG.integers(0, 9, n).astype("i2"),
        }
    )


NUMBERS = ["t", "p", "wet", "n"]


def _by_pandas(frame, keys, columns):
    """The z-scores in float64, by pandas; of a group of one, or constant, 0."""
    wide = frame.astype(dict.fromkeys(columns, "f8"))
    groups = wide.groupby(keys)[columns]
    std = groups.transform("std", ddof=0)
    return (wide[columns] - groups.transform("mean")) / std.mask(std == 0, 1.0)


@pytest.mark.parametrize("keys", ["station", "hour", ["station", "hour"], ["hour", "n", "station"]])
def test_each_group_has_its_own(keys):
    """Mean, std and count by group are pandas', and each row is normalized with its own."""
    frame = _frame()
    columns = [name for name in NUMBERS if name not in keys]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # some small groups are nothing but gaps
        stats = dn.adapt(frame, by=keys, columns=columns)
    wide = frame.astype(dict.fromkeys(columns, "f8"))
    groups = wide.groupby(keys)[columns]
    pd.testing.assert_frame_equal(stats.mean, groups.mean(), check_dtype=False, rtol=1e-13)
    pd.testing.assert_frame_equal(stats.std, groups.std(ddof=0), rtol=1e-9, atol=1e-9)
    pd.testing.assert_frame_equal(stats.count, groups.count().astype("f8"))
    z = stats.normalize(frame)
    expected = _by_pandas(frame, keys, columns)
    np.testing.assert_allclose(z[columns].astype("f8"), expected, atol=1e-6)
    assert list(z.columns) == list(frame.columns)
    assert z["p"].dtype == "f4"
    others = [name for name in frame if name not in columns]
    pd.testing.assert_frame_equal(z[others], frame[others])
    back = stats.inverse(z)
    np.testing.assert_allclose(back["t"], frame["t"], rtol=1e-15)


def test_a_key_of_numbers_is_not_normalized():
    """A numeric key column stays unchanged and has no mean."""
    frame = _frame()
    stats = dn.adapt(frame.drop(columns="station"), by="hour")
    assert list(stats.mean.columns) == NUMBERS
    assert stats.normalize(frame.drop(columns="station"))["hour"].equals(frame["hour"])


@pytest.mark.parametrize("parts", [1, 3, 20])
@pytest.mark.parametrize("keys", ["station", ["station", "hour"]])
def test_partitions_are_of_no_account(parts, keys):
    """A Dask frame has the statistics of the pandas frame, and is normalized lazily as it is."""
    frame = _frame()
    lazy = dd.from_pandas(frame, npartitions=parts, sort=False)
    whole = dn.adapt(frame, by=keys, columns=["t", "p"])
    stats = dn.adapt(lazy, by=keys, columns=["t", "p"])
    pd.testing.assert_frame_equal(stats.mean, whole.mean, rtol=1e-15)
    pd.testing.assert_frame_equal(stats.std, whole.std, rtol=1e-14)
    with dask.config.set(scheduler=_refuse):
        z = whole.normalize(lazy)
    pd.testing.assert_frame_equal(
        z.compute()[["t", "p"]], whole.normalize(frame)[["t", "p"]], check_exact=True
    )
    assert list(z.dtypes) == list(z.compute().dtypes)


def _refuse(*args, **kwargs):
    raise AssertionError("nothing computes while a graph is built")


@given(st.lists(st.integers(0, 5), min_size=2, max_size=60), st.data())
def test_merging_parts_is_adapting_to_the_whole(keys, data):
    """However rows are cut, the merged statistics are those of all rows, groups united."""
    frame = pd.DataFrame({"k": keys, "x": np.sqrt(np.arange(len(keys), dtype="f8"))})
    cut = data.draw(st.integers(1, len(keys) - 1))
    whole = dn.adapt(frame, by="k")
    parts = [dn.adapt(part, by="k") for part in (frame.iloc[:cut], frame.iloc[cut:])]
    for merged in (parts[0] + parts[1], parts[1] + parts[0], parts[0].update(frame.iloc[cut:])):
        assert merged.mean.index.equals(whole.mean.index)
        pd.testing.assert_frame_equal(merged.mean, whole.mean, rtol=1e-15)
        pd.testing.assert_frame_equal(merged.variance, whole.variance, rtol=1e-13)
        pd.testing.assert_frame_equal(merged.count, whole.count)


KEYS = {
    "texts": ["b", "a", None, "b"],
    "numbers": [2.5, 1.5, np.nan, 2.5],
    "categories": pd.Categorical(["b", "a", None, "b"], ["c", "b", "a"]),
    "Int64": pd.array([2, 1, None, 2], "Int64"),
    "times": pd.to_datetime(["2001", "2000", None, "2001"]),
    "zoned": pd.to_datetime(["2001", "2000", None, "2001"]).tz_localize("Europe/Berlin"),
    "dates": np.array([dt.date(2001, 1, 1), dt.date(2000, 1, 1), None, dt.date(2001, 1, 1)]),
    "bools": pd.array([True, False, None, True], "boolean"),
    "mixed": np.array([2, "x", None, 2], object),
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("lazy", [False, True])
def test_keys_of_every_kind(kind, lazy, tmp_path):
    """Keys of any dtype name groups; a row without one is counted nowhere, and left missing."""
    frame = pd.DataFrame({"k": KEYS[kind], "x": [1.0, 5.0, 9.0, 3.0]})
    if lazy and kind in ("mixed", "dates"):
        pytest.skip("Dask makes texts of objects")
    data = dd.from_pandas(frame, npartitions=2, sort=False) if lazy else frame
    stats = dn.adapt(data, by="k")
    assert sorted(stats.mean["x"]) == [2.0, 5.0]
    assert stats.count["x"].sum() == 3
    z = stats.normalize(data)
    np.testing.assert_array_equal(z.compute()["x"] if lazy else z["x"], [-1, 0, np.nan, 1])
    stats.save(tmp_path / "s.json")
    again = dn.load(tmp_path / "s.json")
    assert again == stats
    np.testing.assert_array_equal(again.normalize(frame)["x"], [-1, 0, np.nan, 1])


def test_categories_and_texts_are_the_same_groups():
    """Partitions with other categories, and texts, name the same groups."""
    first = pd.DataFrame({"k": pd.Categorical(["a", "b"]), "x": [1.0, 2.0]})
    second = pd.DataFrame({"k": pd.Categorical(["c", "b"]), "x": [3.0, 4.0]})
    texts = pd.DataFrame({"k": ["b", "a"], "x": [6.0, 3.0]})
    merged = dn.adapt(first, by="k") + dn.adapt(second, by="k") + dn.adapt(texts, by="k")
    assert merged.mean["x"].to_dict() == {"a": 2.0, "b": 4.0, "c": 3.0}


def test_groups_by_a_level_of_the_index():
    """A level of the index is a key as good as a column, for a Series too."""
    index = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["k", "i"])
    frame = pd.DataFrame({"x": [1.0, 3.0, 10.0, 30.0]}, index)
    for data in (frame, frame["x"]):
        stats = dn.adapt(data, by="k")
        assert list(stats.mean["x"]) == [2.0, 20.0]
        assert np.array_equal(np.ravel(stats.normalize(data)), [-1, 1, -1, 1])
    lazy = dd.from_pandas(frame.reset_index("i"), npartitions=2)
    assert list(dn.adapt(lazy, by="k", columns="x").mean["x"]) == [2.0, 20.0]


NULLABLE = ["Float64", "Float32", "Int64", "boolean", "double[pyarrow]", "int32[pyarrow]"]


@pytest.mark.parametrize("dtype", NULLABLE)
def test_nullable_columns_by_group(dtype):
    """Columns with NA are normalized by group in their own kind, and NA stays NA."""
    frame = pd.DataFrame({"k": [1, 1, 2, 2, 1], "x": pd.array([1, 0, 1, 1, None], dtype)})
    z = dn.adapt(frame, by="k").normalize(frame)["x"]
    assert z.isna().tolist() == [False] * 4 + [True]
    expected = {"boolean": "Float32", "Int64": "Float64", "int32[pyarrow]": "double[pyarrow]"}
    assert z.dtype == expected.get(dtype, dtype)
    assert z[:4].tolist() == [1.0, -1.0, 0.0, 0.0]


def test_weights_by_group():
    """Weights count within their group."""
    frame = pd.DataFrame({"k": [1, 1, 2], "x": [1.0, 5.0, 7.0]})
    for data, w in (
        (frame, [3, 1, 2]),
        (dd.from_pandas(frame, npartitions=2), dd.from_pandas(pd.Series([3, 1, 2]), npartitions=2)),
    ):
        stats = dn.adapt(data, by="k", weights=w)
        assert stats.mean["x"].to_dict() == {1: 2.0, 2: 7.0}
        assert stats.count["x"].to_dict() == {1: 4.0, 2: 2.0}


@pytest.mark.parametrize("lazy", [False, True])
def test_a_group_never_seen(lazy):
    """It is an error that names it, or missing where asked; the others are right."""
    frame = pd.DataFrame({"k": ["a", "a", "b"], "x": [1.0, 3.0, 5.0]})
    stats = dn.adapt(frame[:2], by="k")
    data = dd.from_pandas(frame, npartitions=2) if lazy else frame
    ready = (lambda z: z.compute()) if lazy else (lambda z: z)
    with pytest.raises(
        MismatchError,
        match=r"unknown groups \['b'\] of 'k'; the statistics have 1 group, such as \['a'\]",
    ):
        ready(stats.normalize(data))
    for method, expected in ((stats.normalize, [-1, 1, np.nan]), (stats.inverse, [3, 5, np.nan])):
        np.testing.assert_array_equal(ready(method(data, unseen="nan"))["x"], expected)
    with pytest.raises(ValueError, match="unseen must be"):
        stats.normalize(frame, unseen="zero")


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"by": "nope"}, MismatchError, r"no columns \['nope'\] to group by; found \['station'"),
        ({"columns": ["t", "nope"]}, MismatchError, r"no columns \['nope'\]; found \['station'"),
        ({"columns": ["t", "day"]}, TypeError, r"real numbers.*: 'day' \(datetime64"),
        ({"columns": ["t", "t"]}, ValueError, "names one of them twice"),
        ({"columns": "n", "by": "n"}, ValueError, r"\['n'\] are grouped by"),
        ({"by": "station", "over": "station"}, ValueError, "keeps statistics of each 'station'"),
        ({"by": "station", "expect_count": "all"}, ValueError, "known number of values"),
    ],
)
def test_what_is_asked_and_not_there(how, error, message):
    """Invalid columns and groups raise an error that lists the available ones."""
    with pytest.raises(error, match=message):
        dn.adapt(_frame(), **how)


def test_only_frames_have_columns():
    """An array has no columns to choose or to group by."""
    for how in ({"by": "k"}, {"columns": ["k"]}):
        with pytest.raises(TypeError, match=r"columns= needs a frame.* got ndarray"):
            dn.adapt(np.zeros((3, 2)), **how)


def test_lazy_statistics_have_no_groups():
    """Which groups there are shows only when data are read, so compute=False is refused."""
    lazy = dd.from_pandas(_frame(), npartitions=2)
    with pytest.raises(ValueError, match="by= and lag= need compute=True"):
        dn.adapt(lazy, by="station", compute=False)


def test_statistics_by_other_groups_do_not_merge():
    """Groups by another key, or none, are refused."""
    frame = _frame()
    one = dn.adapt(frame, by="station", columns="t")
    for other in (dn.adapt(frame, by="hour", columns="t"), dn.adapt(frame, columns="t")):
        with pytest.raises(MismatchError, match=r"by .station. and (not )?by .* do not merge"):
            one.merge(other)


def test_columns_summarized_as_one_by_group():
    """With keep= of the groups alone, all columns of a group have one mean."""
    frame = pd.DataFrame({"k": ["a", "b", "a"], "x": [1.0, 2.0, 3.0], "y": [5.0, 4.0, 7.0]})
    stats = dn.adapt(frame, by="k", keep="k")
    assert stats.mean.to_dict() == {"a": 4.0, "b": 3.0}
    assert stats.normalize(frame)["y"].iloc[1] == 1.0
    assert (stats + stats).mean.to_dict() == {"a": 4.0, "b": 3.0}


def test_chosen_columns_are_remembered(tmp_path):
    """Only selected columns are normalized, after saving and merging too; others are unchanged."""
    frame = _frame()
    stats = dn.adapt(frame, columns=["p", "t"])
    assert list(stats.mean.index) == ["p", "t"]
    stats.save(tmp_path / "s.nc")
    for item in (stats, dn.load(tmp_path / "s.nc"), stats + stats, stats.select(["t"])):
        z = item.normalize(frame)
        chosen = list(item.mean.index)
        assert abs(float(z["t"].mean())) < 1e-9
        other_columns = [name for name in frame if name not in chosen]
        pd.testing.assert_frame_equal(z[other_columns], frame[other_columns])
    with pytest.raises(MismatchError, match=r"\['p'\]"):
        stats.normalize(frame.drop(columns="p"))


def test_a_checkpoint_goes_on_by_group(tmp_path):
    """Grouped statistics in shards equal those computed at once."""
    frame = _frame()
    lazy = dd.from_pandas(frame, npartitions=40, sort=False)
    at_once = dn.adapt(lazy, by="station", columns="t")
    path = tmp_path / "sofar.nc"
    for _ in range(2):
        stats = dn.adapt(lazy, by="station", columns="t", checkpoint=path)
        pd.testing.assert_frame_equal(stats.mean, at_once.mean, rtol=1e-15)
        assert stats.count.equals(at_once.count)


def test_a_cluster_has_the_same_groups(client):
    """Processes give the results of threads, for persisted data too."""
    frame = _frame()
    lazy = dd.from_pandas(frame, npartitions=5, sort=False)
    expected = dn.adapt(frame, by=["station", "hour"], columns=["t"])
    for data in (lazy, client.persist(lazy)):
        stats = dn.adapt(data, by=["station", "hour"], columns=["t"])
        pd.testing.assert_frame_equal(stats.mean, expected.mean, rtol=1e-15)


def test_nothing_given_is_changed():
    """Neither the frame nor the statistics change, whatever is done with them."""
    frame = _frame()
    before = frame.copy()
    stats = dn.adapt(frame, by="station", columns=["t"])
    mean = stats.mean.copy()
    z = stats.normalize(frame)
    z["t"] *= 0
    z["n"] += 1
    assert stats.merge(stats).count["t"].sum() == 2 * stats.count["t"].sum()
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(stats.mean, mean)


def test_a_group_without_values_is_told():
    """A group with nothing but gaps is named in one warning, and normalizes to NaN."""
    frame = pd.DataFrame({"k": ["a", "a", "b"], "x": [1.0, 3.0, np.nan]})
    with pytest.warns(UserWarning, match="k=b"):
        stats = dn.adapt(frame, by="k")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(stats.normalize(frame)["x"], [-1, 1, np.nan])


def test_other_columns_by_the_same_groups_are_put_beside(tmp_path):
    """Statistics of other columns unite; where one side never met a group, nothing was counted."""
    frame = pd.DataFrame({"k": list("abab"), "x": [1.0, 2, 3, 4], "y": [5.0, 6, 7, 8]})
    both = dn.adapt(frame[:3], by="k", columns="x") + dn.adapt(frame[1:3], by="k", columns="y")
    whole = dn.adapt(frame[:3], by="k", columns="x") + dn.adapt(frame[:1], by="k", columns="y")
    assert both.mean["x"].to_dict() == {"a": 2.0, "b": 2.0}
    assert both.mean["y"].to_dict() == {"a": 7.0, "b": 6.0}
    assert whole.count["y"].to_dict() == {"a": 1.0, "b": 0.0}
    assert np.isnan(whole.mean.loc["b", "y"])
    whole.save(tmp_path / "s.json")
    assert dn.load(tmp_path / "s.json") == whole


def test_what_is_chosen_is_part_of_what_is_equal():
    """Statistics with a column selection differ from those without; the merge has one."""
    frame = _frame()[["t", "p", "n"]]
    strict, chosen = dn.adapt(frame[["t", "p"]]), dn.adapt(frame, columns=["t", "p"])
    assert strict != chosen
    for both in (strict + chosen, chosen + strict):
        assert both.normalize(frame)["n"].equals(frame["n"])
    with pytest.raises(MismatchError, match=r"columns=\[\.\.\.\]: all other columns"):
        strict.normalize(frame)


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"columns": []}, ValueError, r"columns=\[\] names no column"),
        ({"by": pd.Series(["a"])}, TypeError, "name of a column.* got a Series: make a column"),
        ({"by": [np.ones(3)]}, TypeError, "got a ndarray"),
        ({"by": ("station", "hour")}, MismatchError, "A tuple is one name; several .* a list"),
        ({"columns": ("t", "p")}, MismatchError, "A tuple is one name; several .* a list"),
    ],
)
def test_names_as_pandas_users_try_them(how, error, message):
    """A key that is not a column name raises an error with an alternative."""
    with pytest.raises(error, match=message):
        dn.adapt(_frame(), **how)


@pytest.mark.parametrize("lazy", [False, True])
def test_no_row_with_a_group(lazy):
    """No rows, or no rows with a group, raise an error."""
    frame = pd.DataFrame({"k": np.full(4, np.nan), "x": np.arange(4.0)})
    for item in (frame, frame[:0]):
        data = dd.from_pandas(item, npartitions=2) if lazy else item
        with pytest.raises(ValueError, match=r"no samples to adapt on.* .k. is missing"):
            dn.adapt(data, by="k")


def test_many_groups_without_values_are_one_line():
    """The warning about groups without values has their number and a few names."""
    frame = pd.DataFrame({"k": np.arange(50), "x": np.where(np.arange(50) < 40, np.nan, 1.0)})
    with pytest.warns(UserWarning, match=r"in 40 of 50 groups by 'k': \[0, 1, 2"):
        dn.adapt(frame, by="k")


def test_a_plan_says_what_is_not_known():
    """The plan of a Dask DataFrame has neither the bytes nor the number of groups."""
    lazy = dd.from_pandas(_frame(), npartitions=3)
    plan = dn.plan(lazy, by="station", columns=["t"])
    assert plan.bytes is None
    assert plan.grouped
    assert "reads   an unknown size in 3 chunks" in str(plan)
    assert "per group" in str(plan)


def test_provenance_says_by_what():
    """The groups of merged statistics are rows, labelled by the key columns."""
    (run,) = dn.adapt(_frame(), by=["station", "hour"], columns="t").attrs["runs"]
    assert (run["over"], run["by"]) == (["index"], ["station", "hour"])


@pytest.mark.parametrize("how", [{"keep": ()}, {"by": "k", "keep": "k"}])
def test_chosen_columns_summarized_as_one(how, tmp_path):
    """The selected columns are stored even if they share one mean."""
    frame = pd.DataFrame({"k": ["a", "a"], "x": [1.0, 3.0], "y": [5.0, 7.0], "z": [0.0, 9.0]})
    stats = dn.adapt(frame, columns=["x", "y"], **how)
    stats.save(tmp_path / "s.json")
    for item in (stats, dn.load(tmp_path / "s.json"), stats.update(frame)):
        z = item.normalize(frame)
        assert z["z"].equals(frame["z"])
        assert z["x"].sum() == -z["y"].sum()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (np.array([3, 4]), np.array([2**63 + 2346, 2**63 + 2347], "u8")),
        (np.array([-1, 4]), np.array([2**63 + 1, 2**63], "u8")),
        (np.array([2**53 + 1, 2**53]), np.array([0.5, 1.0])),
        (
            np.array(["9999-01-01", "2000-01-01"], "M8[s]"),
            np.array(["2000-01-01", "2001-01-01T00:00:00.000000001"], "M8[ns]"),
        ),
    ],
)
def test_keys_of_other_dtypes_stay_what_they_are(first, second):
    """Keys that one dtype would round stay apart, whatever dtype each part has."""
    parts = [pd.DataFrame({"k": keys, "x": [1.0, 2.0]}) for keys in (first, second)]
    met = {value for keys in (first, second) for value in pd.Index(keys).tolist()}
    for stats in (dn.adapt(iter(parts), by="k"), dn.adapt(parts[1], by="k").update(parts[0])):
        assert set(stats.mean.index.tolist()) == met
        assert stats.count["x"].sum() == 4
        for part in parts:
            assert stats.normalize(part)["x"].notna().all()


def test_whole_floats_are_the_integers_they_equal():
    """A part where a key is missing has floats for integers; the groups are the same."""
    frame = pd.DataFrame({"k": [1, 2, 1], "x": [1.0, 2.0, 3.0]})
    gaps = pd.DataFrame({"k": [1.0, np.nan, 5.0], "x": [2.0, 9.0, 7.0]})
    assert dn.adapt([frame, gaps], by="k").mean["x"].to_dict() == {1: 2.0, 2: 2.0, 5: 7.0}
    far = pd.DataFrame({"k": [10**18 + 3], "x": [1.0]})
    with pytest.raises(MismatchError, match=r"1e\+18"):
        dn.adapt(far, by="k").normalize(far.astype({"k": "f8"}))


def test_keys_that_cannot_be():
    """Keys that are no labels are refused by name; so is the name that columns have together."""
    with pytest.raises(TypeError, match="values of 'k' cannot name groups"):
        dn.adapt(pd.DataFrame({"k": [[1], [2]], "x": [1.0, 2.0]}), by="k")
    with pytest.raises(ValueError, match="named 'columns' cannot name groups"):
        dn.adapt(pd.DataFrame({"columns": [1, 2], "x": [1.0, 2.0]}), by="columns")


@pytest.mark.parametrize("key", [1.5, True, ("a", 1), 3, pd.Timestamp("2000")])
def test_keys_with_names_of_any_kind(key, tmp_path):
    """A column's name may be anything that can be hashed."""
    frame = pd.DataFrame({key: ["a", "a", "b"], "x": [1.0, 3.0, 5.0]})
    stats = dn.adapt(frame[:2], by=[key]).update(frame[2:])
    assert stats.mean["x"].tolist() == [2.0, 5.0]
    stats.save(tmp_path / "s.json")
    assert dn.load(tmp_path / "s.json").normalize(frame)["x"].tolist() == [-1.0, 1.0, 0.0]


def test_a_level_named_like_a_part_of_columns():
    """With columns of several levels, a name alone is that of a level of the index."""
    columns = pd.MultiIndex.from_tuples([("k", "x"), ("k", "y")])
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], pd.Index(["a", "b"], name="k"), columns)
    assert dn.adapt(frame, by="k").mean[("k", "x")].tolist() == [1.0, 3.0]
    assert dn.adapt(frame.astype(int), by=[("k", "x")]).mean.columns.tolist() == [("k", "y")]


def test_keys_of_the_other_byte_order():
    """Big-endian keys name groups like others."""
    frame = pd.DataFrame({"k": np.array([2, 1, 2], ">i4"), "x": [1.0, 5.0, 3.0]})
    assert dn.adapt(frame, by="k").mean["x"].to_dict() == {1: 5.0, 2: 2.0}


def test_columns_may_be_an_index():
    """The columns of another frame choose, as a list of them does."""
    frame = _frame()
    for columns_argument in (frame.columns[[1, 3]], np.array(["t", "p"])):
        assert list(dn.adapt(frame, columns=columns_argument).mean.index) == ["t", "p"]
