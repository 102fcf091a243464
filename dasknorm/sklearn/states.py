"""Prepare the statistics of a scaler for its settings, for data, and for further batches.

Used by `sklearn.scaler` and `sklearn.transforms`. It can change freely together with these.
"""

from collections.abc import Hashable
from dataclasses import replace

import numpy as np
from scipy.sparse import spmatrix

from dasknorm import blocks
from dasknorm.api.stats import Stats
from dasknorm.containers import scipy_sparse
from dasknorm.errors import MismatchError
from dasknorm.fields import State, checks
from dasknorm.reports.provenance import Attrs
from dasknorm.statistics import Predefined, StandardScore
from dasknorm.statistics.base import Reducer


def get_only_state(stats: Stats) -> State:
    """Return the only state; MismatchError unless it has one mean and scale for each feature."""
    states = list(stats.states.values())
    if any(state.group_dim is not None for state in states):
        raise MismatchError(
            "a scaler has a mean and a scale for each column, and statistics by group have them "
            "for each group and column; adapt without by=, or normalize with the Stats itself"
        )
    if len(states) != 1 or len(states[0].dims) != 1:
        kept = [state.dims for state in states]
        raise MismatchError(
            "a scaler has a mean and a scale for each column of a table; these statistics keep "
            f"{kept}. Adapt with keep= one dimension, or take one variable: stats.select([name])"
        )
    if not isinstance(states[0].statistic, StandardScore):
        raise MismatchError(
            f"a scaler has means and variances, got {stats.statistic}; normalize with the Stats"
        )
    return states[0]


def select_mean_and_scale(stats: Stats, with_mean: bool, with_std: bool) -> Stats:
    """Return statistics that only centre, only scale, or do not change the data."""
    if with_mean and with_std:
        return stats
    statistic, (name, state) = stats.statistic, *stats.states.items()
    if with_mean:
        only_mean, mean = statistic.centering(state.data)
        return replace(stats, states={name: replace(state, data=mean, statistic=only_mean)})
    records = np.zeros(state.data.shape, Predefined.dtype)
    if with_std:
        records["variance"] = statistic.result(state.data, "variance")
    scale_only = Predefined(statistic.epsilon if with_std else 0.0)
    return replace(stats, states={name: replace(state, data=records, statistic=scale_only)})


def match_to_data(stats: Stats, name: Hashable, dims: tuple[Hashable, ...]) -> Stats:
    """Return statistics whose features match those of data by name, or else by position."""
    state = get_only_state(stats)
    (dim,) = state.dims
    if dim not in dims:
        last = dims[-1]
        state = replace(state, dims=(last,), labels={}, features=(last,))
    return replace(stats, states={name: state})


def add_batch(stats: Stats, batch: np.ndarray, weights: np.ndarray | None) -> Stats:
    """Return statistics merged with a small array of rows, in a third of the time of a merge."""
    ((name, state),) = stats.states.items()
    total = state.data[None].copy()
    blocks.add(batch, total, Reducer(state.statistic, (0,)), weights)
    states = {name: replace(state, data=total[0])}
    checks.check_valid(states)
    return replace(stats, states=states)


def rename_batch(stats: Stats, batch: Stats) -> Stats:
    """Return the statistics of a batch with the names and the container of earlier statistics."""
    ((name, state),) = stats.states.items()
    batch_state = get_only_state(batch)
    if batch_state.dims != state.dims:
        batch_state = replace(
            batch_state, dims=state.dims, labels=state.labels, features=state.features
        )
    # Records do not depend on settings such as ddof, but results do.
    if not state.statistic.unmergeable_reason:
        batch_state = replace(batch_state, statistic=state.statistic)
    return replace(batch, states={name: batch_state}, container=stats.container)


def summarize_sparse(matrix: spmatrix, weights: np.ndarray | None) -> Stats:
    """Return the moments of each column of a sparse matrix."""
    states: dict[Hashable, State] = {None: scipy_sparse.summarize(matrix, weights)}
    checks.check_valid(states)
    attrs: Attrs = {"runs": [{"dtypes": {"None": str(matrix.dtype)}, "over": ["-2"], "range": {}}]}
    return Stats(states, "numpy.ndarray", attrs)
