"""Create plain NumPy constants from statistics.

Used by api.stats. The keys of the dict are public.
"""

from collections.abc import Hashable
from typing import Any, TypedDict

import numpy as np

from dasknorm.io.serving.layout import Layout

__all__ = ["Constants", "constants"]


class Constants(TypedDict):
    """A plain dict, which is unpickled where dasknorm is not installed."""

    shift: np.ndarray[Any, Any]
    shift_rest: np.ndarray[Any, Any]
    scale: np.ndarray[Any, Any]
    channels: list[Hashable]
    functions: dict[str, np.ndarray[Any, Any]]


def constants(layout: Layout, dtype: Any) -> Constants:
    """Return the numbers of ``(x - shift - shift_rest) / scale``, and the order of channels."""
    return Constants(
        **layout.parts(dtype),  # type: ignore[typeddict-item]
        channels=list(layout.channels),
        functions=dict(layout.functions),
    )
