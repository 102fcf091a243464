"""A climate dataset to read: (time, level, lat, lon), float32, in Zarr chunks of 16 MiB."""

import os
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr
import zarr
from zarr.storage import LocalStore

__all__ = [
    "CHUNK",
    "CHUNK_GB",
    "OVER",
    "CountingStore",
    "create",
    "grid",
    "opened",
    "weights",
    "write",
    "write_repeated",
]

CHUNK = (4, 8, 256, 512)
CHUNK_GB = 4 * 8 * 256 * 512 * 4 / 1e9
OVER = ("time", "lat", "lon")


def write(path: Path, gigabytes: float, compressed: bool = True) -> None:
    """Write a variable ``t`` of this size, every chunk different, and its coordinates."""
    blocks = max(2, round(gigabytes / CHUNK_GB))
    array = _create(path, blocks, compressed)
    for i in range(blocks):
        array[i * CHUNK[0] : (i + 1) * CHUNK[0]] = _temperatures(i)


def write_repeated(path: Path, gigabytes: float, distinct: int = 4) -> None:
    """Write a store of this size that takes the disk of a few chunks: the others are links to them.

    Each is a file of its own to the reader, which opens, reads and decodes it.
    """
    blocks = round(gigabytes / CHUNK_GB)
    array = _create(path, blocks, compressed=True)
    for i in range(distinct):
        array[i * CHUNK[0] : (i + 1) * CHUNK[0]] = _temperatures(i)
    for i in range(distinct, blocks):
        target = path / "t" / "c" / str(i) / "0" / "0" / "0"
        target.parent.mkdir(parents=True)
        os.link(path / "t" / "c" / str(i % distinct) / "0" / "0" / "0", target)


def opened(path: Path) -> xr.DataArray:
    """Open the variable lazily, a Dask chunk a Zarr chunk, its reads counted."""
    return xr.open_zarr(CountingStore(path, read_only=True), consolidated=False)["t"]


def weights(t: xr.DataArray) -> xr.DataArray:
    """Return weights by the area that a grid point stands for."""
    return np.cos(np.deg2rad(t["lat"]))


class CountingStore(LocalStore):
    """A folder that counts how often each chunk is read."""

    reads: ClassVar[Counter[str]] = Counter()

    async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        """Read a key, as the folder does."""
        if key.startswith("t/c/"):
            self.reads[key] += 1
        return await super().get(key, *args, **kwargs)


def create(
    path: Path, coords: dict[str, Any], chunks: tuple[int, ...], compressed: bool = True
) -> Any:
    """Lay out a store: coordinates written, the variable ``t`` along all of them still empty."""
    xr.Dataset(coords=coords).to_zarr(path, consolidated=False)
    return zarr.open_group(path).create_array(
        "t",
        shape=[len(values) for values in coords.values()],
        chunks=chunks,
        dtype="float32",
        dimension_names=list(coords),
        compressors="auto" if compressed else None,
    )


def grid(levels: int, lats: int, lons: int) -> dict[str, np.ndarray]:
    """Return the coordinates of a regular grid."""
    return {
        "level": np.linspace(100, 1000, levels),
        "lat": np.linspace(-90, 90, lats),
        "lon": np.linspace(0, 360, lons, endpoint=False),
    }


def _create(path: Path, blocks: int, compressed: bool) -> Any:
    coords = {"time": np.arange(blocks * CHUNK[0]), **grid(*CHUNK[1:])}
    return create(path, coords, CHUNK, compressed)


def _temperatures(seed: int) -> np.ndarray:
    """Kelvin: colder at the poles and aloft, with weather on top."""
    _, levels, lats, _ = CHUNK
    aloft = np.linspace(220, 285, levels, dtype="f4")[:, None, None]
    poles = 30 * np.cos(np.linspace(-np.pi / 2, np.pi / 2, lats, dtype="f4"))[:, None]
    weather = np.random.default_rng(seed).standard_normal(CHUNK, dtype="f4")
    return aloft + poles + 5 * weather
