"""Convert a statistic to JSON and back: the name of its class, its settings and its record.

Used by io.store.document and io.store.layout. Stored names must stay readable.
"""

import dataclasses
from collections.abc import Mapping
from typing import TypedDict

import numpy as np

from dasknorm.errors import StatsFileError
from dasknorm.io.store import values
from dasknorm.io.store.values import Parsed
from dasknorm.statistics import Statistic
from dasknorm.statistics.registry import STATISTICS

_OF_STATISTICS = "$statistics"


class Entry(TypedDict):
    """A statistic in a header; `record` has the name, dtype and shape of each part."""

    name: str
    settings: Mapping[str, object]
    record: list[tuple[str, str, list[int]]]


def encode(statistic: Statistic) -> Entry:
    """Return a statistic as JSON."""
    if not dataclasses.is_dataclass(statistic):
        raise TypeError(f"{type(statistic).__name__} cannot be written: it is not a dataclass")
    settings = {
        field.name: _encode_setting(getattr(statistic, field.name))
        for field in dataclasses.fields(statistic)
    }
    return {"name": statistic.stored_name, "settings": settings, "record": parts_of(statistic)}


def decode(name: str, settings: Mapping[str, Parsed], record: Parsed) -> Statistic:
    """Return a statistic; its class is found by name among imported and installed ones."""
    cls = STATISTICS.find(name)
    if cls is None:
        raise StatsFileError(
            f"unknown statistic {name!r}; available: {', '.join(STATISTICS.defined())}. "
            "Import the module that defines it first"
        )
    statistic = cls(**{key: _decode_setting(value) for key, value in settings.items()})
    parts = [list(part) for part in parts_of(statistic)]
    if parts != record:
        raise StatsFileError(f"records of {name} in the file have {record}, but here {parts}")
    return statistic


def parts_of(statistic: Statistic) -> list[tuple[str, str, list[int]]]:
    """Return the name, stored dtype and shape of each part of a record."""
    return [
        (part, _stored_dtype(part, statistic.dtype[part].base), list(statistic.dtype[part].shape))
        for part in statistic.dtype.names or ()
    ]


def _encode_setting(value: object) -> object:
    """Return a setting as JSON; it may be a statistic, or several of them."""
    if isinstance(value, Statistic):
        return {_OF_STATISTICS: encode(value)}
    if isinstance(value, tuple) and value and all(isinstance(item, Statistic) for item in value):
        return {_OF_STATISTICS: [encode(item) for item in value]}
    return values.encode(value)


def _decode_setting(coded: Parsed) -> object:
    if type(coded) is not dict or list(coded) != [_OF_STATISTICS]:
        return values.decode(coded)
    inner = coded[_OF_STATISTICS]
    is_list = isinstance(inner, list)
    return tuple(decode(**item) for item in inner) if is_list else decode(**inner)


def _stored_dtype(part: str, dtype: np.dtype[np.generic]) -> str:
    """Return the little-endian dtype in which a part of a record is stored."""
    if dtype.kind == "b":
        return "|u1"
    sizes = {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (4, 8)}
    if dtype.itemsize not in sizes.get(dtype.kind, ()):
        raise TypeError(
            f"records with {part!r} of dtype {dtype} cannot be written; use bool, integers, "
            "float32 or float64"
        )
    return dtype.newbyteorder("<").str
