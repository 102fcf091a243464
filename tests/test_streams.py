"""Streams: however chunks are grouped, each is loaded once, and the result is the truth."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from exact import assert_exact, truth
from hypothesis import assume, given
from hypothesis import strategies as st
from loads import frame, loads, marked, values
from optional import needs, optional
from strategies import FLOATS, blocks, chunkings, kept, weights_for

import dasknorm as dn
from dasknorm.chunks import Reduction, assembly, groups

dd = optional("dask.dataframe")
MANY = 10**12
GROUPINGS: dict[str, dict[str, int]] = {
    "a task a chunk": {"LEAST": MANY, "STATES_BYTES": MANY},
    "a few tasks": {"READ_BYTES": MANY, "LEAST": 0},
    "one task": {"READ_BYTES": MANY, "STATES_BYTES": 0},
}
"""What makes groups of one chunk, of some, of all of them (with one thread)."""


def grouped(patch: pytest.MonkeyPatch, how: str) -> None:
    for name, value in GROUPINGS[how].items():
        patch.setattr(groups, name, value)


@pytest.fixture
def alone() -> Any:
    """Compute in one thread, by which groups are as large as they get."""
    with dask.config.set(scheduler="synchronous", num_workers=1):
        yield


def quiet(data: Any, **settings: Any) -> dn.Stats:
    """Adapt where some positions may have no valid value."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "no valid values")
        return dn.adapt(data, **settings)


def assert_true(stats: dn.Stats, block: np.ndarray, keep: Any, weights: Any = None) -> None:
    """Hold each kept position to the accuracy that is promised, against the exact answer."""
    beside = None if weights is None else np.broadcast_to(weights, block.shape)
    means, variances = np.asarray(stats.mean), np.asarray(stats.variance)
    for place in np.ndindex(*(block.shape[axis] for axis in sorted(keep))):
        where: list[Any] = [slice(None)] * block.ndim
        for axis, at in zip(sorted(keep), place, strict=True):
            where[axis] = at
        some, some_weights = block[tuple(where)], None if beside is None else beside[tuple(where)]
        counted = (some == some) * (1.0 if some_weights is None else some_weights)
        if not counted.sum():
            assert np.isnan(means[place])
            continue
        exact = truth(some, some_weights)
        assert_exact(means[place], variances[place], exact, weighted=weights is not None)


# -- however they are grouped ---------------------------------------------------------------------


@st.composite
def jobs(draw: Any) -> tuple[np.ndarray, Any, tuple[int, ...], str, Any]:
    """Draw a block, its chunks, the axes to keep, and weights of one kind or another."""
    block = draw(blocks(FLOATS, least=1))
    keep, kind = draw(kept(block.ndim)), draw(st.sampled_from(["none", "numpy", "whole", "shared"]))
    shape = block.shape
    if kind in ("numpy", "shared"):  # along one axis, and so of several chunks
        along = draw(st.integers(0, block.ndim - 1))
        shape = tuple(n if axis == along else 1 for axis, n in enumerate(shape))
    return block, draw(chunkings(block.shape)), keep, kind, draw(weights_for(shape))


def weighed(kind: str, weights: np.ndarray, cuts: Any, folder: Any) -> Any:
    """Return weights as they are given: none, in memory, or lazy and marked when loaded."""
    if kind in ("none", "numpy"):
        return None if kind == "none" else weights
    own = [(1,) if n == 1 else cut for n, cut in zip(weights.shape, cuts, strict=True)]
    return marked(weights, tuple(own), folder, "w")


@pytest.mark.parametrize("grouping", GROUPINGS)
@given(job=jobs())
def test_any_grouping_is_the_truth(alone: Any, grouping: str, job: Any) -> None:
    """Whatever the chunks, groups, kept axes and weights: the truth, and each chunk loaded once."""
    block, cuts, keep, kind, weights = job
    assume(weights.any())
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        grouped(patch, grouping)
        x = marked(block, cuts, folder)
        beside = weighed(kind, weights, cuts, folder)
        stats = quiet(x, keep=keep, weights=beside)
        lazy = beside.npartitions if isinstance(beside, da.Array) else 0
        found = loads(folder)
        assert len(found) == x.npartitions + lazy
        assert set(found.values()) == {1}
        by_tree = quiet(x, keep=keep, weights=beside, compute=False).compute()
    used = None if kind == "none" else weights
    assert_true(stats, block, keep, used)
    assert_true(by_tree, block, keep, used)


