"""Chunking: how much of a stored array one task reads."""

import math

__all__ = ["TARGET", "chunks_towards", "evenly_cut"]

TARGET = 1 << 26
"""64 MB: a task takes tens of milliseconds, and a thread needs little memory."""


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


def evenly_cut(chunks: tuple[int, ...]) -> bool:
    """Tell whether an axis is cut into equal chunks, but for a smaller last one, as Zarr needs."""
    return len(set(chunks[:-1])) <= 1 and chunks[-1] <= chunks[0]
