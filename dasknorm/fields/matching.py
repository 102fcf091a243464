"""Who belongs to whom: which axes are kept, which states a field is normalized with."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

from dasknorm.errors import MismatchError
from dasknorm.fields.field import Axes, Field, Fields, State, States
from dasknorm.fields.labels import refuse_nan, shown

__all__ = [
    "Kept",
    "kept_axes",
    "kept_like",
    "matching",
    "named_like",
    "names_of",
    "refuse_lacking",
]

Kept = Mapping[Hashable, tuple[Hashable, ...]]
"""For each field, the dimensions that keep statistics of their own."""


def kept_axes(fields: Fields, keep: Axes, over: Axes) -> dict[Hashable, tuple[Hashable, ...]]:
    """Return the kept dimensions of each field.

    A field that has none of the dimensions named, as orography has no time, is taken whole: over
    any of them it would be its own mean, and its own z-score 0. A field that is the only one
    cannot lack them, as no field would have them.

    Raises
    ------
    ValueError
        For a dimension no field has.
    MismatchError
        For kept labels that are NaN, and so would match none, ever.
    """
    kept = _kept_axes(fields, keep, over)
    for key, dims in kept.items():
        field = fields[key]
        for dim in {*dims} & {*field.labels} - {"columns", field.group_dim}:
            refuse_nan(field.labels[dim], dim)
    return kept


def _kept_axes(fields: Fields, keep: Axes, over: Axes) -> dict[Hashable, tuple[Hashable, ...]]:
    if keep is not None and over is not None:
        raise ValueError(f"give keep= or over=, not both; got keep={keep!r} and over={over!r}")
    if keep is None and over is None:
        return {name: field.features for name, field in fields.items()}
    names, what = (_many(over), "over") if keep is None else (_many(keep), "keep")
    names = _but_groups(fields, names, what)
    found = {key: _found(field, names, what) for key, field in fields.items()}
    for name in names:
        if not any(name in each for each in found.values()):
            for field in fields.values():
                field.axis(name)  # says what is there instead
    if keep is not None:
        return {
            key: tuple(dim for dim in field.dims if dim in found[key].values())
            for key, field in fields.items()
        }
    whole = {key for key in fields if names and not found[key]}
    return {
        key: tuple(dim for dim in field.dims if key not in whole and dim not in found[key].values())
        for key, field in fields.items()
    }


def kept_like(field: Field, state: State) -> tuple[Hashable, ...]:
    """Return the dimensions of a field that a state keeps."""
    return tuple(field.dims[field.axis(dim)] for dim in state.dims if dim != state.group_dim)


def named_like(state: State, field: Field, known: State) -> State:
    """Return a state of a field with its dimensions named as another state names them.

    They may lie in another order, and be bare axes there that have names here.
    """
    names = {field.dims[field.axis(dim)]: dim for dim in known.dims if dim != known.group_dim}
    dims = tuple(names.get(dim, dim) for dim in state.dims)
    return replace(state, dims=dims)


def matching(
    fields: Fields, states: States, lacking: Sequence[Hashable] = ()
) -> dict[Hashable, Hashable]:
    """Return the name of the state of each field.

    Raises MismatchError unless all fields match, or if the data lack names of the statistics.
    """
    refuse_lacking(lacking, fields)
    if len(fields) == 1 and len(states) == 1 and None in (*fields, *states):
        return dict(zip(fields, states, strict=True))
    unknown = [name for name in fields if name not in states]
    if unknown == [None]:
        raise MismatchError(
            f"the statistics know {names_of(states)}, the data are one array without a name or a "
            "frame; take the one that fits, stats.select([name]), or name the data"
        )
    if unknown:
        raise MismatchError(
            f"the statistics do not know {unknown}; they know {names_of(states)}. Select what they "
            "know, or adapt on data that have it"
        )
    return {name: name for name in fields}


def refuse_lacking(lacking: Sequence[Hashable], fields: Fields) -> None:
    """Raise MismatchError if the data lack something that the statistics know."""
    if lacking:
        raise MismatchError(
            f"the data lack {lacking}, which the statistics know; found {names_of(fields)}. To "
            "normalize some of it on purpose, take what you need from the statistics: "
            "stats.select([...])"
        )


def _but_groups(fields: Fields, names: tuple[Hashable, ...], what: str) -> tuple[Hashable, ...]:
    """Return names without that of groups, which are kept anyway."""
    by = {field.group_dim for field in fields.values()} - {None}
    if what == "over" and (both := by & set(names)):
        raise ValueError(f"by= keeps statistics of each {shown(*both)}: leave it out of over=")
    return tuple(name for name in names if name not in by)


def _many(names: Axes) -> tuple[Hashable, ...]:
    many = tuple(names) if isinstance(names, (list, tuple, set, frozenset)) else (names,)
    if len(set(many)) < len(many):
        raise ValueError(f"duplicate axes in {many!r}; name each once")
    return many


def _found(field: Field, names: tuple[Hashable, ...], what: str) -> dict[Hashable, Hashable]:
    """Return which names this field has, and the dimensions they mean."""
    found = {name: field.dims[field.axis(name)] for name in names if field.has_axis(name)}
    if len(set(found.values())) < len(found):
        raise ValueError(f"duplicate axes in {what}={names!r}: two of them mean the same axis")
    return found


def names_of(fields: Fields) -> list[Hashable]:
    """Return the names of fields, or of the columns where a frame is the only field."""
    columns = [field.labels["columns"] for field in fields.values() if field.has_columns]
    return [name for index in columns for name in index] if columns else list(fields)
