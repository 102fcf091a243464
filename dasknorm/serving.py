"""Serving without dasknorm: statistics as scikit-learn's own fitted scaler."""

from typing import Any

import numpy as np

from dasknorm.containers import Fields
from dasknorm.errors import MismatchError

__all__ = ["fitted_scaler"]


def fitted_scaler(states: Fields) -> Any:
    """Return scikit-learn's StandardScaler as if fitted; MismatchError unless a row of features."""
    from sklearn.preprocessing import StandardScaler  # optional

    dims = [state.dims for state in states.values()]
    if dims not in ([(-1,)], [("columns",)]):
        raise MismatchError(
            "scikit-learn's scaler has a mean for each column of a table, which is the last axis "
            f"of an array or the columns of a frame; these statistics keep {dims}"
        )
    (state,) = states.values()
    statistic = state.remembers
    scaler = StandardScaler()
    scaler.mean_ = statistic.read(state.data, "mean")
    scaler.var_ = statistic.read(state.data, "variance")
    scaler.scale_ = statistic.affine(state.data)["scale"].copy()
    scaler.n_features_in_ = state.data.shape[0]
    names = list(state.labels.get("columns", ()))
    if names and all(isinstance(name, str) for name in names):
        scaler.feature_names_in_ = np.array(names, dtype=object)
    if "count" in statistic.readings:
        counts = statistic.read(state.data, "count")
        counts = counts.astype(int) if (counts == np.round(counts)).all() else counts
        same = counts.size > 0 and bool((counts == counts[0]).all())
        scaler.n_samples_seen_ = counts[0] if same else counts
    return scaler
