"""Matching: the kept dimensions of fields, and the state that each field is normalized with.

Used by api, cli, containers, fields, io and layer. The rules decide which data are accepted, never
how values are computed.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

from dasknorm.errors import MismatchError
from dasknorm.fields.coords import keep_coords
from dasknorm.fields.field import Axes, Field, Fields, State, States
from dasknorm.fields.labels import check_no_nan, format_dim, format_dims, selection_hint

Kept = Mapping[Hashable, tuple[Hashable, ...]]
"""The kept dimensions of each field: values stay separate along these."""


def kept_dims(fields: Fields, keep: Axes, over: Axes) -> dict[Hashable, tuple[Hashable, ...]]:
    """Return the kept dimensions of each field; ValueError if no field has one of the names.

    Raise MismatchError if a label of a kept dimension is NaN, as it would match no label later.
    """
    kept = _kept_dims(fields, keep, over)
    for key, dims in kept.items():
        field = fields[key]
        for dim in {*dims} & {*field.labels} - {"columns", field.group_dim}:
            check_no_nan(field.labels[dim], dim)
    return kept


def _kept_dims(fields: Fields, keep: Axes, over: Axes) -> dict[Hashable, tuple[Hashable, ...]]:
    if keep is not None and over is not None:
        raise ValueError(f"give keep= or over=, not both; got keep={keep!r} and over={over!r}")
    if keep is None and over is None:
        return {key: field.features for key, field in fields.items()}
    names, argument = (_as_tuple(over), "over") if keep is None else (_as_tuple(keep), "keep")
    names = _without_group_dims(fields, names, argument)
    named = {key: _dims_by_name(field, names, argument) for key, field in fields.items()}
    is_same = len({frozenset(dims.values()) for dims in named.values() if dims}) == 1
    for name in names:
        if not is_same:  # all positions together may mean the same dimensions
            check_one_dim({key: d[name] for key, d in named.items() if name in d}, argument, name)
        if not any(name in dims for dims in named.values()):
            for field in fields.values():
                field.axis_of(name)  # the error lists the dimensions
    kept = {}
    for key, field in fields.items():
        dims = set(named[key].values())
        if over is not None:
            # A field without these dimensions, as orography has no time, is reduced over all its
            # dimensions: otherwise it would be its own mean, and normalized to 0.
            reduced = set(field.dims) if names and not dims else dims
            dims = set(field.dims) - reduced
        kept[key] = tuple(dim for dim in field.dims if dim in dims)
    return kept


def check_one_dim(dims: Mapping[Hashable, Hashable], argument: str, name: Hashable) -> None:
    """Raise ValueError if a position means different dimensions in different variables."""
    (first, dim), *further = [*dims.items()] or [(None, None)]
    for next_name, other_dim in further:
        if other_dim != dim:
            raise ValueError(
                f"{argument}={name!r} is {format_dim(dim)} in {first!r} and "
                f"{format_dim(other_dim)} in {next_name!r}: variables have names of dimensions in "
                f"common, not positions. Write the name, such as {argument}={dim!r}"
            )


def kept_dims_like(field: Field, state: State) -> tuple[Hashable, ...]:
    """Return the dimensions of a field that a state keeps; MismatchError if it lacks one."""
    for dim in state.dims:
        if dim != state.group_dim and not field.has_axis(dim):
            raise MismatchError(
                f"the statistics have the dimension {format_dim(dim)}, which the data lack; the "
                f"data have {format_dims(field.dims)}{selection_hint(dim, state.labels.get(dim))}"
            )
    return tuple(field.dims[field.axis_of(dim)] for dim in state.dims if dim != state.group_dim)


def rename_like(state: State, field: Field, other: State) -> State:
    """Return a state of a field with the dimension names of another state of the same data."""
    names = {field.dims[field.axis_of(dim)]: dim for dim in other.dims if dim != other.group_dim}
    dims = tuple(names.get(dim, dim) for dim in state.dims)
    return replace(state, dims=dims, coords=keep_coords(state.coords, dims))


def match_names(fields: Fields, states: States) -> dict[Hashable, Hashable]:
    """Return the name of the state of each field; MismatchError if names do not match."""
    if len(fields) == 1 and len(states) == 1 and None in (*fields, *states):
        return dict(zip(fields, states, strict=True))
    unknown = [name for name in fields if name not in states]
    if unknown == [None]:
        raise MismatchError(
            f"the data are one array without a name or a frame, the statistics are of "
            f"{names_of(states)}; take the one that fits, stats.select([name]), or name the data"
        )
    check_available(unknown, states)
    return {name: name for name in fields}


def check_available(unknown: Sequence[Hashable], states: States) -> None:
    """Raise MismatchError if there are names without statistics."""
    if unknown:
        raise MismatchError(
            f"no statistics for {unknown}; available: {names_of(states)}. Select the available "
            f"ones from the data, or call adapt on data that contain {unknown}"
        )


def check_none_lacking(lacking: Sequence[Hashable], fields: Fields, reason: str) -> None:
    """Raise MismatchError if the data lack variables or columns of the statistics."""
    if lacking:
        raise MismatchError(
            f"the data lack {lacking}, which are in the statistics; found {names_of(fields)}"
            f"{reason}. To use only a part of the statistics, call stats.select([...])"
        )


def _without_group_dims(
    fields: Fields, names: tuple[Hashable, ...], argument: str
) -> tuple[Hashable, ...]:
    """Return names without those of group dimensions, which are always kept."""
    group_dims = {field.group_dim for field in fields.values()} - {None}
    if argument == "over" and (dims := group_dims & set(names)):
        raise ValueError(f"by= keeps statistics of each {format_dim(*dims)}: leave it out of over=")
    return tuple(name for name in names if name not in group_dims)


def _as_tuple(names: Axes) -> tuple[Hashable, ...]:
    result = tuple(names) if isinstance(names, (list, tuple, set, frozenset)) else (names,)
    if len(set(result)) < len(result):
        raise ValueError(f"duplicate axes in {result!r}; name each once")
    return result


def _dims_by_name(
    field: Field, names: tuple[Hashable, ...], argument: str
) -> dict[Hashable, Hashable]:
    """Return the names that mean a dimension of this field, with this dimension."""
    dims = {name: field.dims[field.axis_of(name)] for name in names if field.has_axis(name)}
    if len(set(dims.values())) < len(dims):
        raise ValueError(f"duplicate axes in {argument}={names!r}: two of them mean the same axis")
    return dims


def names_of(fields: Fields) -> list[Hashable]:
    """Return the names of fields, or of the columns of a DataFrame."""
    columns = [field.labels["columns"] for field in fields.values() if field.has_columns]
    return [name for index in columns for name in index] if columns else list(fields)
