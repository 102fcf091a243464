"""`PositionedArray`: base class of arrays whose chunks depend on their position along an axis.

Used by blocks and chunks.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from dasknorm.blocks.groups import GroupRecords
from dasknorm.statistics import Statistic

Rows = slice | np.ndarray  # positions along an axis: a view of them, or a copy


class PositionedArray(ABC):
    """An array whose positions along an axis are distinguished: by group, or by later positions.

    Its states have several records for each output element, one for each of `labels`. Subclasses
    are frozen dataclasses and blocks: they are registered with the functions of `blocks`.
    """

    is_ordered: ClassVar[bool]
    """Whether a state can be joined only with the state that comes next along the axis."""

    array: Any
    axis: int
    labels: pd.Index | None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return tuple(self.array.shape)

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the array."""
        return np.dtype(self.array.dtype)

    @property
    def nbytes(self) -> int:
        """The bytes of the array."""
        return int(self.array.nbytes)

    @abstractmethod
    def cut(self, array: object, positions: slice) -> "PositionedArray":
        """Return a part of the axis, with the array at these positions."""

    @abstractmethod
    def order(self) -> int | list[int]:
        """Return the sort key of chunks, by which they are assigned to tasks."""

    @abstractmethod
    def empty(
        self, shape: tuple[int, ...], statistic: Statistic, parts: Sequence[Self] = ()
    ) -> object:
        """Return the state of no data, with records for the groups of `parts`."""

    @abstractmethod
    def record_count(self) -> int:
        """Return how many records there are for each output element."""

    def edge_positions(self) -> int:
        """Return how many positions of the data a state holds."""
        return 0

    @abstractmethod
    def to_records(self, state: Any) -> GroupRecords:
        """Return the records of a state with their labels."""
