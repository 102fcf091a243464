"""Create Keras' own Normalization layer from statistics.

Used by api.stats. It may use any layer that Keras can save and load.
"""

from typing import Any

import numpy as np

from dasknorm.errors import MismatchError
from dasknorm.io.serving import Layout

try:
    import keras
except ModuleNotFoundError as error:
    if error.name == "keras":
        raise ImportError("to_keras needs Keras: pip install 'dasknorm[training]'") from error
    raise ImportError(
        f"Keras does not find {error.name} to compute with: set the environment variable "
        "KERAS_BACKEND to torch or jax before it is first imported"
    ) from error

__all__ = ["layer"]

LEAST = 1e-7
"""Keras divides by no less."""

LARGEST = 1.8e19
"""Its square is beyond float32, in which Keras keeps a variance."""


FORWARD = {"log": "log", "log1p": "log1p", "sqrt": "sqrt", "asinh": "arcsinh"}
BACKWARD = {"log": "exp", "log1p": "expm1", "sqrt": "square", "asinh": "sinh"}


def layer(layout: Layout, invert: bool) -> Any:
    """Return Keras' layer in float32, or a small model of its own operations with functions.

    Raises MismatchError if Keras would divide by another scale.
    """
    scale = layout.affine["scale"]
    is_lost = (scale < LEAST) | (scale > LARGEST)
    if is_lost.any():
        raise MismatchError(
            f"Keras' layer divides by no less than {LEAST} and no more than {LARGEST}, and these "
            f"statistics by {scale[is_lost][0]:g}: adapt on data in another unit, or use to_torch()"
        )
    affine = _affine(layout, invert)
    if not layout.functions:
        return affine
    sizes = dict(layout.kept)
    inputs = keras.Input([sizes.get(axis) for axis in range(-layout.affine.ndim, 0)])
    if invert:
        return keras.Model(inputs, _through(affine(inputs), layout, BACKWARD))
    return keras.Model(inputs, affine(_through(inputs, layout, FORWARD)))


def _affine(layout: Layout, invert: bool) -> Any:
    axes = tuple(axis for axis, _ in layout.kept)
    shape = tuple(size for _, size in layout.kept)
    # The dtype is said, as a mixed policy would round data to 8 bits before the mean is subtracted.
    return keras.layers.Normalization(
        axis=axes or None,
        mean=layout.affine["shift"].reshape(shape).astype(np.float32),
        variance=np.square(layout.affine["scale"].reshape(shape)).astype(np.float32),
        invert=invert,
        dtype="float32",
    )


def _through(x: Any, layout: Layout, names: dict[str, str]) -> Any:
    """Return the outcome of functions, each of its own channels: the others are kept from it."""
    for name, where in layout.functions.items():
        function = getattr(keras.ops, names[name])
        if where.all():
            x = function(x)
        else:
            x = keras.ops.where(where, function(keras.ops.where(where, x, 1.0)), x)
    return x
