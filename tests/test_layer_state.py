"""The state of the layer: computed from each container and from batches, saved and copied."""

import copy
import io
import json
import pickle

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.layer_data import DATA, DATASET, FIELD, FRAME, make_adapted_layer
from support.optional import import_optional, needs
from support.store_contents import SUFFIXES

import dasknorm as dn
from dasknorm.layer import Normalization

dd = import_optional("dask.dataframe")

# -- containers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [-1, 1, "columns"])
def test_columns_of_a_frame(axis):
    """The columns of a frame are its last axis, its mean a Series, its output a frame."""
    layer = make_adapted_layer(FRAME, axis)
    assert layer.mean.to_dict() == {"a": 1, "b": 8, "c": 5}
    assert layer(FRAME[["c", "a", "b"]]).columns.tolist() == ["c", "a", "b"]
    pd.testing.assert_frame_equal(layer(FRAME), (FRAME - FRAME.mean()) / FRAME.std(ddof=0))
    with pytest.raises(dn.MismatchError, match="'a'"):
        layer(FRAME[["b", "c"]])


@needs("pyarrow")
def test_dask_frame_stays_lazy():
    """A Dask frame is adapted on now and called lazily."""
    lazy = dd.from_pandas(FRAME, npartitions=3)
    layer = make_adapted_layer(lazy)
    assert isinstance(layer(lazy), dd.DataFrame)
    pd.testing.assert_series_equal(layer.mean, make_adapted_layer(FRAME).mean)
    pd.testing.assert_frame_equal(layer(lazy).compute(), make_adapted_layer(FRAME)(FRAME))


def test_series_is_one_feature():
    """A Series is a single column."""
    layer = make_adapted_layer(FRAME["a"])
    assert (layer.mean, layer.variance, layer.count) == (1, 1, 4)
    assert layer(FRAME["a"]).tolist() == [-1, 1, -1, 1]


def test_given_numbers_bind_to_columns():
    """Given numbers belong to the columns of the first frame, and are found by name after it."""
    layer = Normalization(mean=[1, 8, 5], variance=[1, 1, 1])
    assert layer(FRAME).equals(FRAME - [1.0, 8.0, 5.0])
    assert layer(FRAME[["c", "b", "a"]])["c"].tolist() == [-1, 1, -1, 1]


@pytest.mark.parametrize("axis", ["level", 1, -2, ("level",)])
def test_dimension_of_a_data_array(axis):
    """A dimension is meant by name or position; labels are matched from then on."""
    layer = make_adapted_layer(FIELD, axis)
    xr.testing.assert_identical(layer.mean, FIELD.mean(("time", "x"), keep_attrs=True))
    reverse = FIELD.isel(level=[2, 0]).transpose("x", "level", "time")
    xr.testing.assert_identical(
        layer(reverse), layer(FIELD).isel(level=[2, 0]).transpose("x", "level", "time")
    )
    assert layer(FIELD).attrs == {"units": "1"}


def test_dataset_by_name():
    """Each variable of a Dataset keeps those of the named dimensions that it has."""
    layer = make_adapted_layer(DATASET, ("level", "x"))
    assert dict(layer.mean.sizes) == {"level": 3, "x": 4}
    assert layer.mean["p"].dims == ("x",)
    back = Normalization.from_stats(layer.stats, invert=True)
    xr.testing.assert_allclose(back(layer(DATASET)), DATASET)
    assert back(layer(DATASET))["t"].attrs == {"units": "K"}
    assert make_adapted_layer(DATASET, None).mean["t"].item() == 11.5


def test_given_numbers_for_every_variable():
    """Given numbers go to each variable along the kept dimensions it has."""
    layer = Normalization("x", mean=[1, 2, 3, 4], variance=[4, 4, 4, 4])
    xr.testing.assert_allclose(layer(DATASET[["p"]])["p"], (DATASET["p"] - [1, 2, 3, 4]) / 2)
    assert Normalization(None, 1.0, 4.0)(DATASET)["t"].values[0, 0].tolist() == [-0.5, 0, 0.5, 1]


def test_array_statistics_meet_a_frame():
    """Statistics of an array are taken by position in a frame, with a warning."""
    with pytest.warns(UserWarning, match="by position"):
        assert make_adapted_layer(DATA)(FRAME).equals(make_adapted_layer(FRAME)(FRAME))


