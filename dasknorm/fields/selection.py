"""Selection: which columns of a DataFrame are normalized, and which keys name the groups.

Used by api, cli and containers. It defines the meaning of `columns=` and `by=` in all containers.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from dasknorm.errors import MismatchError
from dasknorm.fields.field import States

Names: TypeAlias = Hashable | Sequence[Hashable] | None


@dataclass(frozen=True)
class Selection:
    """What to normalize, by default all that is numeric, and the keys that name groups."""

    columns: tuple[Hashable, ...] | None = None
    by: tuple[Hashable, ...] = ()  # columns, levels of the index, or coordinates
    variables: tuple[Hashable, ...] = ()  # of a Dataset: included even if they describe others

    @classmethod
    def from_arguments(cls, columns: Names, by: Names) -> "Selection":
        """Return the selection of a user's arguments: a list has many names, else it is one."""
        selected = None if columns is None else _parse_names("columns", columns)
        return cls(selected, _parse_names("by", by))

    @classmethod
    def from_states(cls, states: States) -> "Selection":
        """Return the selection that the states were computed with."""
        columns = next((state.selected_columns for state in states.values()), None)
        variables = tuple(name for name, state in states.items() if not state.has_columns)
        for state in states.values():  # variables without the grouped dimension have no groups
            if state.group_dim is None or state.lag_dim is not None:
                continue
            if state.labels[state.group_dim].nlevels > 1:
                return cls(columns, tuple(state.group_dim), variables)  # type: ignore[arg-type]
            return cls(columns, (state.group_dim,), variables)
        return cls(columns, variables=variables)

    def select_columns(
        self, dtypes: Mapping[Hashable, object], numeric: Iterable[Hashable]
    ) -> list[Any]:
        """Return the columns to normalize, given the dtypes of all and the numeric ones.

        Raise MismatchError if a selected column is missing, TypeError if it is not numeric, and
        ValueError if it also names groups.
        """
        numeric, selected = list(numeric), self.columns or ()
        if missing := [name for name in selected if name not in dtypes]:
            raise MismatchError(
                f"there are no columns {missing}; found {list(dtypes)}{_hint(missing)}"
            )
        if unsupported := [name for name in selected if name not in numeric]:
            raise TypeError(
                f"not of real numbers that can be averaged: {_format_dtypes(dtypes, unsupported)}"
            )
        if keys := [name for name in selected if name in self.by]:
            raise ValueError(f"columns {keys} are grouped by, and cannot be normalized as well")
        columns = [name for name in numeric if name not in self.by]
        if not columns:
            raise TypeError(
                f"no numeric columns to normalize; found {_format_dtypes(dtypes, dtypes)}"
            )
        return columns if self.columns is None else list(self.columns)

    def includes(self, name: Hashable) -> bool:
        """Check whether a column would be selected, if it were numeric."""
        return name not in self.by if self.columns is None else name in self.columns

    def check_keys(self, columns: Sequence[Hashable]) -> None:
        """Raise MismatchError if a key of the groups is not among the columns."""
        if missing := [key for key in self.by if key not in columns]:
            raise MismatchError(
                f"there are no columns {missing} to group by; found {list(columns)}{_hint(missing)}"
            )

    @property
    def dim(self) -> Hashable:
        """The name of the group dimension; None without groups."""
        return self.by[0] if len(self.by) == 1 else self.by or None


def _parse_names(argument: Literal["columns", "by"], value: Names) -> tuple[Hashable, ...]:
    if value is None:
        return ()
    lists = (list, pd.Index, np.ndarray) if argument == "columns" else (list,)
    names = tuple(value) if isinstance(value, lists) else (value,)
    for name in names:
        if not isinstance(name, Hashable):
            raise TypeError(
                f"{argument}= takes the name of a column, or a list of names, got a "
                f"{type(name).__name__}: make a column of it first, frame.assign(name=...), or a "
                "coordinate, ds.assign_coords(name=...)"
            )
    if not names:
        raise ValueError(f"{argument}=[] names no column")
    if len(set(names)) < len(names):
        raise ValueError(f"{argument}={value!r} names one of them twice")
    if argument == "by" and names == ("columns",):
        raise ValueError(
            "a column named 'columns' cannot name groups, as the columns themselves are called so; "
            "rename it"
        )
    return names


def _hint(missing: Sequence[Hashable]) -> str:
    has_tuples = any(isinstance(name, tuple) for name in missing)
    return ". A tuple is one name; several names are given as a list" if has_tuples else ""


def _format_dtypes(dtypes: Mapping[Hashable, object], names: Iterable[Hashable]) -> str:
    return ", ".join(f"{name!r} ({dtypes[name]})" for name in names) or "no columns"
