"""Files opened without Dask are read in chunks, each stored chunk once, and never whole."""

from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from support.memory import measure_peak
from support.optional import is_installed, needs

import dasknorm as dn
from dasknorm.containers import file_backed
from dasknorm.containers.file_backed import get_data, make_chunk_sizes

zarr = pytest.importorskip("zarr")
from zarr.storage import LocalStore  # noqa: E402  # which needs zarr

SIZES = {"time": 96, "lev": 4, "x": 100, "y": 200}
STORED = {"time": 4, "lev": 1, "x": 100, "y": 200}


class CountingStore(LocalStore):
    """A folder that counts how often each chunk of data is read."""

    reads: ClassVar[Counter[str]] = Counter()

    async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        """Read a key, as the folder does."""
        if key.startswith("t/c/"):
            self.reads[key] += 1
        return await super().get(key, *args, **kwargs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 31 MB as Zarr, in 96 chunks, and as NetCDF, in as many chunks and in none."""
    folder = tmp_path_factory.mktemp("stored")
    values = np.random.default_rng(0).normal(280.0, 5.0, tuple(SIZES.values())).astype("f4")
    data = xr.Dataset({"t": (tuple(SIZES), values)}, {"lev": np.arange(4.0)})
    chunks = tuple(STORED.values())
    data.to_zarr(folder / "a.zarr", encoding={"t": {"chunks": chunks}}, consolidated=False)
    if is_installed("h5netcdf", "h5py"):
        data.to_netcdf(
            folder / "chunked.nc", engine="h5netcdf", encoding={"t": {"chunksizes": chunks}}
        )
        data.to_netcdf(folder / "plain.nc", engine="h5netcdf")
    return folder


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a task read 1 MB, so that 31 MB are many tasks."""
    monkeypatch.setattr(file_backed, "CHUNK_BYTES", 1 << 20)


HDF = needs("h5netcdf", "h5py")
FILES = ["a.zarr", pytest.param("chunked.nc", marks=HDF), pytest.param("plain.nc", marks=HDF)]


def opened(path: Path, **how: Any) -> xr.Dataset:
    if path.suffix == ".zarr":
        return xr.open_dataset(path, engine="zarr", consolidated=False, **how)
    return xr.open_dataset(path, engine="h5netcdf", **how)


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("file", FILES)
def test_results_are_lazy_and_right(folder: Path, file: str, cache: bool) -> None:
    """Results of an opened file are lazy, equal those in memory, and leave it unchanged."""
    with opened(folder / file, cache=cache) as data, opened(folder / file) as loaded:
        loaded.load()
        stats, expected = dn.adapt(data, over="time"), dn.adapt(loaded, over="time")
        for reading in ("count", "mean", "std"):
            xr.testing.assert_allclose(stats.result(reading), expected.result(reading), rtol=1e-14)
        z = stats.normalize(data)
        assert z["t"].chunks is not None
        assert not data["t"].variable._in_memory, "nobody has loaded it"
        xr.testing.assert_identical(z.compute(), stats.normalize(loaded))
        assert not data["t"].variable._in_memory, "nor has computing the result"
        assert data["t"].chunks is None
        assert expected.normalize(loaded)["t"].chunks is None, "what is in memory stays there"


@pytest.mark.parametrize("weights", [None, xr.DataArray([1.0, 2.0, 0.5, 3.0], dims="lev")])
def test_each_stored_chunk_is_read_once(folder: Path, weights: xr.DataArray | None) -> None:
    """adapt reads each stored chunk once, and so does normalize, when it is computed."""
    store = CountingStore(folder / "a.zarr", read_only=True)
    data = xr.open_zarr(store, consolidated=False, chunks=None)
    for work in (
        lambda: dn.adapt(data, over=("time", "x", "y"), weights=weights),
        lambda: dn.Stats.from_values(mean=280.0, std=5.0).normalize(data["t"]).sum().compute(),
    ):
        CountingStore.reads.clear()
        work()
        assert len(CountingStore.reads) == 24 * 4
        assert set(CountingStore.reads.values()) == {1}


def test_nothing_is_read_while_graphs_are_built(folder: Path) -> None:
    """Lazy statistics, a plan and a lazy result read nothing."""
    store = CountingStore(folder / "a.zarr", read_only=True)
    data = xr.open_zarr(store, consolidated=False, chunks=None)
    CountingStore.reads.clear()
    dn.adapt(data, over="time", compute=False)
    dn.Stats.from_values(mean=280.0, std=5.0).normalize(data["t"])
    result = dn.plan(data)
    assert not CountingStore.reads
    assert result.bytes == data["t"].nbytes
    assert result.chunks > 24


@pytest.mark.parametrize("file", FILES)
def test_memory_does_not_hold_it_all(folder: Path, file: str) -> None:
    """adapt holds a few chunks of 1 MB at a time, of 31 MB."""
    with opened(folder / file) as data, dask.config.set(scheduler="synchronous"):
        dn.adapt(data["t"].isel(time=slice(8)))  # what is imported and compiled is not counted
        peak, _ = measure_peak(lambda: dn.adapt(data))
    assert peak < data["t"].nbytes / 4


@pytest.mark.parametrize("file", FILES)
def test_equal_calls_give_equal_names(folder: Path, file: str) -> None:
    """Names in graphs depend on the parts that are read: equal parts have equal names."""
    with opened(folder / file) as data:
        parts = [data["t"], data["t"], data["t"][:8], data["t"][8:16], data["t"][:, :1]]
        names = [get_data(part).name for part in parts]
        assert names[0] == names[1]
        assert len(set(names)) == 4


def test_coordinates_are_left_alone(folder: Path) -> None:
    """Coordinates of a variable, in memory or in the file, are not chunked with it."""
    with opened(folder / "a.zarr") as data:
        far = data["t"].isel(time=0, lev=0, drop=True)
        placed = data.assign_coords(place=(("x", "y"), np.ones((100, 200))), far=far)
        z = dn.adapt(placed["t"], over="time").normalize(placed["t"])
        assert isinstance(z["place"].data, np.ndarray)
        assert not placed["far"].variable._in_memory
        assert z["far"].dims == ("x", "y")


def test_chunks_are_whole_multiples_of_those_stored(folder: Path) -> None:
    """No stored chunk is cut, whatever the size of a task."""
    with opened(folder / "a.zarr") as data:
        for stored, sizes in zip(STORED.values(), get_data(data["t"]).chunks, strict=True):
            assert all(size % stored == 0 for size in sizes[:-1])


def test_what_is_read_stays_as_it_is(folder: Path) -> None:
    """Arrays in memory, of any library, and Dask's are handed on as they are."""
    with opened(folder / "a.zarr") as data:
        loaded, chunked = data["t"][:4].load(), data["t"].chunk(time=7)
        assert get_data(loaded) is loaded.data
        assert get_data(chunked) is chunked.data


def test_without_the_private_word_data_are_loaded() -> None:
    """A variable of an unknown source is treated as data in memory."""

    class Silent:
        """A variable of an xarray to come."""

    class Array:
        """A DataArray of an xarray to come."""

        chunks = None
        variable = Silent()
        data = np.ones(3)
        dtype = data.dtype

    assert get_data(Array()) is Array.data


def test_scalars_and_empty_arrays(tmp_path: Path) -> None:
    """A scalar in a file has nothing to cut, and an array without values is cut all the same."""
    data = xr.Dataset({"one": 7.0, "t": ("x", np.arange(5.0))})
    data.to_zarr(tmp_path / "s.zarr", consolidated=False)
    with opened(tmp_path / "s.zarr") as opened_again:
        stats = dn.adapt(opened_again)
        assert (float(stats.mean["one"]), float(stats.mean["t"])) == (7.0, 2.0)
        assert stats.normalize(opened_again.isel(x=slice(0)))["t"].compute().shape == (0,)


@given(
    st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 3000)), min_size=0, max_size=4),
    st.sampled_from([1, 2, 4, 8]),
)
def test_chunks_towards_the_target(axes: list[tuple[int, int]], itemsize: int) -> None:
    """Chunks are whole multiples of those stored, or the whole axis, and not over the target."""
    shape, stored = tuple(n for n, _ in axes), tuple(size for _, size in axes)
    sizes = make_chunk_sizes(shape, stored, itemsize)
    for n, cut, size in zip(shape, stored, sizes, strict=True):
        assert size == max(1, n) or size % cut == 0
    least = np.prod([max(1, min(item)) for item in axes], dtype="f8") * itemsize
    assert np.prod(sizes, dtype="f8") * itemsize <= max(least, file_backed.CHUNK_BYTES)
