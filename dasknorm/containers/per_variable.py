"""Assign statistics to variables and columns, and apply states to the data they match by name.

Used by `api` and `cli`. Only this module selects, matches and rebuilds data by the methods of
`Container`.

Each variable of an xarray object is one field with one statistic. The columns of a DataFrame are
one field if all have the same statistic, else one field per statistic.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias, TypeVar

from numpy.typing import DTypeLike

from dasknorm import kernels
from dasknorm.blocks import Kernel, output_dtype
from dasknorm.containers import Container, container_of
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Fields, State, States, checks, units
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
from dasknorm.fields.states import concat_columns, state_from_values
from dasknorm.statistics import Moments, MultiStatistic, Statistic

F = TypeVar("F", bound=Field)
T = TypeVar("T")
SingleStatisticSpec: TypeAlias = Statistic | Sequence[Statistic] | None
StatisticSpec: TypeAlias = SingleStatisticSpec | Mapping[Any, SingleStatisticSpec]
"""A statistic, a list, or a dict of these by variable or column; ``...`` is for all others."""


# -- statistics of the fields ---------------------------------------------------------------------


def select_fields(
    container: Container[T], data: T, selection: Selection, spec: StatisticSpec
) -> dict[Hashable, Field]:
    """Return the selected fields of data, each with the statistic in `spec`."""
    fields = container.fields(data, selection)
    if not isinstance(spec, Mapping):
        return {name: replace(field, statistic=_parse(spec)) for name, field in fields.items()}
    names = names_of(fields)
    if names == [None]:
        raise TypeError(
            "statistics by name are for frames and xarray objects; an array without a name has "
            "one: pass the statistic itself, or adapt on a Dataset"
        )
    if unknown := [name for name in spec if name not in names and name is not ...]:
        raise MismatchError(
            f"no numeric variables or columns {unknown}; found {names}"
            f"{container.describe_left_out(data, unknown)}"
        )
    statistic_by_name = {name: _parse(spec.get(name, spec.get(...))) for name in names}
    if None not in fields:
        return {
            name: replace(field, statistic=statistic_by_name[name])
            for name, field in fields.items()
        }
    columns_by_statistic: dict[Statistic, list[Hashable]] = {}
    for name, statistic in statistic_by_name.items():
        columns_by_statistic.setdefault(statistic, []).append(name)
    fields_by_statistic = {}
    for statistic, columns in columns_by_statistic.items():
        part = Selection(tuple(columns), selection.by)
        (field,) = container.fields(data, part).values()
        selected = None if selection.columns is None else part.columns
        fields_by_statistic[statistic] = replace(
            field, statistic=statistic, selected_columns=selected
        )
    return _name_by_statistic(fields_by_statistic)


def _parse(spec: SingleStatisticSpec) -> Statistic:
    """Return the statistic for one variable: a list is several, computed together."""
    if spec is None:
        return Moments()
    if isinstance(spec, Statistic):
        return spec
    if isinstance(spec, Sequence) and not isinstance(spec, str):
        parts = tuple(spec)
        is_single = len(parts) == 1 and isinstance(parts[0], Statistic)
        return parts[0] if is_single else MultiStatistic(parts)
    is_class = isinstance(spec, type) and issubclass(spec, Statistic)
    hint = f". Write {spec.__name__}(), with brackets" if is_class else ""
    raise TypeError(
        f"a statistic is an object such as Moments() or Extrema(), or a list or dict of them, "
        f"got {spec!r}{hint}"
    )


# -- data that match states -----------------------------------------------------------------------


def match_fields(
    container: Container[T], data: T, states: States
) -> tuple[dict[Hashable, Field], Kept]:
    """Return the fields of data by the names of their states, and the kept dimensions of each."""
    _check_columns(container, data, states)
    result: dict[Hashable, Field] = {}
    for selection, part in _split_by_selection(states):
        fields = add_lags(container.fields(data, selection), lags_of(part))
        for name, key in _match(container, data, fields, part).items():
            units.check_same(key, fields[name].attrs, part[key].attrs)
            result[key] = replace(fields[name], statistic=part[key].statistic)
    return result, {key: kept_dims_like(field, states[key]) for key, field in result.items()}


def transform_data(
    data: T, states: States, kernel: Kernel, dtype: DTypeLike | None, unseen: str
) -> T:
    """Return data of the same type, transformed with the affine maps of states."""
    if unseen not in ("error", "nan"):
        raise ValueError(f"unseen must be 'error' or 'nan', got {unseen!r}")
    container: Container[T] = container_of(data)
    _check_columns(container, data, states)
    is_inverse = kernel is kernels.restore
    check_units = units.check_normalized if is_inverse else units.check_same
    for selection, part in _split_by_selection(states):
        fields = container.fields(data, selection)
        names = _match(container, data, fields, part)
        for name, key in names.items():
            check_units(key, fields[name].attrs, part[key].attrs)
            if not is_inverse:
                checks.check_packing(key, fields[name], part[key])
        results = {
            name: fields[name].transform(part[key], kernel, output_dtype(dtype), unseen)
            for name, key in names.items()
        }
        data = container.rebuild(data, results)
    return data


def _match(
    container: Container[T], data: T, fields: Fields, states: States
) -> dict[Hashable, Hashable]:
    """Return the name of the state of each field; MismatchError if names do not match."""
    lacking = container.missing_names(fields, states)
    check_none_lacking(
        lacking, fields, container.describe_left_out(data, lacking) if lacking else ""
    )
    names = match_names(fields, states)
    for name, key in names.items():
        if states[key].has_columns and not fields[name].has_axis("columns"):
            raise MismatchError(
                f"the statistics are for columns {names_of(states)} of a DataFrame, got a "
                f"{type(data).__name__} without columns. Write pd.DataFrame(data, columns=[...])"
            )
    return names


def _split_by_selection(states: States) -> list[tuple[Selection, dict[Hashable, State]]]:
    """Return the selections of the data that states belong to, each with its states."""
    whole = Selection.from_states(states)
    if not _are_columns(states):
        return [(whole, dict(states))]
    return [
        (Selection(tuple(state.labels["columns"]), whole.by), {name: state})
        for name, state in states.items()
    ]


def _check_columns(container: Container[T], data: T, states: States) -> None:
    """Raise MismatchError unless a DataFrame's numeric columns are those of multiple states."""
    is_selected = any(state.selected_columns is not None for state in states.values())
    if is_selected or not _are_columns(states):
        return
    fields = container.fields(data, Selection(None, Selection.from_states(states).by))
    state_names, data_names = (dict.fromkeys(names_of(part)) for part in (states, fields))
    lacking = [name for name in state_names if name not in data_names]
    check_none_lacking(
        lacking, fields, container.describe_left_out(data, lacking) if lacking else ""
    )
    check_available([name for name in data_names if name not in state_names], states)


