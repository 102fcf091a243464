"""Streams: each chunk is loaded once however chunks are grouped, and the result is exact."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st
from support.exact_results import assert_all_exact, assert_exact, compute_exact
from support.marked_chunks import count_loads, make_values, mark_loads
from support.optional import import_optional
from support.strategies import FLOATS, blocks, chunkings, kept_axes, weights_for

import dasknorm as dn
from dasknorm.chunks import Reduction, graph
from dasknorm.statistics.base import Reducer

dd = import_optional("dask.dataframe")
MANY = 10**12
GROUPINGS: dict[str, dict[str, int]] = {
    "a task a chunk": {"MIN_TASKS": MANY, "ALL_STATES_BYTES": MANY},
    "a few tasks": {"TASK_READ_BYTES": MANY, "MIN_TASKS": 0},
    "one task": {"TASK_READ_BYTES": MANY, "ALL_STATES_BYTES": 0},
}
"""What makes groups of one chunk, of some, of all of them (with one thread)."""


def grouped(patch: pytest.MonkeyPatch, how: str) -> None:
    for name, value in GROUPINGS[how].items():
        patch.setattr(graph, name, value)


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


# -- however they are grouped ---------------------------------------------------------------------


@st.composite
def jobs(draw: Any) -> tuple[np.ndarray, Any, tuple[int, ...], str, Any]:
    """Draw a block, its chunks, the axes to keep, and weights of one kind or another."""
    block = draw(blocks(FLOATS, least=1))
    keep, kind = (
        draw(kept_axes(block.ndim)),
        draw(st.sampled_from(["none", "numpy", "whole", "shared"])),
    )
    shape = block.shape
    if kind in ("numpy", "shared"):  # along one axis, and so of several chunks
        along = draw(st.integers(0, block.ndim - 1))
        shape = tuple(n if axis == along else 1 for axis, n in enumerate(shape))
    return block, draw(chunkings(block.shape)), keep, kind, draw(weights_for(shape))


def weighed(kind: str, weights: np.ndarray, cuts: Any, folder: Any) -> Any:
    """Return weights as they are given: none, in memory, or lazy and marked when loaded."""
    if kind in ("none", "numpy"):
        return None if kind == "none" else weights
    weight_chunks = [(1,) if n == 1 else cut for n, cut in zip(weights.shape, cuts, strict=True)]
    return mark_loads(weights, tuple(weight_chunks), folder, "w")


@pytest.mark.parametrize("grouping", GROUPINGS)
@given(job=jobs())
def test_any_grouping_is_the_truth(alone: Any, grouping: str, job: Any) -> None:
    """Any chunks, groups, axes and weights give exact results, and each chunk is loaded once."""
    block, cuts, keep, kind, weights = job
    assume(weights.any())
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        grouped(patch, grouping)
        x = mark_loads(block, cuts, folder)
        weights_in_chunks = weighed(kind, weights, cuts, folder)
        stats = quiet(x, keep=keep, weights=weights_in_chunks)
        lazy = weights_in_chunks.npartitions if isinstance(weights_in_chunks, da.Array) else 0
        result = count_loads(folder)
        assert len(result) == x.npartitions + lazy
        assert set(result.values()) == {1}
        by_tree = quiet(x, keep=keep, weights=weights_in_chunks, compute=False).compute()
    used_weights = None if kind == "none" else weights
    assert_all_exact(stats, block, keep, used_weights)
    assert_all_exact(by_tree, block, keep, used_weights)


@pytest.mark.parametrize(("grouping", "tasks"), [*zip(GROUPINGS, [40, 4, 1], strict=True)])
def test_groups_make_few_tasks(
    alone: Any, monkeypatch: pytest.MonkeyPatch, grouping: str, tasks: int
) -> None:
    """Forty chunks are streamed by forty tasks, by four, or by one, and no other task is added."""
    grouped(monkeypatch, grouping)
    x = da.random.default_rng(0).normal(size=(400, 3), chunks=(10, 3))
    result = graph.make_assembly([Reduction(x, Reducer(dn.Moments(), (0,)))])
    assert result is not None
    assert result.stream_count(0) == tasks
    merges = {40: 3, 4: 1, 1: 0}[tasks]  # 32 and 8, and the two
    assert len(result.graph) == tasks + merges


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_no_thread_stands_idle(threads: int) -> None:
    """There are at least as many tasks as threads, and for small states four times as many."""
    x = da.zeros((1000, 100, 100), chunks=(1, 100, 100))
    with dask.config.set(num_workers=threads):
        small = graph.make_assembly([Reduction(x, Reducer(dn.Moments(), (0, 1, 2)))])
        wide = graph.make_assembly([Reduction(x, Reducer(dn.Moments(), (0,)))])
    assert small is not None
    assert wide is not None
    assert small.stream_count(0) >= max(64, 4 * threads)
    assert wide.stream_count(0) >= threads


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
    """Upstream work that chunks share is done once too, and the result is exact."""
    block = make_values(24, 3)
    stats = dn.adapt(SHARING[name](mark_loads(block, (4, 3), tmp_path)))
    assert count_loads(tmp_path) == {f"x.{i}.0": 1 for i in range(6)}
    assert_all_exact(stats, SHARING[name](da.from_array(block, (4, 3))).compute(), (1,))


def test_variables_that_share_a_loader_load_it_once(tmp_path: Path) -> None:
    """Variables made of the same chunks are adapted to in one pass."""
    block = make_values(24, 3)
    x = mark_loads(block, (4, 3), tmp_path)
    data = xr.Dataset(
        {"x": (("t", "c"), x), "y": (("t", "c"), -2 * x), "first": ("t", x[:, 0])},
    )
    stats = dn.adapt(data, over="t")
    assert count_loads(tmp_path) == {f"x.{i}.0": 1 for i in range(6)}
    for name, expected in {"x": block, "y": -2 * block}.items():
        for c in range(3):
            mean, variance = stats.mean[name][c], stats.variance[name][c]
            assert_exact(float(mean), float(variance), compute_exact(expected[:, c]))
    assert_exact(
        float(stats.mean["first"]), float(stats.variance["first"]), compute_exact(block[:, 0])
    )


def test_weights_made_of_the_data_load_them_once(tmp_path: Path) -> None:
    """Weights computed from the data's own chunks do not load these again."""
    block = make_values(24, 3)
    x = mark_loads(block, (4, 3), tmp_path)
    stats = dn.adapt(x, weights=abs(x[:, :1]))
    assert set(count_loads(tmp_path).values()) == {1}
    assert_all_exact(stats, block, (1,), abs(block[:, :1]))


