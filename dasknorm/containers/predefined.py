"""Create states from a mean and a variance that are already known (`Stats.from_values`).

Used by `api.stats`. The parser of each type is `Container.parse_values`.
"""

from collections.abc import Hashable
from typing import Any, Literal

from dasknorm.containers import container_of
from dasknorm.errors import MismatchError
from dasknorm.fields import Fields, State
from dasknorm.fields.states import state_from_values

__all__ = ["make_states"]


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
