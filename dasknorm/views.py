"""View: what of a frame is looked at, and in which groups; its statistics remember it."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from dasknorm.fields import Field

__all__ = ["View"]


@dataclass(frozen=True)
class View:
    """Which columns take part, and which of them name the group that a row belongs to.

    Parameters
    ----------
    columns : tuple of hashable, optional
        The columns that take part, the others ride along; None for all that are numeric.
    by : tuple of hashable
        The columns, or levels of the index, whose values name the group of a row.
    """

    columns: tuple[Hashable, ...] | None = None
    by: tuple[Hashable, ...] = ()

    @classmethod
    def asked(
        cls,
        columns: Hashable | Sequence[Hashable] | None,
        by: Hashable | Sequence[Hashable] | None,
    ) -> "View":
        """Return the view that a user asks for: a list is several, anything else is one."""
        return cls(None if columns is None else _several("columns", columns), _several("by", by))

    @classmethod
    def of(cls, states: Mapping[Hashable, Field]) -> "View":
        """Return the view that states were learned in."""
        for state in states.values():
            columns = tuple(state.labels["columns"]) if state.chosen else None
            if state.grouped is None:
                return cls(columns)
            many = state.labels[state.grouped].nlevels > 1
            return cls(columns, tuple(state.grouped) if many else (state.grouped,))  # type: ignore[arg-type]
        return cls()

    @property
    def dim(self) -> Hashable:
        """The name of the dimension along which groups stand; None if there are none."""
        return self.by[0] if len(self.by) == 1 else self.by or None


def _several(what: str, names: Hashable | Sequence[Hashable] | None) -> tuple[Hashable, ...]:
    if names is None:
        return ()
    several = tuple(names) if isinstance(names, list) else (names,)
    if len(set(several)) < len(several):
        raise ValueError(f"{what}={names!r} names one of them twice")
    return several
