"""A statistic as JSON: the name of its class, its settings, and the record it remembers."""

import dataclasses
from typing import Any

import numpy as np

from dasknorm.errors import StatsFileError
from dasknorm.io.store import values
from dasknorm.statistics import Statistic
from dasknorm.statistics.registry import STATISTICS

__all__ = ["decode", "encode", "parts_of"]

_OF_STATISTICS = "$statistics"


def encode(statistic: Statistic) -> dict[str, Any]:
    """Return a statistic as JSON."""
    if not dataclasses.is_dataclass(statistic):
        raise TypeError(f"{type(statistic).__name__} cannot be written: it is not a dataclass")
    settings = {
        field.name: _coded(getattr(statistic, field.name))
        for field in dataclasses.fields(statistic)
    }
    return {"name": statistic.stored_name, "settings": settings, "record": parts_of(statistic)}


def decode(name: str, settings: dict[str, Any], record: list[Any]) -> Statistic:
    """Return the statistic, found by its name among the classes that are defined or installed."""
    cls = STATISTICS.find(name)
    if cls is None:
        raise StatsFileError(
            f"holds the statistic {name!r}, which is not known here; known: "
            f"{', '.join(STATISTICS.defined())}. Import the module that defines it first"
        )
    statistic = cls(**{key: _decoded(value) for key, value in settings.items()})
    if parts_of(statistic) != record:
        raise StatsFileError(
            f"holds records of {name} with {record}, but here they have {parts_of(statistic)}"
        )
    return statistic


def parts_of(statistic: Statistic) -> list[list[Any]]:
    """Return each part of a record: its name, the dtype it is kept as, and its shape."""
    return [
        [part, _kept_as(part, statistic.dtype[part].base), list(statistic.dtype[part].shape)]
        for part in statistic.dtype.names or ()
    ]


def _coded(value: Any) -> Any:
    """Return a setting as JSON; it may be a statistic itself, or several of them."""
    if isinstance(value, Statistic):
        return {_OF_STATISTICS: encode(value)}
    if isinstance(value, tuple) and value and all(isinstance(each, Statistic) for each in value):
        return {_OF_STATISTICS: [encode(each) for each in value]}
    return values.encode(value)


def _decoded(coded: Any) -> Any:
    if type(coded) is not dict or list(coded) != [_OF_STATISTICS]:
        return values.decode(coded)
    inner = coded[_OF_STATISTICS]
    many = isinstance(inner, list)
    return tuple(decode(**each) for each in inner) if many else decode(**inner)


def _kept_as(part: str, dtype: np.dtype[Any]) -> str:
    """Return the little-endian dtype of the variable that keeps a part of a record."""
    if dtype.kind == "b":
        return "|u1"
    sizes = {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (4, 8)}
    if dtype.itemsize not in sizes.get(dtype.kind, ()):
        raise TypeError(
            f"records with {part!r} of dtype {dtype} cannot be written; use bool, integers, "
            "float32 or float64"
        )
    return dtype.newbyteorder("<").str
