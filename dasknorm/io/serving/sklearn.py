"""scikit-learn's own scalers, fitted with these numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from dasknorm import kernels
from dasknorm.errors import MismatchError
from dasknorm.fields import State, States
from dasknorm.statistics import (
    Extrema,
    Known,
    MaxAbs,
    Moments,
    Quantiles,
    Several,
    Statistic,
    Transformed,
)
from dasknorm.statistics.base import Records

__all__ = ["fitted_scaler"]


def fitted_scaler(states: States) -> Any:
    """Return scikit-learn's scaler as if fitted; MismatchError unless of one row of features.

    Behind a function it is a pipeline.
    """
    from sklearn.pipeline import make_pipeline  # optional
    from sklearn.preprocessing import FunctionTransformer

    state = _row(states)
    statistic, records = state.statistic, state.data
    if isinstance(statistic, Several):
        statistic, records = statistic.taken(records, type(statistic.parts[0]))
    if not isinstance(statistic, Transformed):
        return _named(_scaler(statistic, records), state)
    function = kernels.FUNCTIONS[statistic.function]
    before = FunctionTransformer(
        function.forward, function.backward, check_inverse=False, feature_names_out="one-to-one"
    )
    return make_pipeline(
        _named(before, state), _named(_scaler(statistic.statistic, records), state)
    )


def _row(states: States) -> State:
    dims = [state.dims for state in states.values()]
    if dims not in ([(-1,)], [("columns",)]):
        raise MismatchError(
            "scikit-learn's scaler has numbers for each column of a table, which is the last axis "
            f"of an array or the columns of a frame, all of one statistic; these keep {dims}"
        )
    (state,) = states.values()
    return state


def _scaler(statistic: Statistic, records: Records) -> Any:
    """Return the scaler that there is for a statistic, with its numbers."""
    for kind, scaler in SCALERS.items():
        if isinstance(statistic, kind):
            return scaler(statistic, records)
    raise MismatchError(f"scikit-learn has no scaler for {statistic}; normalize with the Stats")


def _standard(statistic: Any, records: Records) -> Any:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    scaler.mean_ = statistic.read(records, "mean")
    scaler.var_ = statistic.read(records, "variance")
    scaler.scale_ = statistic.affine(records)["scale"].copy()
    return _counted(scaler, statistic, records)


def _min_max(statistic: Extrema, records: Records) -> Any:
    from sklearn.preprocessing import MinMaxScaler

    scaler = MinMaxScaler(feature_range=(statistic.low, statistic.high))
    scaler.data_min_ = statistic.read(records, "min")
    scaler.data_max_ = statistic.read(records, "max")
    scaler.data_range_ = scaler.data_max_ - scaler.data_min_
    affine = statistic.affine(records)
    scaler.scale_ = 1 / affine["scale"]
    scaler.min_ = -affine["shift"] / affine["scale"]
    return _counted(scaler, statistic, records)


def _max_abs(statistic: MaxAbs, records: Records) -> Any:
    from sklearn.preprocessing import MaxAbsScaler

    scaler = MaxAbsScaler()
    scaler.max_abs_ = statistic.read(records, "max_abs")
    scaler.scale_ = statistic.affine(records)["scale"].copy()
    return _counted(scaler, statistic, records)


def _robust(statistic: Quantiles, records: Records) -> Any:
    from sklearn.preprocessing import RobustScaler

    scaler = RobustScaler(quantile_range=(100 * statistic.lower, 100 * statistic.upper))
    affine = statistic.affine(records)
    scaler.center_, scaler.scale_ = affine["shift"].copy(), affine["scale"].copy()
    return scaler


SCALERS: dict[type[Statistic], Callable[[Any, Records], Any]] = {
    Moments: _standard,
    Known: _standard,
    Extrema: _min_max,
    MaxAbs: _max_abs,
    Quantiles: _robust,
}


def _counted(scaler: Any, statistic: Statistic, records: Records) -> Any:
    """Say of how many values a scaler's numbers are, if it is known: then it learns on."""
    if "count" in statistic.readings:
        counts = statistic.read(records, "count")
        counts = counts.astype(int) if (counts == np.round(counts)).all() else counts
        same = counts.size > 0 and bool((counts == counts[0]).all())
        scaler.n_samples_seen_ = counts[0] if same else counts
    return scaler


def _named(step: Any, state: State) -> Any:
    step.n_features_in_ = state.data.shape[0]
    names = list(state.labels.get("columns", ()))
    if names and all(isinstance(name, str) for name in names):
        step.feature_names_in_ = np.array(names, dtype=object)
    return step
