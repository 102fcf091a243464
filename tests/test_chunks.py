"""Graphs: each chunk is loaded once, tasks are few, and functions in them pickle by name."""

import pickle
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from dask.base import collections_to_expr
from support.optional import import_optional, needs

import dasknorm as dn
from dasknorm import chunks

dd = import_optional("dask.dataframe")
LOCK = threading.Lock()
LOADED: Counter[tuple[str, int]] = Counter()


@pytest.fixture
def loaded() -> Iterator[Counter[tuple[str, int]]]:
    """Count what is loaded during a test."""
    LOADED.clear()
    yield LOADED
    LOADED.clear()


def load(name: str, i: int) -> np.ndarray:
    """Load a chunk, and remember that it was loaded."""
    with LOCK:
        LOADED[name, i] += 1
    return np.random.default_rng(i).normal(i, 1.0, (10, 4))


def load_frame(i: int) -> pd.DataFrame:
    return pd.DataFrame(load("frame", i), columns=list("abcd"))


def array(name: str = "x", count: int = 6) -> da.Array:
    """Return an array whose chunks are counted when they are loaded."""
    delayed = dask.delayed(load, pure=True)
    parts = [da.from_delayed(delayed(name, i), (10, 4), np.dtype("f8")) for i in range(count)]
    return da.concatenate(parts)


def frame(count: int = 6) -> Any:
    return dd.from_map(
        load_frame, range(count), meta=pd.DataFrame(columns=list("abcd"), dtype="f8")
    )


def once(counts: Counter[tuple[str, int]], *names: str, count: int = 6) -> bool:
    """Return whether exactly the chunks of these names were loaded, each once."""
    return counts == Counter((name, i) for name in names for i in range(count))


def grid(x: da.Array) -> xr.Dataset:
    """Return three variables that share a loader."""
    return xr.Dataset(
        {"x": (("t", "c"), x), "double": (("t", "c"), 2 * x), "first": ("t", x[:, 0])}
    )


WEIGHTS = np.linspace(0.0, 1.0, 60)


@pytest.mark.parametrize("settings", [{}, {"keep": ()}, {"keep": 0}, {"weights": WEIGHTS[:, None]}])
def test_adapt_loads_each_chunk_once(loaded: Counter[Any], settings: dict[str, Any]) -> None:
    """Adapting to a Dask array loads each chunk exactly once, weighted too."""
    dn.adapt(array(), **settings)
    assert once(loaded, "x")


def test_adapt_loads_each_chunk_of_weights_once(loaded: Counter[Any]) -> None:
    """Lazy weights are loaded once, in the same pass as the data."""
    dn.adapt(array(), weights=abs(array("w")))
    assert once(loaded, "x", "w")


@pytest.mark.parametrize("weights", [None, xr.DataArray(WEIGHTS, dims="t")])
def test_adapt_loads_what_variables_share_once(loaded: Counter[Any], weights: Any) -> None:
    """Variables of a Dataset that share a loader are adapted to in one pass."""
    dn.adapt(grid(array()), over="t", weights=weights)
    assert once(loaded, "x")


@needs("pyarrow")
def test_adapt_loads_each_partition_once(loaded: Counter[Any]) -> None:
    """Adapting to a Dask frame loads each partition exactly once, weighted by a column too."""
    dn.adapt(frame())
    assert once(loaded, "frame")
    loaded.clear()
    table = frame()
    dn.adapt(table[["a", "b"]], weights=abs(table["d"]))
    assert once(loaded, "frame")


def test_lazy_stats_share_their_chunks(loaded: Counter[Any]) -> None:
    """Two lazy Stats of the same data, computed together, load each chunk once."""
    x = array()
    one, two = dn.adapt(x, compute=False), dn.adapt(2 * x, dn.Moments(ddof=1), compute=False)
    dask.compute(one, two)
    assert once(loaded, "x")


def test_normalize_and_inverse_load_each_chunk_once(loaded: Counter[Any]) -> None:
    """Normalizing, and inverting what was normalized, load each chunk once."""
    stats = dn.Stats.from_values(mean=np.zeros(4), std=2.0)
    stats.inverse(stats.normalize(array())).compute()
    assert once(loaded, "x")


@needs("pyarrow")
def test_normalize_and_inverse_load_each_partition_once(loaded: Counter[Any]) -> None:
    """Normalizing a frame, and inverting what was normalized, load each partition once."""
    columns = dn.Stats.from_values(mean=pd.Series(0.0, list("abcd")), std=2.0)
    columns.inverse(columns.normalize(frame())).compute()
    assert once(loaded, "frame")


def test_normalizing_some_loads_only_that(loaded: Counter[Any]) -> None:
    """Only the chunks that are asked for are loaded."""
    dn.Stats.from_values(mean=0.0, std=2.0).normalize(array())[:10].compute()
    assert loaded == {("x", 0): 1}


# -- how many tasks -------------------------------------------------------------------------------


def tasks(*collections: Any) -> int:
    """Count the tasks of an optimised graph, without what only names another or holds a value."""
    graph = dict(collections_to_expr(collections).optimize().__dask_graph__())
    return sum(type(task).__name__ not in ("Alias", "DataNode") for task in graph.values())


def state(stats: dn.Stats) -> Any:
    ((only),) = stats.states.values()
    return only.data


