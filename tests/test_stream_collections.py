"""Streams: the statistics of every type of Dask collection are exact."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.exact_results import assert_all_exact
from support.marked_chunks import count_loads, make_marked_frame, make_values
from support.optional import import_optional, needs

import dasknorm as dn

dd = import_optional("dask.dataframe")
BLOCK = make_values(24, 3)
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
    expected = BLOCK.astype("f4").astype("f8") if kind == "float32 of it" else BLOCK
    assert_all_exact(dn.adapt(x), expected, (1,))
    assert_all_exact(dn.adapt(x, keep=()), expected, ())


def test_persisted_on_a_cluster(client: Any) -> None:
    """What a cluster holds is adapted to where it is, also beside what is not held."""
    x = client.persist(da.from_array(BLOCK, (4, 3)))
    assert_all_exact(dn.adapt(x), BLOCK, (1,))
    assert_all_exact(dn.adapt(2 * x), 2 * BLOCK, (1,))
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
    block = make_values(24, 3)
    assert_all_exact(dn.adapt(make_marked_frame(block, tmp_path)), block, (1,))
    assert count_loads(tmp_path) == {f"f.{i}": 1 for i in range(6)}
    table = make_marked_frame(block, tmp_path)
    weighted = dn.adapt(table[["a", "b"]], weights=table["c"])
    assert set(count_loads(tmp_path).values()) == {2}
    assert_all_exact(weighted, block[:, :2], (1,), block[:, 2:])


@needs("pyarrow")
@pytest.mark.filterwarnings("ignore:.*inplace keyword")  # of dask.dataframe, that pandas 3.1 says
def test_parquet(tmp_path: Path) -> None:
    """A folder of Parquet files is read as it lies, and some of its columns too."""
    table = pd.DataFrame(make_values(24, 3), columns=list("abc"))
    dd.from_pandas(table, npartitions=5).to_parquet(tmp_path / "p", write_index=False)
    lazy = dd.read_parquet(tmp_path / "p")
    assert_all_exact(dn.adapt(lazy), table.to_numpy(), (1,))
    weighted = dn.adapt(lazy[["b"]], weights=lazy["a"])
    assert_all_exact(weighted, table[["b"]].to_numpy(), (1,), table[["a"]].to_numpy())
