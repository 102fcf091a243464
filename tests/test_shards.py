"""Shards: the division of work into shards, and partial results that are marked as such."""

from pathlib import Path

import dask.array as da
import numpy as np
import pytest

import dasknorm as dn
from dasknorm.api import shards
from dasknorm.chunks import Reduction
from dasknorm.fields import State
from dasknorm.statistics.base import Reducer


def load(block_id: tuple[int, ...], fails: int) -> np.ndarray:
    if block_id[0] == fails:
        raise OSError("the disk is on fire")
    return np.full((5, 4), float(block_id[0]))


def chunked(fails: int) -> da.Array:
    return da.map_blocks(
        load, fails=fails, chunks=((5,) * 40, (4,)), dtype="f8", meta=np.empty((0, 0))
    )


def test_an_unfinished_checkpoint_is_no_statistics(tmp_path: Path) -> None:
    """Statistics of only a part of the data are rejected by load, and marked by show."""
    with pytest.raises(dn.ChunkError, match="axis -2 150:155"):
        dn.adapt(chunked(fails=30), retries=0, checkpoint=tmp_path / "c.json")
    with pytest.raises(dn.StatsFileError, match="24 of 32 shards of work that is not finished"):
        dn.load(tmp_path / "c.json")
    dn.adapt(chunked(fails=-1), checkpoint=tmp_path / "whole.json")
    assert (dn.load(tmp_path / "whole.json").count == 200).all()


@pytest.mark.parametrize(
    ("shape", "chunks", "checkpointed", "count"),
    [
        ((40, 4), (5, 4), False, 1),
        ((40, 4), (5, 4), True, 8),
        ((4000, 4), (5, 4), True, 32),
        ((250_000, 4), (1, 4), False, 3),
        ((64, 100_000), (1, 100_000), True, 5),
        ((8, 1000, 1000), (8, 10, 10), True, 1),
    ],
    ids=["whole", "few-chunks", "many", "more-than-a-graph-bears", "wide-state", "nothing-cut"],
)
def test_work_is_cut_where_it_pays(
    shape: tuple[int, ...], chunks: tuple[int, ...], checkpointed: bool, count: int
) -> None:
    """Shards are whole chunks, few enough to be saved, and cover the work without overlap."""
    data = da.zeros(shape, chunks=chunks)
    work = {
        None: State(Reduction(data, Reducer(dn.Moments(), (0,))), tuple(range(1 - len(shape), 0)))
    }
    assert shards.shard_count(work, checkpointed) == count
    parts = [dict(shards.shard(work, i, count))[None] for i in range(count)]
    assert sum(part.chunk_count for part in parts) == data.npartitions
    assert sum(part.data.shape[0] for part in parts) == shape[0]
