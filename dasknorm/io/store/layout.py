"""`Layout`: store states as variables of a file, and restore them.

Used by cli.datasets, io.formats.netcdf and io.store. Names of variables may change, as files are
read by their header, which has the user's names. Each field has a variable per result (count, mean,
std, variance), for people and other tools, and one per other part of the record.
"""

import re
import unicodedata
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import NotRequired, TypedDict

import numpy as np
import pandas as pd

from dasknorm.fields import Groups, State
from dasknorm.io.store import labels, settings, values
from dasknorm.io.store.coords import CoordEntry, StoredCoords, coords_from
from dasknorm.io.store.settings import parts_of
from dasknorm.io.store.values import Json
from dasknorm.statistics import Statistic

HEADER = "dasknorm_header"
COORD_ATTRS = ("standard_name", "long_name", "units", "axis")
"""Attributes of coordinates for other tools."""

try:
    WRITER = version("dasknorm")
except PackageNotFoundError:  # run from a source tree that is not installed
    WRITER = "unknown"
"""The version of this library, stored in files as their writer."""

Names = dict[str, str]
"""The names of variables by those of results or parts of a record."""

_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


@dataclass(frozen=True)
class Variable:
    """An array with named dimensions; UTF-8 strings (dtype S) have one more, for characters."""

    dims: tuple[str, ...]
    data: np.ndarray
    attrs: Mapping[str, str] = field(default_factory=dict)


class FieldEntry(TypedDict):
    """A field in a header, with positions of its dimensions and names of its variables."""

    name: Json
    statistic: settings.Entry
    dims: list[int]
    features: list[Json]
    grouped: NotRequired[Json]
    lagged: NotRequired[Json]
    chosen: NotRequired[list[Json] | None]
    attrs: Json
    readings: dict[str, str]
    record: dict[str, str]
    coordinates: NotRequired[list[int]]


class Dim(TypedDict):
    """A dimension, and its labels as JSON."""

    name: Json
    size: int
    labels: dict[str, Json] | None


class DimEntry(Dim):
    """A dimension in a header, with its name in the file."""

    stored_as: str


class Header(TypedDict):
    """The header of a statistics file; `variables` have a dtype and a shape."""

    format: str
    version: int
    written_by: str
    history: str
    container: str
    attrs: Json
    dims: list[DimEntry]
    fields: list[FieldEntry]
    coordinates: NotRequired[list[CoordEntry]]
    variables: dict[str, tuple[str, list[int]]]


class Layout:
    """The variables of one file, and the lists of dimensions and fields in its header."""

    def __init__(self) -> None:
        self.fields: list[FieldEntry] = []
        self.variables: dict[str, Variable] = {}
        self._names = UniqueNames()
        self._prefixes = UniqueNames()
        self.dims = Dims(self._names)
        self.coords = StoredCoords(self._put_coord)

    def add(self, name: Hashable, state: State) -> None:
        """Add the state of one field."""
        records = _check_dtype(name, state)
        dims = [self.dims.add(dim, n, state.labels.get(dim)) for dim, n in state.sizes().items()]
        prefix = "" if name is None else self._prefixes.unique(str(name)) + "_"
        coords = self.coords.add(state.coords, dict(zip(state.dims, dims, strict=True)))
        results = self._add_results(prefix, dims, records, state, coords)
        entry: FieldEntry = {
            "name": values.encode(name),
            "statistic": settings.encode(state.statistic),
            "dims": dims,
            "features": [values.encode(dim) for dim in state.features],
            "grouped": values.encode(state.group_dim),
            "lagged": values.encode(state.lag_dim),
            "chosen": None
            if state.selected_columns is None
            else list(map(values.encode, state.selected_columns)),
            "attrs": _encode_attrs(name, state.attrs),
            "readings": results,
            "record": self._add_record(prefix, dims, records, state, results),
        }
        if coords:
            entry["coordinates"] = coords
        self.fields.append(entry)

    def _add_results(
        self,
        prefix: str,
        dims: list[int],
        records: np.ndarray,
        state: State,
        coords: list[int],
    ) -> Names:
        """Add the results for other tools; return the names of their variables."""
        names = {}
        coord_names = self.coords.names_of_variables(coords)
        coord_attrs = {"coordinates": " ".join(coord_names)} if coord_names else {}
        for result in state.statistic.result_names:
            # Any values of the records, such as all kinds of NaN, are written as they are.
            with np.errstate(all="ignore"):
                data = np.asarray(state.statistic.result(records, result), "<f8")
            attrs = _attrs_of(result, state) | coord_attrs
            names[result] = self._put(prefix + result, dims, data, attrs)
        return names

    def _add_record(
        self, prefix: str, dims: list[int], records: np.ndarray, state: State, results: Names
    ) -> Names:
        """Add the parts of the record; return the names of their variables."""
        names = {}
        for part, dtype, _ in parts_of(state.statistic):
            data = np.asarray(records[part], dtype, order="C")
            result = self.variables[results[part]].data if part in results else None
            # They differ if a result is NaN because there are no values, and the part is 0.
            if result is not None and _is_identical(result, data):
                names[part] = results[part]
            else:
                suffix = "" if result is None else "_as_remembered"
                names[part] = self._put(f"{prefix}{part}{suffix}", dims, data)
        return names

    def _put(
        self, text: str, dims: list[int], data: np.ndarray, attrs: Mapping[str, str] | None = None
    ) -> str:
        """Add a variable, with extra dimensions if each record has an array; return its name."""
        name = self._names.unique(text)
        named = self.dims.stored_as(dims)
        extra = [self._names.unique(f"{name}_axis_{i}") for i in range(data.ndim - len(named))]
        self.variables[name] = Variable((*named, *extra), data, attrs or {})
        return name

    def _put_coord(
        self, text: str, dims: list[int], data: np.ndarray, attrs: Mapping[str, object]
    ) -> str:
        """Add a coordinate with the attributes that are texts; return the name of its variable."""
        texts = {key: plain_text(attrs[key]) for key in COORD_ATTRS if type(attrs.get(key)) is str}
        return self._put(text, dims, data, texts)