@pytest.mark.parametrize(("grouping", "tasks"), [*zip(GROUPINGS, [40, 4, 1], strict=True)])
def test_groups_make_few_tasks(
    alone: Any, monkeypatch: pytest.MonkeyPatch, grouping: str, tasks: int
) -> None:
    """Forty chunks are streamed by forty tasks, by four, or by one, and nothing is beside them."""
    grouped(monkeypatch, grouping)
    x = da.random.default_rng(0).normal(size=(400, 3), chunks=(10, 3))
    found = assembly.assembled([Reduction(x, dn.Moments(), (0,))])
    assert found is not None
    assert found.streams(0) == tasks
    merges = {40: 3, 4: 1, 1: 0}[tasks]  # 32 and 8, and the two
    assert len(found.graph) == tasks + merges


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_no_thread_stands_idle(threads: int) -> None:
    """There are at least as many tasks as threads, and for small states four times as many."""
    x = da.zeros((1000, 100, 100), chunks=(1, 100, 100))
    with dask.config.set(num_workers=threads):
        small = assembly.assembled([Reduction(x, dn.Moments(), (0, 1, 2))])
        wide = assembly.assembled([Reduction(x, dn.Moments(), (0,))])
    assert small is not None
    assert wide is not None
    assert small.streams(0) >= max(64, 4 * threads)
    assert wide.streams(0) >= threads


# -- where chunks share what they are made of -----------------------------------------------------


