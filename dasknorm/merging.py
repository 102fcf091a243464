"""Merging: statistics of the same variables become one, those of different variables a union."""

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from dasknorm.containers import Fields, container_named
from dasknorm.errors import MismatchError
from dasknorm.fields import Field
from dasknorm.labels import appended, places_of
from dasknorm.matching import names_of
from dasknorm.states import merged as merge
from dasknorm.states import of_groups, refuse_other_groups
from dasknorm.statistics import Known, Statistic

__all__ = ["merged", "refuse_finished", "united"]


def merged(
    statistic: Statistic, states: Fields, other: Statistic, others: Fields
) -> dict[Hashable, Field]:
    """Return the states of all the data that two sets of states have seen.

    Of the same names (variables, or columns of a frame) they are merged, label by label; sets that
    have no name in common are put side by side.

    Raises
    ------
    MismatchError
        If the statistics differ, or some names are in both sets and some in one only: what the
        second has seen would be missing from the others, without a word.
    """
    if statistic != other:
        raise MismatchError(f"statistics differ: {statistic} and {other}")
    if _same_names(states, others):
        if isinstance(statistic, Known):
            raise MismatchError(
                "given statistics without a count cannot be merged or updated: how much they "
                "weigh is not known; write Stats.given(mean=..., variance=..., count=...)"
            )
        return {name: merge(state, others[name], statistic) for name, state in states.items()}
    mine, theirs = set(names_of(states)), set(names_of(others))
    if mine & theirs or None in mine | theirs:
        raise MismatchError(
            f"fields differ: {names_of(states)} and {names_of(others)}; merge the same ones, or "
            "ones of which none is in both: stats.select([...]) takes some"
        )
    return _side_by_side(states, others)


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


def _side_by_side(states: Fields, others: Fields) -> dict[Hashable, Field]:
    if not _columns(states) or not _columns(others):
        return {**states, **others}
    ((name, left),), (right,) = states.items(), others.values()
    refuse_other_groups(left, right)
    if left.grouped is not None:
        mine, theirs = (each.labels[left.grouped] for each in (left, right))
        groups = appended(mine, theirs[places_of(theirs, mine) < 0])
        left, right = of_groups(left, groups), of_groups(right, groups)
    columns = left.labels["columns"].append(right.labels["columns"])
    data = np.concatenate([left.data, right.data], axis=left.dims.index("columns"))
    labels = {**left.labels, "columns": columns}
    some = left.chosen is not None or right.chosen is not None
    chosen = tuple(columns) if some else None
    return {name: replace(left, data=data, labels=labels, chosen=chosen)}


def _columns(states: Fields) -> bool:
    """Tell whether states are of the columns of one frame."""
    return len(states) == 1 and all("columns" in state.labels for state in states.values())