def drawn(size: tuple[int, ...], chunks: Any) -> da.Array:
    return da.random.default_rng(0).normal(size=size, chunks=chunks)


def blocks(count: int) -> da.Array:
    return drawn((10 * count, 3), (10, 3))


@pytest.mark.parametrize(
    ("size", "chunks", "keep", "most"),
    [
        ((10_000, 3), (10, 3), -1, 1.05),
        ((10_000, 3), (10, 3), (), 1.05),
        ((100, 100, 3), (10, 1, 3), -1, 1.06),
        ((320, 320), 10, (), 1.05),
    ],
    ids=["columns", "whole", "three-dimensions", "cut-both-ways"],
)
def test_adapt_makes_one_task_a_chunk_and_few_more(
    size: tuple[int, ...], chunks: Any, keep: Any, most: float
) -> None:
    """A thousand chunks are adapted to in at most 1.05 tasks each, their loading among them."""
    x = drawn(size, chunks)
    assert tasks(x) == x.npartitions
    assert tasks(state(dn.adapt(x, keep=keep, compute=False))) <= most * x.npartitions


def test_normalize_makes_one_task_a_chunk() -> None:
    """Normalizing and inverting fuse into the task that loads a chunk."""
    stats = dn.Stats.from_values(mean=np.zeros(3), std=2.0)
    count = tasks(stats.inverse(stats.normalize(blocks(1000))))
    assert count == 1000


@needs("pyarrow")
def test_frames_make_few_tasks() -> None:
    """A frame of many columns makes no more tasks than one of few."""
    table = pd.DataFrame(np.zeros((200, 300))).rename(columns=str)
    wide = dd.from_pandas(table, npartitions=100)
    count = tasks(state(dn.adapt(wide, compute=False)))
    assert count <= 1.2 * 100
    assert count == tasks(state(dn.adapt(wide[["0", "1"]], compute=False)))
    z = dn.adapt(table).normalize(wide)
    assert tasks(z) <= 101


def test_states_as_large_as_a_grid_merge_a_few_at_a_time() -> None:
    """States that are large are merged pairwise, so that few are in memory at a time."""
    lazy = da.zeros((64, 1200, 1200), chunks=(1, -1, -1))
    large = tasks(state(dn.adapt(lazy, keep=(1, 2), compute=False)))
    small = tasks(state(dn.adapt(lazy[:, :9, :9], keep=(1, 2), compute=False)))
    assert large > 64 + 60
    assert small < 64 + 10


# -- what goes into graphs ------------------------------------------------------------------------


def test_graphs_pickle_small_and_by_name() -> None:
    """A graph pickles with the plain pickle, whatever the container, and without the data."""
    lazy = blocks(20)
    stats = dn.Stats.from_values(mean=np.zeros(3), std=2.0)
    for collection in (state(dn.adapt(lazy, compute=False)), stats.normalize(lazy)):
        graph = dict(collection.__dask_graph__())
        data_tasks = [task for key, task in graph.items() if "normal" not in str(key)]
        assert len(pickle.dumps(data_tasks)) < 1000 * len(data_tasks)
    (again,) = pickle.loads(pickle.dumps([dn.adapt(lazy, compute=False)]))
    assert again.compute() == dn.adapt(lazy, compute=False).compute()


def test_kept_axes_stay_in_chunks() -> None:
    """Lazy statistics of a cut, kept axis are cut where the data are."""
    lazy = da.zeros((8, 30), chunks=(2, 10))
    stats = dn.adapt(lazy, keep=1, compute=False)
    assert stats.mean.chunks == ((10, 10, 10),)
    assert stats.normalize(lazy).chunks == lazy.chunks


def test_unknown_chunks_stay_unknown() -> None:
    """Rows of unknown number are adapted to, normalized and inverted, lazily."""
    x = blocks(4)
    positive = x[x[:, 0] > 0]
    stats = dn.adapt(positive)
    rows = positive.compute()
    np.testing.assert_allclose(stats.mean, rows.mean(axis=0), rtol=1e-12)
    back = stats.inverse(stats.normalize(positive))
    assert np.isnan(back.shape[0])
    np.testing.assert_allclose(back.compute(), rows, atol=1e-14)


def test_lazy_readings_are_lazy() -> None:
    """The mean of lazy statistics is lazy, and computes to the mean."""
    lazy = blocks(3)
    stats = dn.adapt(lazy, compute=False)
    assert chunks.is_lazy(stats.mean)
    np.testing.assert_array_equal(stats.mean.compute(), dn.adapt(lazy).mean)
    np.testing.assert_array_equal(stats.normalize(lazy), stats.compute().normalize(lazy))


def test_lazy_stats_merge_lazily() -> None:
    """Lazy statistics merge with lazy and with ready ones, as ready ones merge at once."""
    x, y = blocks(3), blocks(3) + 5
    lazy = dn.adapt(x, compute=False) + dn.adapt(y, compute=False)
    ready = dn.adapt(x) + dn.adapt(y)
    for mixed in (lazy, dn.adapt(x, compute=False) + dn.adapt(y)):
        np.testing.assert_allclose(mixed.compute().mean, ready.mean, rtol=1e-15)
        np.testing.assert_allclose(mixed.compute().variance, ready.variance, rtol=1e-15)
    with pytest.raises(ValueError, match="infinite values"):
        dn.adapt(da.full((3, 3), np.inf), compute=False).compute()
