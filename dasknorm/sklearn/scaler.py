"""`StandardScaler`: scikit-learn's API for `adapt` and `Stats`.

Used by `sklearn`. Parameters and attributes have scikit-learn's names and must keep them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.exceptions import NotFittedError

from dasknorm.api.adapt import adapt, compute_stats
from dasknorm.api.request import Request
from dasknorm.api.stats import Stats
from dasknorm.blocks import is_numeric
from dasknorm.blocks.slabs import SLAB_BYTES
from dasknorm.reports import provenance
from dasknorm.sklearn.inputs import (
    check_not_empty,
    get_columns,
    get_features,
    parse_input,
    parse_weights,
    validate_features,
)
from dasknorm.sklearn.states import add_batch, get_only_state, rename_batch, summarize_sparse
from dasknorm.sklearn.transforms import StatsTransformer, check_not_centred
from dasknorm.statistics import Moments


class StandardScaler(
    StatsTransformer,
    OneToOneFeatureMixin,  # type: ignore[misc]  # scikit-learn has no types
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Bring each column to mean 0 and standard deviation 1, by scikit-learn's rules.

    A replacement for ``sklearn.preprocessing.StandardScaler``, and for dask-ml's, that takes NumPy
    and Dask arrays, pandas, polars and Dask DataFrames, two-dimensional DataArrays, and sparse
    matrices. Results are lazy if the data are; `fit` reads each chunk once.

    Parameters
    ----------
    copy : bool, default True
        If False, `transform` may overwrite a float array of NumPy or a sparse matrix.
    with_mean : bool, default True
        Subtract the mean. Not possible for sparse matrices.
    with_std : bool, default True
        Divide by the standard deviation (``ddof=0``); a constant column by 1.

    Attributes
    ----------
    stats_ : Stats
        The statistics, which can be saved and merged. The other attributes are computed from them.
    mean_, var_, scale_ : ndarray of shape (n_features,), or None if not used
    n_samples_seen_ : int, or ndarray of shape (n_features,) if it differs; float if weighted
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the columns of a DataFrame, if all are strings.

    Notes
    -----
    docs/sklearn.md lists the deliberate differences from scikit-learn, with their reasons.

    Examples
    --------
    >>> from dasknorm.sklearn import StandardScaler
    >>> scaler = StandardScaler().fit([[0, 0], [0, 0], [1, 1], [1, 1]])
    >>> scaler.mean_
    array([0.5, 0.5])
    >>> scaler.transform([[2, 2]])
    array([[3., 3.]])
    """

    _parameter_constraints: ClassVar[dict[str, list[str]]] = {
        name: ["boolean"] for name in ("copy", "with_mean", "with_std")
    }

    def __init__(self, *, copy: bool = True, with_mean: bool = True, with_std: bool = True) -> None:
        self.copy = copy
        self.with_mean = with_mean
        self.with_std = with_std

    @classmethod
    def from_stats(
        cls, stats: Stats, *, copy: bool = True, with_mean: bool = True, with_std: bool = True
    ) -> Self:
        """Return a scaler with existing statistics: from `adapt`, `load` or `Stats.from_values`.

        Parameters
        ----------
        stats : Stats
            Statistics with a mean and a variance for each column.
        copy, with_mean, with_std : bool, default True
            Parameters of the scaler.

        Returns
        -------
        StandardScaler

        Raises
        ------
        MismatchError
            If these are not means and variances of the columns of one table.

        Examples
        --------
        >>> import dasknorm as dn
        >>> from dasknorm.sklearn import StandardScaler
        >>> StandardScaler.from_stats(dn.adapt([[1.0, 5.0], [3.0, 5.0]])).transform([[3.0, 5.0]])
        array([[1., 0.]])
        """
        scaler = cls(copy=copy, with_mean=with_mean, with_std=with_std)
        state = get_only_state(stats)
        scaler.stats_ = stats.compute()
        features = state.labels.get("columns", range(len(state.data)))
        validate_features(scaler, features, reset=True)
        return scaler

    # -- fitting ----------------------------------------------------------------------------------

    def fit(self, X: object, y: object = None, sample_weight: object = None) -> Self:
        """Compute the mean and variance of each column in one pass, discarding earlier ones.

        Parameters
        ----------
        X : array, sparse matrix, DataFrame or DataArray of shape (n_samples, n_features)
            Missing values (NaN, NA, null, masked) are skipped.
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative weights; for lazy data, a Dask array or Series. For a pandas DataFrame, a
            Series must have the index of the data.

        Returns
        -------
        StandardScaler
            The scaler itself.

        Raises
        ------
        ValueError
            If there are no rows or columns, values are infinite, or X is not 2-D.
        TypeError
            If columns are not of real numbers.
        """
        return self._start(X, sample_weight, adapt)

    def partial_fit(self, X: Any, y: object = None, sample_weight: object = None) -> Self:
        """Update the mean and variance with more rows; parameters are those of `fit`.

        The result equals that of `fit` on all batches together, except for the last digit.
        """
        if not hasattr(self, "stats_"):
            return self._start(X, sample_weight, _adapt_silently)
        X, stats = parse_input(X), self.stats_
        validate_features(self, get_features(X))
        if _is_small(X):
            check_not_empty(X)
            total = add_batch(stats, X, parse_weights(X, sample_weight))
        else:
            batch = self._compute(X, sample_weight, _adapt_silently)
            total = stats.merge(rename_batch(stats, batch))
        # All batches have one provenance: a list of all would grow with every batch.
        self.stats_ = replace(total, attrs=provenance.extend_stream(stats.attrs, 1))
        return self

    def _start(self, X: object, sample_weight: object, compute: Callable[..., Stats]) -> Self:
        X = parse_input(X)
        stats = self._compute(X, sample_weight, compute)
        validate_features(self, get_features(X), reset=True)
        self.stats_ = stats  # last, so that an error changes nothing
        return self

    def _compute(self, X: object, sample_weight: object, compute: Callable[..., Stats]) -> Stats:
        self._validate_params()
        check_not_empty(X)
        weights = parse_weights(X, sample_weight)
        if issparse(X):
            check_not_centred(self.with_mean)
            return summarize_sparse(X, weights)
        keep = None if get_columns(X) is not None else -1
        return compute(X, Moments(), keep=keep, weights=weights)

    # -- fitted attributes ------------------------------------------------------------------------

    @property
    def mean_(self) -> np.ndarray | None:
        """The mean of each column; None if neither the mean nor the variance is used."""
        return self._read("mean", self.with_mean or self.with_std)

    @property
    def var_(self) -> np.ndarray | None:
        """The variance of each column (``ddof=0``); None if ``with_std=False``."""
        return self._read("variance", self.with_std)

    @property
    def scale_(self) -> np.ndarray | None:
        """The divisor of each column; None if ``with_std=False``."""
        return self._read("scale", self.with_std)

    @property
    def n_samples_seen_(self) -> int | float | np.ndarray:
        """The number of values per column, or their total weight; one number if all are equal."""
        counts = self._read("count")
        if np.array_equal(counts, np.round(counts)):
            counts = counts.astype(int)
        return counts[0] if (counts == counts[0]).all() else counts

    def _read(self, name: str, is_used: bool = True) -> Any:
        if not hasattr(self, "stats_"):
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with "
                "appropriate arguments before using this estimator."
            )
        if not is_used:
            return None
        statistic, state = self.stats_.statistic, get_only_state(self.stats_)
        if name == "scale":
            return statistic.affine(state.data)["scale"].copy()
        return statistic.result(state.data, name)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "stats_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = not self.with_mean
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _is_small(X: object) -> bool:
    return isinstance(X, np.ndarray) and X.nbytes <= SLAB_BYTES and is_numeric(X.dtype)


def _adapt_silently(X: object, statistic: Moments, *, keep: object, weights: object) -> Stats:
    """Return statistics like `adapt`, without warnings about columns that have no values yet."""
    return compute_stats(X, Request(statistic, keep=keep, weights=weights))
