"""Merging: statistics of the same variables become one, those of different variables a union."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from dasknorm.containers import container_named
from dasknorm.containers.per_variable import by_statistic
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Fields
from dasknorm.fields.matching import names_of
from dasknorm.fields.states import merged as merge
from dasknorm.statistics import Known

__all__ = ["merged", "refuse_finished", "united"]


def merged(states: Fields, others: Fields) -> dict[Hashable, Field]:
    """Return the states of all the data that two sets of states have seen.

    Of the same names (variables, or columns of a frame) they are merged, label by label; sets that
    have no name in common are put side by side.

    Raises
    ------
    MismatchError
        If the statistics differ, or some names are in both sets and some in one only: what the
        second has seen would be missing from the others, without a word.
    """
    if _same_names(states, others):
        refuse_known(states)
        pairs = zip(states.items(), _in_order_of(states, others), strict=True)
        return {name: merge(state, other) for (name, state), other in pairs}
    mine, theirs = set(names_of(states)), set(names_of(others))
    if mine & theirs or None in mine | theirs:
        raise MismatchError(
            f"fields differ: {names_of(states)} and {names_of(others)}; merge the same ones, or "
            "ones of which none is in both: stats.select([...]) takes some"
        )
    if _columns(states) and _columns(others):
        return by_statistic([*states.values(), *others.values()])
    return {**states, **others}


def refuse_known(states: Fields) -> None:
    """Raise MismatchError if states were given without a count."""
    if any(isinstance(state.statistic, Known) for state in states.values()):
        raise MismatchError(
            "given statistics without a count cannot be merged or updated: how much they weigh is "
            "not known; write Stats.given(mean=..., variance=..., count=...)"
        )


def refuse_finished(attrs: Mapping[str, Any], others: Mapping[str, Any]) -> None:
    """Raise MismatchError if statistics are what merged ones would not be: with shared scales."""
    for shared in (attrs.get("shared"), others.get("shared")):
        if shared:
            raise MismatchError(
                f"statistics in which {shared} share a standard deviation do not merge: merge "
                "first, and share then"
            )


def united(container: str, other: str, states: Fields) -> str:
    """Return the kind of container that states are readings of, once merged."""
    one = len(states) == 1 and not _columns(states)
    many = container_named(container).several
    # Columns are found by name in frames of every kind, and read as the first's.
    if many != container_named(other).several and not _columns(states):
        raise MismatchError(f"statistics of {container} and of {other} have no kind in common")
    return container if one or many is None else many


def _same_names(states: Fields, others: Fields) -> bool:
    """Tell whether two sets of states are of the same variables, or columns, in any order."""
    pairs = [(state, others.get(name)) for name, state in states.items()]
    if len(states) == len(others) and all(
        other is not None and _same_columns(state, other) for state, other in pairs
    ):
        return True  # seen without a look at each name, of which a frame may have thousands
    return set(names_of(states)) == set(names_of(others))


def _same_columns(state: Field, other: Field) -> bool:
    mine, theirs = state.labels.get("columns"), other.labels.get("columns")
    return mine is theirs or (mine is not None and theirs is not None and mine.equals(theirs))


def _in_order_of(states: Fields, others: Fields) -> Iterator[Field]:
    """Yield the other's state for each; of columns the one of the same statistic."""
    for name, state in states.items():
        if not _columns(states):
            yield others[name]
            continue
        alike = [other for other in others.values() if other.statistic == state.statistic]
        yield next(iter(alike or others.values()))


def _columns(states: Fields) -> bool:
    """Tell whether states are of the columns of one frame."""
    return all("columns" in state.labels for state in states.values())