def _is_identical(first: np.ndarray, second: np.ndarray) -> bool:
    return (first.dtype, first.tobytes()) == (second.dtype, second.tobytes())


def states_from(
    header: Header, variables: Mapping[str, np.ndarray], statistics: Sequence[Statistic]
) -> dict[Hashable, State]:
    """Return the states that were added to a `Layout`."""
    dims = [_dim(entry) for entry in header["dims"]]
    sizes = [(dim, size) for dim, size, _ in dims]
    coords = coords_from(header.get("coordinates", []), sizes, variables)
    states = {}
    for entry, statistic in zip(header["fields"], statistics, strict=True):
        state_dims, columns = [dims[i] for i in entry["dims"]], entry.get("chosen")
        states[values.decode(entry["name"])] = State(
            _records(statistic, entry["record"], [size for _, size, _ in state_dims], variables),
            tuple(dim for dim, _, _ in state_dims),
            {dim: index for dim, _, index in state_dims if index is not None},
            tuple(values.decode(dim) for dim in entry["features"]),
            values.decode(entry["attrs"]),
            _groups(entry),
            None if columns is None else tuple(map(values.decode, columns)),
            statistic=statistic,
            coords=dict(coords[i] for i in entry.get("coordinates", [])),
        )
    return states


def _groups(entry: FieldEntry) -> Groups | None:
    dim = values.decode(entry.get("grouped"))
    return None if dim is None else Groups(dim, lag_dim=values.decode(entry.get("lagged")))


def _dim(entry: DimEntry) -> tuple[Hashable, int, pd.Index | None]:
    index = None if entry["labels"] is None else labels.decode(entry["labels"])
    if index is not None and len(index) != entry["size"]:
        raise ValueError(f"dimension {entry['stored_as']!r} has too few or too many labels")
    return values.decode(entry["name"]), entry["size"], index


def _records(
    statistic: Statistic,
    names: Mapping[str, str],
    shape: list[int],
    variables: Mapping[str, np.ndarray],
) -> np.ndarray:
    """Return records from the variables of their parts."""
    records = np.zeros(shape, statistic.dtype)
    for part, _, _ in parts_of(statistic):
        records[part] = variables[names[part]]
    return records


def _check_dtype(name: Hashable, state: State) -> np.ndarray:
    records, statistic = np.asarray(state.data), state.statistic
    if records.dtype != statistic.dtype:
        raise TypeError(
            f"the state of {name!r} has dtype {records.dtype}, "
            f"but {statistic} needs {statistic.dtype}"
        )
    return records


def _encode_attrs(name: Hashable, attrs: Mapping[str, object]) -> Json:
    try:
        return values.encode(dict(attrs))
    except TypeError as error:
        raise TypeError(
            f"the attributes of {name!r} hold {error}, which cannot be written; convert them to "
            "strings"
        ) from error


