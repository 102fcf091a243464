"""Methods: which statistic is remembered of which variable, or of which columns of a frame.

A variable is a field, and has one statistic. The columns of a frame are one field where all have
the same statistic, and one for each statistic where they do not: each then looks at its own columns
only, one after the other.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from dasknorm.containers import Container
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Fields, State, States
from dasknorm.fields.lags import add_lags, lags_of
from dasknorm.fields.matching import (
    Kept,
    check_available,
    check_none_lacking,
    kept_dims_like,
    match_names,
    names_of,
)
from dasknorm.fields.selection import Selection
from dasknorm.fields.states import concat_columns
from dasknorm.statistics import Moments, MultiStatistic, Statistic

__all__ = [
    "StatisticSpec",
    "by_statistic",
    "fields_for",
    "fields_like",
    "joined",
    "refuse_other_columns",
    "selected",
    "using",
    "views_of",
]

F = TypeVar("F", bound=Field)
One: TypeAlias = Statistic | Sequence[Statistic] | None
StatisticSpec: TypeAlias = One | Mapping[Any, One]
"""A statistic, several, or a dict of these by variable or column; ``...`` is for all others."""


def fields_for(
    container: Container, data: Any, selection: Selection, asked: StatisticSpec
) -> dict[Hashable, Field]:
    """Return the fields of what is looked at of data, each with the statistic asked of it.

    Raises
    ------
    TypeError
        If what is asked is no statistic, or a dict is given for an array, which has no names.
    MismatchError
        If a dict names a variable or column that is not there.
    """
    fields = container.fields(data, selection)
    if not isinstance(asked, Mapping):
        return {name: replace(field, statistic=_one(asked)) for name, field in fields.items()}
    names = names_of(fields)
    if names == [None]:
        raise TypeError(
            "statistics by name are for frames and xarray objects; an array without a name has "
            "one: give it as it is, or adapt on a Dataset"
        )
    if unknown := [name for name in asked if name not in names and name is not ...]:
        raise MismatchError(
            f"statistics are asked of {unknown}, which are not there; found {names}"
        )
    apart = {name: _one(asked.get(name, asked.get(...))) for name in names}
    if None not in fields:
        return {name: replace(field, statistic=apart[name]) for name, field in fields.items()}
    groups: dict[Statistic, list[Hashable]] = {}
    for name, statistic in apart.items():
        groups.setdefault(statistic, []).append(name)
    return _named_by_statistic(
        {
            statistic: replace(
                _of_columns(container, data, selection, columns), statistic=statistic
            )
            for statistic, columns in groups.items()
        }
    )


def fields_like(
    container: Container, data: Any, states: States
) -> tuple[dict[Hashable, Field], Kept]:
    """Return the fields of data that states are of, named as these, and what is kept of each.

    Raises MismatchError unless names and dimensions match.
    """
    refuse_other_columns(container, data, states)
    fields: dict[Hashable, Field] = {}
    for selection, own in views_of(states):
        found = add_lags(container.fields(data, selection), lags_of(own))
        for name, key in match_names(found, own, container.lacking(found, own)).items():
            fields[key] = replace(found[name], statistic=own[key].statistic)
    return fields, {key: kept_dims_like(field, states[key]) for key, field in fields.items()}


def views_of(states: States) -> list[tuple[Selection, dict[Hashable, State]]]:
    """Return how data are looked at, and the states that are for what is seen then."""
    whole = Selection.from_states(states)
    if not _are_columns(states):
        return [(whole, dict(states))]
    return [
        (Selection(tuple(state.labels["columns"]), whole.by), {name: state})
        for name, state in states.items()
    ]


def refuse_other_columns(container: Container, data: Any, states: States) -> None:
    """Raise MismatchError unless a frame's numeric columns are those that several states are of."""
    chosen = any(state.selected_columns is not None for state in states.values())
    if chosen or not _are_columns(states):
        return
    fields = container.fields(data, Selection(None, Selection.from_states(states).by))
    known, found = (dict.fromkeys(names_of(each)) for each in (states, fields))
    check_none_lacking([name for name in known if name not in found], fields)
    check_available([name for name in found if name not in known], states)


def by_statistic(states: Iterable[State]) -> dict[Hashable, State]:
    """Return the columns of a frame as one state for each statistic, named after it."""
    result: dict[Statistic, State] = {}
    for state in states:
        first = result.get(state.statistic)
        result[state.statistic] = state if first is None else concat_columns(first, state)
    return _named_by_statistic(result)


def _named_by_statistic(fields: Mapping[Statistic, F]) -> dict[Hashable, F]:
    """Return fields by the name of their statistic; the only field of a frame is named None."""
    if len(fields) == 1:
        return dict.fromkeys([None], *fields.values())
    kinds = [statistic.stored_name for statistic in fields]
    numbers = [kinds[:i].count(kind) + 1 for i, kind in enumerate(kinds)]
    names = [f"{k} {n}" if n > 1 else k for k, n in zip(kinds, numbers, strict=True)]
    return dict(zip(names, fields.values(), strict=True))


def selected(states: States, names: list[Hashable]) -> dict[Hashable, State]:
    """Return some of the states by name, or some columns of a frame's; MismatchError if unknown."""
    known = names_of(states)
    check_available([name for name in names if name not in known], states)
    if not _of_frame(states):
        return {key: state for key, state in states.items() if key in names}
    apart = [
        state.select_labels("columns", [name for name in names if name in state.labels["columns"]])
        for state in states.values()
    ]
    return by_statistic(state for state in apart if len(state.labels["columns"]))


def joined(values: States) -> States:
    """Return readings of a frame's columns as one field, whatever statistics they are of."""
    if not _of_frame(values):
        return values
    first, *others = values.values()
    for other in others:
        first = concat_columns(first, other)
    return {None: first}


def using(states: States, kind: type[Statistic]) -> dict[Hashable, State]:
    """Return the states of one statistic, where several were learned."""
    result = {}
    for name, state in states.items():
        statistic, data = state.statistic.select(state.data, kind)
        result[name] = replace(state, statistic=statistic, data=data)
    return result


def _one(asked: One) -> Statistic:
    if asked is None:
        return Moments()
    if isinstance(asked, Statistic):
        return asked
    if isinstance(asked, Sequence) and not isinstance(asked, str):
        parts = tuple(asked)
        is_single = len(parts) == 1 and isinstance(parts[0], Statistic)
        return parts[0] if is_single else MultiStatistic(parts)
    hint = "; write Moments(), with brackets" if isinstance(asked, type) else ""
    raise TypeError(
        f"a statistic is an object such as Moments() or Extrema(), or a list or dict of them, "
        f"got {asked!r}{hint}"
    )


def _of_frame(states: Fields) -> bool:
    """Tell whether states are of the columns of a frame."""
    return bool(states) and all(state.has_columns for state in states.values())


def _are_columns(states: Fields) -> bool:
    """Tell whether several states are of the columns of one frame."""
    return len(states) > 1 and _of_frame(states)


def _of_columns(
    container: Container, data: Any, selection: Selection, columns: list[Hashable]
) -> Field:
    """Return the field of some columns; they count as chosen if the user chose."""
    (field,) = container.fields(data, Selection(tuple(columns), selection.by)).values()
    return replace(field, selected_columns=None if selection.columns is None else tuple(columns))
