"""Running statistics: adapting to batches and updating equal adapting to all data at once."""

import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import dasknorm as dn
from dasknorm import MismatchError

RNG = np.random.default_rng(11)
X = 1e4 + RNG.normal(size=(90, 3))


def _same(a, b):
    np.testing.assert_allclose(a.mean, b.mean, rtol=1e-15)
    np.testing.assert_allclose(a.variance, b.variance, rtol=1e-13)
    np.testing.assert_array_equal(a.count, b.count)


@given(st.lists(st.integers(0, 90), max_size=6).map(sorted))
def test_any_cut_of_a_stream_is_the_whole(cuts):
    """Batches of any size, empty ones too, give the statistics of all rows."""
    whole = dn.adapt(X)
    parts = np.split(X, cuts)
    _same(dn.adapt(iter(parts)), whole)
    _same(dn.adapt(X[:1]).update(iter([X[1:2], *np.split(X[2:], [5, 40])])), whole)
    stats = dn.adapt(parts)  # arrays in a list
    _same(stats, whole)
    assert [run.get("batches", 1) for run in stats.attrs["runs"]] == [len(parts)]


STREAMS = {
    "frames": lambda: (part for part in np.array_split(pd.DataFrame(X, columns=list("abc")), 4)),
    "csv chunks": lambda: pd.read_csv(
        io.StringIO(pd.DataFrame(X, columns=list("abc")).to_csv(index=False)), chunksize=7
    ),
    "tuples": lambda: ((part, "target") for part in np.split(X, 3)),
    "arrays with names": lambda: (
        xr.DataArray(part, dims=("time", "x")) for part in np.split(X, 3)
    ),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_streams_of_every_kind(kind):
    """Frames, pieces of a file, (inputs, targets) and named arrays are batches alike."""
    over = "time" if kind == "arrays with names" else None
    stats = dn.adapt(STREAMS[kind](), over=over)
    np.testing.assert_allclose(np.asarray(stats.mean), X.mean(0), rtol=1e-15)
    np.testing.assert_allclose(np.asarray(stats.std), X.std(0), rtol=1e-9)


def test_streams_of_arrow_and_polars():
    """A reader of record batches and slices of a polars frame are streams."""
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    table = pa.table(dict(zip("abc", X.T, strict=True)))
    whole = dn.adapt(table).mean.to_numpy()
    for stream in (
        table.to_reader(max_chunksize=10),
        table.to_batches(max_chunksize=10),
        pl.from_arrow(table).iter_slices(10),
    ):
        np.testing.assert_allclose(np.ravel(dn.adapt(stream).mean), whole, rtol=1e-15)


def test_a_data_loader_of_pytorch():
    """Batches of a DataLoader are tensors, or lists of inputs and targets."""
    torch = pytest.importorskip("torch")
    data = torch.utils.data
    x = torch.tensor(X, dtype=torch.float32)
    expected = dn.adapt(x.numpy())
    for dataset in (data.TensorDataset(x, torch.arange(90)), x):
        stats = dn.adapt(data.DataLoader(dataset, batch_size=16, shuffle=True))
        _same(stats, expected)
        _same(dn.adapt(x[:2].numpy()).update(data.DataLoader(x[2:], batch_size=7)), expected)


def test_groups_and_columns_in_a_stream():
    """A stream is looked at as its first batch is; groups that turn up later are new ones."""
    frame = pd.DataFrame({"k": list("aabbc"), "x": [1.0, 3, 5, 7, 9], "y": 0.0})
    stats = dn.adapt((frame.iloc[[i]] for i in range(5)), by="k", columns="x")
    assert stats.mean["x"].to_dict() == {"a": 2.0, "b": 6.0, "c": 9.0}
    assert stats.attrs["runs"][0]["batches"] == 5


def test_a_feature_that_is_missing_at_first():
    """Values may come with a later batch; what never comes is told of once, at the end."""
    parts = [np.array([[np.nan, 1.0]]), np.array([[4.0, 3.0]])]
    assert dn.adapt(iter(parts)).count.tolist() == [1.0, 2.0]
    with pytest.warns(UserWarning, match="no valid values") as text:
        dn.adapt(iter([parts[0], parts[0]]))
    assert len(text) == 1


def test_a_long_stream_of_updates_keeps_its_provenance_short():
    """A thousand updates are one run with their number, as the file would grow with them else."""
    stats = dn.adapt(X)
    for _ in range(1000):
        stats = stats.update(X[:1])
    assert [run["batches"] for run in stats.attrs["runs"]] == [1001]
    assert stats.count.tolist() == [1090.0] * 3


@pytest.mark.parametrize(
    ("data", "how", "error", "message"),
    [
        (iter([]), {}, ValueError, "no batch"),
        (iter([X, X[:, :2]]), {}, MismatchError, "sizes differ"),
        (iter([X, "x"]), {}, TypeError, "builtins.str"),
        (iter([[X, X]]), {}, TypeError, r"rows or \(inputs, targets\)"),
        (iter([{"x": X}]), {}, TypeError, "builtins.dict"),
        ({"x": X}, {}, TypeError, "cannot take numbers from a"),
        (7j, {}, TypeError, "cannot take numbers from a"),
        (iter([X, np.full((1, 3), np.inf)]), {}, ValueError, "infinite"),
        (iter([X]), {"weights": X}, ValueError, "weights=.* not supported for an iterable"),
        (iter([X]), {"compute": False}, ValueError, "compute=False"),
        (iter([X]), {"checkpoint": "x.nc"}, ValueError, "checkpoint="),
        (iter([X]), {"expect_count": 91}, ValueError, "expected 91"),
        (iter([X]), {"expect_count": "all"}, ValueError, "expect_count='all'"),
    ],
)
def test_streams_that_cannot_be(data, how, error, message):
    """What is no stream of like batches is refused, and says why."""
    with pytest.raises(error, match=message):
        dn.adapt(data, **how)


def test_updates_that_cannot_be():
    """Weights go with one container; frames of other columns are refused."""
    stats = dn.adapt(pd.DataFrame(X, columns=list("abc")))
    with pytest.raises(ValueError, match="one container"):
        stats.update(iter([X]), weights=X)
    for columns in ("ab", "abd", "xyz", "abcd"):
        with pytest.raises(MismatchError):
            stats.update(pd.DataFrame(RNG.normal(size=(3, len(columns))), columns=list(columns)))


def test_a_stream_that_breaks_leaves_what_was():
    """An error in the middle of a stream changes nothing of the statistics it was to update."""
    stats = dn.adapt(X)
    before = stats.mean.copy()

    def broken():
        yield X
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        stats.update(broken())
    assert np.array_equal(stats.mean, before)


def test_batches_of_other_columns():
    """Batches of a stream have the same columns; Series of other names do not make a union."""
    frame = pd.DataFrame(X, columns=list("abc"))
    with pytest.raises(MismatchError):
        dn.adapt(iter([frame.a, frame.b]))
    with pytest.raises(MismatchError):
        dn.adapt(frame.a).update(frame.b)


def test_lazy_frames_in_a_list():
    """LazyFrames in a list are batches, though they are no arrays."""
    pl = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    lazy = pl.LazyFrame({"x": [1.0, 3.0]})
    assert dn.adapt([lazy, lazy]).count["x"].item() == 4.0