def _attrs_of(result: str, state: State) -> dict[str, str]:
    """Return the attributes of a result for people."""
    attrs = state.attrs  # others are dropped: scale_factor would change the values that tools see
    of = f" of {attrs['long_name']}" if "long_name" in attrs else ""
    texts = {"long_name": plain_text(result + of)}
    units = state.attrs_of(result).get("units")
    if type(units) is str and "since" not in units:
        texts["units"] = plain_text(units)
    return texts


# -- names ---------------------------------------------------------------------------------------


class UniqueNames:
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
    """Check whether `UniqueNames` could have made a name: not a path, not hidden."""
    return bool(_SAFE.fullmatch(name))


def _safe(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text[:80]).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:80]
    return name if name[:1].isalpha() else f"x_{name}".rstrip("_")


def plain_text(value: object, max_length: int = 1000) -> str:
    """Return a short text that every format can store as an attribute."""
    text = str(value)[:max_length].replace("\0", "")
    return text.encode("utf-8", "replace").decode()


# -- dimensions and their coordinates -----------------------------------------------------------


class Dims:
    """The dimensions of a file; different ones of the same name have two names in the file."""

    def __init__(self, names: UniqueNames) -> None:
        self.entries: list[DimEntry] = []
        self.coordinates: dict[str, Variable] = {}
        self._names = names
        self._position: dict[str, int] = {}
        self._widths: dict[int, str] = {}

    def add(self, dim: Hashable, size: int, index: pd.Index | None) -> int:
        """Return the position of a dimension in `entries`; new ones are appended."""
        if index is not None and len(index) != size:
            raise ValueError(f"{len(index)} labels along {dim!r}, which has size {size}")
        encoded = None if index is None else labels.encode(index, dim)
        entry: Dim = {"name": values.encode(dim), "size": size, "labels": encoded}
        key = values.dumps(entry)
        if key not in self._position:
            self._position[key] = len(self.entries)
            stored_as = self._names.unique(_dim_name(dim))
            self.entries.append({**entry, "stored_as": stored_as})
            self._add_coordinate(stored_as, index)
        return self._position[key]

    def stored_as(self, positions: list[int]) -> tuple[str, ...]:
        """Return the names in the file of the dimensions at some positions of `entries`."""
        return tuple(self.entries[i]["stored_as"] for i in positions)

    def _add_coordinate(self, name: str, index: pd.Index | None) -> None:
        stored = None if index is None else coordinate(index)
        if stored is None:
            return
        data, attrs = stored
        dims = (name, self._characters(data.dtype.itemsize)) if data.dtype.kind == "S" else (name,)
        self.coordinates[name] = Variable(dims, data, attrs)

    def _characters(self, width: int) -> str:
        """Return the dimension of the characters of strings, named as in other NetCDF files."""
        if width not in self._widths:
            self._widths[width] = self._names.unique(f"string{width}")
        return self._widths[width]


def coordinate(index: pd.Index) -> tuple[np.ndarray, dict[str, str]] | None:
    """Return labels for other tools: numbers, times since 1970, or strings; None if impossible."""
    if not len(index) or isinstance(index, pd.MultiIndex):
        return None
    if isinstance(index.dtype, np.dtype) and index.dtype.kind in "iuf":
        return _little_endian(index.to_numpy()), {}
    if isinstance(index.dtype, np.dtype) and index.dtype.kind == "M" and not index.hasnans:
        unit = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
        units = f"{unit[np.datetime_data(index.dtype)[0]]} since 1970-01-01"
        return _little_endian(index.to_numpy().astype("i8")), {
            "units": units,
            "calendar": "proleptic_gregorian",
        }
    return _to_bytes([str(label) for label in index])


def _to_bytes(items: list[str]) -> tuple[np.ndarray, dict[str, str]] | None:
    """Return strings as bytes of one width; None if ambiguous or if much space would be lost."""
    encoded = [item.encode("utf-8", "replace") for item in items]
    lengths = [len(item) for item in encoded]
    if any(b"\0" in item for item in encoded) or not any(lengths):
        return None
    if len(encoded) * max(lengths) > 4 * sum(lengths) + 100_000:
        return None
    return np.array(encoded, "S"), {}


def _little_endian(array: np.ndarray) -> np.ndarray:
    return array.astype(array.dtype.newbyteorder("<"))


def _dim_name(dim: Hashable) -> str:
    """Return a name for a dimension; unnamed axes are negative integers."""
    return f"axis_minus_{-dim}" if type(dim) is int and dim < 0 else str(dim)
