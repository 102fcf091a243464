"""Keras' own Normalization layer, with these numbers."""

from typing import Any

import numpy as np

from dasknorm.errors import MismatchError
from dasknorm.serving.layout import Layout

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


def layer(layout: Layout, invert: bool) -> Any:
    """Return Keras' layer in float32; MismatchError if it would divide by another scale."""
    scale = layout.affine["scale"]
    lost = (scale < LEAST) | (scale > LARGEST)
    if lost.any():
        raise MismatchError(
            f"Keras' layer divides by no less than {LEAST} and no more than {LARGEST}, and these "
            f"statistics by {scale[lost][0]:g}: adapt on data in another unit, or use to_torch()"
        )
    axes = tuple(axis for axis, _ in layout.kept)
    shape = tuple(size for _, size in layout.kept)
    mean = layout.affine["shift"].reshape(shape)
    # The dtype is said, as a mixed policy would round data to 8 bits before the mean is subtracted.
    return keras.layers.Normalization(
        axis=axes or None,
        mean=mean.astype(np.float32),
        variance=np.square(scale.reshape(shape)).astype(np.float32),
        invert=invert,
        dtype="float32",
    )
