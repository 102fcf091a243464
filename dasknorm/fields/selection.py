"""View: what of a frame is looked at, and in which groups; its statistics remember it."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dasknorm.errors import MismatchError
from dasknorm.fields.field import States

__all__ = ["Selection"]


@dataclass(frozen=True)
class Selection:
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
    def from_arguments(
        cls,
        columns: Hashable | Sequence[Hashable] | None,
        by: Hashable | Sequence[Hashable] | None,
    ) -> "Selection":
        """Return the view that a user asks for: a list is several, anything else is one."""
        return cls(None if columns is None else _several("columns", columns), _several("by", by))

    @classmethod
    def from_states(cls, states: States) -> "Selection":
        """Return the view that states were learned in."""
        chosen = next((state.selected_columns for state in states.values()), None)
        for state in states.values():  # variables without the dimension of groups have none
            if state.group_dim is None or state.lag_dim is not None:
                continue
            many = state.labels[state.group_dim].nlevels > 1
            return cls(chosen, tuple(state.group_dim) if many else (state.group_dim,))  # type: ignore[arg-type]
        return cls(chosen)

    def select_columns(self, kinds: Mapping[Any, Any], numeric: Iterable[Hashable]) -> list[Any]:
        """Return the columns that take part, of those there are.

        Parameters
        ----------
        kinds : mapping of column to dtype
        numeric : iterable of columns
            Those of numbers that can be averaged.

        Raises
        ------
        MismatchError
            If a column that was asked for is not there.
        TypeError
            If one has no numbers, or none has.
        ValueError
            If one is grouped by as well.
        """
        numeric = list(numeric)
        if missing := [key for key in self.columns or () if key not in kinds]:
            raise MismatchError(
                f"there are no columns {missing}; found {list(kinds)}{_hint(missing)}"
            )
        if strange := [name for name in self.columns or () if name not in numeric]:
            raise TypeError(f"not of real numbers that can be averaged: {_said(kinds, strange)}")
        if both := [name for name in self.columns or () if name in self.by]:
            raise ValueError(f"columns {both} are grouped by, and cannot be normalized as well")
        taken = [name for name in numeric if name not in self.by]
        if not taken:
            raise TypeError(f"no numeric columns to normalize; found {_said(kinds, kinds)}")
        return taken if self.columns is None else list(self.columns)

    def refuse_missing_keys(self, found: Sequence[Hashable]) -> None:
        """Raise MismatchError unless all that names groups is there."""
        if missing := [key for key in self.by if key not in found]:
            raise MismatchError(
                f"there are no columns {missing} to group by; found {list(found)}{_hint(missing)}"
            )

    @property
    def dim(self) -> Hashable:
        """The name of the dimension along which groups stand; None if there are none."""
        return self.by[0] if len(self.by) == 1 else self.by or None


def _several(what: str, names: Hashable | Sequence[Hashable] | None) -> tuple[Hashable, ...]:
    if names is None:
        return ()
    lists = (list, pd.Index, np.ndarray) if what == "columns" else (list,)
    several = tuple(names) if isinstance(names, lists) else (names,)
    for name in several:
        if not isinstance(name, Hashable):
            raise TypeError(
                f"{what}= takes the name of a column, or a list of names, got a "
                f"{type(name).__name__}: make a column of it first, frame.assign(name=...), or a "
                "coordinate, ds.assign_coords(name=...)"
            )
    if not several:
        raise ValueError(f"{what}=[] names no column")
    if len(set(several)) < len(several):
        raise ValueError(f"{what}={names!r} names one of them twice")
    if what == "by" and several == ("columns",):
        raise ValueError(
            "a column named 'columns' cannot name groups, as the columns themselves are called so; "
            "rename it"
        )
    return several


def _hint(missing: Sequence[Any]) -> str:
    tuples = any(isinstance(name, tuple) for name in missing)
    return ". A tuple is one name; several are given as a list" if tuples else ""


def _said(kinds: Mapping[Any, Any], names: Iterable[Any]) -> str:
    return ", ".join(f"{name!r} ({kinds[name]})" for name in names) or "no columns"