class Counting:
    """An array that counts how often each of its rows is read."""

    def __init__(self, values):
        self.values, self.reads = values, np.zeros(len(values), int)
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim

    def __getitem__(self, key):
        self.reads[key[0]] += 1
        return self.values[key]


def test_dask_array_is_read_once_and_as_a_whole():
    """A Dask array is adapted on in one pass, not row by row, and called lazily."""
    source = Counting(DATA)
    lazy = da.from_array(source, chunks=(1, 3), asarray=False, meta=DATA[:0])
    layer = make_adapted_layer(lazy)
    assert source.reads.tolist() == [1, 1, 1, 1]
    assert layer.mean.tolist() == [[1, 8, 5]]
    with dask.config.set(scheduler=lambda *args, **kwargs: pytest.fail("computed")):
        z = layer(lazy)
    assert z.compute().tolist() == layer(DATA).tolist()


def test_unknown_chunk_sizes():
    """Rows may be of unknown number, as after a selection, where they are merged."""
    lazy = da.from_array(DATA, chunks=2)
    layer = make_adapted_layer(lazy[lazy[:, 0] > 1])
    assert (layer.mean.tolist(), layer.count.tolist()) == ([[2, 9, 6]], [[2, 2, 2]])


# -- batches --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        DATA.tolist(),
        [tuple(row) for row in DATA.tolist()],
        [DATA[:1], DATA[1:]],
        (DATA[:1], DATA[1:]),
        [(DATA[:1], "label"), (DATA[1:], "label")],
        [list(DATA[0]), *DATA[1:].tolist()],
        (DATA[i : i + 1] for i in range(4)),
        zip([DATA[:3], DATA[3:]], "ab", strict=True),
        iter([DATA[:0], DATA, DATA[:0]]),
        [da.from_array(DATA[:2]), DATA[2:]],
        map(np.asfortranarray, [DATA, DATA]),
    ],
)
def test_lists_and_batches(data):
    """Numbers in lists are an array; arrays in a list, tuple or stream are batches."""
    layer = make_adapted_layer(data)
    assert layer.mean.tolist() == [[1, 8, 5]]
    assert layer.variance.tolist() == [[1, 1, 1]]


def test_list_of_numpy_numbers():
    """NumPy's numbers in a list are numbers, not batches."""
    assert make_adapted_layer(list(DATA[0])).mean.tolist() == [0, 7, 4]


def test_batches_of_a_csv_file():
    """The chunks in which pandas reads a file are batches, matched by column."""
    text = io.StringIO(FRAME.to_csv(index=False))
    layer = make_adapted_layer(pd.read_csv(text, chunksize=3))
    pd.testing.assert_series_equal(layer.mean, FRAME.mean())
    layer.adapt([FRAME[:1], FRAME[1:][["c", "b", "a"]]])
    pd.testing.assert_series_equal(layer.mean, FRAME.mean())
    with pytest.raises(dn.MismatchError, match="same variables or columns"):
        layer.adapt([FRAME, FRAME.rename(columns={"a": "z"})])
    for verb in (layer.adapt, layer.update):
        with pytest.raises(dn.MismatchError, match="same variables or columns"):
            verb([FRAME.add_suffix("1"), FRAME.add_suffix("2")])
    pd.testing.assert_series_equal(layer.mean, FRAME.mean())


def test_many_batches_have_one_provenance():
    """The provenance of a stream does not grow with it, and counts its batches."""
    layer = make_adapted_layer(iter([DATA] * 20))
    assert [run["batches"] for run in layer.stats.attrs["runs"]] == [20]
    layer.update(DATA)
    assert [run["batches"] for run in layer.stats.attrs["runs"]] == [21]


def interrupted():
    """Yield a batch, then be interrupted as by Ctrl-C."""
    yield DATA + 50
    raise KeyboardInterrupt


@pytest.mark.parametrize("verb", ["adapt", "update"])
@pytest.mark.parametrize(
    "data", [[DATA, DATA[:, :2]], DATA + 1j, [DATA, [[np.inf, 1, 2]]], interrupted]
)
def test_failure_leaves_the_state(verb, data):
    """A failed or interrupted adapt or update leaves what was learned before."""
    layer = make_adapted_layer(DATA)
    before = layer.stats
    with pytest.raises((TypeError, ValueError, KeyboardInterrupt)):
        getattr(layer, verb)(data() if callable(data) else data)
    assert layer.stats is before
    assert layer(DATA[:1]).tolist() == [[-1, -1, -1]]