SHARING: dict[str, Callable[[da.Array], da.Array]] = {
    "rechunk": lambda x: x.rechunk((10, 1)),
    "difference": lambda x: da.diff(x, axis=0),
    "overlap": lambda x: da.overlap.overlap(x, depth=1, boundary="reflect"),
    "its own mean": lambda x: x - x.mean(axis=0),
    "rows again": lambda x: x[::-1][np.arange(48) // 2],
    "transposed": lambda x: x[:12].T @ x[12:],
}


@pytest.mark.parametrize("name", SHARING)
def test_shared_work_is_done_once(tmp_path: Path, name: str) -> None:
    """Where chunks share upstream work, that is done once too, and the result is the truth."""
    block = values(24, 3)
    stats = dn.adapt(SHARING[name](marked(block, (4, 3), tmp_path)))
    assert loads(tmp_path) == {f"x.{i}.0": 1 for i in range(6)}
    assert_true(stats, SHARING[name](da.from_array(block, (4, 3))).compute(), (1,))


def test_variables_that_share_a_loader_load_it_once(tmp_path: Path) -> None:
    """Variables made of the same chunks are adapted to in one pass."""
    block = values(24, 3)
    x = marked(block, (4, 3), tmp_path)
    data = xr.Dataset(
        {"x": (("t", "c"), x), "y": (("t", "c"), -2 * x), "first": ("t", x[:, 0])},
    )
    stats = dn.adapt(data, over="t")
    assert loads(tmp_path) == {f"x.{i}.0": 1 for i in range(6)}
    for name, wanted in {"x": block, "y": -2 * block}.items():
        for c in range(3):
            mean, variance = stats.mean[name][c], stats.variance[name][c]
            assert_exact(float(mean), float(variance), truth(wanted[:, c]))
    assert_exact(float(stats.mean["first"]), float(stats.variance["first"]), truth(block[:, 0]))


def test_weights_made_of_the_data_load_them_once(tmp_path: Path) -> None:
    """Weights computed from the data's own chunks do not load these again."""
    block = values(24, 3)
    x = marked(block, (4, 3), tmp_path)
    stats = dn.adapt(x, weights=abs(x[:, :1]))
    assert set(loads(tmp_path).values()) == {1}
    assert_true(stats, block, (1,), abs(block[:, :1]))


# -- every kind of collection ---------------------------------------------------------------------

BLOCK = values(24, 3)
BLOCK[3, 1] = np.nan


def delayed(_: Path) -> Any:
    parts = [dask.delayed(np.array)(BLOCK[i : i + 4]) for i in range(0, 24, 4)]
    return da.concatenate([da.from_delayed(part, (4, 3), float) for part in parts])


def stored(folder: Path) -> Any:
    pytest.importorskip("zarr")
    data = xr.Dataset({"x": (("t", "c"), BLOCK)})
    data.to_zarr(folder / "x.zarr", encoding={"x": {"chunks": (5, 2)}}, zarr_format=2)
    return xr.open_zarr(folder / "x.zarr").x.data


def unknown(_: Path) -> Any:
    x = da.from_array(BLOCK, (4, 3))
    return x[da.from_array(np.ones(24, bool), 4)]


def masked(_: Path) -> Any:
    hidden = np.ma.masked_array(np.where(np.isnan(BLOCK), 1e9, BLOCK), np.isnan(BLOCK))
    return da.from_array(hidden, (4, 3), asarray=False)


KINDS: dict[str, Callable[[Path], Any]] = {
    "from_array": lambda _: da.from_array(BLOCK, (5, 2)),
    "persisted": lambda _: da.from_array(BLOCK, (5, 2)).persist(scheduler="threads"),
    "delayed": delayed,
    "zarr": stored,
    "unknown sizes": unknown,
    "masked": masked,
    "empty chunks": lambda _: da.from_array(BLOCK, ((0, 12, 0, 12, 0), (0, 3))),
    "float32 of it": lambda _: da.from_array(BLOCK, (5, 2)).astype("f4").astype("f8"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_array(tmp_path: Path, kind: str) -> None:
    """Whatever an array is made of, its statistics are the truth."""
    x = KINDS[kind](tmp_path)
    wanted = BLOCK.astype("f4").astype("f8") if kind == "float32 of it" else BLOCK
    assert_true(dn.adapt(x), wanted, (1,))
    assert_true(dn.adapt(x, keep=()), wanted, ())


def test_persisted_on_a_cluster(client: Any) -> None:
    """What a cluster holds is adapted to where it is, also beside what is not held."""
    x = client.persist(da.from_array(BLOCK, (4, 3)))
    assert_true(dn.adapt(x), BLOCK, (1,))
    assert_true(dn.adapt(2 * x), 2 * BLOCK, (1,))
    data = xr.Dataset(
        {"held": (("t", "c"), x), "other": (("t", "c"), da.from_array(BLOCK, (6, 3)))}
    )
    stats = dn.adapt(data, over="t")
    np.testing.assert_allclose(stats.mean["held"], stats.mean["other"], rtol=1e-15)


@pytest.mark.parametrize("lazy", [da.from_array(np.array(3.0)), da.from_array(BLOCK[0], 2).sum()])
def test_arrays_without_axes(lazy: da.Array) -> None:
    """An array of no dimensions is one number, also where its chunk is a NumPy scalar."""
    stats = dn.adapt(lazy, keep=())
    assert (stats.mean, stats.count) == (lazy.compute(), 1.0)
    assert dn.adapt(lazy, keep=(), compute=False).compute() == stats
    assert float(stats.normalize(lazy).compute()) == 0.0


@pytest.mark.parametrize("shape", [(0, 3), (0,)])
def test_arrays_without_rows_are_refused(shape: tuple[int, ...]) -> None:
    """An array of size zero has no statistics."""
    with pytest.raises(ValueError, match="no samples"):
        dn.adapt(da.zeros(shape, chunks=2))


def test_nothing_kept_is_nothing() -> None:
    """An array without features has statistics of none."""
    assert dn.adapt(da.zeros((6, 0), chunks=2)).mean.shape == (0,)


@needs("pyarrow")
def test_frames(tmp_path: Path) -> None:
    """A frame is streamed by its partitions, each loaded once, weighted by a column too."""
    block = values(24, 3)
    assert_true(dn.adapt(frame(block, tmp_path)), block, (1,))
    assert loads(tmp_path) == {f"f.{i}": 1 for i in range(6)}
    table = frame(block, tmp_path)
    weighted = dn.adapt(table[["a", "b"]], weights=table["c"])
    assert set(loads(tmp_path).values()) == {2}
    assert_true(weighted, block[:, :2], (1,), block[:, 2:])


@needs("pyarrow")
@pytest.mark.filterwarnings("ignore:.*inplace keyword")  # of dask.dataframe, that pandas 3.1 says
def test_parquet(tmp_path: Path) -> None:
    """A folder of Parquet files is read as it lies, and some of its columns too."""
    table = pd.DataFrame(values(24, 3), columns=list("abc"))
    dd.from_pandas(table, npartitions=5).to_parquet(tmp_path / "p", write_index=False)
    lazy = dd.read_parquet(tmp_path / "p")
    assert_true(dn.adapt(lazy), table.to_numpy(), (1,))
    weighted = dn.adapt(lazy[["b"]], weights=lazy["a"])
    assert_true(weighted, table[["b"]].to_numpy(), (1,), table[["a"]].to_numpy())


# -- the same bits everywhere ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheduler", "grouping"),
    [
        *((name, each) for name in ("synchronous", "threads", "cluster") for each in GROUPINGS),
        pytest.param("processes", "a few tasks", marks=pytest.mark.slow),
    ],
    indirect=["scheduler"],
)
def test_every_scheduler_gives_the_same_bits(
    scheduler: None, monkeypatch: pytest.MonkeyPatch, grouping: str
) -> None:
    """Two runs on any scheduler of two threads give the bits that one thread gives."""
    grouped(monkeypatch, grouping)
    x = da.from_array(values(240, 3), (6, 3))
    weights = abs(da.from_array(values(240, 1, seed=1), (6, 1)))
    data = xr.Dataset({"x": (("t", "c"), x), "cut again": (("t", "c"), x.rechunk((20, 2)))})
    beside = xr.DataArray(weights[:, 0], dims="t")
    with dask.config.set(scheduler="synchronous", num_workers=2):
        wanted = dn.adapt(data, over="t", weights=beside)
    for _ in range(2):
        assert dn.adapt(data, over="t", weights=beside) == wanted


def test_a_chunk_of_another_shape_is_refused() -> None:
    """Chunks that come out in another shape than Dask was told are refused, and not broadcast."""
    x = da.zeros((8, 3), chunks=(4, 3)).map_blocks(lambda block: block[:, :2], dtype=float)
    with pytest.raises(dn.errors.MismatchError, match=r"\(4, 2\) when computed, where \(any, 3\)"):
        dn.adapt(x)
