"""A statistic as JSON: the name of its class, its settings, and the record it remembers."""

import dataclasses
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any

from dasknorm.errors import StatsFileError
from dasknorm.statistics import Statistic
from dasknorm.store import values
from dasknorm.store.layout import parts_of

__all__ = ["decode", "encode"]


def encode(statistic: Statistic) -> dict[str, Any]:
    """Return a statistic as JSON."""
    if not dataclasses.is_dataclass(statistic):
        raise TypeError(f"{type(statistic).__name__} cannot be written: it is not a dataclass")
    settings = {
        field.name: values.encode(getattr(statistic, field.name))
        for field in dataclasses.fields(statistic)
    }
    return {"name": type(statistic).__name__, "settings": settings, "record": parts_of(statistic)}


def decode(name: str, settings: dict[str, Any], record: list[Any]) -> Statistic:
    """Return the statistic, found by its name among the classes that are defined or installed."""
    known = _known()
    if name not in known:
        for point in entry_points(group="dasknorm.statistics", name=name):
            point.load()
        known = _known()
    if name not in known:
        raise StatsFileError(
            f"holds the statistic {name!r}, which is not known here; known: {', '.join(known)}. "
            "Import the module that defines it first"
        )
    statistic = known[name](**{key: values.decode(value) for key, value in settings.items()})
    if parts_of(statistic) != record:
        raise StatsFileError(
            f"holds records of {name} with {record}, but here they have {parts_of(statistic)}"
        )
    return statistic


def _known() -> dict[str, type[Statistic]]:
    return {cls.__name__: cls for cls in _subclasses(Statistic)}  # type: ignore[type-abstract]


def _subclasses(cls: type[Statistic]) -> Iterator[type[Statistic]]:
    for each in cls.__subclasses__():
        yield each
        yield from _subclasses(each)
