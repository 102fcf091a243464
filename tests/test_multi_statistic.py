"""Multiple statistics in one pass equal single ones, and each chunk is read once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from support.marked_chunks import ALWAYS, count_loads, make_marked_frame, make_values, mark_loads
from support.optional import needs
from support.strategies import blocks, kept_axes, weights_for

import dasknorm as dn
from dasknorm import Extrema, MaxAbs, Moments, MultiStatistic, Quantiles, Transformed

PARTS = (Moments(), Extrema(-1.0, 1.0), Quantiles(buckets=32), MaxAbs(), Transformed("asinh"))
ALL = MultiStatistic(PARTS)


def alike(stats: dn.Stats, data: Any, **how: Any) -> None:
    """Hold each part of statistics to what it is when learned alone, bit for bit."""
    for part in PARTS:
        single = dn.adapt(data, part, **how)
        actual = stats.select_statistic(type(part))
        for name, state in single.states.items():
            assert actual.states[name].data.dtype == state.data.dtype
            assert actual.states[name].data.tobytes() == state.data.tobytes(), part
        assert actual.statistic == part


# -- records --------------------------------------------------------------------------------------


@given(st.data())
def test_each_part_is_what_it_is_alone(data: st.DataObject) -> None:
    """Summaries, additions and merges of a product are those of its parts, bit for bit."""
    block = data.draw(blocks(("f4", "f8", "i2", "i8"), least=1))
    weights = data.draw(st.none() | weights_for(block.shape))
    keep = data.draw(kept_axes(block.ndim))
    axes = tuple(axis for axis in range(block.ndim) if axis not in keep)
    whole = ALL.summarize(block, axes, weights)
    added = whole.copy()
    ALL.add(added, block, axes, weights)
    merged = ALL.merge(np.stack([whole, added]), (0,))[0]
    for part in PARTS:
        single_records = part.summarize(block, axes, weights)
        twice = single_records.copy()
        part.add(twice, block, axes, weights)
        both = part.merge(np.stack([single_records, twice]), (0,))[0]
        for actual, single in [(whole, single_records), (added, twice), (merged, both)]:
            assert ALL.select(actual, type(part))[1].tobytes() == single.tobytes()


def test_readings_are_the_first_one_s_that_has_them() -> None:
    """Of count, which all have, the first is read; of others the one that has it."""
    both = MultiStatistic((Extrema(), Moments(ddof=1), Quantiles()))
    records = both.summarize(np.array([1.0, 2.0, 6.0]), (0,))
    read = {name: both.result(records, name).item() for name in both.result_names}
    expected = {"count": 3, "min": 1, "max": 6, "mean": 3, "std": 7**0.5, "variance": 7}
    assert {name: read[name] for name in expected} == pytest.approx(expected)
    assert both.result_names[:3] == ("count", "min", "max")
    with pytest.raises(AttributeError, match="no 'mode'; there are count, min, max, "):
        both.result(records, "mode")


def test_two_of_a_kind() -> None:
    """Two with other settings stand side by side; `using` takes the first of a kind."""
    stats = dn.adapt(np.array([1.0, 2.0, 6.0]), [Moments(), Moments(ddof=1), Extrema()])
    assert stats.select_statistic(Moments).statistic == Moments()
    assert float(stats.variance) == pytest.approx(14 / 3)


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ([], ValueError, "two or more different ones"),
        ([Moments(), Moments()], ValueError, "two or more different ones"),
        ([Moments(), "Extrema"], TypeError, "got 'Extrema' in it"),
        ([Moments(), Extrema], TypeError, "several statistics are a list of them"),
        ("Moments", TypeError, "got 'Moments'"),
        (Moments, TypeError, "Write Moments\\(\\), with brackets"),
    ],
)
def test_what_is_not_several(parts: Any, error: type[Exception], message: str) -> None:
    """Lists of less than two, of the same, or of something else are refused, and told."""
    with pytest.raises(error, match=message):
        dn.adapt(np.ones(3), parts)


def test_a_list_of_one_is_that_one() -> None:
    """A list of one statistic learns what it does alone."""
    assert dn.adapt(np.ones(3), [Extrema()]) == dn.adapt(np.ones(3), Extrema())


# -- whole calls ----------------------------------------------------------------------------------


def weather() -> xr.Dataset:
    rng = np.random.default_rng(0)
    t = rng.normal(280, 9, (24, 2, 5)).astype("f4")
    t[3, 1, 2] = np.nan
    time = pd.date_range("2001", periods=24, freq="MS")
    return xr.Dataset(
        {"t": (("time", "level", "x"), t, {"units": "K"}), "u": ("time", rng.normal(size=24))},
        {"time": time, "level": [1000.0, 500.0]},
    )


ASKED: dict[str, dict[str, Any]] = {
    "all": {},
    "by level": {"keep": "level"},
    "each place": {"over": "time"},
    "months": {"over": "time", "by": "time.month"},
    "masked": {"where": weather()["u"] > 0},
}


@pytest.mark.parametrize("how", ASKED)
@pytest.mark.parametrize("chunks", [None, {"time": 5, "x": 3}])
def test_datasets(how: str, chunks: dict[str, int] | None) -> None:
    """Of Datasets, in chunks or not, kept along dimensions, in groups or masked."""
    ds = weather() if chunks is None else weather().chunk(chunks)
    stats = dn.adapt(ds, PARTS, **ASKED[how])
    alike(stats, ds, **ASKED[how])
    np.testing.assert_array_equal(
        stats.normalize(ds)["t"], stats.select_statistic(Moments).normalize(ds)["t"]
    )
    assert stats.max["t"].attrs["units"] == "K"


def test_changes_are_learned_of_too() -> None:
    """With lag= each part knows the changes; a function of the data is not among them."""
    x = np.array([0.0, 1.0, 4.0, 2.0])
    stats = dn.adapt(x, [Moments(), Extrema()], lag={0: 1})
    changes = stats.tendency()
    assert (float(changes.min), float(changes.max)) == (-2, 3)
    assert float(changes.mean) == pytest.approx(2 / 3, rel=1e-15)
    assert stats.select_statistic(Extrema) == dn.adapt(x, Extrema(), lag={0: 1})
    with pytest.raises(TypeError, match="not of a function of them"):
        dn.adapt(x, [Moments(), Transformed("sqrt")], lag={0: 1})


def test_frames_and_groups() -> None:
    """Columns of a frame, by group as well, merged and updated."""
    frame = pd.DataFrame({"k": list("abaab"), "x": [1.0, 2, None, 4, 5], "n": [1, 2, 3, 4, 2**60]})
    alike(dn.adapt(frame, PARTS), frame)
    alike(dn.adapt(frame, PARTS, by="k"), frame, by="k")
    parts = [dn.adapt(frame[rows], PARTS, by="k") for rows in (slice(2), slice(2, None))]
    whole = dn.adapt(frame, PARTS, by="k")
    for merged in (parts[0] + parts[1], parts[0].update(frame[2:])):
        for reading in ("count", "min", "max", "median", "max_abs"):
            pd.testing.assert_frame_equal(merged.result(reading), whole.result(reading))


def test_wide_states() -> None:
    """Statistics of each of many places stay in one state, to which is added in place."""
    rng = np.random.default_rng(1)
    x = da.from_array(rng.normal(size=(4, 60, 90)).astype("f4"), chunks=(1, 60, 45))
    statistics = [Moments(), Extrema(), Quantiles(buckets=8)]
    stats = dn.adapt(x, statistics, over=0)
    assert stats.max.shape == (60, 90)
    for part in statistics:
        single = dn.adapt(x, part, over=0).states[None].data
        assert stats.select_statistic(type(part)).states[None].data.tobytes() == single.tobytes()


@pytest.mark.parametrize("keep", [None, 1])
def test_each_chunk_is_read_once(keep: int | None, tmp_path: Path) -> None:
    """Four statistics read each chunk one time."""
    x = mark_loads(make_values(12, 4), (3, 2), tmp_path)
    stats = dn.adapt(x, PARTS, keep=keep)
    counts = count_loads(tmp_path)
    assert len(counts) == 8
    assert set(counts.values()) == {1}
    assert np.max(stats.max) == make_values(12, 4).max()


def test_a_dict_reads_each_chunk_once(tmp_path: Path) -> None:
    """So do variables with statistics of their own."""
    x = mark_loads(make_values(12, 4), (3, 4), tmp_path)
    ds = xr.Dataset({"a": (("t", "c"), x), "b": (("t", "c"), x * 2)})
    dn.adapt(ds, {"a": [Moments(), Extrema()], "b": Quantiles()})
    assert set(count_loads(tmp_path).values()) == {1}


@pytest.mark.parametrize(
    "suffix",
    [
        "json",
        pytest.param("nc", marks=needs("h5netcdf", "h5py")),
        pytest.param("zarr", marks=needs("zarr")),
    ],
)
@pytest.mark.parametrize("how", ["all", "by level", "months"])
def test_files(suffix: str, how: str, tmp_path: Path) -> None:
    """Kept in each kind of file they come back equal, part by part, and go on learning."""
    stats = dn.adapt(weather(), PARTS, **ASKED[how])
    stats.save(tmp_path / f"s.{suffix}")
    back = dn.load(tmp_path / f"s.{suffix}")
    assert back == stats
    alike(back, weather(), **ASKED[how])
    assert back.update(weather()) == stats.update(weather())


def test_share_std() -> None:
    """One standard deviation is shared by the first part; the others stay as they are."""
    wind = xr.Dataset({"u": ("x", [-1.0, 1.0]), "v": ("x", [-7.0, 7.0])})
    stats = dn.adapt(wind, [Moments(), Extrema()]).share_std(("u", "v"))
    assert float(stats.std["u"]) == float(stats.std["v"]) == 5
    assert float(stats.max["u"]) == 1
    assert stats.normalize(wind)["v"].values.tolist() == [-1.4, 1.4]
    with pytest.raises(TypeError, match="Extrema has no scale that variables can share"):
        dn.adapt(wind, [Extrema(), Moments()]).share_std(("u", "v"))


@needs("pyarrow")
@pytest.mark.parametrize("by", [None, "c"])
def test_a_dict_reads_each_partition_once(by: str | None, tmp_path: Path) -> None:
    """So do columns of a Dask frame, whose states are three here."""
    x = make_values(16, 3).round()
    statistics = {"a": [Moments(), Extrema()], "b": Quantiles(), ...: Moments()}
    stats = dn.adapt(make_marked_frame(x, tmp_path), statistics, by=by)
    assert count_loads(tmp_path) == {f"f.{i}": 1 for i in range(4)}
    whole = dn.adapt(pd.DataFrame(x, columns=list("abc")), statistics, by=by)
    for name in ("max", "median", "count"):
        assert stats.result(name).equals(whole.result(name))


@needs("pyarrow")
def test_weights_of_a_dict_are_read_with_it(tmp_path: Path) -> None:
    """Weights from the same DataFrame add no reads."""
    lazy = make_marked_frame(make_values(16, 3), tmp_path)
    dn.adapt(lazy, {"a": Extrema(), "b": MaxAbs()}, columns=["a", "b"], weights=lazy["c"])
    assert count_loads(tmp_path) == {f"f.{i}": 1 for i in range(4)}


@needs("pyarrow")
def test_a_partition_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Where several states share it, too; and one that fails once is tried again."""
    statistics = {"a": Extrema(), "b": MaxAbs()}
    dn.adapt(make_marked_frame(make_values(16, 3), tmp_path, where=[2], times=1), statistics)
    assert count_loads(tmp_path)["f.2"] == 2
    broken = make_marked_frame(make_values(16, 3), tmp_path, where=[2], times=ALWAYS)
    with pytest.raises(dn.ChunkError, match=r"partition 2.*the disk is tired"):
        dn.adapt(broken, statistics, retries=0)


