"""Which of the numbers learned are used, and on what: without a mean, without a scale, by name."""

from collections.abc import Hashable
from dataclasses import replace

import numpy as np

from dasknorm import blocks
from dasknorm.api.stats import Stats
from dasknorm.errors import MismatchError
from dasknorm.fields import State, checks
from dasknorm.statistics import Predefined, StandardScore
from dasknorm.statistics.reducer import Reducer

__all__ = ["added", "batch_like", "centred_or_scaled", "fitting", "only_state"]


def only_state(stats: Stats) -> State:
    """Return the one state there is; MismatchError unless it is a row of features."""
    states = list(stats.states.values())
    if any(state.group_dim is not None for state in states):
        raise MismatchError(
            "a scaler has a mean and a scale for each column, and statistics by group have them "
            "for each group and column; adapt without by=, or normalize with the Stats itself"
        )
    if len(states) != 1 or len(states[0].dims) != 1:
        found = [state.dims for state in states]
        raise MismatchError(
            "a scaler has a mean and a scale for each column of a table; these statistics keep "
            f"{found}. Adapt with keep= one dimension, or take one variable: stats.select([name])"
        )
    if not isinstance(states[0].statistic, StandardScore):
        raise MismatchError(
            f"a scaler has means and variances, got {stats.statistic}; normalize with the Stats"
        )
    return states[0]


def centred_or_scaled(stats: Stats, with_mean: bool, with_std: bool) -> Stats:
    """Return statistics that only centre, only scale, or do nothing to the data."""
    if with_mean and with_std:
        return stats
    statistic, (name, state) = stats.statistic, *stats.states.items()
    if with_mean:
        only, mean = statistic.centering(state.data)
        return replace(stats, states={name: replace(state, data=mean, statistic=only)})
    spread = np.zeros(state.data.shape, Predefined.dtype)
    if with_std:
        spread["variance"] = statistic.result(state.data, "variance")
    epsilon = statistic.epsilon if with_std else 0.0
    return replace(stats, states={name: replace(state, data=spread, statistic=Predefined(epsilon))})


def fitting(stats: Stats, name: Hashable, dims: tuple[Hashable, ...]) -> Stats:
    """Return statistics that find their features in data by name, or else by position."""
    state = only_state(stats)
    (dim,) = state.dims
    if dim not in dims:
        last = dims[-1]
        state = replace(state, dims=(last,), labels={}, features=(last,))
    return replace(stats, states={name: state})


def added(known: Stats, batch: np.ndarray, weights: np.ndarray | None) -> Stats:
    """Return statistics merged with a small array of rows, in a third of the time of a merge."""
    ((name, state),) = known.states.items()
    total = state.data[None].copy()
    blocks.add(batch, total, Reducer(state.statistic, (0,)), weights)
    states = {name: replace(state, data=total[0])}
    checks.check_valid(states)
    return replace(known, states=states)


def batch_like(known: Stats, batch: Stats) -> Stats:
    """Return the statistics of a batch as if of the container of those known already."""
    ((name, state),) = known.states.items()
    theirs = only_state(batch)
    if theirs.dims != state.dims:
        theirs = replace(theirs, dims=state.dims, labels=state.labels, features=state.features)
    # What was counted does not depend on ddof and the like, but how it is read out does.
    if not state.statistic.unmergeable_reason:
        theirs = replace(theirs, statistic=state.statistic)
    return replace(batch, states={name: theirs}, container=known.container)
