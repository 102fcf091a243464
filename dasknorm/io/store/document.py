"""Document: what a statistics file says, whatever its format: a header and variables.

The header is JSON. It holds all but the numbers: the names, dimensions and labels of the fields,
their statistics with their settings, where they come from, and the dtype and shape of each
variable. One checksum covers the header and every variable.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from dasknorm.errors import StatsFileError
from dasknorm.fields import State, States
from dasknorm.io.store import json_arrays, settings, values
from dasknorm.io.store.layout import Layout, states_from
from dasknorm.io.store.settings import parts_of
from dasknorm.io.store.variables import HEADER, WRITER, Variable, is_safe, plain_text
from dasknorm.statistics import Statistic

__all__ = ["Contents", "Document", "Fetch", "compose", "interpret"]

_FORMAT = "dasknorm-stats"
_VERSION = 1

Contents = tuple[dict[Hashable, State], str, dict[str, Any]]
"""What is written and read: the states, the kind of container, the attributes."""

Fetch = Callable[[str, np.dtype[Any], tuple[int, ...]], np.ndarray]
"""Reads the variable of a name, once its dtype, shape and size are seen to be as declared."""


class Document(NamedTuple):
    """A header, as bytes of JSON, the variables that it declares, and how they were made."""

    header: bytes
    variables: Mapping[str, Variable]
    history: str

    def checksum(self) -> str:
        """Return the SHA-256 of the header and of every variable's bytes, in hex."""
        return _checksum(self.header, (variable.data for variable in self.variables.values()))

    def stored(self) -> dict[str, Variable]:
        """Return the variables, with the header as one of them: no attribute may be as long."""
        header = Variable((f"{HEADER}_bytes",), np.frombuffer(self.header, "u1"))
        return {HEADER: header, **self.variables}

    def attrs(self) -> dict[str, str]:
        """Return what the file says of itself: for people, but for the checksum."""
        return {
            "title": "Statistics by which data are normalized",
            "history": plain_text(self.history, 10_000),
            "dasknorm": plain_text(WRITER),
            "dasknorm_checksum": self.checksum(),
        }


def compose(
    states: States,
    container: str,
    attrs: Mapping[str, Any],
    history: str = "",
    coordinates: bool = True,
) -> Document:
    """Return the document that says all this, with or without coordinates for other tools."""
    layout = Layout()
    for name, state in states.items():
        layout.add(name, state)
    variables = layout.variables | (layout.dims.coordinates if coordinates else {})
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "written_by": f"dasknorm {WRITER}",
        "history": history,
        "container": container,
        "attrs": values.encode(dict(attrs)),
        "dims": layout.dims.entries,
        "fields": layout.fields,
        "variables": {
            name: [variable.data.dtype.str, list(variable.data.shape)]
            for name, variable in variables.items()
        },
    }
    return Document(json_arrays.dumps(header).encode("ascii"), variables, history)


def interpret(header: bytes, checksum: Any, fetch: Fetch) -> Contents:
    """Return what a document says, once it is seen to be whole, unaltered and of this format."""
    said = _understood(header)
    declared = {
        name: (json_arrays.decode_dtype(text, "iufS"), tuple(shape))
        for name, (text, shape) in said["variables"].items()
    }
    statistics = [settings.decode(**field["statistic"]) for field in said["fields"]]
    _check_shapes(said, declared, statistics)
    variables = {name: fetch(name, *declared[name]) for name in declared}
    if _checksum(header, variables.values()) != checksum:
        raise StatsFileError("the checksum does not fit: the file was altered or is damaged")
    states = states_from(said, variables, statistics)
    return states, said["container"], values.decode(said["attrs"])


def _understood(header: bytes) -> dict[str, Any]:
    """Return the header if this version can read it."""
    said = json_arrays.loads(header)
    if type(said) is not dict or said.get("format") != _FORMAT:
        raise StatsFileError("not a dasknorm statistics file")
    version = said.get("version")
    if type(version) is not int or version < 1:
        raise StatsFileError(f"the format number is {version!r}")
    if version > _VERSION:
        raise StatsFileError(
            f"written by format {version}, this version reads up to {_VERSION}: upgrade dasknorm"
        )
    return said


def _check_shapes(
    said: dict[str, Any],
    declared: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]],
    statistics: Sequence[Statistic],
) -> None:
    """Refuse a header that does not agree with itself, before anything is made as large as it says.

    No variable serves two fields, so that states together are no larger than the file.
    """
    for name, (_, shape) in declared.items():
        if not is_safe(name) or not all(type(n) is int and n >= 0 for n in shape):
            raise StatsFileError(f"variable {name!r} of shape {shape} cannot be")
    used: list[str] = []
    for field, statistic in zip(said["fields"], statistics, strict=True):
        shape = tuple(said["dims"][i]["size"] for i in field["dims"])
        for part, dtype, own in parts_of(statistic):
            name = field["record"][part]
            if declared[name] != (np.dtype(dtype), (*shape, *own)):
                raise StatsFileError(f"variable {name!r} is not of the shape of its field")
            used.append(name)
    if len(used) != len(set(used)):
        raise StatsFileError("a variable is used twice")


def _checksum(header: bytes, arrays: Iterable[np.ndarray]) -> str:
    digest = hashlib.sha256(header)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).reshape(-1).view("u1").data)
    return digest.hexdigest()
