"""`Layout`: an affine map along the axes of a batch, in the dtype of its constants.

Used by io. A new field here has to be written by each module of the folder.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """An affine map that broadcasts along the last axes of a batch.

    Parameters
    ----------
    affine : ndarray of kernels.AFFINE
        Its axes are the last ones of the batch, of size 1 where nothing is kept.
    kept : tuple of (axis, size)
        Which axes have a number for each place; counted from the end, so that any batch fits.
    channels : tuple of hashable
        What stands along the axis of channels; empty where none has names.
    functions : mapping of name to ndarray of bool
        Those of `kernels.FUNCTIONS` that some of the numbers go through first; where, broadcasting
        as the map does.
    """

    affine: np.ndarray[Any, Any]
    kept: tuple[tuple[int, int], ...]
    channels: tuple[Hashable, ...] = ()
    functions: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)

    def parts(self, dtype: Any) -> dict[str, np.ndarray]:
        """Return shift, shift_rest and scale in float32 or float64; ValueError beyond its range.

        The rest is what the dtype has no digits for in the shift: 1e4 has 3 decimals in float32.
        """
        dtype = _constant_dtype(dtype)
        with np.errstate(over="ignore"):
            shift = self.affine["shift"].astype(dtype)
            rest = (self.affine["shift"] - shift) + self.affine["shift_rest"]
            scale = self.affine["scale"].astype(dtype)
        is_lost = np.isinf(shift) | np.isinf(scale) | (scale < np.finfo(dtype).tiny)
        if is_lost.any():
            worst = self.affine[is_lost][0]
            raise ValueError(
                f"a shift of {worst['shift']:g} and a scale of {worst['scale']:g} are beyond "
                f"{dtype}: write dtype='float64', or adapt on data in another unit"
            )
        return {"shift": shift, "shift_rest": rest.astype(dtype), "scale": scale}


def _constant_dtype(dtype: Any) -> np.dtype[Any]:
    try:
        result = np.dtype(dtype)
    except TypeError:
        result = None
    if result not in (np.float32, np.float64):
        raise TypeError(
            f"constants are kept in float32 or float64, got dtype={dtype!r}; batches of float16 "
            "and bfloat16 are calculated with these, and come out as they were"
        )
    return result
