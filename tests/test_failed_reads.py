"""Reads that fail for a while or for good, and chunks that are missing without an error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from support.marked_chunks import ALWAYS, count_loads, make_marked_frame, make_values, mark_loads
from support.optional import needs

import dasknorm as dn
from dasknorm.api import shards
from dasknorm.chunks import graph
from dasknorm.errors import ChunkError

BLOCK = make_values(24, 3)
MANY = 10**12
SCHEDULERS = ["synchronous", "threads", "cluster"]


@pytest.fixture
def one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stream all chunks in as few tasks as there may be."""
    monkeypatch.setattr(graph, "TASK_READ_BYTES", MANY)
    monkeypatch.setattr(graph, "ALL_STATES_BYTES", 0)


def flaky(folder: Path, times: int, where: int = 2, **how: Any) -> da.Array:
    """Return six chunks, one of which cannot be read the first few times."""
    return mark_loads(BLOCK, (4, 3), folder, where=[where], times=times, **how)


# -- errors that pass -----------------------------------------------------------------------------

SHAPES: dict[str, Callable[[da.Array], da.Array]] = {
    "alone": lambda x: x,
    "shared": lambda x: da.diff(x, axis=0),
    "recut": lambda x: x.rechunk((5, 1)),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scheduler", SCHEDULERS, indirect=True)
def test_errors_that_pass_are_waited_for(
    scheduler: None, one_group: None, tmp_path: Path, shape: str
) -> None:
    """A chunk that fails twice is read the third time, and the others once, shared or not."""
    stats = dn.adapt(SHAPES[shape](flaky(tmp_path, 2)), retries=2)
    assert count_loads(tmp_path) == {f"x.{i}.0": 3 if i == 2 else 1 for i in range(6)}
    assert stats == dn.adapt(SHAPES[shape](da.from_array(BLOCK, (4, 3))))


@pytest.mark.parametrize("scheduler", SCHEDULERS, indirect=True)
def test_errors_that_last_longer_are_raised(scheduler: None, tmp_path: Path) -> None:
    """With fewer retries than a chunk fails, its error is raised, and says what the disk said."""
    with pytest.raises(ChunkError, match=r"axis -2 8:12, axis -1 0:3: OSError: the disk is tired"):
        dn.adapt(flaky(tmp_path, 2), retries=1)
    assert count_loads(tmp_path)["x.2.0"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", ["processes"], indirect=True)
def test_errors_in_processes(scheduler: None, tmp_path: Path) -> None:
    """Dask's processes retry too, and name the chunk."""
    assert dn.adapt(flaky(tmp_path, 1)) == dn.adapt(da.from_array(BLOCK, (4, 3)))
    with pytest.raises(ChunkError, match="axis -2 12:16"):
        dn.adapt(flaky(tmp_path, ALWAYS, where=3), retries=0)


def test_no_retries(tmp_path: Path) -> None:
    """retries=0 reads once, and the cause is at hand."""
    with pytest.raises(ChunkError) as caught:
        dn.adapt(flaky(tmp_path, 1), retries=0)
    assert isinstance(caught.value.__cause__, OSError)
    assert count_loads(tmp_path)["x.2.0"] == 1


@pytest.mark.parametrize("scheduler", ["threads", "cluster"], indirect=True)
def test_weights_are_waited_for(scheduler: None, tmp_path: Path) -> None:
    """Weights that cannot be read at once are read again, those of several chunks too."""
    for chunks, weights in [((4, 3), BLOCK), ((3, 1), BLOCK[:1])]:
        cut = (1, 3) if len(weights) == 1 else chunks
        lazy_weights = mark_loads(weights, cut, tmp_path, f"w{cut[0]}", where=[0], times=1)
        plain = dn.adapt(da.from_array(BLOCK, (4, 3)), weights=weights)
        assert dn.adapt(da.from_array(BLOCK, (4, 3)), weights=lazy_weights) == plain


# -- errors that stay -----------------------------------------------------------------------------


def dataset(x: da.Array) -> xr.Dataset:
    other = da.from_array(BLOCK, (4, 3))
    return xr.Dataset({"u": (("time", "c"), other), "t": (("time", "c"), x)})


BROKEN: dict[str, tuple[Callable[[Path], Any], dict[str, Any], str]] = {
    "array": (lambda p: flaky(p, ALWAYS), {}, r"cannot read the data at axis -2 8:12, axis -1 0:3"),
    "cut twice": (
        lambda p: mark_loads(BLOCK, (4, 2), p, where=[1], times=ALWAYS),
        {"keep": ()},
        r"cannot read the data at axis -2 4:8, axis -1 [02]:[23]",
    ),
    "DataArray": (
        lambda p: xr.DataArray(flaky(p, ALWAYS), dims=("time", "c"), name="t"),
        {"over": "time"},
        r"cannot read 't' at time 8:12, c 0:3: OSError",
    ),
    "Dataset": (
        lambda p: dataset(flaky(p, ALWAYS)),
        {"over": "time"},
        "cannot read 't' at time 8:12, c 0:3",
    ),
    "chunks of two variables": (
        lambda p: (lambda x: xr.Dataset({"t": (("time", "c"), x), "u": (("time", "c"), -x)}))(
            flaky(p, ALWAYS)
        ),
        {"over": "time"},
        "cannot read 't' at time 8:12, c 0:3",
    ),
    "recut": (
        lambda p: dataset(flaky(p, ALWAYS).rechunk((10, 3))),
        {"over": "time"},
        "cannot compute what is needed for 't' at time 0:20, c 0:3: OSError: the disk",
    ),
    "unknown sizes": (
        lambda p: flaky(p, ALWAYS)[da.from_array(np.ones(24, bool), 4)],
        {},
        r"cannot read the data at axis -2, chunk 2, axis -1 0:3",
    ),
    "weights": (
        lambda p: da.from_array(BLOCK, (4, 3)),
        {"weights": lambda p: flaky(p, ALWAYS)},
        r"cannot read the data at axis -2 8:12",
    ),
    "frame": (
        lambda p: make_marked_frame(BLOCK, p, [2], times=ALWAYS),
        {},
        "cannot read the data at partition 2: OS",
    ),
}


@pytest.mark.parametrize(
    "what",
    [pytest.param(item, marks=needs("pyarrow")) if item == "frame" else item for item in BROKEN],
)
@pytest.mark.parametrize("scheduler", SCHEDULERS, indirect=True)
def test_a_chunk_that_cannot_be_read_is_named(scheduler: None, tmp_path: Path, what: str) -> None:
    """The one error names the variable, and where in the array the chunk stands."""
    make, settings, message = BROKEN[what]
    settings = {key: v(tmp_path) if callable(v) else v for key, v in settings.items()}
    with pytest.raises(ChunkError, match=message):
        dn.adapt(make(tmp_path), retries=0, **settings)


@pytest.mark.parametrize("what", ["array", "Dataset", "unknown sizes", "weights", "frame"])
def test_a_chunk_is_named_by_its_place_in_the_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str
) -> None:
    """Where work is done in shards, places are counted from the start of the array."""
    if what == "frame":
        pytest.importorskip("pyarrow")
    monkeypatch.setattr(shards, "MAX_CHUNKS", 2)
    test_a_chunk_that_cannot_be_read_is_named(None, tmp_path, what)


def test_what_is_wrong_with_a_block_is_no_read_error() -> None:
    """Blocks of a kind that has no mean are refused by their type, at once."""
    x = da.zeros((8, 3), chunks=(4, 3)).map_blocks(list, dtype=float, meta=np.empty((0, 0)))
    with pytest.raises(TypeError, match="cannot read a block of type builtins"):
        dn.adapt(x)


# -- chunks that are lost without a word ----------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Write a Zarr store, in which a missing chunk is NaN, and lose a chunk of it."""
    pytest.importorskip("zarr")
    path = tmp_path / "x.zarr"
    data = xr.Dataset({"t": (("time", "c"), BLOCK)})
    data.to_zarr(path, encoding={"t": {"chunks": (4, 3)}}, zarr_format=2)
    return path


def test_lost_chunks_are_counted(store: Path) -> None:
    """A chunk file that is gone reads as NaN: the count tells, and expect_count refuses it."""
    data = xr.open_zarr(store)
    whole = dn.adapt(data, over="time", expect_count="all")
    assert (whole.count["t"] == 24).all()
    (store / "t" / "3.0").unlink()
    assert (dn.adapt(data, over="time").count["t"] == 20).all()
    for expected in ("all", 24):
        with pytest.raises(ValueError, match=r"expected 24 values, and counted 20 in 't'"):
            dn.adapt(data, over="time", expect_count=expected)
    dn.adapt(data, over="time", expect_count=20)


def test_what_to_expect_of_weighted_data_is_a_number(store: Path) -> None:
    """With weights the count is their sum, which nobody can say before."""
    data = xr.open_zarr(store)
    weights = xr.DataArray(np.full(24, 0.5), dims="time")
    dn.adapt(data, over="time", weights=weights, expect_count=12)
    with pytest.raises(ValueError, match="not supported for weighted or masked data"):
        dn.adapt(data, over="time", weights=weights, expect_count="all")
    with pytest.raises(ValueError, match="must be a number or 'all', got 'some'"):
        dn.adapt(data, over="time", expect_count="some")


def test_later_arguments_need_computing() -> None:
    """What can only be done while computing is refused for lazy statistics."""
    for settings in ({"checkpoint": "c.nc"}, {"expect_count": "all"}):
        with pytest.raises(ValueError, match="need compute=True"):
            dn.adapt(da.zeros((8, 3), chunks=4), compute=False, **settings)
