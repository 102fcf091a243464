"""Opening: arrays of files, which nobody has read yet, cut along the chunks stored in them."""

import math
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

__all__ = ["TARGET", "chunks_towards", "data_of", "sources_of", "stored_chunks"]

TARGET = 1 << 26
"""64 MB: a task takes tens of milliseconds, and a thread needs little memory."""


def data_of(array: Any) -> Any:
    """Return the values of a DataArray; those of a file opened without Dask in Dask chunks.

    ``array.data`` would load the whole of it. What was given is neither loaded nor changed.
    """
    if array.chunks is not None or not _is_unread(array.variable):
        return array.data
    alone = array.reset_coords(drop=True)  # or large coordinates would be cut and named as well
    sizes = chunks_towards(array.shape, stored_chunks(array), array.dtype.itemsize)
    return alone.chunk(dict(zip(array.dims, sizes, strict=True))).data


def stored_chunks(array: Any) -> tuple[int, ...]:
    """Return the sizes of the chunks a variable was read from, 1 where there are none."""
    preferred = array.encoding.get("preferred_chunks", {})
    sizes = (preferred.get(dim, 1) for dim in array.dims)
    return tuple(size if isinstance(size, int) else max(size) for size in sizes)


def chunks_towards(
    shape: tuple[int, ...], stored: tuple[int, ...], itemsize: int
) -> tuple[int, ...]:
    """Return chunk sizes of about `TARGET` bytes, each a whole multiple of what is stored.

    So no stored chunk is read by two tasks. Axes grow from the last one, along which neighbours
    lie in one piece.

    Examples
    --------
    >>> chunks_towards((8760, 721, 1440), stored=(1, 721, 1440), itemsize=4)
    (16, 721, 1440)
    """
    sizes = [max(1, min(size, n)) for size, n in zip(stored, shape, strict=True)]
    for axis in reversed(range(len(shape))):
        room = max(1, TARGET // (math.prod(sizes) * max(1, itemsize)))
        sizes[axis] = max(1, min(shape[axis], sizes[axis] * room))
    return tuple(sizes)


def sources_of(objects: Iterable[Any]) -> list[str]:
    """Return the names of the files that xarray's objects say they were opened from.

    Of a path it is the last part, and of an address all but passwords and options: where folders
    lie on someone's machine is nobody's business. Of several files put together xarray names the
    first; where it shows, by an array that is larger than the one stored, "and others" is added.
    """
    grown: dict[str, bool] = {}
    for each in objects:
        stored = each.encoding.get("original_shape")
        if source := each.encoding.get("source"):
            name = _name_of(str(source))
            more = stored is not None and math.prod(each.shape) > math.prod(stored)
            grown[name] = more or grown.get(name, False)
    return [f"{name} and others" if more else name for name, more in grown.items()]


def _name_of(source: str) -> str:
    if "://" not in source:
        return PurePath(source).name
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _is_unread(variable: Any) -> bool:
    """Tell whether values lie in a file still.

    xarray has no public word for it. Its private ``_in_memory`` and ``_data`` are as they were
    from 2025.1 to 2026.9 at least; without them a variable counts as read, and is loaded. Arrays
    of other libraries, such as sparse, are not NumPy's but in memory: they take NumPy's functions.
    """
    values = getattr(variable, "_data", None)
    in_memory = getattr(variable, "_in_memory", True)
    return not in_memory and not hasattr(values, "__array_function__")
