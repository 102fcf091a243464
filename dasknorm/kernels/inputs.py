"""Types and dtypes of the kernels' arrays, and checks of the arguments that all kernels take.

Used by kernels. The fields of `RECORD` are those of files; messages may be changed freely.
"""

import operator
from collections.abc import Callable
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

Array: TypeAlias = np.ndarray
Axes: TypeAlias = tuple[int, ...]
Weights: TypeAlias = Array | None

# A map of blocks, as `standardize` and `restore`: (array, affine, dtype, out=None) -> array.
Kernel: TypeAlias = Callable[..., Array]

#: Count, mean and sum of squared deviations, the last two as unevaluated sums with their rests.
RECORD = np.dtype(
    [(name, "<f8") for name in ("count", "mean", "mean_rest", "m2", "m2_rest", "missing")]
)

#: ``(x - shift - shift_rest) / scale``.
AFFINE = np.dtype([(name, "<f8") for name in ("shift", "shift_rest", "scale")])

MIN_COMPILED = 100_000  # elements; below, NumPy is done before Numba is imported
MAX_WEIGHT = 1e140  # products of two sums of larger weights overflow, and give a variance of 0
REPEATED_WEIGHTS = 8  # weights are converted if each serves so many values, or there are few


def is_small(x: Array) -> bool:
    """Return whether NumPy computes the block, rather than a compiled loop."""
    return x.size < max(MIN_COMPILED, 2)  # loops walk along an axis, and one element has none


def as_numeric(x: ArrayLike, name: str = "x") -> Array:
    """Return an array, or raise TypeError unless its dtype is one that kernels take."""
    array = np.asarray(x)
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind in "biu" or (kind == "f" and size <= 8):
        return array
    raise TypeError(
        f"{name} must be of booleans, integers or float16 to float64, got dtype {array.dtype}; "
        f"convert it first, for example {name}.astype('float64')"
    )


def as_weights(weights: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return weights in the shape of the data; ValueError unless all are from 0 to `MAX_WEIGHT`."""
    array = as_numeric(weights, "weights")
    if array.size:
        with np.errstate(invalid="ignore"):
            low, high = array.min(), array.max()
        if not (low >= 0 and high < np.inf):
            got = "NaN" if low != low else f"{low if not low >= 0 else high}"
            raise ValueError(
                f"weights must be finite and at least 0, got {got}; "
                "give weight 0 to values to exclude"
            )
        if float(high) > MAX_WEIGHT:
            raise ValueError(
                f"weights must be at most {MAX_WEIGHT:g}, got {high:g}: divide all weights by "
                "their maximum, as only their proportions matter to the mean and the std"
            )
    if array.size < MIN_COMPILED or REPEATED_WEIGHTS * array.size <= prod(shape):
        array = array.astype(np.float64, copy=False)
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(
            f"weights must broadcast to the shape of x {shape}, got shape {array.shape}; "
            "give them the axes they belong to, of size 1 elsewhere"
        ) from None


def part_of(weights: Weights, index: Any) -> Weights:
    """Return a part of weights; None if there are none."""
    return None if weights is None else weights[index]


def as_records(records: ArrayLike, name: str) -> Array:
    """Return an array, or raise TypeError unless it holds records."""
    array = np.asarray(records)
    if array.dtype != RECORD:
        raise TypeError(
            f"{name} must be of dtype RECORD, got {array.dtype}; make records with moments()"
        )
    return array


def check_record_target(out: Any, name: str) -> None:
    """Raise TypeError or ValueError unless an array holds records and can be written to."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} must be an ndarray to be written to, got {type(out).__name__}")
    if not as_records(out, name).flags.writeable:
        raise ValueError(f"{name} must be writeable, got a read-only array; give {name}.copy()")


def normalize_axes(axes: Axes, ndim: int) -> Axes:
    """Return axes counted from the front, or raise ValueError if one is invalid or repeated."""
    counted = tuple(operator.index(axis) for axis in axes)
    if any(not -ndim <= axis < ndim for axis in counted):
        raise ValueError(f"axes must lie between {-ndim} and {ndim - 1}, got {axes}")
    counted = tuple(axis % ndim for axis in counted)
    if len(set(counted)) < len(counted):
        raise ValueError(f"axes must differ from one another, got {axes}")
    return counted


def reduced_shape(shape: tuple[int, ...], axes: Axes) -> tuple[int, ...]:
    """Return a shape with size 1 along some axes."""
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape))
