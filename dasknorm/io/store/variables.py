"""Variable: what any tool finds in a statistics file: an array, named dimensions, a few texts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Variable", "plain_text"]


@dataclass(frozen=True)
class Variable:
    """An array of little-endian numbers, or of texts in UTF-8 (dtype S), with named dimensions.

    Texts have one dimension more than their array, for formats that keep single characters.
    """

    dims: tuple[str, ...]
    data: np.ndarray
    attrs: Mapping[str, str] = field(default_factory=dict)


def plain_text(value: Any, most: int = 1000) -> str:
    """Return a short text that every format can keep as an attribute."""
    text = str(value)[:most].replace("\0", "")
    return text.encode("utf-8", "replace").decode()
