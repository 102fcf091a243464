"""The scikit-learn scaler in pipelines and searches of scikit-learn and dask-ml."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from support.optional import needs
from support.scaler_inputs import NAMES, X

pytest.importorskip("sklearn")

from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.preprocessing import StandardScaler as Original

from dasknorm.sklearn import StandardScaler

Y = X @ [1.0, -300.0, 0.1] + np.sin(np.arange(200))
FRAME = pd.DataFrame(X, columns=NAMES).assign(kind=["u", "v"] * 100)


@pytest.mark.parametrize("frame", [True, False])
def test_pipelines_predict_what_they_did(frame):
    """A pipeline with this scaler predicts the same as with scikit-learn's."""
    data = FRAME[NAMES] if frame else X
    ours = make_pipeline(StandardScaler(), Ridge()).fit(data, Y)
    other = make_pipeline(Original(), Ridge()).fit(data, Y)
    np.testing.assert_allclose(ours.predict(data), other.predict(data), rtol=1e-9)
    assert list(ours[:-1].get_feature_names_out()) == list(other[:-1].get_feature_names_out())


def test_column_transformers():
    """Some columns are scaled and others encoded, with names and as a frame."""

    def columns(scaler):
        return ColumnTransformer(
            [
                ("numbers", scaler, make_column_selector(dtype_include="number")),
                ("kinds", OneHotEncoder(sparse_output=False), ["kind"]),
            ]
        ).set_output(transform="pandas")

    ours = columns(StandardScaler()).fit_transform(FRAME)
    other = columns(Original()).fit_transform(FRAME)
    pd.testing.assert_frame_equal(ours, other, rtol=1e-9)


def test_grid_searches():
    """A search over the scaler's parameters finds the same as with scikit-learn's."""

    def searched(scaler):
        grid = {"scaler__with_std": [True, False], "ridge__alpha": [0.1, 10.0]}
        steps = make_pipeline(scaler, Ridge())
        steps.steps[0] = ("scaler", scaler)
        return GridSearchCV(steps, grid, cv=3).fit(X, Y)

    ours, other = searched(StandardScaler()), searched(Original())
    assert ours.best_params_ == other.best_params_
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"], rtol=1e-9
    )


def test_unions():
    """Two scalers with different parameters work in a union that is cross-validated."""

    def predicted(scaler):
        union = FeatureUnion([("both", scaler()), ("scaled", scaler(with_mean=False))])
        return cross_val_predict(make_pipeline(union, Ridge()), X, Y, cv=2)

    np.testing.assert_allclose(predicted(StandardScaler), predicted(Original), rtol=1e-9)


def test_lazy_data_through_a_pipeline():
    """Dask arrays stay lazy from one scaler to the next."""
    pipe = make_pipeline(StandardScaler(with_std=False), StandardScaler(with_mean=False))
    scaled = pipe.fit_transform(da.from_array(X, chunks=(50, 3)))
    assert isinstance(scaled, da.Array)
    np.testing.assert_allclose(scaled.compute(), Original().fit_transform(X), atol=1e-9)


@needs("dask_ml")
@pytest.mark.filterwarnings("ignore")
def test_pieces_of_dask_ml():
    """dask-ml's wrappers, searches and models work around this scaler as around its own."""
    from dask_ml.model_selection import GridSearchCV as Search
    from dask_ml.preprocessing import MinMaxScaler
    from dask_ml.wrappers import ParallelPostFit

    chunked = da.from_array(X, chunks=(50, 3))
    expected = Original().fit_transform(X)
    wrapped = ParallelPostFit(StandardScaler()).fit(X)
    np.testing.assert_allclose(wrapped.transform(chunked).compute(), expected, atol=1e-9)
    both = make_pipeline(StandardScaler(), MinMaxScaler()).fit_transform(chunked).compute()
    np.testing.assert_allclose((both.min(0), both.max(0)), ([0] * 3, [1] * 3), atol=1e-12)
    search = Search(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [0.1, 10.0]})
    assert search.fit(X, Y).best_params_ == {"ridge__alpha": 0.1}
