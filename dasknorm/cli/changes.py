"""Change: what a command makes of data: normalized by some statistics, or what they were before."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from dasknorm.api.stats import Stats
from dasknorm.fields.matching import names_of
from dasknorm.fields.selection import Selection

__all__ = ["Change"]


@dataclass(frozen=True)
class Change:
    """A map from data to data of the same kind, lazy where they are.

    Parameters
    ----------
    method : callable
        ``Stats.normalize`` or ``Stats.inverse``.
    stats : Stats
    unseen : {"error", "nan"}
        What becomes of rows of groups that the statistics do not know.
    """

    method: Callable[..., Any]
    stats: Stats
    unseen: str

    def __call__(self, data: Any) -> Any:
        return self.method(self.stats, data, unseen=self.unseen)

    @property
    def keys(self) -> tuple[Hashable, ...]:
        """The columns that name the group of a row, if there are groups."""
        return Selection.from_states(self.stats.states).by

    @property
    def columns(self) -> list[Hashable]:
        """The columns that the statistics are of."""
        return names_of(self.stats.states)
