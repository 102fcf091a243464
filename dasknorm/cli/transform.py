"""`Transform`: normalize or inverse with one set of statistics, as a command applies it to data.

Used by cli. Objects are sent to workers, so they must be picklable.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from dasknorm.api.stats import Stats
from dasknorm.fields.matching import names_of
from dasknorm.fields.selection import Selection

__all__ = ["Transform"]


@dataclass(frozen=True)
class Transform:
    """A map from data to data of the same type; lazy data stay lazy.

    Parameters
    ----------
    method : callable
        ``Stats.normalize`` or ``Stats.inverse``.
    stats : Stats
        The statistics to apply.
    unseen : {"error", "nan"}
        The treatment of rows whose group is not in the statistics.
    """

    method: Callable[..., Any]
    stats: Stats
    unseen: str

    def __call__(self, data: Any) -> Any:
        return self.method(self.stats, data, unseen=self.unseen)

    @property
    def keys(self) -> tuple[Hashable, ...]:
        """The columns that identify the group of a row; empty without groups."""
        return Selection.from_states(self.stats.states).by

    @property
    def columns(self) -> list[Hashable]:
        """The columns that the statistics describe."""
        return names_of(self.stats.states)
