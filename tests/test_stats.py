"""Stats: results, merging, selection, equality, and the repr."""

import pickle
from typing import Any

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.comparison import assert_close
from support.optional import import_optional, needs

import dasknorm as dn

dd = import_optional("dask.dataframe")
X = np.array([[1.0, 10.0], [3.0, 30.0], [8.0, 20.0]])
FRAME = pd.DataFrame(X, columns=["a", "b"])
DATA = xr.Dataset({"q": (("t", "lev"), X, {"units": "kg m"}), "s": ("t", X[:, 0])}, {"lev": [9, 5]})
KINDS: dict[str, Any] = {
    "array": X,
    "frame": FRAME,
    "series": FRAME["b"],
    "dataarray": DATA["q"],
    "dataset": DATA,
}


@pytest.mark.parametrize("kind", KINDS)
def test_readings_agree_with_one_another(kind: str) -> None:
    """variance is std squared, and count, mean and std have the kind that was adapted."""
    stats = dn.adapt(KINDS[kind])
    for reading in (stats.count, stats.std, stats.variance):
        assert type(reading) is type(stats.mean)
    np.testing.assert_allclose(plain(stats.variance), plain(stats.std) ** 2, rtol=1e-15)


def plain(data: Any) -> np.ndarray:
    """Return the numbers of any container as an array."""
    return np.asarray(data.to_array() if isinstance(data, xr.Dataset) else data)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_merge_to_the_whole(kind: str) -> None:
    """Stats of parts, merged in any way, are those of the whole, to rounding."""
    data = KINDS[kind]
    rows = [data.isel(t=[i]) if hasattr(data, "isel") else data[i : i + 1] for i in range(3)]
    a, b, c = (dn.adapt(row) for row in rows)
    whole = dn.adapt(data)
    for stats in (a + b + c, c.merge(a, b), a.update(rows[1]).update(rows[2]), sum([b, c], a)):
        assert_close(stats, whole)
    assert a.merge() == a


@pytest.mark.parametrize("kind", KINDS)
def test_given_readings_normalize_alike(kind: str) -> None:
    """Predefined statistics normalize and merge like the statistics they are made from."""
    data = KINDS[kind]
    stats = dn.adapt(data)
    given = dn.Stats.from_values(mean=stats.mean, std=stats.std, count=stats.count)
    a, b = stats.normalize(data), given.normalize(data)
    np.testing.assert_allclose(
        *(np.asarray(z.to_array() if kind == "dataset" else z) for z in (a, b))
    )
    assert_close(given + given, stats + stats, labels=False)


def test_update_keeps_the_axes() -> None:
    """Updating keeps the kept dimensions, whatever the default of the data."""
    stats = dn.adapt(X, keep=()).update(X + 1)
    assert stats.mean.shape == ()
    by_level = dn.adapt(DATA["q"], keep="lev").update(DATA["q"].T[::-1])
    assert by_level.mean.dims == ("lev",)
    assert by_level.mean["lev"].values.tolist() == [9, 5]
    np.testing.assert_allclose(by_level.mean, X.mean(axis=0))
    assert by_level.count.values.tolist() == [6.0, 6.0]


def test_update_with_weights() -> None:
    """Weights of more data weigh that data only."""
    stats = dn.adapt(X[:, 0]).update(X[:, 0], weights=[0.0, 2.0, 0.0])
    assert stats.count == 5.0
    assert stats.mean == (1 + 3 + 8 + 2 * 3) / 5


def test_a_failed_update_leaves_what_was_there() -> None:
    """When more data cannot be used, the statistics stay as they are."""
    stats = dn.adapt(X)
    before = pickle.dumps(stats)
    with pytest.raises(ValueError, match="infinite"):
        stats.update(np.array([[np.inf, 1.0]]))
    with pytest.raises(dn.MismatchError):
        stats.update(np.ones((2, 3)))
    assert pickle.dumps(stats) == before


def test_updating_with_no_rows_changes_nothing() -> None:
    """No more rows, or only missing ones, leave mean and variance as they were."""
    stats = dn.adapt(X)
    for more in (X[:0], np.full((2, 2), np.nan)):
        assert_close(stats.update(more), stats)


def test_equality_is_of_bits() -> None:
    """Stats are equal if statistic, kind, names, labels and every bit are."""
    assert dn.adapt(X) == dn.adapt(X.copy())
    others = [dn.adapt(X, dn.Moments(ddof=1)), dn.adapt(X, keep=()), dn.adapt(X + 1e-9)]
    others += [dn.adapt(FRAME), dn.adapt(DATA["q"], keep="lev"), None]
    assert all(dn.adapt(X) != other for other in others)
    assert dn.adapt(FRAME) != dn.adapt(FRAME[["b", "a"]])
    with pytest.raises(TypeError, match="unhashable"):
        hash(dn.adapt(X))


