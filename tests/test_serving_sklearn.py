"""scikit-learn's scalers with dasknorm's statistics: they agree with normalize, and invert."""

import pickle

import numpy as np
import pandas as pd
import pytest
from support.optional import import_optional, needs
from support.serving_data import COLUMNS, run_without_dasknorm

import dasknorm as dn
from dasknorm.errors import MismatchError

preprocessing = import_optional("sklearn.preprocessing")
pytestmark = needs("sklearn")

FRAME = pd.DataFrame(COLUMNS).abs()

KINDS = {
    "MinMaxScaler": dn.Extrema(-1.0, 2.0),
    "MaxAbsScaler": dn.MaxAbs(),
    "RobustScaler": dn.Quantiles(0.1, 0.8),
    "StandardScaler": dn.Moments(),
}


@pytest.mark.parametrize("frame", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_each_statistic_has_its_scaler(kind, frame):
    """Each is the scaler that scikit-learn has for it, and maps as normalize and inverse do."""
    data = FRAME if frame else FRAME.to_numpy()
    stats = dn.adapt(data, KINDS[kind])
    scaler = stats.to_sklearn()
    assert type(scaler) is getattr(preprocessing, kind)
    assert hasattr(scaler, "feature_names_in_") == frame
    z = np.asarray(stats.normalize(data))
    np.testing.assert_allclose(scaler.transform(data), z, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(scaler.inverse_transform(z), np.asarray(data), rtol=1e-9)


@pytest.mark.parametrize("kind", ["MinMaxScaler", "MaxAbsScaler", "StandardScaler"])
def test_numbers_are_those_of_scikit_learn(kind):
    """Attributes equal those that scikit-learn computes, and partial_fit continues from them."""
    scaler = dn.adapt(FRAME, KINDS[kind]).to_sklearn()
    other = preprocessing.__dict__[kind](**scaler.get_params()).fit(FRAME)
    learned = [name for name in vars(other) if name.endswith("_") and not name.startswith("_")]
    for name in sorted(set(learned) - {"feature_names_in_"}):
        np.testing.assert_allclose(getattr(scaler, name), getattr(other, name), rtol=1e-7)
    more = FRAME * 2
    a, b = scaler.partial_fit(more), other.partial_fit(more)
    np.testing.assert_allclose(a.scale_, b.scale_, rtol=1e-7)
    assert a.n_samples_seen_ == b.n_samples_seen_ == 1000


def test_constant_columns():
    """A constant column becomes the same as with normalize."""
    x = np.array([[3.0, 0.0], [3.0, 0.0]])
    for statistic in (dn.Extrema(1.0, 2.0), dn.Extrema(), dn.MaxAbs(), dn.Moments()):
        stats = dn.adapt(x, statistic)
        np.testing.assert_array_equal(stats.to_sklearn().transform(x), stats.normalize(x))


def test_a_function_is_a_step_before(tmp_path):
    """A transform becomes a scikit-learn pipeline, which is unpickled without dasknorm."""
    stats = dn.adapt(FRAME, dn.Transformed("log1p", dn.Extrema()))
    pipeline = stats.to_sklearn()
    z = stats.normalize(FRAME)
    np.testing.assert_allclose(pipeline.transform(FRAME), z, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(pipeline.inverse_transform(z.to_numpy()), FRAME, rtol=1e-7)
    frame = pipeline.set_output(transform="pandas").transform(FRAME)
    assert list(frame) == list(FRAME)
    (tmp_path / "pipeline").write_bytes(pickle.dumps(pipeline))
    text = run_without_dasknorm(
        "import pickle\n"
        f"pipeline = pickle.load(open({str(tmp_path / 'pipeline')!r}, 'rb'))\n"
        "print(pipeline[-1].data_max_.shape)"
    )
    assert text == "(5,)"


def test_the_first_of_several():
    """The first of multiple statistics is used, as in normalize."""
    stats = dn.adapt(FRAME, [dn.MaxAbs(), dn.Moments()])
    assert type(stats.to_sklearn()) is preprocessing.MaxAbsScaler


def test_columns_of_different_statistics_are_refused():
    """Different statistics per column raise an error, as scikit-learn has one scaler for all."""
    kinds = {"small": dn.Extrema(), ...: dn.Moments()}
    with pytest.raises(MismatchError, match="one statistic"):
        dn.adapt(FRAME, kinds).to_sklearn()
