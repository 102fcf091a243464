"""Layout: how states lie among the variables of a file, and how they are found there again.

For each field there is a plain variable for each reading (count, mean, std, variance), for people
and other tools, and one for each part of the record that is not a reading already.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.fields import Groups, State
from dasknorm.fields.units import units_of
from dasknorm.io.store import json_arrays, labels, settings, values
from dasknorm.io.store.settings import parts_of
from dasknorm.io.store.variables import Names, Variable, plain_text
from dasknorm.statistics import Statistic

__all__ = ["Layout", "states_from"]


class Layout:
    """Collects the variables of one file, and the header's lists of dims and fields."""

    def __init__(self) -> None:
        self.fields: list[dict[str, Any]] = []
        self.variables: dict[str, Variable] = {}
        self._names = Names()
        self._prefixes = Names()
        self.dims = Dims(self._names)

    def add(self, name: Hashable, state: State) -> None:
        """Add the state of one field."""
        records = _checked(name, state)
        dims = [self.dims.add(dim, n, state.labels.get(dim)) for dim, n in state.sizes().items()]
        prefix = "" if name is None else self._prefixes.unique(str(name)) + "_"
        readings = self._add_readings(prefix, dims, records, state)
        self.fields.append(
            {
                "name": values.encode(name),
                "statistic": settings.encode(state.statistic),
                "dims": dims,
                "features": [values.encode(dim) for dim in state.features],
                "grouped": values.encode(state.group_dim),
                "lagged": values.encode(state.lag_dim),
                "chosen": None
                if state.selected_columns is None
                else list(map(values.encode, state.selected_columns)),
                "attrs": _coded(name, state.attrs),
                "readings": readings,
                "record": self._add_record(prefix, dims, records, state, readings),
            }
        )

    def _add_readings(
        self, prefix: str, dims: list[int], records: np.ndarray, state: State
    ) -> dict[str, str]:
        """Add what other tools read; return the variables' names by reading."""
        names = {}
        for reading in state.statistic.result_names:
            # Whatever the records hold, NaN of any kind among them, is written as it is.
            with np.errstate(all="ignore"):
                data = np.asarray(state.statistic.result(records, reading), "<f8")
            names[reading] = self._put(prefix + reading, dims, data, _texts_of(reading, state))
        return names

    def _add_record(
        self,
        prefix: str,
        dims: list[int],
        records: np.ndarray,
        state: State,
        readings: dict[str, str],
    ) -> dict[str, str]:
        """Add what merging needs; return the variables' names by part of the record.

        A reading serves as the part of the same name where the two are the same to the bit: they
        differ where a mean is read as NaN, because nothing was counted, but remembered as 0.
        """
        names = {}
        for part, dtype, _ in parts_of(state.statistic):
            data = np.asarray(records[part], dtype, order="C")
            read = self.variables[readings[part]].data if part in readings else None
            if read is not None and (read.dtype, read.tobytes()) == (data.dtype, data.tobytes()):
                names[part] = readings[part]
            else:
                wanted = part if read is None else f"{part}_as_remembered"
                names[part] = self._put(prefix + wanted, dims, data)
        return names

    def _put(
        self, wanted: str, dims: list[int], data: np.ndarray, attrs: Mapping[str, str] | None = None
    ) -> str:
        """Add a variable, with dimensions of its own if each record has an array; name it."""
        name = self._names.unique(wanted)
        named = self.dims.stored_as(dims)
        own = [self._names.unique(f"{name}_axis_{i}") for i in range(data.ndim - len(named))]
        self.variables[name] = Variable((*named, *own), data, attrs or {})
        return name


def states_from(
    header: Mapping[str, Any], variables: Mapping[str, np.ndarray], statistics: Sequence[Statistic]
) -> dict[Hashable, State]:
    """Return the states that `Layout` was given."""
    dims = [_dim(entry) for entry in header["dims"]]
    states = {}
    for entry, statistic in zip(header["fields"], statistics, strict=True):
        own = [dims[i] for i in entry["dims"]]
        states[values.decode(entry["name"])] = State(
            _records(statistic, entry["record"], [size for _, size, _ in own], variables),
            tuple(dim for dim, _, _ in own),
            {dim: index for dim, _, index in own if index is not None},
            tuple(values.decode(dim) for dim in entry["features"]),
            values.decode(entry["attrs"]),
            _groups(entry),
            _several(entry.get("chosen")),
            statistic=statistic,
        )
    return states


def _groups(entry: Mapping[str, Any]) -> Groups | None:
    dim = values.decode(entry.get("grouped"))
    return None if dim is None else Groups(dim, lag_dim=values.decode(entry.get("lagged")))


def _several(names: list[Any] | None) -> tuple[Hashable, ...] | None:
    return None if names is None else tuple(map(values.decode, names))


def _dim(entry: Mapping[str, Any]) -> tuple[Hashable, int, pd.Index | None]:
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
    """Return records put together from the variables that keep their parts."""
    records = np.zeros(shape, statistic.dtype)
    for part, _, _ in parts_of(statistic):
        records[part] = variables[names[part]]
    return records


def _checked(name: Hashable, state: State) -> np.ndarray:
    records, statistic = np.asarray(state.data), state.statistic
    if records.dtype != statistic.dtype:
        raise TypeError(
            f"the state of {name!r} has dtype {records.dtype}, "
            f"but {statistic} remembers {statistic.dtype}"
        )
    return records


def _coded(name: Hashable, attrs: Mapping[str, Any]) -> Any:
    try:
        return values.encode(dict(attrs))
    except TypeError as error:
        raise TypeError(
            f"the attributes of {name!r} hold {error}, which cannot be written; make texts of them"
        ) from error


def _texts_of(reading: str, state: State) -> dict[str, str]:
    """Return what tells a person about a reading.

    No other attribute: some, as scale_factor or "days since", change the numbers tools see.
    """
    attrs = state.attrs
    of = f" of {attrs['long_name']}" if "long_name" in attrs else ""
    texts = {"long_name": plain_text(reading + of)}
    units = units_of(reading, state).get("units")
    if type(units) is str and "since" not in units:
        texts["units"] = plain_text(units)
    return texts


# -- dimensions and their coordinates -----------------------------------------------------------


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
