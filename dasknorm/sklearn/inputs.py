"""Validate the inputs of a scaler: two dimensions of real numbers, in any container.

Used by `sklearn.scaler` and `sklearn.transforms`. Messages start as those of scikit-learn, which
its estimator tests require. No data are read.
"""

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from dasknorm.chunks import is_lazy
from dasknorm.containers import container_of, find_container, unsupported_type


def parse_input(X: Any) -> Any:
    """Return data that have rows and columns of numbers; raise ValueError or TypeError if not."""
    if isinstance(X, (list, tuple, int, float)):
        X = np.asanyarray(X)
    elif not issparse(X) and find_container(X) is None:
        if not hasattr(X, "__array__"):
            raise unsupported_type(X)
        X = np.asarray(X)
    _check_two_dimensional(X)
    columns = get_columns(X)
    if columns is not None:
        _check_columns_numeric(X, columns)
        return X
    if X.dtype.kind == "c":
        raise ValueError(
            f"Complex data not supported: got dtype {X.dtype}; scale X.real and X.imag, or abs(X)"
        )
    return _parse_objects(X) if X.dtype == object and isinstance(X, np.ndarray) else X


def get_columns(X: object) -> pd.Index | None:
    """Return the names of the columns of a DataFrame; None if data have no columns."""
    if hasattr(X, "collect_schema"):  # polars; the columns attribute of a LazyFrame warns
        return pd.Index(X.collect_schema().names())
    if hasattr(X, "column_names"):  # Arrow, where the columns attribute holds arrays
        from dasknorm.containers import pyarrow

        return pd.Index(pyarrow.data_columns(X))
    if isinstance(X, xr.DataArray) or getattr(X, "ndim", 2) != 2:
        return None
    return getattr(X, "columns", None)


def get_features(X: Any) -> pd.Index | range:
    """Return the names of the features of X, or their positions."""
    columns = get_columns(X)
    if columns is not None:
        return columns
    if not isinstance(X.shape[1], int):
        raise ValueError("the number of columns is not known; call X.compute_chunk_sizes() first")
    return range(X.shape[1])


def validate_features(estimator: Any, features: pd.Index | range, *, reset: bool = False) -> None:
    """Raise ValueError unless an estimator has these features; with `reset`, store them."""
    data: Any = np.empty((0, len(features)))
    if len(features) and all(isinstance(name, str) for name in features):
        data = pd.DataFrame(data, columns=features)  # scikit-learn validates only strings
    validate_data(estimator, data, reset=reset, skip_check_array=True)


def check_not_empty(X: Any) -> None:
    """Raise ValueError if there are no columns, or if the number of rows is known to be 0."""
    columns = get_columns(X)
    rows = len(X) if isinstance(X, pd.DataFrame) else getattr(X, "shape", (None,))[0]
    shape = (rows, X.shape[1] if columns is None else len(columns))
    for size, unit in zip(shape, ("sample(s)", "feature(s)"), strict=True):
        if isinstance(size, int) and size == 0:
            raise ValueError(
                f"Found array with 0 {unit} (shape={shape}) while a minimum of 1 is required."
            )


def parse_weights(X: Any, weights: Any) -> Any:
    """Return one weight for each row, in the form in which `adapt` takes weights for X."""
    if weights is None or (is_lazy(weights) and get_columns(X) is not None):
        return weights
    if hasattr(X, "collect_schema") and hasattr(X, "collect"):
        return weights  # a lazy polars query, whose weights are an expression
    if not is_lazy(weights):
        weights = _check_rows(X, weights)
    if isinstance(X, xr.DataArray):
        return xr.DataArray(weights, dims=X.dims[:1])
    return weights if get_columns(X) is not None or issparse(X) else weights[:, None]


def _check_rows(X: Any, weights: Any) -> Any:
    """Return weights; ValueError unless there is one for each row, and one is not 0."""
    rows = len(X) if get_columns(X) is not None else X.shape[0]
    array = np.asarray(weights, "f8")
    if array.ndim == 0:
        array = np.full(rows, array)
    if array.shape != (rows,):
        raise ValueError(
            f"sample_weight.shape == {array.shape}, expected {(rows,)}: one weight for each row"
        )
    if rows and not array.any():
        raise ValueError("all of sample_weight is zero: there is nothing to learn from")
    return weights if isinstance(weights, pd.Series) and isinstance(X, pd.DataFrame) else array


def _check_two_dimensional(X: Any) -> None:
    if isinstance(X, xr.Dataset):
        raise TypeError("give a DataArray of two dimensions, such as ds.to_dataarray().T")
    rank = 2 if get_columns(X) is not None else len(X.shape)
    if rank < 2:
        raise ValueError(
            f"Expected 2D array, got {('scalar', '1D')[rank]} array instead "
            f"({type(X).__name__}). Reshape your data either using X.reshape(-1, 1) if it is a "
            "single feature, or X.reshape(1, -1) if it is a single sample; of a frame take "
            "df[['name']]"
        )
    if rank > 2:
        raise ValueError(
            f"Found array with dim {rank}, while dim <= 2 is required by StandardScaler. "
            "dasknorm.adapt takes data of any rank"
        )


def _check_columns_numeric(X: object, columns: pd.Index) -> None:
    if not len(columns):
        return  # check_not_empty raises the error
    (field,) = container_of(X).fields(X).values()
    numeric = field.labels["columns"]
    unsupported = columns.difference(numeric, sort=False)
    if len(unsupported):
        selection = "X.select_dtypes('number'), or a ColumnTransformer with make_column_selector"
        if not hasattr(X, "select_dtypes"):  # Arrow and polars
            selection = f"X.select({list(numeric)})"
        raise TypeError(
            f"columns that are not of real numbers: {list(unsupported)}. Scale all other columns: "
            f"{selection}"
        )


def _parse_objects(array: np.ndarray) -> np.ndarray:
    """Return an array of Python's numbers as float64; TypeError if an element is no number."""
    types = {type(x).__name__ for x in array.flat if not isinstance(x, (Real, np.bool_))}
    if types:
        raise TypeError(
            f"argument must be of numbers, got {', '.join(sorted(types))} among them; neither "
            "is a string read as a number, nor None as a missing one: write float(x) and np.nan"
        )
    return array.astype("f8")
