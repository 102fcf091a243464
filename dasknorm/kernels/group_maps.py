"""Affine maps by group of one column of values, each with the number of its group."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dasknorm.kernels import in_numpy
from dasknorm.kernels.affine_maps import restore, standardize
from dasknorm.kernels.block_moments import SMALL, numeric
from dasknorm.kernels.layout import slabs
from dasknorm.kernels.records import Array

__all__ = ["map_by_group"]


def map_by_group(
    kernel: Callable[..., Array], x: Array, affine: Array, codes: Array, out: Array
) -> Array:
    """Map each value through the map of its group: ``kernel(x, affine[codes], out.dtype, out)``.

    The same to the bit, without a map for each value in memory.

    Parameters
    ----------
    kernel : standardize or restore
        Others have no compiled loop, and are called with a map for each of some values.
    x : ndarray of bool, integers, or float16 to float64, shape (n,)
    affine : ndarray of AFFINE, shape (groups,)
    codes : ndarray of integers, shape (n,)
        For each value the position of its map; below 0 counted from the end, as in NumPy.
    out : ndarray of float16, float32 or float64, shape (n,)
        Written to.

    Returns
    -------
    ndarray
        `out` itself.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import AFFINE
    >>> affine = np.array([(0.0, 0.0, 1.0), (4.0, 0.0, 2.0)], AFFINE)
    >>> map_by_group(standardize, np.array([8.0, 8.0]), affine, np.array([0, 1]), np.empty(2))
    array([8., 2.])
    """
    x = numeric(x)
    if x.size < SMALL or out.dtype == np.float16 or kernel not in (standardize, restore):
        for (rows,) in slabs(x.shape):
            out[rows] = kernel(x[rows], affine[codes[rows]], out.dtype)
        return out
    # Numba is imported here and not above: half a second that small data never needs.
    from dasknorm.kernels.compiled import affine as maps
    from dasknorm.kernels.compiled import groups

    what = maps.OVER if kernel is standardize else maps.BACK
    table = np.array(affine)
    if what == maps.OVER and in_numpy.by_reciprocal(x.dtype, out.dtype):
        table["scale"] = in_numpy.reciprocal(table["scale"])
        what = maps.TIMES
    numbers = table.view("f8").reshape(len(table), -1)
    wide = x.dtype.kind in "iu" and x.dtype.itemsize == 8
    kind: Any = x.dtype.newbyteorder("=") if wide else np.dtype("f8")
    for (rows,) in slabs(x.shape):
        part = np.empty(len(out[rows]), out.dtype)
        values = np.ascontiguousarray(x[rows], kind)
        groups.map_values(part, values, what, numbers, np.ascontiguousarray(codes[rows], np.intp))
        out[rows] = part
    return out
