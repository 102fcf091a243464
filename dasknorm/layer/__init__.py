"""The door for those who come from Keras: `Normalization`, in its words and by its rules.

``axes.py`` says what the layer's `axis` means, ``batches.py`` what `adapt` may be given.
"""

from dasknorm.layer.normalization import Normalization

__all__ = ["Normalization"]
