"""Outcomes of an edge case other than a value."""

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Case", "Outcome", "Raises", "Warns"]


class Raises(NamedTuple):
    """An error of this class, with a message that a regular expression finds."""

    error: type[Exception]
    message: str


class Warns(NamedTuple):
    """A UserWarning with such a message, and then a value."""

    message: str
    value: Any


Outcome = Any
Case = tuple[Callable[[], Any], Outcome]