# -- keeping --------------------------------------------------------------------------------------

LAYERS = [
    Normalization(),
    Normalization(("level", "x"), dtype="float32"),
    Normalization(None, mean=2.0, variance=4.0, invert=True),
    Normalization([1, 0], mean=[[1.0], [2.0]], variance=[[4.0], [9.0]], dtype="f4"),
    Normalization(np.int64(2), mean=np.array([0.1, 1 / 3]), variance=np.array([2.0, np.pi])),
]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_config_round_trip(layer):
    """A config goes through JSON and makes the same layer again."""
    config = layer.get_config()
    again = Normalization.from_config(json.loads(json.dumps(config)))
    assert again.get_config() == config
    assert repr(again) == repr(layer)
    assert config["axis"] == list(layer.axis)


def test_config_holds_nothing_learned():
    """As in Keras, the config says how to make the layer, not what it has learned."""
    config = make_adapted_layer(DATA).get_config()
    assert config == {"axis": [-1], "mean": None, "variance": None, "invert": False, "dtype": None}
    assert Normalization.from_config(config).stats is None


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))]
)
@pytest.mark.parametrize("data", [DATA, FRAME, FIELD], ids=["array", "frame", "xarray"])
def test_copies_are_equal_and_apart(duplicate, data):
    """A copied or pickled layer has the same statistics, and goes its own way afterwards."""
    layer = make_adapted_layer(data)
    other = duplicate(layer)
    assert other.stats == layer.stats
    assert other.get_config() == layer.get_config()
    other.adapt(data + 1)
    assert other.stats != layer.stats
    assert (
        duplicate(Normalization(mean=1.0, variance=4.0))(DATA).tolist() == ((DATA - 1) / 2).tolist()
    )


@pytest.mark.parametrize(
    ("data", "axis", "found"),
    [
        (DATA, -1, (-1,)),
        (DATA, None, ()),
        (DATA, 0, (-2,)),
        (FRAME, -1, ("columns",)),
        (FIELD, ("x", "level"), ("level", "x")),
        (DATASET, "x", ("x",)),
    ],
)
def test_statistics_travel(data, axis, found):
    """A layer made of another's statistics maps alike, and learns on."""
    layer = make_adapted_layer(data, axis)
    other = Normalization.from_stats(layer.stats)
    assert other.axis == found
    assert other.built
    assert str(other(data)) == str(layer(data))
    assert other.stats == layer.stats
    layer.update(data)
    other.update(data)
    assert other.stats == layer.stats


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_statistics_travel_in_a_file(tmp_path, suffix):
    """Saved statistics make a layer that maps to the bit as the one that learned them."""
    layer = make_adapted_layer(FIELD, "level")
    layer.stats.save(tmp_path / f"s{suffix}")
    other = Normalization.from_stats(dn.load(tmp_path / f"s{suffix}"))
    xr.testing.assert_identical(other(FIELD), layer(FIELD))
    with pytest.raises(ValueError, match="incompatible shape"):
        other.adapt(FIELD[:, :2])


def test_statistics_from_elsewhere():
    """Statistics without a least scale get the layer's; given ones are matched by label."""
    layer = Normalization.from_stats(dn.adapt([[1.0, 5.0], [3.0, 5.0]]))
    assert layer([[3.0, 6.0]]) == pytest.approx(np.array([[1.0, 1e7]]))
    given_by_label = Normalization.from_stats(dn.Stats.from_values(FRAME.mean(), FRAME.var(ddof=0)))
    assert given_by_label(FRAME[["c", "a", "b"]]).equals(
        make_adapted_layer(FRAME)(FRAME[["c", "a", "b"]])
    )


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Normalization(), "<dasknorm.Normalization axis=(-1,): not adapted>"),
        (make_adapted_layer(DATA), "<dasknorm.Normalization axis=(-1,): adapted, features: 3>"),
        (Normalization(None, 1.0, 2.0), "<dasknorm.Normalization axis=(): given, not built>"),
        (
            Normalization(invert=True, dtype="f4"),
            "<dasknorm.Normalization axis=(-1,), invert=True, dtype=float32: not adapted>",
        ),
    ],
)
def test_repr(layer, text):
    """A layer shows what it keeps and what it knows."""
    assert repr(layer) == text
