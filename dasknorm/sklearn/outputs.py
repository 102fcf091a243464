"""What `set_output` asks for, and how a lazy collection gets it without being computed."""

from typing import Any

import numpy as np
from scipy.sparse import issparse

# The one place that knows the insides of scikit-learn: there is no public way to ask what
# set_output was told, and the public way to obey it makes a frame of anything, by computing it.
from sklearn.utils._set_output import _get_output_config, _wrap_data_with_container

from dasknorm.chunks import is_lazy
from dasknorm.sklearn.inputs import columns_of

__all__ = ["as_asked"]


def as_asked(result: Any, X: Any, estimator: Any) -> Any:
    """Return a result as the kind of frame that `set_output` asked for, if it did."""
    asked = _get_output_config("transform", estimator)["dense"]
    if asked == "default":
        return result
    if _lazy(result):
        return _lazy_frame(result, asked, estimator)
    if not issparse(result) and type(result).__module__.split(".")[0] != asked:
        result = _plain(result)
    return _wrap_data_with_container("transform", result, X, estimator)


def _lazy(result: Any) -> bool:
    return is_lazy(getattr(result, "data", result)) or hasattr(result, "collect")


def _lazy_frame(result: Any, asked: str, estimator: Any) -> Any:
    if asked == "pandas" and is_lazy(result) and hasattr(result, "columns"):
        return result
    if asked == "pandas" and not hasattr(result, "collect"):
        import dask.dataframe as dd  # needs pyarrow, and only who asks for frames has it

        array = getattr(result, "data", result)
        whole_rows = array.rechunk({1: -1})
        return dd.from_dask_array(whole_rows, columns=list(estimator.get_feature_names_out()))
    raise TypeError(
        f"set_output(transform={asked!r}) would compute the lazy {type(result).__name__}; compute "
        "it first, or set_output(transform='default')"
    )


def _plain(result: Any) -> np.ndarray:
    """Return values as an array; what is missing or masked as NaN."""
    if isinstance(result, np.ma.MaskedArray):
        return np.ma.filled(result, np.nan)
    if (columns := columns_of(result)) is not None and hasattr(result, "column_names"):
        result = result.select(list(columns))  # in Arrow, an index that pandas noted is one more
    return result.to_numpy() if hasattr(result, "to_numpy") else np.asarray(result)
