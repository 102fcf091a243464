"""Summarize and transform NumPy arrays and masked arrays; `tables` registers tables.

Used by blocks. Statistics and kernels work on plain arrays of one dtype. The functions `summarize`,
`add` and `transform` extend them to every type of block: a chunk, a partition or a whole container
in memory. Another type of block registers all three. Large blocks are processed in slabs.
"""

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike

from dasknorm.blocks import slabs
from dasknorm.kernels import Kernel, Weights, part_of
from dasknorm.statistics.base import Records, Reducer


@singledispatch
def summarize(block: object, reducer: Reducer, weights: Weights = None) -> Any:
    """Summarize one block; the records keep its rank, with size 1 along the reduced axes."""
    raise _unsupported(block)


@singledispatch
def add(block: object, total: object, reducer: Reducer, weights: Weights = None) -> None:
    """Merge one block into `total`, in place; `total` has the shape that `summarize` gives."""
    raise _unsupported(block)


@singledispatch
def transform(block: object, affine: object, kernel: Kernel, dtype: np.dtype | None) -> Any:
    """Map one block through `affine`, which broadcasts to it; `dtype` None follows the block."""
    raise _unsupported(block)


def _unsupported(block: object) -> TypeError:
    kind = f"{type(block).__module__.partition('.')[0]}.{type(block).__name__}"
    return TypeError(
        f"cannot read a block of type {kind}; blocks are dense NumPy arrays, masked arrays or "
        "pandas frames: convert them first, for example x.map_blocks(np.asarray), "
        "cupy's x.get() or sparse's x.todense()"
    )


# -- plain arrays; a chunk without axes comes out of Dask's own reductions as a NumPy scalar ------


def is_numeric(dtype: object) -> bool:
    """Return whether numbers of this NumPy or pandas dtype have a mean: real, and not a time."""
    if isinstance(dtype, np.dtype):
        return dtype.kind in "biu" or (dtype.kind == "f" and dtype.itemsize <= 8)
    if isinstance(dtype, pd.ArrowDtype) and dtype.kind == "b":
        return True  # pandas counts its own nullable booleans as numbers, and not Arrow's
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)


def float_dtype(dtype: object) -> np.dtype:
    """Return the float dtype that holds values of `dtype` exactly; for wide integers, float64."""
    dtype = numpy_dtype(dtype)
    if dtype.kind == "f":
        return dtype.newbyteorder("=")
    return np.dtype("f4" if dtype.itemsize <= 2 else "f8")


def output_dtype(dtype: DTypeLike | None) -> np.dtype | None:
    """Return a floating dtype that the user gave, or None; TypeError if it is another dtype."""
    if dtype is None:
        return None
    result = np.dtype(dtype).newbyteorder("=")
    if result not in (np.float16, np.float32, np.float64):
        raise TypeError(f"dtype must be float16, float32 or float64, got {result}")
    return result


def numpy_dtype(dtype: object) -> np.dtype:
    """Return the NumPy dtype of the numbers in a pandas column: of Int16, int16."""
    if isinstance(dtype, np.dtype):
        return dtype
    inner = getattr(dtype, "subtype", None) or getattr(dtype, "numpy_dtype", None)
    return inner if isinstance(inner, np.dtype) and inner.kind in "biuf" else np.dtype("f8")


@summarize.register(np.generic)
@summarize.register(np.ndarray)
def _(block: np.ndarray, reducer: Reducer, weights: Weights = None) -> Records:
    if block.nbytes < 2 * slabs.SLAB_BYTES:
        return reducer.summarize(block, weights)
    block_weights = None if weights is None else np.broadcast_to(weights, block.shape)
    kept, axes = reducer.kept(block.ndim), reducer.axes
    is_wide = reducer.nbytes(block.shape) > slabs.LARGE_RECORD_BYTES
    axis = slabs.outermost_axis(block, kept if is_wide or not axes else axes)
    total = reducer.empty(block.shape)

    def summarize_slab(slab: slice) -> Records:
        where = (slice(None),) * axis + (slab,)
        part = total[where] if axis in kept else np.zeros_like(total)
        reducer.add(part, block[where], part_of(block_weights, where))
        return part

    parts = slabs.map_slabs(summarize_slab, slabs.cut_axis(block.shape[axis], block.nbytes))
    if axis in axes:
        for part in parts:
            reducer.join(total, part)
    return total


