"""`StatsTransformer`: transform, inverse_transform and the type of their results.

Used by `sklearn.scaler`. All uses of scikit-learn's private functions are here.
"""

from collections.abc import Hashable
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse

# The one place that depends on private functions of scikit-learn: there is no public way to read
# the setting of set_output, and the public way to apply it computes lazy collections.
from sklearn.utils._set_output import _get_output_config, _wrap_data_with_container
from sklearn.utils.validation import check_is_fitted

from dasknorm import kernels
from dasknorm.api.stats import Stats
from dasknorm.blocks import float_dtype
from dasknorm.chunks import is_lazy
from dasknorm.containers import container_of, scipy_sparse
from dasknorm.sklearn.inputs import get_columns, get_features, parse_input, validate_features
from dasknorm.sklearn.states import get_only_state, match_to_data, select_mean_and_scale


class StatsTransformer:
    """Transform data with the statistics of a fitted scaler."""

    # A separate class because scikit-learn wraps these methods if a transformer itself defines
    # them, and its wrapper makes a DataFrame in memory even of a lazy collection.

    stats_: Stats
    copy: bool
    with_mean: bool
    with_std: bool
    n_features_in_: int

    def transform(self, X: object, copy: bool | None = None) -> Any:
        """Return ``(X - mean) / scale``, of the type of X; lazy if X is lazy.

        Parameters
        ----------
        X : array, sparse matrix, DataFrame or DataArray of shape (n_samples, n_features)
            The columns of a DataFrame have the order of `fit`, as scikit-learn demands; names that
            are not strings are matched by label. Missing values stay missing.
        copy : bool, optional
            False lets a float array of NumPy, or a sparse matrix, be overwritten; by default the
            ``copy`` of the scaler. No other input is ever changed.

        Returns
        -------
        array, sparse matrix, DataFrame or DataArray
            Of the shape of X; of the type of X, or of that of ``set_output``.

        Raises
        ------
        NotFittedError
            If the scaler is not fitted.
        ValueError
            If the features have other names, another order or number, or X is not 2-D.
        TypeError
            If columns are not of real numbers.
        """
        check_is_fitted(self)
        values = parse_input(X)
        validate_features(self, get_features(values))
        return _apply_set_output(self._transform(values, "normalize", copy), X, self)

    def inverse_transform(self, X: object, copy: bool | None = None) -> Any:
        """Return ``X * scale + mean``: the input of `transform`, except for the last digit.

        Parameters are those of `transform`. The columns of an array are matched by position,
        without a warning, even if the scaler was fitted with names.
        """
        check_is_fitted(self)
        values = parse_input(X)
        features = get_features(values)
        if not isinstance(features, range) and hasattr(self, "feature_names_in_"):
            validate_features(self, features)
        if len(features) != self.n_features_in_:
            raise ValueError(
                f"X has {len(features)} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return self._transform(values, "inverse", copy)

    def fit_transform(self, X: object, y: object = None, **fit_params: object) -> Any:
        """Return ``fit(X, y, **fit_params).transform(X)``; lazy X are read once, to fit."""
        return self.fit(X, y, **fit_params).transform(X)  # type: ignore[attr-defined]

    def _transform(self, X: Any, verb: Literal["normalize", "inverse"], copy: bool | None) -> Any:
        stats = select_mean_and_scale(self.stats_, self.with_mean, self.with_std)
        copy = self.copy if copy is None else copy
        is_forward = verb == "normalize"
        if issparse(X):
            check_not_centred(self.with_mean)
            operation = np.divide if is_forward else np.multiply
            return scipy_sparse.scale_columns(X, _affine(stats)["scale"], operation, copy)
        if not copy and _is_writable(X):
            kernel = kernels.standardize if is_forward else kernels.restore
            return kernel(X, _affine(stats), X.dtype, X)
        return getattr(match_to_data(stats, *_name_and_dims(X)), verb)(X)


def check_not_centred(with_mean: bool) -> None:
    """Raise ValueError if the mean is to be subtracted from sparse data."""
    if with_mean:
        raise ValueError(
            "Cannot center sparse matrices: pass `with_mean=False` instead, which keeps zeros "
            "zero, or X.toarray() if it fits in memory"
        )


def _name_and_dims(X: object) -> tuple[Hashable, tuple[Hashable, ...]]:
    """Return the name and the dimensions of the field of X."""
    if get_columns(X) is not None:
        return None, ("index", "columns")
    ((name, field),) = container_of(X).fields(X).items()
    return name, field.dims


def _affine(stats: Stats) -> np.ndarray:
    return stats.statistic.affine(get_only_state(stats).data)


def _is_writable(X: object) -> bool:
    return type(X) is np.ndarray and X.flags.writeable and X.dtype == float_dtype(X.dtype)


# -- set_output -----------------------------------------------------------------------------------


def _apply_set_output(result: Any, X: object, estimator: StatsTransformer) -> Any:
    """Return a result as the type of DataFrame chosen by `set_output`, if any."""
    library = _get_output_config("transform", estimator)["dense"]
    if library == "default":
        return result
    if is_lazy(getattr(result, "data", result)) or hasattr(result, "collect"):
        return _make_lazy_frame(result, library, estimator)
    if not issparse(result) and type(result).__module__.split(".")[0] != library:
        result = _to_numpy(result)
    return _wrap_data_with_container("transform", result, X, estimator)


def _make_lazy_frame(result: Any, library: str, estimator: Any) -> Any:
    if library == "pandas" and is_lazy(result) and hasattr(result, "columns"):
        return result
    if library == "pandas" and not hasattr(result, "collect"):
        import dask.dataframe as dd  # needs pyarrow, which only users of DataFrames have

        array = getattr(result, "data", result)
        whole_rows = array.rechunk({1: -1})
        return dd.from_dask_array(whole_rows, columns=list(estimator.get_feature_names_out()))
    raise TypeError(
        f"set_output(transform={library!r}) would compute the lazy {type(result).__name__}; "
        "compute it first, or set_output(transform='default')"
    )


def _to_numpy(result: Any) -> np.ndarray:
    """Return values as an array, with NaN for missing or masked values."""
    if isinstance(result, np.ma.MaskedArray):
        return np.ma.filled(result, np.nan)
    if (columns := get_columns(result)) is not None and hasattr(result, "column_names"):
        result = result.select(list(columns))  # without the column of a pandas index in Arrow
    return result.to_numpy() if hasattr(result, "to_numpy") else np.asarray(result)
