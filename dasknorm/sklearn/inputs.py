"""What a scaler takes: two dimensions of real numbers, whatever the container; nothing is read."""

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.sparse import issparse

from dasknorm.chunks import is_lazy
from dasknorm.containers import container_of

__all__ = [
    "columns_of",
    "features_of",
    "outline",
    "readable",
    "refuse_none_to_learn_from",
    "weights_for",
]


def readable(X: Any) -> Any:
    """Return data as something with rows and columns of numbers; ValueError, TypeError if not."""
    if not _known(X):
        X = np.asarray(X)
    elif isinstance(X, (list, tuple, int, float)):
        X = np.asanyarray(X)
    _refuse_other_ranks(X)
    columns = columns_of(X)
    if columns is not None:
        _refuse_columns_without_numbers(X, columns)
        return X
    if X.dtype.kind == "c":
        raise ValueError(
            f"Complex data not supported: got dtype {X.dtype}; scale X.real and X.imag, or abs(X)"
        )
    return _numbers(X) if X.dtype == object and isinstance(X, np.ndarray) else X


def columns_of(X: Any) -> pd.Index | None:
    """Return the names of a frame's columns, None of what has no columns."""
    if hasattr(X, "collect_schema"):  # polars; asking a LazyFrame for its columns warns
        return pd.Index(X.collect_schema().names())
    if hasattr(X, "column_names"):  # Arrow, whose columns are arrays
        from dasknorm.containers import pyarrow

        return pd.Index(pyarrow.columns_of(X))
    if isinstance(X, xr.DataArray) or getattr(X, "ndim", 2) != 2:
        return None
    return getattr(X, "columns", None)


def features_of(X: Any) -> pd.Index | int:
    """Return the names of X's features, or how many there are."""
    columns = columns_of(X)
    if columns is not None:
        return columns
    if not isinstance(X.shape[1], int):
        raise ValueError("the number of columns is not known; call X.compute_chunk_sizes() first")
    return X.shape[1]


def outline(features: pd.Index | int) -> Any:
    """Return an object without rows that has these features, for scikit-learn to check."""
    if isinstance(features, int):
        return np.empty((0, features))
    if all(isinstance(name, str) for name in features):
        return pd.DataFrame(np.empty((0, len(features))), columns=features)
    return np.empty((0, len(features)))  # scikit-learn knows no other names; Stats matches them


def refuse_none_to_learn_from(X: Any) -> None:
    """Raise ValueError where there are no rows, as far as that is known, or no columns."""
    columns = columns_of(X)
    rows = len(X) if isinstance(X, pd.DataFrame) else getattr(X, "shape", (None,))[0]
    shape = (rows, X.shape[1] if columns is None else len(columns))
    for size, what in zip(shape, ("sample(s)", "feature(s)"), strict=True):
        if isinstance(size, int) and size == 0:
            raise ValueError(
                f"Found array with 0 {what} (shape={shape}) while a minimum of 1 is required."
            )


def weights_for(X: Any, weights: Any) -> Any:
    """Return a weight for each row in the form in which `adapt` takes them beside X."""
    if weights is None or (is_lazy(weights) and columns_of(X) is not None):
        return weights
    if hasattr(X, "collect_schema") and hasattr(X, "collect"):
        return weights  # a query of polars, whose weights are an expression
    if not is_lazy(weights):
        weights = _one_a_row(X, weights)
    if isinstance(X, xr.DataArray):
        return xr.DataArray(weights, dims=X.dims[:1])
    return weights if columns_of(X) is not None or issparse(X) else weights[:, None]


def _one_a_row(X: Any, weights: Any) -> Any:
    rows = len(X) if columns_of(X) is not None else X.shape[0]
    array = np.asarray(weights, "f8")
    if array.ndim == 0:
        array = np.full(rows, array)
    if array.shape != (rows,):
        raise ValueError(
            f"sample_weight.shape == {array.shape}, expected {(rows,)}: one weight for each row"
        )
    if rows and not array.any():
        raise ValueError("all of sample_weight is zero: there is nothing to learn from")
    by_label = isinstance(weights, pd.Series) and isinstance(X, pd.DataFrame)
    return weights if by_label else array


def _known(X: Any) -> bool:
    if issparse(X):
        return True
    try:
        container_of(X)
    except TypeError:
        if not hasattr(X, "__array__"):
            raise
        return False
    return True


def _refuse_other_ranks(X: Any) -> None:
    if isinstance(X, xr.Dataset):
        raise TypeError("give a DataArray of two dimensions, such as ds.to_dataarray().T")
    rank = 2 if columns_of(X) is not None else len(X.shape)
    if rank < 2:
        got = ("a scalar", "a 1D array")[rank]
        raise ValueError(
            f"Expected 2D array, got {got.split()[1]} array instead ({type(X).__name__}). Reshape "
            "your data either using X.reshape(-1, 1) if it is a single feature, or "
            "X.reshape(1, -1) if it is a single sample; of a frame take df[['name']]"
        )
    if rank > 2:
        raise ValueError(
            f"Found array with dim {rank}, while dim <= 2 is required by StandardScaler. "
            "dasknorm.adapt takes data of any rank"
        )


def _refuse_columns_without_numbers(X: Any, columns: pd.Index) -> None:
    if not len(columns):
        return  # which is said in other words
    (field,) = container_of(X).fields(X).values()
    numeric = field.labels["columns"]
    others = columns.difference(numeric, sort=False)
    if len(others):
        rest = "X.select_dtypes('number'), or a ColumnTransformer with make_column_selector"
        if not hasattr(X, "select_dtypes"):  # Arrow and polars
            rest = f"X.select({list(numeric)})"
        raise TypeError(
            f"columns that are not of real numbers: {list(others)}. Scale the others: {rest}"
        )


def _numbers(array: np.ndarray) -> np.ndarray:
    """Return an array of Python's numbers as float64; TypeError if some are none."""
    strange = {type(x).__name__ for x in array.flat if not isinstance(x, (Real, np.bool_))}
    if strange:
        raise TypeError(
            f"argument must be of numbers, got {', '.join(sorted(strange))} among them; neither "
            "is a string read as a number, nor None as a missing one: write float(x) and np.nan"
        )
    return array.astype("f8")
