"""`Document`: the content of a statistics file in any format, a JSON header and variables.

Used by io.store. Headers of the same version must stay readable. The header contains everything but
the arrays, and declares the dtype and shape of each. One checksum covers header and arrays.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from dasknorm.errors import StatsFileError
from dasknorm.fields import State, States
from dasknorm.io.store import settings, values
from dasknorm.io.store.layout import (
    HEADER,
    WRITER,
    Header,
    Layout,
    Variable,
    is_safe,
    plain_text,
    states_from,
)
from dasknorm.io.store.settings import parts_of
from dasknorm.statistics import Statistic

_FORMAT = "dasknorm-stats"
_VERSION = 1

Contents = tuple[dict[Hashable, State], str, Any]
"""The states, the name of the container type, and the attributes."""

Fetch = Callable[[str, np.dtype[np.generic], tuple[int, ...]], np.ndarray]
"""Reads a variable by name, after checking that its dtype, shape and size are as declared."""


class Document(NamedTuple):
    """A JSON header, the variables that it declares, and a description of their origin."""

    header: bytes
    variables: Mapping[str, Variable]
    history: str

    def checksum(self) -> str:
        """Return the SHA-256 of the header and of every variable's bytes, in hex."""
        return _checksum(self.header, (variable.data for variable in self.variables.values()))

    def stored(self) -> dict[str, Variable]:
        """Return the variables and the header, which is too long for an attribute."""
        header = Variable((f"{HEADER}_bytes",), np.frombuffer(self.header, "u1"))
        return {HEADER: header, **self.variables}

    def attrs(self) -> dict[str, str]:
        """Return the attributes of the file: the checksum, and texts for people."""
        return {
            "title": "Statistics by which data are normalized",
            "history": plain_text(self.history, 10_000),
            "dasknorm": plain_text(WRITER),
            "dasknorm_checksum": self.checksum(),
        }


def compose(
    states: States,
    container: str,
    attrs: Mapping[str, object],
    history: str = "",
    with_coordinates: bool = True,
) -> Document:
    """Return a document, with or without coordinates for other tools."""
    layout = Layout()
    for name, state in states.items():
        layout.add(name, state)
    variables = layout.variables | (layout.dims.coordinates if with_coordinates else {})
    header: Header = {
        "format": _FORMAT,
        "version": _VERSION,
        "written_by": f"dasknorm {WRITER}",
        "history": history,
        "container": container,
        "attrs": values.encode(dict(attrs)),
        "dims": layout.dims.entries,
        "fields": layout.fields,
        "variables": {
            name: (variable.data.dtype.str, list(variable.data.shape))
            for name, variable in variables.items()
        },
    }
    if layout.coords.entries:
        header["coordinates"] = layout.coords.entries
    return Document(values.dumps(header).encode("ascii"), variables, history)


def interpret(header: bytes, checksum: object, fetch: Fetch) -> Contents:
    """Return the contents of a document, after checking its format and checksum."""
    head = _parse(header)
    declared = {
        name: (values.decode_dtype(text, "iufS"), tuple(shape))
        for name, (text, shape) in head["variables"].items()
    }
    statistics = [settings.decode(**field["statistic"]) for field in head["fields"]]
    _check_shapes(head, declared, statistics)
    variables = {name: fetch(name, *declared[name]) for name in declared}
    if _checksum(header, variables.values()) != checksum:
        raise StatsFileError("the checksum does not match: the file was altered or is damaged")
    states = states_from(head, variables, statistics)
    return states, head["container"], values.decode(head["attrs"])


def _parse(header: bytes) -> Header:
    """Return the parsed header if this version can read it."""
    head = values.loads(header)
    if type(head) is not dict or head.get("format") != _FORMAT:
        raise StatsFileError(values.FOREIGN)
    version = head.get("version")
    if type(version) is not int or version < 1:
        raise StatsFileError(f"invalid format number {version!r}")
    if version > _VERSION:
        raise StatsFileError(
            f"written by format {version}, this version reads up to {_VERSION}: upgrade dasknorm"
        )
    return cast(Header, head)


def _check_shapes(
    head: Header,
    declared: Mapping[str, tuple[np.dtype[np.generic], tuple[int, ...]]],
    statistics: Sequence[Statistic],
) -> None:
    """Raise StatsFileError if a header is inconsistent, before memory is allocated for it."""
    for name, (_, shape) in declared.items():
        if not is_safe(name) or not all(type(n) is int and n >= 0 for n in shape):
            raise StatsFileError(f"invalid variable {name!r} of shape {shape}")
    used: list[str] = []
    for field, statistic in zip(head["fields"], statistics, strict=True):
        shape = tuple(head["dims"][i]["size"] for i in field["dims"])
        for part, dtype, part_shape in parts_of(statistic):
            name = field["record"][part]
            if declared[name] != (np.dtype(dtype), (*shape, *part_shape)):
                raise StatsFileError(f"variable {name!r} does not have the shape of its field")
            used.append(name)
        for i in field.get("coordinates", []):
            if not set(head["coordinates"][i]["dims"]) <= set(field["dims"]):
                raise StatsFileError("a coordinate has other dimensions than its field")
    for entry in head.get("coordinates", []):
        if "variable" in entry:
            name = entry["variable"]
            if declared[name][1] != tuple(head["dims"][i]["size"] for i in entry["dims"]):
                raise StatsFileError(f"variable {name!r} does not have the shape of its coordinate")
            used.append(name)
    if len(used) != len(set(used)):  # then states could be larger than the file
        raise StatsFileError("a variable is used twice")


def _checksum(header: bytes, arrays: Iterable[np.ndarray]) -> str:
    digest = hashlib.sha256(header)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).reshape(-1).view("u1").data)
    return digest.hexdigest()
