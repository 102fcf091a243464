"""Given statistics: states made of a mean and a variance that a user knows beforehand."""

from collections.abc import Hashable
from typing import Any, Literal

from dasknorm.containers import container_of
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Fields, State
from dasknorm.fields.states import state_from_values

__all__ = ["given_states"]


def given_states(
    mean: Any, variance: Any, std: Any, count: Any, epsilon: float
) -> tuple[dict[Hashable, State], str]:
    """Return the states and the type of container of a user's mean, variance or std, and count."""
    if (variance is None) == (std is None):
        raise ValueError("give variance= or std=, one of the two")
    role: Literal["variance", "std"] = "std" if variance is None else "variance"
    container, means = container_of(mean).given(mean)
    spreads = _fields_like(means, std if variance is None else variance, role)
    counts = {} if count is None else _fields_like(means, count, "count")
    states = {
        name: state_from_values(name, field, spreads[name], counts.get(name), role, epsilon)
        for name, field in means.items()
    }
    return states, container


def _fields_like(means: Fields, values: Any, role: str) -> dict[Hashable, Field]:
    """Return a field of other values for each mean; one array is for all of them."""
    _, fields = container_of(values).given(values)
    if list(fields) == [None]:
        return dict.fromkeys(means, fields[None])
    if set(fields) != set(means):
        raise MismatchError(f"mean has {list(means)}, {role} has {list(fields)}")
    return fields
