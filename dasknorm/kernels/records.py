"""The two records of this floor: what a block is remembered by, and the map made of it."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["AFFINE", "RECORD", "Array", "Axes", "Kernel"]

Array: TypeAlias = NDArray[Any]
Axes: TypeAlias = tuple[int, ...]

Kernel: TypeAlias = Callable[..., Array]
"""A map of blocks, as `standardize` and `restore`: (array, affine, dtype, out=None) -> array."""

#: Count, mean and sum of squared deviations, the last two as unevaluated sums with their rests.
RECORD = np.dtype(
    [(name, "<f8") for name in ("count", "mean", "mean_rest", "m2", "m2_rest", "missing")]
)

#: ``(x - shift - shift_rest) / scale``.
AFFINE = np.dtype([(name, "<f8") for name in ("shift", "shift_rest", "scale")])
