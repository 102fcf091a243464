"""`Variable`: a named array of a statistics file, and the names that any tool accepts for it.

Used by io.formats and io.store. Names may change, as files are read by their header. Names are made
from the user's names, for people to read. The header stores the user's names themselves; nothing is
looked up by a name that came from data.
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
"""The version of this library, stored in files as their writer."""

_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


@dataclass(frozen=True)
class Variable:
    """An array of little-endian numbers, or of UTF-8 strings (dtype S), with named dimensions.

    Strings have one more dimension than their array, for formats that store single characters.
    """

    dims: tuple[str, ...]
    data: np.ndarray
    attrs: Mapping[str, str] = field(default_factory=dict)


def plain_text(value: Any, max_length: int = 1000) -> str:
    """Return a short text that every format can store as an attribute."""
    text = str(value)[:max_length].replace("\0", "")
    return text.encode("utf-8", "replace").decode()


class Names:
    """Makes safe names that differ in more than upper and lower case, which some disks ignore."""

    def __init__(self) -> None:
        self._taken = {HEADER}

    def unique(self, text: str) -> str:
        """Return a new name similar to `text`."""
        name, number = _safe(text), 1
        while (unique := name if number == 1 else f"{name}_{number}").lower() in self._taken:
            number += 1
        self._taken.add(unique.lower())
        return unique


def is_safe(name: str) -> bool:
    """Check whether `Names` could have made a name: not a path, not hidden."""
    return bool(_SAFE.fullmatch(name))


def _safe(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text[:80]).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:80]
    return name if name[:1].isalpha() else f"x_{name}".rstrip("_")
