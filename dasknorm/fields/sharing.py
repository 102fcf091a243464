"""Sharing: one standard deviation for several variables, such as the components of a vector."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

from dasknorm.errors import MismatchError
from dasknorm.fields.field import State, States
from dasknorm.fields.states import aligned, refuse_other_statistic

__all__ = ["shared"]


def shared(states: States, groups: Sequence[Sequence[Hashable]]) -> dict[Hashable, State]:
    """Return states in which each group of variables has one scale, at each kept position.

    Raises MismatchError if one is not known, is in two groups, or is kept along other dimensions
    than the others or with another statistic, and TypeError for a group that is a single name.
    """
    result, seen = dict(states), set()
    for group in groups:
        if isinstance(group, str) or len(group) < 2:
            raise TypeError(f"a scale is shared by two or more, as ('u', 'v'), got {group!r}")
        for name in group:
            if name not in states:
                raise MismatchError(
                    f"the statistics do not know {name!r}; they know {list(states)}"
                )
            if name in seen:
                raise MismatchError(f"{name!r} is named twice; one scale can be shared only once")
            seen.add(name)
        first = states[group[0]]
        for name in group:
            refuse_other_statistic(first, states[name])
        alike = [aligned(states[name], first) for name in group]
        records = first.statistic.with_one_scale([each.data for each in alike])
        for name, each, own in zip(group, alike, records, strict=True):
            # Its own attributes: aligned takes all but the data of the first.
            result[name] = replace(each, data=own, attrs=states[name].attrs)
    return result
