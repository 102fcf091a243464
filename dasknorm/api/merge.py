"""Merge the statistics of two data sets, or combine those of different variables.

Used by `api.stats`. How two states are merged is defined in `fields.states`.
"""

from collections.abc import Hashable, Iterator

from dasknorm.containers import container_named
from dasknorm.containers.per_variable import combine_by_statistic
from dasknorm.errors import MismatchError
from dasknorm.fields import State, States, units
from dasknorm.fields.matching import names_of
from dasknorm.fields.states import merge_state
from dasknorm.reports.provenance import Attrs


def merge_states(states: States, others: States) -> dict[Hashable, State]:
    """Return the states of all the data that two sets of states have seen.

    States of the same names (variables, or columns of a DataFrame) are merged, label by label;
    sets without a common name are combined.

    Raises
    ------
    MismatchError
        If the statistics differ, or some names are in both sets and others in one only: the second
        data set would silently be missing from the counts of the latter.
    """
    if _have_same_names(states, others):
        check_counted(states)
        pairs = zip(states.items(), _in_order_of(states, others), strict=True)
        return {name: _merge(name, state, other) for (name, state), other in pairs}
    names, other_names = set(names_of(states)), set(names_of(others))
    if names & other_names or None in names | other_names:
        raise MismatchError(
            f"cannot merge statistics of {names_of(states)} and {names_of(others)}: the names must "
            "be identical or disjoint. Use stats.select([...])"
        )
    if _are_columns(states) and _are_columns(others):
        return combine_by_statistic([*states.values(), *others.values()])
    return {**states, **others}


def _merge(name: Hashable, state: State, other_state: State) -> State:
    units.check_same(
        name, state.attrs, other_state.attrs, "these statistics", "the other statistics"
    )
    return merge_state(state, other_state)


def check_counted(states: States) -> None:
    """Raise MismatchError if states do not merge, such as those given without a count."""
    for state in states.values():
        if reason := state.statistic.unmergeable_reason:
            raise MismatchError(reason)


def check_mergeable(attrs: Attrs, other_attrs: Attrs) -> None:
    """Raise MismatchError if one of two statistics has a shared scale, which does not merge."""
    for groups in (attrs.get("shared"), other_attrs.get("shared")):
        if groups:
            raise MismatchError(
                f"cannot merge statistics after share_std, here of {groups}: merge first, then "
                "call share_std"
            )


def united_container(container: str, other: str, states: States) -> str:
    """Return the type of container of merged states."""
    is_single = len(states) == 1 and not _are_columns(states)
    several = container_named(container).combined_name
    # Columns are found by name in DataFrames of every library, and reported like the first's.
    if several != container_named(other).combined_name and not _are_columns(states):
        raise MismatchError(f"statistics of {container} and of {other} cannot be combined")
    return container if is_single or several is None else several


def _have_same_names(states: States, others: States) -> bool:
    """Return whether two sets of states are of the same variables, or columns, in any order."""
    pairs = [(state, others.get(name)) for name, state in states.items()]
    if len(states) == len(others) and all(
        other is not None and _have_same_columns(state, other) for state, other in pairs
    ):
        return True  # without a look at each name: a DataFrame may have thousands
    return set(names_of(states)) == set(names_of(others))


def _have_same_columns(state: State, other: State) -> bool:
    columns, other_columns = state.labels.get("columns"), other.labels.get("columns")
    if columns is None or other_columns is None:
        return columns is other_columns
    return columns.equals(other_columns)


def _in_order_of(states: States, others: States) -> Iterator[State]:
    """Yield the other state for each state; for columns, the one with the same statistic."""
    for name, state in states.items():
        if not _are_columns(states):
            yield others[name]
            continue
        candidates = [other for other in others.values() if other.statistic == state.statistic]
        yield next(iter(candidates or others.values()))


def _are_columns(states: States) -> bool:
    """Return whether states are of the columns of one frame."""
    return all(state.has_columns for state in states.values())
