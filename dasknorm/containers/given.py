"""Given statistics: states made of a mean and a variance that a user knows beforehand."""

from collections.abc import Hashable
from typing import Any

import numpy as np

from dasknorm.containers import container_of
from dasknorm.errors import MismatchError
from dasknorm.fields import Field, Fields, State
from dasknorm.statistics import Known, Moments, Statistic

__all__ = ["given_states"]


def given_states(
    mean: Any, variance: Any, std: Any, count: Any, epsilon: float
) -> tuple[dict[Hashable, State], str]:
    """Return the states and the kind of container that given numbers stand for."""
    if (variance is None) == (std is None):
        raise ValueError("give variance= or std=, one of the two")
    spread, what = (std, "std") if variance is None else (variance, "variance")
    container, means = container_of(mean).given(mean)
    spreads = _beside(means, spread, what)
    for name, values in spreads.items():
        _check_not_negative(name, means[name], values, what)
        if what == "std":
            # The square root of a rounded square gives the std back to the bit.
            spreads[name] = np.square(values)
    counts = None if count is None else _beside(means, count, "count")
    for name, values in (counts or {}).items():
        _check_not_negative(name, means[name], values, "count")
    statistic: Statistic = Known(epsilon) if counts is None else Moments(epsilon=epsilon)
    states: dict[Hashable, State] = {}
    for name, field in means.items():
        records = np.zeros(field.data.shape, statistic.dtype)
        records["mean"] = field.data
        if counts is None:
            records["variance"] = spreads[name]
        else:
            records["count"] = counts[name]
            records["m2"] = spreads[name] * counts[name]
        states[name] = State(
            records, field.dims, field.labels, field.features, field.attrs, statistic=statistic
        )
    return states, container


def _beside(means: Fields, values: Any, what: str) -> dict[Hashable, np.ndarray]:
    """Return other given numbers, each laid along its mean."""
    _, fields = container_of(values).given(values)
    if list(fields) == [None]:
        fields = dict.fromkeys(means, fields[None])
    if set(fields) != set(means):
        raise MismatchError(f"mean has {list(means)}, {what} has {list(fields)}")
    return {
        name: np.broadcast_to(fields[name].align_to(mean, what), mean.data.shape)
        for name, mean in means.items()
    }


def _check_not_negative(name: Hashable, mean: Field, values: np.ndarray, what: str) -> None:
    for position in np.argwhere(values < 0).tolist():
        place = " ".join(filter(None, [str(name or ""), mean.place(position)]))
        raise ValueError(
            f"{what} must not be negative, got {values[tuple(position)]}"
            f"{' at ' if place else ''}{place}"
        )