# -- the same bits everywhere ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheduler", "grouping"),
    [
        *((name, item) for name in ("synchronous", "threads", "cluster") for item in GROUPINGS),
        pytest.param("processes", "a few tasks", marks=pytest.mark.slow),
    ],
    indirect=["scheduler"],
)
def test_every_scheduler_gives_the_same_bits(
    scheduler: None, monkeypatch: pytest.MonkeyPatch, grouping: str
) -> None:
    """Two runs on any scheduler of two threads give the bits that one thread gives."""
    grouped(monkeypatch, grouping)
    x = da.from_array(make_values(240, 3), (6, 3))
    weights = abs(da.from_array(make_values(240, 1, seed=1), (6, 1)))
    data = xr.Dataset({"x": (("t", "c"), x), "cut again": (("t", "c"), x.rechunk((20, 2)))})
    weights_in_chunks = xr.DataArray(weights[:, 0], dims="t")
    with dask.config.set(scheduler="synchronous", num_workers=2):
        expected = dn.adapt(data, over="t", weights=weights_in_chunks)
    for _ in range(2):
        assert dn.adapt(data, over="t", weights=weights_in_chunks) == expected


def test_a_chunk_of_another_shape_is_refused() -> None:
    """Chunks of another shape than declared raise an error, and are not broadcast."""
    x = da.zeros((8, 3), chunks=(4, 3)).map_blocks(lambda block: block[:, :2], dtype=float)
    with pytest.raises(dn.errors.MismatchError, match=r"\(4, 2\) when computed, where \(any, 3\)"):
        dn.adapt(x)
