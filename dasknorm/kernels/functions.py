"""Functions that straighten data before they are summarized, and the block maps that go by them.

Each has an inverse. What is outside of a function's domain is NaN or infinite once it has been
through it, as in NumPy, and without a warning.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dasknorm.kernels.affine_maps import restore, standardize
from dasknorm.kernels.records import Array

__all__ = ["FUNCTIONS", "Function", "restore_from", "standardize_by", "through"]


class Function(NamedTuple):
    """An increasing function, its inverse, and for which numbers it is there."""

    forward: Callable[..., Array]
    backward: Callable[..., Array]
    domain: str


FUNCTIONS = {
    "log": Function(np.log, np.exp, "x > 0"),
    "log1p": Function(np.log1p, np.expm1, "x > -1"),
    "sqrt": Function(np.sqrt, np.square, "x >= 0"),
    "asinh": Function(np.arcsinh, np.sinh, "all numbers"),
}


def through(name: str, x: Array) -> Array:
    """Values after a function, in float64; outside of its domain infinite, so that it is seen.

    Parameters
    ----------
    name : str
        Of `FUNCTIONS`.
    x : ndarray of bool, integers, or float16 to float64
        Only read; NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> through("sqrt", np.array([4.0, np.nan, -1.0]))
    array([ 2., nan, inf])
    """
    with np.errstate(all="ignore"):
        values = np.asarray(FUNCTIONS[name].forward(x, dtype=np.float64))
        outside = np.isnan(values) & ~np.isnan(x) if x.dtype.kind == "f" else np.isnan(values)
    return np.where(outside, np.inf, values) if outside.any() else values


def standardize_by(
    name: str, x: Array, affine: Array, dtype: Any, out: Array | None = None
) -> Array:
    """`standardize` of the function's values: NaN or infinite where there are none.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import AFFINE
    >>> standardize_by("sqrt", np.array([1, 9]), np.array((1.0, 0.0, 2.0), AFFINE), np.float32)
    array([0., 1.], dtype=float32)
    """
    with np.errstate(all="ignore"):
        values = np.asarray(FUNCTIONS[name].forward(x, dtype=np.float64))
    return standardize(values, affine, dtype, out)


def restore_from(name: str, x: Array, affine: Array, dtype: Any, out: Array | None = None) -> Array:
    """The inverse of `standardize_by`: restored in float64, then back through the function.

    Examples
    --------
    >>> import numpy as np
    >>> from dasknorm.kernels import AFFINE
    >>> restore_from("sqrt", np.array([0.0, 1.0]), np.array((1.0, 0.0, 2.0), AFFINE), np.float64)
    array([1., 9.])
    """
    values = restore(x, affine, np.float64)
    with np.errstate(all="ignore"):
        values = FUNCTIONS[name].backward(values)
        if out is None:
            return np.asarray(values.astype(dtype))
        out[...] = values
    return out
