"""Placed: an array of which it matters where its chunks stand along one axis."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from dasknorm.blocks.groups import GroupRecords
from dasknorm.statistics import Statistic

__all__ = ["PositionedArray"]


class PositionedArray(ABC):
    """An array whose places along an axis are told apart, as by group or by what comes after them.

    Its states have several records for each kept position, one for each of `labels`. Subclasses
    are frozen dataclasses, and blocks: they are registered with the verbs of `blocks`.
    """

    is_ordered: ClassVar[bool]
    """Whether states are joined only with those that come next along the axis."""

    array: Any
    axis: int
    labels: pd.Index | None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return tuple(self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the array."""
        return np.dtype(self.array.dtype)

    @property
    def nbytes(self) -> int:
        """The bytes of the array."""
        return int(self.array.nbytes)

    @abstractmethod
    def cut(self, array: Any, places: slice) -> "PositionedArray":
        """Return some places along the axis, with the array that is there."""

    @abstractmethod
    def order(self) -> Any:
        """Return what chunks are sorted by before they are shared out."""

    @abstractmethod
    def empty(self, shape: tuple[int, ...], statistic: Statistic, parts: Sequence[Any] = ()) -> Any:
        """Return the state of nothing, with room for what will come from some cuts."""

    @abstractmethod
    def record_count(self) -> int:
        """Return how many records there are for each kept position."""

    def edge_places(self) -> int:
        """Return how many places are held beside a state."""
        return 0

    @abstractmethod
    def to_records(self, state: Any) -> GroupRecords:
        """Return the records of a state, by `labels`."""