@pytest.mark.parametrize("kind", KINDS)
def test_stats_pickle(kind: str) -> None:
    """Stats travel between processes, lazy ones too."""
    stats = dn.adapt(KINDS[kind])
    assert pickle.loads(pickle.dumps(stats)) == stats
    lazy = dn.adapt(da.from_array(X, chunks=1), compute=False)
    assert pickle.loads(pickle.dumps(lazy)).compute() == lazy.compute()


def test_select() -> None:
    """Selected variables or columns come in the order asked for, with their numbers."""
    frame = dn.adapt(FRAME).select(["b"])
    assert frame.mean.to_dict() == {"b": 20.0}
    assert dn.adapt(FRAME).select(["b", "a"]).mean.index.tolist() == ["b", "a"]
    assert list(dn.adapt(DATA).select(["s"]).mean) == ["s"]
    assert dn.adapt(FRAME).select(("a",)).normalize(FRAME[["a"]]).shape == (3, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_repr_shows_every_feature(kind: str) -> None:
    """The repr names the type, the statistic and each feature with its results."""
    stats = dn.adapt(KINDS[kind])
    text = repr(stats)
    assert text.startswith("<dasknorm.Stats of ")
    assert ", Moments()>" in text
    for name in stats.statistic.result_names:
        assert name in text
    ((_, state), *_) = stats.states.items()
    assert f"{state.data['mean'].flat[0]:.6g}" in text


def test_repr_is_short_and_never_computes(nothing_computes: None) -> None:
    """Many features are cut short, and lazy ones are counted without being computed."""
    assert "... and 288 more" in repr(dn.adapt(np.ones((2, 300))))
    text = repr(dn.adapt(da.ones((4, 300), chunks=2), compute=False))
    assert "lazy: 300 features, not yet computed" in text


def test_repr_of_levels_and_given() -> None:
    """Features are named by their labels; predefined statistics show the given values."""
    text = repr(dn.adapt(DATA, keep="lev"))
    assert "q lev=9" in text
    assert "q lev=5" in text
    assert "kg m" not in text
    known = repr(dn.Stats.from_values(mean=FRAME.mean(), std=2.0))
    assert "Predefined" in known
    assert "count" not in known


@pytest.mark.parametrize(
    ("units", "squared"), [("K", "K2"), ("kg m", "(kg m)2"), ("m s-1", "(m s-1)2"), ("1", "1")]
)
def test_units_of_readings(units: str, squared: str) -> None:
    """The mean and std have the unit of the data, the variance its square, the count none."""
    stats = dn.adapt(DATA["q"].assign_attrs(units=units))
    assert (stats.mean.attrs["units"], stats.std.attrs["units"]) == (units, units)
    assert (stats.variance.attrs["units"], stats.count.attrs["units"]) == (squared, "1")


def test_provenance() -> None:
    """Attributes contain the data, the dimensions, the range and the time of adapting."""
    time = pd.date_range("2001", periods=3)
    data = DATA.assign_coords(t=time)
    stats = dn.adapt(data, over="t") + dn.adapt(data, over="t")
    one, two = stats.attrs["runs"]
    assert one["over"] == ["t"]
    assert one["dtypes"] == {"q": "float64", "s": "float64"}
    assert one["range"]["t"] == [str(time[0]), str(time[-1])]
    assert one["created"] <= two["created"]
    assert "T" in one["created"]


def test_container_kinds_meet() -> None:
    """Stats of an array normalize Dask arrays, those of a Dataset its arrays."""
    np.testing.assert_array_equal(
        dn.adapt(X).normalize(da.from_array(X, 2)), dn.adapt(X).normalize(X)
    )
    stats = dn.adapt(DATA, keep="lev")
    xr.testing.assert_identical(stats.normalize(DATA["q"]), stats.normalize(DATA)["q"])


@needs("pyarrow")
def test_dask_frames_meet_pandas() -> None:
    """Stats of a Dask frame normalize pandas frames."""
    lazy = dd.from_pandas(FRAME, npartitions=2)
    pd.testing.assert_frame_equal(dn.adapt(lazy).normalize(FRAME), dn.adapt(FRAME).normalize(FRAME))


def test_adapting_lazily_warns_of_nothing_and_checks_when_computed() -> None:
    """compute=False neither computes nor complains; compute() does both."""
    lazy = dn.adapt(da.full((3, 2), np.inf), compute=False)
    with pytest.raises(ValueError, match="infinite"):
        lazy.compute()
    good = dn.adapt(da.from_array(X, 2), compute=False).compute()
    assert good == good.compute() == dn.adapt(da.from_array(X, 2))
