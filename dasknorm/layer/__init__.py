"""Keras-style API: the `Normalization` layer.

Used by users. `normalization` holds the layer, `axes` its axis argument.
"""

from dasknorm.layer.normalization import Normalization

__all__ = ["Normalization"]
