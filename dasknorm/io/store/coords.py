"""Store coordinates of states once per file, and restore them with the same type and bits.

Used by io.store.layout. Numbers are variables of the file, which other tools take as coordinates;
all other values are in the header.
"""

import hashlib
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NotRequired, TypedDict

import numpy as np
import pandas as pd

from dasknorm.errors import StatsFileError
from dasknorm.fields.coords import Coord, Coords
from dasknorm.io.store import labels, values
from dasknorm.io.store.values import Json, Parsed

NUMBERS = {"i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"}
"""The dtypes that every format can store in a variable."""


class CoordEntry(TypedDict):
    """A coordinate in a header: positions of its dimensions, and its variable or its values."""

    name: Json
    dims: list[int]
    dtype: str
    attrs: Json
    variable: NotRequired[str]
    values: NotRequired[Json]


class StoredCoords:
    """The coordinates of a file; the same coordinate of many fields is stored once."""

    def __init__(self, put: Callable[[str, list[int], np.ndarray, Mapping[str, object]], str]):
        self.entries: list[CoordEntry] = []
        self._put = put
        self._position: dict[str, int] = {}

    def add(self, coords: Coords, position_of_dim: Mapping[Hashable, int]) -> list[int]:
        """Return the positions of coordinates in `entries`; new ones are appended."""
        positions = []
        for name, coord in coords.items():
            dims = [position_of_dim[dim] for dim in coord.dims]
            try:
                positions.append(self._add(name, coord, dims))
            except TypeError as error:
                warnings.warn(
                    f"the coordinate {name!r} is not saved, as it cannot be restored ({error}): "
                    "loaded statistics are matched without it",
                    UserWarning,
                    stacklevel=2,
                )
        return positions

    def names_of_variables(self, positions: list[int]) -> list[str]:
        """Return the variables of some coordinates."""
        entries = [self.entries[i] for i in positions]
        return [entry["variable"] for entry in entries if "variable" in entry]

    def _add(self, name: Hashable, coord: Coord, dims: list[int]) -> int:
        data, attrs = coord.values, dict(coord.attrs)
        entry: CoordEntry = {
            "name": values.encode(name),
            "dims": dims,
            "dtype": data.dtype.str,
            "attrs": values.encode(attrs),
        }
        is_number = data.dtype.str[1:] in NUMBERS
        if not is_number:
            entry["values"] = _encode(data, name)
        digest = hashlib.sha256(data.tobytes()).hexdigest() if is_number else ""
        key = values.dumps([entry, digest])
        if key not in self._position:
            if is_number:
                little = np.ascontiguousarray(data.astype(data.dtype.newbyteorder("<")))
                entry["variable"] = self._put(str(name), dims, little, attrs)
            self._position[key] = len(self.entries)
            self.entries.append(entry)
        return self._position[key]


def coords_from(
    entries: Sequence[CoordEntry],
    dims: Sequence[tuple[Hashable, int]],
    variables: Mapping[str, np.ndarray],
) -> list[tuple[Hashable, Coord]]:
    """Return the names and coordinates of entries, given the name and size of each dimension."""
    result = []
    for entry in entries:
        name = values.decode(entry["name"])
        names, shape = zip(*(dims[i] for i in entry["dims"]), strict=True)
        if "variable" in entry:
            dtype = values.decode_dtype(entry["dtype"], "iuf")
            data = variables[entry["variable"]]
            if data.dtype != dtype.newbyteorder("<"):
                raise StatsFileError(f"coordinate {name!r} does not have its dtype {dtype}")
            data = data.astype(dtype)
        else:
            data = _decode(entry["values"], shape)
        if data.shape != shape:
            raise StatsFileError(f"coordinate {name!r} does not have the shape of its dimensions")
        result.append((name, Coord(names, data, values.decode(entry["attrs"]))))
    return result


def _encode(data: np.ndarray, name: Hashable) -> Json:
    """Return values that are not numbers as JSON; TypeError if they cannot be restored."""
    if data.dtype != object:
        return values.encode(data)
    return labels.encode(pd.Index(data.ravel(), dtype=object, tupleize_cols=False), name)


def _decode(coded: Parsed, shape: tuple[int, ...]) -> np.ndarray:
    if "kind" not in coded:
        return np.asarray(values.decode(coded))
    return labels.decode(coded).to_numpy(object).reshape(shape)