# -- states of known values ------------------------------------------------------------------------


def make_states(
    mean: Any, variance: Any, std: Any, count: Any, epsilon: float
) -> tuple[dict[Hashable, State], str]:
    """Return the states of a known mean, variance or std, and count, and their container's name."""
    if (variance is None) == (std is None):
        raise ValueError("give variance= or std=, one of the two")
    role: Literal["variance", "std"] = "std" if variance is None else "variance"
    container, means = container_of(mean).parse_values(mean)
    spreads = _parse_like(means, std if variance is None else variance, role)
    counts = {} if count is None else _parse_like(means, count, "count")
    states = {
        name: state_from_values(name, field, spreads[name], counts.get(name), role, epsilon)
        for name, field in means.items()
    }
    return states, container


def _parse_like(means: Fields, values: Any, role: str) -> Fields:
    """Return a field of other values for each mean; a single array is used for all means."""
    _, fields = container_of(values).parse_values(values)
    if list(fields) == [None]:
        return dict.fromkeys(means, fields[None])
    if set(fields) != set(means):
        raise MismatchError(f"mean has {list(means)}, {role} has {list(fields)}")
    return fields


# -- states by variable, column and statistic -----------------------------------------------------


def combine_by_statistic(states: Iterable[State]) -> dict[Hashable, State]:
    """Return the columns of a DataFrame as one state for each statistic, named after it."""
    result: dict[Statistic, State] = {}
    for state in states:
        first = result.get(state.statistic)
        result[state.statistic] = state if first is None else concat_columns(first, state)
    return _name_by_statistic(result)


def _name_by_statistic(fields: Mapping[Statistic, F]) -> dict[Hashable, F]:
    """Return fields by the name of their statistic; the only field of a DataFrame is named None."""
    if len(fields) == 1:
        return dict.fromkeys([None], *fields.values())
    kinds = [statistic.stored_name for statistic in fields]
    numbers = [kinds[:i].count(kind) + 1 for i, kind in enumerate(kinds)]
    names = [f"{k} {n}" if n > 1 else k for k, n in zip(kinds, numbers, strict=True)]
    return dict(zip(names, fields.values(), strict=True))


def select_names(states: States, selected: Hashable | Iterable[Hashable]) -> dict[Hashable, State]:
    """Return the states of one or several variables or columns; MismatchError if unknown."""
    known_names = names_of(states)
    is_column = isinstance(selected, tuple) and selected in known_names
    is_list = isinstance(selected, Iterable) and not isinstance(selected, str) and not is_column
    names: list[Hashable] = list(selected) if is_list else [selected]  # type: ignore
    check_available([name for name in names if name not in known_names], states)
    if not _have_columns(states):
        return {key: state for key, state in states.items() if key in names}
    parts = [
        state.select_labels("columns", [name for name in names if name in state.labels["columns"]])
        for state in states.values()
    ]
    return combine_by_statistic(part for part in parts if len(part.labels["columns"]))


def concat_all_columns(values: States) -> States:
    """Return values of a DataFrame's columns as one field, whatever their statistics."""
    if not _have_columns(values):
        return values
    result, *further = values.values()
    for value in further:
        result = concat_columns(result, value)
    return {None: result}


def select_statistic(states: States, kind: type[Statistic]) -> dict[Hashable, State]:
    """Return the states of one statistic, if several were computed; TypeError if it is missing."""
    if not (isinstance(kind, type) and issubclass(kind, Statistic)):
        statistics = (state.statistic for state in states.values())
        parts = [p for s in statistics for p in (s.parts if isinstance(s, MultiStatistic) else [s])]
        available = ", ".join(dict.fromkeys(type(part).__name__ for part in parts))
        raise TypeError(
            f"kind must be a class of statistics, got {kind!r}. Available: {available}. Write "
            f"select_statistic({type(parts[-1]).__name__})"
        )
    result = {}
    for name, state in states.items():
        statistic, data = state.statistic.select(state.data, kind)
        result[name] = replace(state, statistic=statistic, data=data)
    return result


def _have_columns(states: Fields) -> bool:
    """Return True if all states are of the columns of a DataFrame."""
    return bool(states) and all(state.has_columns for state in states.values())


def _are_columns(states: Fields) -> bool:
    """Return True if multiple states are of the columns of one DataFrame."""
    return len(states) > 1 and _have_columns(states)
