"""The verbs that return data: transform, inverse_transform, fit_transform."""

from collections.abc import Hashable
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted, validate_data

from dasknorm import kernels
from dasknorm.api.stats import Stats
from dasknorm.blocks import float_dtype
from dasknorm.containers import container_of
from dasknorm.sklearn import sparse
from dasknorm.sklearn.inputs import columns_of, features_of, outline, readable
from dasknorm.sklearn.outputs import as_asked
from dasknorm.sklearn.states import centred_or_scaled, fitting, only_state

__all__ = ["Mapping", "refuse_centring"]


class Mapping:
    """How a fitted scaler maps data.

    A class of its own because scikit-learn wraps these methods where a transformer defines them
    itself, and its wrapper makes a frame in memory even of a lazy collection.
    """

    stats_: Stats
    copy: bool
    with_mean: bool
    with_std: bool
    n_features_in_: int

    def transform(self, X: Any, copy: bool | None = None) -> Any:
        """Return ``(X - mean) / scale``, the same kind of container; lazy where X is lazy.

        Parameters
        ----------
        X : array, sparse matrix, DataFrame or DataArray of shape (n_samples, n_features)
            A frame's columns stand in the order of `fit`, as scikit-learn demands; names that are
            not strings are matched by label. Missing values stay missing.
        copy : bool, optional
            False lets a float array of NumPy, or a sparse matrix, be written over; by default
            what the scaler was made with. Nothing else is ever changed.

        Raises
        ------
        NotFittedError
            If nothing was learned yet.
        ValueError
            If the features have other names, another order or number, or X is not 2-D.
        TypeError
            If columns are not of real numbers.
        """
        check_is_fitted(self)
        values = readable(X)
        validate_data(self, outline(features_of(values)), reset=False, skip_check_array=True)
        return as_asked(self._mapped(values, "normalize", copy), X, self)

    def inverse_transform(self, X: Any, copy: bool | None = None) -> Any:
        """Return ``X * scale + mean``: what `transform` was given, but for the last digit.

        Parameters are those of `transform`. An array is taken by position, without a warning,
        also where the scaler has seen names.
        """
        check_is_fitted(self)
        values = readable(X)
        features = features_of(values)
        if not isinstance(features, int) and hasattr(self, "feature_names_in_"):
            validate_data(self, outline(features), reset=False, skip_check_array=True)
        number = features if isinstance(features, int) else len(features)
        if number != self.n_features_in_:
            raise ValueError(
                f"X has {number} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return self._mapped(values, "inverse", copy)

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Return ``fit(X, y, **fit_params).transform(X)``; lazy X are read once, to fit."""
        return self.fit(X, y, **fit_params).transform(X)  # type: ignore[attr-defined]

    def _mapped(self, X: Any, verb: str, copy: bool | None) -> Any:
        stats = centred_or_scaled(self.stats_, self.with_mean, self.with_std)
        copy = self.copy if copy is None else copy
        if issparse(X):
            refuse_centring(self.with_mean)
            return getattr(sparse, verb)(X, _affine(stats)["scale"], copy=copy)
        if not copy and _writable(X):
            kernel = kernels.standardize if verb == "normalize" else kernels.restore
            return kernel(X, _affine(stats), X.dtype, X)
        return getattr(fitting(stats, *_name_and_dims(X)), verb)(X)


def _name_and_dims(X: Any) -> tuple[Hashable, tuple[Hashable, ...]]:
    """Return what the container of X calls its field and its axes."""
    if columns_of(X) is not None:
        return None, ("index", "columns")
    ((name, field),) = container_of(X).fields(X).items()
    return name, field.dims


def refuse_centring(with_mean: bool) -> None:
    """Raise ValueError if sparse data are to lose their zeros."""
    if with_mean:
        raise ValueError(
            "Cannot center sparse matrices: pass `with_mean=False` instead, which keeps zeros "
            "zero, or X.toarray() if it fits in memory"
        )


def _affine(stats: Stats) -> np.ndarray:
    return stats.statistic.affine(only_state(stats).data)


def _writable(X: Any) -> bool:
    return type(X) is np.ndarray and X.flags.writeable and X.dtype == float_dtype(X.dtype)
