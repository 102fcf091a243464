"""Hypothesis strategies for blocks of numbers, chunk sizes, and axes to keep."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

__all__ = [
    "FLOATS",
    "INTEGERS",
    "blocks",
    "chunk_lengths",
    "chunkings",
    "kept_axes",
    "shapes",
    "weights_for",
]

FLOATS = ("f2", "f4", "f8", ">f4", ">f8")
INTEGERS = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
OFFSETS = (0.0, 1.0, -273.15, 1e4, -1e8, 1e15)
SPREADS = (0.0, 1e-3, 1.0, 1e6)


def shapes(least: int = 0, rank: int = 3) -> st.SearchStrategy[tuple[int, ...]]:
    """Draw shapes of rank 1 to `rank`, with sides of `least` to 6: 0 and 1 among them."""
    return npst.array_shapes(min_dims=1, max_dims=rank, min_side=least, max_side=6)


@st.composite
def blocks(draw: Any, dtypes: tuple[str, ...] = FLOATS + INTEGERS, least: int = 0) -> np.ndarray:
    """Draw a block: floats with holes of NaN, far from zero or constant, or integers."""
    shape, dtype = draw(shapes(least)), np.dtype(draw(st.sampled_from(dtypes)))
    if dtype.kind != "f":
        return draw(npst.arrays(dtype, shape))
    steps = draw(npst.arrays("i2", shape, elements=st.integers(-99, 99)))
    offset, spread = draw(st.sampled_from(OFFSETS)), draw(st.sampled_from(SPREADS))
    if dtype.itemsize == 2:
        offset, spread = float(np.clip(offset, -300, 300)), min(spread, 1.0)
    values = (offset + spread * steps).astype(dtype)
    holes = draw(npst.arrays("?", shape)) if draw(st.booleans()) else np.zeros(shape, "?")
    values[holes] = np.nan
    return values


@st.composite
def chunk_lengths(draw: Any, size: int) -> tuple[int, ...]:
    """Draw chunk lengths that add up to a size; some of them are 0."""
    places = sorted(draw(st.lists(st.integers(0, size), max_size=3)))
    return tuple(np.diff([0, *places, size]).tolist())


@st.composite
def chunkings(draw: Any, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Draw the chunks of an array along each of its axes."""
    return tuple(draw(chunk_lengths(size)) for size in shape)


@st.composite
def kept_axes(draw: Any, rank: int) -> tuple[int, ...]:
    """Draw the axes that keep statistics of their own: none, some, or all but one."""
    axes = draw(st.permutations(range(rank)))
    return tuple(axes[: draw(st.integers(0, rank - 1))])


def weights_for(shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    """Draw weights of a shape; some of them are 0."""
    return npst.arrays("f8", shape, elements=st.sampled_from([0.0, 0.25, 1.0, 3.1]))