@add.register(np.generic)
@add.register(np.ndarray)
def _(block: np.ndarray, total: Records, reducer: Reducer, weights: Weights = None) -> None:
    reducer.add(total, block, weights)


@transform.register(np.generic)
@transform.register(np.ndarray)
def _(block: np.ndarray, affine: Records, kernel: Kernel, dtype: np.dtype | None) -> np.ndarray:
    dtype = dtype or float_dtype(block.dtype)
    if block.nbytes < 2 * slabs.SLAB_BYTES:
        return kernel(block, affine, dtype)
    out = np.empty_like(block, dtype, subok=False)
    is_wide = affine.nbytes > slabs.LARGE_RECORD_BYTES
    affine = np.broadcast_to(affine, block.shape)
    varying = [axis for axis, stride in enumerate(affine.strides) if stride]
    axis = slabs.outermost_axis(block, varying if is_wide else range(block.ndim))

    def transform_slab(slab: slice) -> None:
        where = (slice(None),) * axis + (slab,)
        kernel(block[where], affine[where], dtype, out[where])

    slabs.map_slabs(transform_slab, slabs.cut_axis(block.shape[axis], block.nbytes))
    return out


# -- replacing numbers ------


def replace_values(block: np.ndarray, values: Sequence[float], replacement: float) -> np.ndarray:
    """Return a block as floats in which numbers are replaced; the block itself if it has none."""
    numbers = np.ma.getdata(block)
    # A minimum takes a fifth of the time of a comparison. If it is NaN, the comparisons are made.
    if not numbers.size or numbers.min() > max(values) or numbers.max() < min(values):
        return block
    is_found = numbers == values[0]
    for value in values[1:]:
        is_found |= numbers == value
    if not is_found.any():
        return block
    result = np.asanyarray(block).astype(float_dtype(block.dtype))
    result[is_found] = replacement
    return result


# -- masked arrays ------------------------------------------------------------------------------


@summarize.register(np.ma.MaskedArray)
def _(block: np.ma.MaskedArray, reducer: Reducer, weights: Weights = None) -> Records:
    total = reducer.empty(block.shape)
    add(block, total, reducer, weights)
    return total


@add.register(np.ma.MaskedArray)
def _(block: np.ma.MaskedArray, total: Records, reducer: Reducer, weights: Weights = None) -> None:
    if weights is not None:
        weights = np.broadcast_to(weights, block.shape)
    longest = [int(np.argmax(block.shape))] if block.ndim else []
    for slab in slabs.cut_block(block.shape, longest, slabs.CONVERTED_ELEMENTS):
        reducer.add(total[reducer.where(slab)], _filled(block[slab]), part_of(weights, slab))


@transform.register(np.ma.MaskedArray)
def _(
    block: np.ma.MaskedArray, affine: Records, kernel: Kernel, dtype: np.dtype | None
) -> np.ma.MaskedArray:
    values = transform(np.ma.getdata(block), affine, kernel, dtype)
    mask = np.ma.getmask(block)
    return np.ma.MaskedArray(values, mask if mask is np.ma.nomask else mask.copy())


def _filled(block: np.ma.MaskedArray) -> np.ndarray:
    """Return a small masked block as an array with NaN where it is masked."""
    if np.ma.getmask(block) is np.ma.nomask:
        return np.ma.getdata(block)
    return np.ma.filled(block.astype(block.dtype if block.dtype.kind == "f" else "f8"), np.nan)
