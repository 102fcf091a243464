"""Dimensions of a file: each name, size and set of labels once, with a coordinate for people."""

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.io.store import json_arrays, labels, values
from dasknorm.io.store.names import Names
from dasknorm.io.store.variables import Variable

__all__ = ["Dims", "coordinate"]


class Dims:
    """The dimensions met so far; `entries` is the header's list of them.

    Two fields may use one name for different labels or sizes; in the file these get two names.
    """

    def __init__(self, names: Names) -> None:
        self.entries: list[dict[str, Any]] = []
        self.coordinates: dict[str, Variable] = {}
        self._names = names
        self._position: dict[str, int] = {}
        self._widths: dict[int, str] = {}

    def add(self, dim: Hashable, size: int, index: pd.Index | None) -> int:
        """Return the position of a dimension in `entries`, entered if it is new."""
        if index is not None and len(index) != size:
            raise ValueError(f"{len(index)} labels along {dim!r}, which has size {size}")
        coded = None if index is None else labels.encode(index, dim)
        entry = {"name": values.encode(dim), "size": size, "labels": coded}
        key = json_arrays.dumps(entry)
        if key not in self._position:
            self._position[key] = len(self.entries)
            stored_as = self._names.unique(_spoken(dim))
            self.entries.append({**entry, "stored_as": stored_as})
            self._add_coordinate(stored_as, index)
        return self._position[key]

    def stored_as(self, positions: list[int]) -> tuple[str, ...]:
        """Return the names in the file of the dimensions at these positions."""
        return tuple(self.entries[i]["stored_as"] for i in positions)

    def _add_coordinate(self, name: str, index: pd.Index | None) -> None:
        found = None if index is None else coordinate(index)
        if found is None:
            return
        data, attrs = found
        dims = (name, self._letters(data.dtype.itemsize)) if data.dtype.kind == "S" else (name,)
        self.coordinates[name] = Variable(dims, data, attrs)

    def _letters(self, width: int) -> str:
        """Return the dimension of the letters of texts, called as in other NetCDF files."""
        if width not in self._widths:
            self._widths[width] = self._names.unique(f"string{width}")
        return self._widths[width]


def coordinate(index: pd.Index) -> tuple[np.ndarray, dict[str, str]] | None:
    """Return labels as other tools can read them, with attributes; None where none can.

    Exact labels stand in the header; these are numbers, times since 1970, or texts.
    """
    if not len(index) or isinstance(index, pd.MultiIndex):
        return None
    if isinstance(index.dtype, np.dtype) and index.dtype.kind in "iuf":
        return _little(index.to_numpy()), {}
    if isinstance(index.dtype, np.dtype) and index.dtype.kind == "M" and not index.hasnans:
        unit = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
        units = f"{unit[np.datetime_data(index.dtype)[0]]} since 1970-01-01"
        return _little(index.to_numpy().astype("i8")), {
            "units": units,
            "calendar": "proleptic_gregorian",
        }
    return _texts([str(label) for label in index])


def _texts(items: list[str]) -> tuple[np.ndarray, dict[str, str]] | None:
    """Return texts as bytes of one width; None if they would not come back, or waste room."""
    coded = [item.encode("utf-8", "replace") for item in items]
    lengths = [len(item) for item in coded]
    if any(b"\0" in item for item in coded) or not any(lengths):
        return None
    if len(coded) * max(lengths) > 4 * sum(lengths) + 100_000:
        return None
    return np.array(coded, "S"), {}


def _little(array: np.ndarray) -> np.ndarray:
    return array.astype(array.dtype.newbyteorder("<"))


def _spoken(dim: Hashable) -> str:
    """Return a name for a dimension: bare axes are negative integers."""
    return f"axis_minus_{-dim}" if type(dim) is int and dim < 0 else str(dim)
