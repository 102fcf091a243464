"""Slabs: large data in memory are split, processed by several threads, and put together."""

import contextlib
import threading
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.exact_results import assert_all_exact, assert_exact, compute_exact
from support.strategies import FLOATS, blocks, kept_axes, weights_for

import dasknorm as dn
from dasknorm.blocks import slabs

SHAPE = (9, 16, 10)
MANY = "threads"


@pytest.fixture
def small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Split data larger than half a kilobyte."""
    monkeypatch.setattr(slabs, "SLAB_BYTES", 256)


def numbers(*shape: int) -> np.ndarray:
    block = np.random.default_rng(0).normal(1e3, 10.0, shape)
    block.flat[:: 17 if block.size > 50 else 1000] = np.nan
    return block


LAYOUTS = {
    "C": lambda x: x,
    "Fortran": np.asfortranarray,
    "kept in the middle": lambda x: x.transpose(1, 2, 0).copy().transpose(2, 0, 1),
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "negative strides": lambda x: x[::-1, :, ::-1].copy()[::-1, :, ::-1],
    "broadcast": lambda x: np.broadcast_to(np.nan_to_num(x[:1]), x.shape),
    "read-only": lambda x: read_only(x),
    "big-endian": lambda x: x.astype(">f8"),
    "float32": lambda x: x.astype("f4"),
    "integers": lambda x: np.nan_to_num(x).astype("i4"),
    "masked": lambda x: np.ma.masked_invalid(x),
}


def read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


KEPT = [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("keep", KEPT)
def test_slabs_are_the_truth(small_slabs: None, keep: tuple[int, ...], layout: str) -> None:
    """Results are exact for any layout and kept axes, in many threads and in one."""
    x = LAYOUTS[layout](numbers(*SHAPE))
    with dask.config.set(scheduler=MANY):
        stats = dn.adapt(x, keep=keep)
    assert_all_exact(stats, x, keep)
    with dask.config.set(scheduler="sync"):
        assert dn.adapt(x, keep=keep) == stats


@pytest.mark.parametrize("shape", [(9, 1, 1), (1, 16, 1), (1, 1, 10), SHAPE])
@pytest.mark.parametrize("keep", [(), (0,), (2,), (1, 2)])
def test_weights_are_cut_where_the_data_are(
    small_slabs: None, keep: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    """Weights that broadcast are laid along the data before these are cut."""
    x, weights = numbers(*SHAPE), np.random.default_rng(1).exponential(size=shape)
    assert_all_exact(dn.adapt(x, keep=keep, weights=weights), x, keep, weights)


@pytest.mark.parametrize("wide", [48, 1 << 20])
@given(job=st.data())
def test_any_array_in_slabs(wide: int, job: st.DataObject) -> None:
    """Whatever hypothesis draws, cut as small as can be, has its exact statistics."""
    x = job.draw(blocks(FLOATS, least=1))
    assume(not np.isnan(x).all())
    keep = tuple(sorted(job.draw(kept_axes(x.ndim))))
    weights = job.draw(st.none() | weights_for(x.shape))
    valid = (x == x) * (1.0 if weights is None else weights)
    assume((valid.sum(tuple(set(range(x.ndim)) - set(keep))) > 0).all())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slabs, "SLAB_BYTES", 8)
        patch.setattr("dasknorm.blocks.slabs.LARGE_RECORD_BYTES", wide)
        stats = dn.adapt(x, keep=keep, weights=weights)
    assert_all_exact(stats, x, keep, weights)


FRAMES = {
    "one dtype": lambda x: pd.DataFrame(x, columns=list("abcd")),
    "by columns": lambda x: pd.DataFrame({name: x[:, i] for i, name in enumerate("abcd")}),
    "mixed": lambda x: pd.DataFrame(x, columns=list("abcd")).assign(text="x", d=x[:, 3].round()),
    "float32 and integers": lambda x: pd.DataFrame(
        {"a": x[:, 0].astype("f4"), "b": np.arange(len(x)), "c": x[:, 2], "d": x[:, 3] > 1e3}
    ),
    "nullable": lambda x: pd.DataFrame(x, columns=list("abcd")).astype("Float64"),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_in_slabs(small_slabs: None, kind: str) -> None:
    """Frames are cut by their rows, weighted ones too, and normalize as they do in one piece."""
    frame = FRAMES[kind](numbers(200, 4))
    numeric = frame[list("abcd")].astype("f8").to_numpy(na_value=np.nan)
    stats = dn.adapt(frame)
    for i, name in enumerate("abcd"):
        assert_exact(stats.mean[name], stats.variance[name], compute_exact(numeric[:, i]))
    with dask.config.set(scheduler="sync"):
        assert dn.adapt(frame) == stats
    weighted = dn.adapt(frame, weights=np.arange(200.0))
    exact = compute_exact(numeric[:, 0], np.arange(200.0))
    assert_exact(weighted.mean["a"], weighted.variance["a"], exact, weighted=True)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("keep", [(), (2,), (0, 1)])
def test_maps_in_slabs(monkeypatch: pytest.MonkeyPatch, keep: tuple[int, ...], layout: str) -> None:
    """Normalizing and inverting in slabs gives the bits of one piece, and keeps the order."""
    x = LAYOUTS[layout](numbers(*SHAPE))
    stats = dn.adapt(x, keep=keep)
    whole = stats.normalize(x)
    back = stats.inverse(whole)
    monkeypatch.setattr(slabs, "SLAB_BYTES", 256)
    np.testing.assert_array_equal(stats.normalize(x), whole, strict=True)
    np.testing.assert_array_equal(stats.inverse(whole), back, strict=True)
    if layout == "Fortran":
        assert stats.normalize(x).flags.f_contiguous


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 8.0)[:, None]])
@pytest.mark.parametrize("over", [(0,), (0, 2), (0, 1, 2)])
def test_tendencies_in_slabs(
    small_slabs: None, over: tuple[int, ...], weights: np.ndarray | None
) -> None:
    """Values and their differences are cut along any axis without lags, reduced or kept."""
    x = np.random.default_rng(0).normal(1e3, 1.0, (20, 7, 9))
    stats = dn.adapt(x, over=over, lag={0: 1}, weights=weights)
    for read, values in ((stats, x), (stats.tendency(), np.diff(x, axis=0))):
        full = None if weights is None else np.broadcast_to(weights, values.shape)
        mean = np.average(values, axis=over, weights=full)
        np.testing.assert_allclose(read.mean, mean, rtol=1e-12, atol=1e-9)


# -- who does the work ----------------------------------------------------------------------------


def workers(count: int = 64) -> set[str]:
    """Return the threads that work on slabs."""
    ready = threading.Barrier(2)

    def name(_: slice) -> str:
        # The first two wait for each other: one thread alone would wait in vain.
        if not ready.broken:
            with contextlib.suppress(threading.BrokenBarrierError):
                ready.wait(timeout=0.5)
        return threading.current_thread().name

    return set(slabs.map_slabs(name, [slice(i, i + 1) for i in range(count)]))


def test_slabs_are_shared_by_threads() -> None:
    """Slabs go to the threads of Dask."""
    with dask.config.set(scheduler="threads", num_workers=2):
        result = workers()
    assert len(result) == 2
    assert threading.current_thread().name not in result


@pytest.mark.parametrize("scheduler", ["sync", "synchronous", "single-threaded", dask.get])
def test_slabs_stay_where_there_are_no_threads(scheduler: Any) -> None:
    """A scheduler without threads, or one that is just a function, starts none."""
    with dask.config.set(scheduler=scheduler):
        assert workers(3) == {threading.current_thread().name}


def test_slabs_stay_inside_of_a_task() -> None:
    """A task of Dask's threads works on its slabs alone: the other cores have their own."""
    with dask.config.set(scheduler="threads", num_workers=2):
        (result,) = dask.compute(dask.delayed(workers)(3))
    assert len(result) == 1