# -- using ----------------------------------------------------------------------------------------


def test_using() -> None:
    """One part is statistics like any others: it maps, merges, and updates."""
    x = np.array([[2.0], [6.0], [3.0]])
    stats = dn.adapt(x, [Moments(), Extrema()])
    ends = stats.select_statistic(Extrema)
    assert ends.normalize(x).ravel().tolist() == [0, 1, 0.25]
    assert ends == dn.adapt(x, Extrema())
    assert (ends + dn.adapt(10 + x, Extrema())).max.tolist() == [16]
    assert dn.adapt(x, Extrema()).select_statistic(Extrema) == dn.adapt(x, Extrema())


@pytest.mark.parametrize("asked", [Moments(), [Moments(), Extrema()]])
def test_using_what_was_not_learned(asked: Any) -> None:
    """A missing statistic raises an error that lists the available ones."""
    with pytest.raises(TypeError, match=r"there is no Quantiles.*Moments\("):
        dn.adapt(np.ones(3), asked).select_statistic(Quantiles)


LAZY: dict[str, Callable[[], Any]] = {
    "array": lambda: da.from_array(make_values(12, 4), chunks=(5, 2)),
    "dataset": lambda: weather().chunk(time=5),
}


@pytest.mark.parametrize("kind", LAZY)
def test_lazy_statistics(kind: str) -> None:
    """With compute=False they are one graph, and come out the same."""
    data = LAZY[kind]()
    lazy, stats = dn.adapt(data, PARTS, compute=False).compute(), dn.adapt(data, PARTS)
    for name, state in stats.states.items():
        for reading in ALL.result_names:
            pair = [ALL.result(item, reading) for item in (lazy.states[name].data, state.data)]
            np.testing.assert_allclose(*pair, rtol=1e-14)
