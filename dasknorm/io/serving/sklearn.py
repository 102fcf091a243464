"""Create a fitted scaler of scikit-learn from statistics.

Used by api.stats. The scaler of a statistic is its `to_sklearn`.
"""

from typing import Any

import numpy as np

from dasknorm import kernels
from dasknorm.errors import MismatchError
from dasknorm.fields import State, States
from dasknorm.statistics.base import Component


def fitted_scaler(states: States) -> Any:
    """Return a fitted scaler, in a pipeline behind a function; for one row of features only."""
    from sklearn.pipeline import make_pipeline  # optional
    from sklearn.preprocessing import FunctionTransformer

    state = _row(states)
    component = state.statistic.components(state.data)[0]
    scaler = _named(_scaler(component), state)
    if not component.transform:
        return scaler
    function = kernels.FUNCTIONS[component.transform]
    before = FunctionTransformer(
        function.forward, function.backward, check_inverse=False, feature_names_out="one-to-one"
    )
    return make_pipeline(_named(before, state), scaler)


def _row(states: States) -> State:
    dims = [state.dims for state in states.values()]
    if dims not in ([(-1,)], [("columns",)]):
        raise MismatchError(
            "a scaler needs one statistic per column of a DataFrame or along the last axis of an "
            f"array; these are kept along {dims}"
        )
    (state,) = states.values()
    return state


def _scaler(component: Component) -> Any:
    """Return the fitted scaler of a statistic, with counts if it has `partial_fit`."""
    scaler = component.statistic.to_sklearn(component.records)
    if component.has("count") and hasattr(scaler, "partial_fit"):
        counts = component.result("count")
        counts = counts.astype(int) if (counts == np.round(counts)).all() else counts
        is_same = counts.size > 0 and bool((counts == counts[0]).all())
        scaler.n_samples_seen_ = counts[0] if is_same else counts
    return scaler


def _named(step: Any, state: State) -> Any:
    step.n_features_in_ = state.data.shape[0]
    names = list(state.labels.get("columns", ()))
    if names and all(isinstance(name, str) for name in names):
        step.feature_names_in_ = np.array(names, dtype=object)
    return step
