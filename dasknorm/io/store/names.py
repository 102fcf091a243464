"""Names within a file: what any tool takes for a variable's name, each given out once.

They are made from a user's names for people to read. What the user's names really are stands in
the header; nothing is ever looked up by a name that came from data.
"""

import re
import unicodedata
from importlib.metadata import PackageNotFoundError, version

__all__ = ["HEADER", "WRITER", "Names", "is_safe"]

HEADER = "dasknorm_header"

try:
    WRITER = version("dasknorm")
except PackageNotFoundError:  # run from a source tree that is not installed
    WRITER = "unknown"
"""The version of this library, which files name as their writer."""

_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


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
