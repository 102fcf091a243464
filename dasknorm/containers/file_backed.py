"""Read arrays in files lazily, in Dask chunks that are whole multiples of the stored chunks.

Used by `cli.datasets` and `containers.xarray`. `CHUNK_BYTES` can change without other changes: it
affects speed and memory only.
"""

import math
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import xarray as xr

CHUNK_BYTES = 1 << 26
"""64 MB: a task takes tens of milliseconds, and a thread needs little memory."""


def get_data(array: xr.DataArray) -> Any:
    """Return the values of a DataArray, as a Dask array if they are in a file and not loaded.

    ``array.data`` would load all of them. `array` is neither loaded nor changed.
    """
    is_extension = not isinstance(array.dtype, np.dtype)  # of pandas, always in memory
    if array.chunks is not None or is_extension or not _is_unread(array.variable):
        return array.data
    without_coords = array.reset_coords(drop=True)  # large coordinates would be chunked and named
    sizes = make_chunk_sizes(array.shape, get_stored_chunks(array), array.dtype.itemsize)
    return without_coords.chunk(dict(zip(array.dims, sizes, strict=True))).data


def get_stored_chunks(array: xr.DataArray | xr.Variable) -> tuple[int, ...]:
    """Return the sizes of the stored chunks of a variable, 1 if they are not known."""
    preferred = array.encoding.get("preferred_chunks", {})
    sizes = (preferred.get(dim, 1) for dim in array.dims)
    return tuple(size if isinstance(size, int) else max(size) for size in sizes)


def make_chunk_sizes(
    shape: tuple[int, ...], stored: tuple[int, ...], itemsize: int
) -> tuple[int, ...]:
    """Return chunk sizes of about `CHUNK_BYTES` bytes, whole multiples of the stored sizes.

    So no two tasks read the same stored chunk. The last axes grow first, because neighbours along
    them are contiguous.

    Examples
    --------
    >>> make_chunk_sizes((8760, 721, 1440), stored=(1, 721, 1440), itemsize=4)
    (16, 721, 1440)
    """
    sizes = [max(1, min(size, n)) for size, n in zip(stored, shape, strict=True)]
    for axis in reversed(range(len(shape))):
        factor = max(1, CHUNK_BYTES // (math.prod(sizes) * max(1, itemsize)))
        sizes[axis] = max(1, min(shape[axis], sizes[axis] * factor))
    return tuple(sizes)


def get_source_names(objects: Iterable[xr.DataArray | xr.Dataset | xr.DataTree]) -> list[str]:
    """Return the names of the files that xarray objects were opened from, if recorded.

    A path is reduced to its last part, because the folders of a machine are private; an address
    loses passwords and options. xarray names the first of several combined files. If an array is
    larger than the stored one, "and others" is added.
    """
    has_more: dict[str, bool] = {}
    for item in objects:
        if source := item.encoding.get("source"):
            name = _format_source(str(source))
            stored = item.encoding.get("original_shape")
            is_larger = stored is not None and math.prod(item.shape) > math.prod(stored)
            has_more[name] = is_larger or has_more.get(name, False)
    return [f"{name} and others" if is_part else name for name, is_part in has_more.items()]


def _format_source(source: str) -> str:
    if "://" not in source:
        return PurePath(source).name
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _is_unread(variable: xr.Variable) -> bool:
    """Return True if values are still in a file."""
    # xarray has no public attribute for this. Its private `_in_memory` and `_data` are unchanged
    # from 2025.1 to 2026.9 at least; without them a variable counts as read, and is loaded. Arrays
    # of other libraries, such as sparse, support NumPy's functions and are in memory.
    values = getattr(variable, "_data", None)
    in_memory = getattr(variable, "_in_memory", True)
    return not in_memory and not hasattr(values, "__array_function__")
