"""StandardScaler, the estimator after scikit-learn's: its words over `adapt` and `Stats`."""

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import validate_data

from dasknorm.api.adapt import adapt, compute_stats
from dasknorm.api.request import Request
from dasknorm.api.stats import Stats
from dasknorm.blocks import is_numeric
from dasknorm.blocks.threads import SLAB_BYTES
from dasknorm.reports import provenance
from dasknorm.sklearn import sparse
from dasknorm.sklearn.inputs import (
    columns_of,
    features_of,
    outline,
    readable,
    refuse_none_to_learn_from,
    weights_for,
)
from dasknorm.sklearn.mapping import Mapping, refuse_centring
from dasknorm.sklearn.states import added, batch_like, only_state
from dasknorm.statistics import Moments

__all__ = ["StandardScaler"]


class StandardScaler(
    Mapping,
    OneToOneFeatureMixin,  # type: ignore[misc]  # scikit-learn has no types
    TransformerMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Bring each column to mean 0 and standard deviation 1, by scikit-learn's rules.

    A drop-in for ``sklearn.preprocessing.StandardScaler``, and for dask-ml's, that takes NumPy and
    Dask arrays, pandas, polars and Dask frames, two-dimensional DataArrays, and sparse matrices.
    What is lazy stays lazy but for `fit`, which reads each chunk once.

    Parameters
    ----------
    copy : bool, default True
        If False, `transform` may write over a float array of NumPy or a sparse matrix.
    with_mean : bool, default True
        Subtract the mean. Not possible for sparse matrices.
    with_std : bool, default True
        Divide by the standard deviation (``ddof=0``); a constant column by 1.

    Attributes
    ----------
    stats_ : Stats
        What was learned: to be saved, merged or read. The other attributes are read off it.
    mean_, var_, scale_ : ndarray of shape (n_features,), or None where not asked for
    n_samples_seen_ : int, or ndarray of shape (n_features,) where they differ; float if weighted
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        The names of a frame's columns, where all are strings.

    Notes
    -----
    Where it departs from scikit-learn, on purpose, and why: see docs/sklearn.md.

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
        """Return a scaler with statistics learned elsewhere: by `adapt`, loaded, or given.

        Raises
        ------
        MismatchError
            If they are not means and variances of the columns of one table.

        Examples
        --------
        >>> import dasknorm as dn
        >>> from dasknorm.sklearn import StandardScaler
        >>> StandardScaler.from_stats(dn.adapt([[1.0, 5.0], [3.0, 5.0]])).transform([[3.0, 5.0]])
        array([[1., 0.]])
        """
        scaler = cls(copy=copy, with_mean=with_mean, with_std=with_std)
        state = only_state(stats)
        scaler.stats_ = stats.compute()
        features = state.labels.get("columns", state.data.shape[0])
        validate_data(scaler, outline(features), skip_check_array=True)
        return scaler

    # -- learning ---------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Forget what was learned, and learn the mean and variance of each column in one pass.

        Parameters
        ----------
        X : array, sparse matrix, DataFrame or DataArray of shape (n_samples, n_features)
            Missing values (NaN, NA, null, masked) are skipped.
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative; a Dask array or Series beside lazy data. A Series beside a pandas frame
            has its index.

        Raises
        ------
        ValueError
            If there are no rows or columns, values are infinite, or X is not 2-D.
        TypeError
            If columns are not of real numbers.
        """
        return self._begun(X, sample_weight, adapt)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn from more rows without forgetting; parameters are those of `fit`.

        Whatever the batches, the result is that of `fit` on all of them, but for the last digit.
        """
        if not hasattr(self, "stats_"):
            return self._begun(X, sample_weight, _adapt_silently)
        X, known = readable(X), self.stats_
        validate_data(self, outline(features_of(X)), reset=False, skip_check_array=True)
        if _is_small(X):
            refuse_none_to_learn_from(X)
            stats = added(known, X, weights_for(X, sample_weight))
        else:
            stats = known.merge(batch_like(known, self._learned(X, sample_weight, _adapt_silently)))
        # One provenance for all batches: merging theirs would grow with every step.
        self.stats_ = replace(stats, attrs=provenance.extend_stream(known.attrs, 1))
        return self

    def _begun(self, X: Any, sample_weight: Any, learn: Any) -> Self:
        X = readable(X)
        stats = self._learned(X, sample_weight, learn)
        validate_data(self, outline(features_of(X)), skip_check_array=True)
        self.stats_ = stats  # last, so that what fails changes nothing
        return self

    def _learned(self, X: Any, sample_weight: Any, learn: Any) -> Stats:
        self._validate_params()
        refuse_none_to_learn_from(X)
        weights = weights_for(X, sample_weight)
        if issparse(X):
            refuse_centring(self.with_mean)
            return sparse.moments(X, weights)
        keep = None if columns_of(X) is not None else -1
        return learn(X, Moments(), keep=keep, weights=weights)

    # -- reading ----------------------------------------------------------------------------------

    @property
    def mean_(self) -> Any:
        """The mean of each column; None if neither it nor the variance is used."""
        return self._read("mean", self.with_mean or self.with_std)

    @property
    def var_(self) -> Any:
        """The variance of each column (``ddof=0``); None if it is not used."""
        return self._read("variance", self.with_std)

    @property
    def scale_(self) -> Any:
        """What each column is divided by; None if by nothing."""
        return self._read("scale", self.with_std)

    @property
    def n_samples_seen_(self) -> Any:
        """How many values each column had, or what they weigh; one number if all had as many."""
        counts = self._read("count", True)
        if np.array_equal(counts, np.round(counts)):
            counts = counts.astype(int)
        return counts[0] if (counts == counts[0]).all() else counts

    def _read(self, name: str, wanted: bool) -> Any:
        if not hasattr(self, "stats_"):
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with "
                "appropriate arguments before using this estimator."
            )
        if not wanted:
            return None
        statistic, state = self.stats_.statistic, only_state(self.stats_)
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


def _is_small(X: Any) -> bool:
    return isinstance(X, np.ndarray) and X.nbytes <= SLAB_BYTES and is_numeric(X.dtype)


def _adapt_silently(X: Any, statistic: Moments, *, keep: Any, weights: Any) -> Stats:
    """Return statistics like `adapt`, without warnings about columns that have no values yet."""
    return compute_stats(X, Request(statistic, keep=keep, weights=weights))
