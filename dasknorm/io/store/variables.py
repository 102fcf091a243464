"""`Variable`: a named array of a statistics file, and the names that any tool accepts for it.

Names are made from the user's names, for people to read. The header stores the user's names
themselves; nothing is looked up by a name that came from data.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

__all__ = ["HEADER", "WRITER", "Names", "Variable", "is_safe", "plain_text"]

HEADER = "dasknorm_header"

try:
    WRITER = version("dasknorm")
except PackageNotFoundError:  # run from a source tree that is not installed
    WRITER = "unknown"
"""The version of this library, which files name as their writer."""

_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


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


class Names:
    """Gives out names that are safe and differ, letter case aside: some disks ignore it."""

    def __init__(self) -> None:
        self._taken = {HEADER}

    def unique(self, wanted: str) -> str:
        """Return a name like the one wanted, not given out before."""
        name, number = _safe(wanted), 1
        while (unique := name if number == 1 else f"{name}_{number}").lower() in self._taken:
            number += 1
        self._taken.add(unique.lower())
        return unique


def is_safe(name: str) -> bool:
    """Tell whether `Names` could have given out a name: no path, nothing hidden."""
    return bool(_SAFE.fullmatch(name))


def _safe(wanted: str) -> str:
    plain = unicodedata.normalize("NFKD", wanted[:80]).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:80]
    return name if name[:1].isalpha() else f"x_{name}".rstrip("_")
