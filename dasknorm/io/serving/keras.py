"""Create a `Normalization` layer of Keras from statistics.

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

MIN_SCALE, MAX_SCALE = 1e-7, 1.8e19
"""Keras divides by at least 1e-7, and stores variances up to 1.8e19**2 in float32."""

FORWARD = {"log": "log", "log1p": "log1p", "sqrt": "sqrt", "asinh": "arcsinh"}
BACKWARD = {"log": "exp", "log1p": "expm1", "sqrt": "square", "asinh": "sinh"}


def layer(layout: Layout, invert: bool) -> Any:
    """Return a layer in float32, or with functions a model; MismatchError for extreme scales."""
    scale = layout.affine["scale"]
    is_extreme = (scale < MIN_SCALE) | (scale > MAX_SCALE)
    if is_extreme.any():
        raise MismatchError(
            f"Keras divides by scales from {MIN_SCALE} to {MAX_SCALE}, got a scale of "
            f"{scale[is_extreme][0]:g}: adapt on data in another unit, or use to_torch()"
        )
    affine = _affine(layout, invert)
    if not layout.functions:
        return affine
    sizes = dict(layout.kept)
    inputs = keras.Input([sizes.get(axis) for axis in range(-layout.affine.ndim, 0)])
    if invert:
        return keras.Model(inputs, _apply_functions(affine(inputs), layout, BACKWARD))
    return keras.Model(inputs, affine(_apply_functions(inputs, layout, FORWARD)))


def _affine(layout: Layout, invert: bool) -> Any:
    axes = tuple(axis for axis, _ in layout.kept)
    shape = tuple(size for _, size in layout.kept)
    # With a mixed policy, data would be rounded to 8 bits before the mean is subtracted.
    return keras.layers.Normalization(
        axis=axes or None,
        mean=layout.affine["shift"].reshape(shape).astype(np.float32),
        variance=np.square(layout.affine["scale"].reshape(shape)).astype(np.float32),
        invert=invert,
        dtype="float32",
    )


def _apply_functions(x: Any, layout: Layout, names: dict[str, str]) -> Any:
    """Apply functions to their channels only: others may be outside of the domain."""
    for name, where in layout.functions.items():
        function = getattr(keras.ops, names[name])
        if where.all():
            x = function(x)
        else:
            x = keras.ops.where(where, function(keras.ops.where(where, x, 1.0)), x)
    return x