def test_a_chunk_in_slabs_is_a_chunk(small_slabs: None) -> None:
    """Large chunks inside tasks give the same result as without slabs."""
    x = numbers(*SHAPE)
    lazy = da.from_array(x, (3, -1, -1))
    assert_all_exact(dn.adapt(lazy), x, (2,))
    assert_all_exact(dn.adapt(lazy, compute=False).compute(), x, (2,))


@given(size=st.integers(0, 1000), nbytes=st.integers(0, 1 << 30))
def test_rows_cover_an_axis(size: int, nbytes: int) -> None:
    """Slabs lie side by side, are as large as asked for, and cover the axis."""
    result = slabs.cut_axis(size, nbytes)
    assert [i for slab in result for i in range(slab.start, slab.stop)] == list(range(size))
    largest = max(slab.stop - slab.start for slab in result)
    if nbytes < 2 * slabs.SLAB_BYTES:
        assert len(result) == 1
    elif size:
        assert largest == 1 or largest * nbytes / size <= 2 * slabs.SLAB_BYTES


def test_what_fails_in_a_slab_fails() -> None:
    """An error in one of the threads is raised as it is."""

    def fail(slab: slice) -> None:
        raise ZeroDivisionError(slab.start)

    with pytest.raises(ZeroDivisionError), dask.config.set(scheduler="threads"):
        slabs.map_slabs(fail, [slice(0, 1), slice(1, 2)])
