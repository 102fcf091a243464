"""Chunking: what Zarr asks of the chunks that are written to it."""

__all__ = ["evenly_cut"]


def evenly_cut(chunks: tuple[int, ...]) -> bool:
    """Tell whether an axis is cut into equal chunks, but for a smaller last one, as Zarr needs."""
    return len(set(chunks[:-1])) <= 1 and chunks[-1] <= chunks[0]
