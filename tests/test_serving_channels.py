"""Constants for a data loader: the order of channels, shapes that broadcast, and precision."""

import pickle

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.serving_data import (
    COLUMNS,
    compute_exact_scores,
    error_in_roundings,
    make_maps,
    run_without_dasknorm,
    stack_channels,
)

import dasknorm as dn
from dasknorm.errors import MismatchError

DS = make_maps()
T = [("t", 1000), ("t", 850), ("t", 500)]
FRAME = pd.DataFrame(COLUMNS).astype("f4")


def normalized(x, c):
    """Return a batch normalized by the formula of the documentation."""
    return (x - c["shift"] - c["shift_rest"]) / c["scale"]


def restored(z, c):
    """Return the inverse by the formula of the documentation."""
    return z * c["scale"] + c["shift_rest"] + c["shift"]


@pytest.mark.parametrize("keep", [-1, 1, -3, (1, 2), (0, -1), (), (0, 1, 2, 3)], ids=str)
def test_arrays_keep_their_own_axes(keep):
    """Statistics of an array broadcast along the axes of a batch, whichever are kept."""
    x = DS["t"].fillna(1e4).values
    stats = dn.adapt(x, keep=keep)
    c = stats.to_numpy()
    assert c["channels"] == []
    np.testing.assert_allclose(normalized(x, c), stats.normalize(x), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(restored(normalized(x, c), c), x, rtol=2.0**-22)


def test_columns_are_a_vector_in_their_order():
    """A frame's columns lie along the last axis, in the frame's order or in the one asked for."""
    stats = dn.adapt(FRAME)
    assert stats.to_numpy()["channels"] == list(FRAME)
    selected = ["small", "1e4 ± 1"]
    c = stats.to_numpy(selected)
    assert (c["channels"], c["shift"].shape) == (selected, (2,))
    z = normalized(FRAME[selected].to_numpy(), c)
    np.testing.assert_allclose(z, stats.normalize(FRAME)[selected], rtol=1e-6, atol=1e-7)


def test_columns_along_another_axis():
    """Columns may be the channels of sequences, which have their steps last."""
    c = dn.adapt(FRAME).to_numpy(dims=("row", "channel", "step"))
    assert c["scale"].shape == (5, 1)


def test_columns_named_by_tuples():
    """A column of several levels is one channel, named by its tuple."""
    frame = FRAME[["small", "large"]].set_axis(
        pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]), axis=1
    )
    assert dn.adapt(frame).to_numpy([("b", 2)])["channels"] == [("b", 2)]


@pytest.mark.parametrize(
    "over",
    [("time", "lat", "lon"), ("time",), ("time", "lon"), ("time", "lat"), ("level", "time", "lon")],
    ids=" ".join,
)
@pytest.mark.parametrize(
    "dims",
    ["time channel lat lon", "time lat lon channel", "lon channel time lat"],
)
@pytest.mark.parametrize("kind", ["all", "chosen"])
def test_variables_on_levels_are_channels(over, dims, kind):
    """Each variable at each level is a channel; what is kept along an axis of the batch stays."""
    dims = tuple(dims.split())
    stats = dn.adapt(DS, over=over)
    by_level = "level" not in over
    if kind == "all":
        selected, channels = None, [*(T if by_level else ["t"]), "sst"]
    else:
        channels = ["sst", ("t", 500), ("t", 1000)] if by_level else ["sst", "t"]
        selected = list(channels)
    c = stats.to_numpy(selected, dims)
    assert c["channels"] == channels
    ds = DS if by_level else DS.isel(level=0)
    z = stats.normalize(DS if by_level else DS.isel(level=[0]).squeeze("level"))
    x, expected = stack_channels(ds, channels, dims), stack_channels(z, channels, dims)
    np.testing.assert_allclose(normalized(x, c), expected, rtol=2e-6, atol=2e-7)


def test_a_variable_stands_for_its_levels():
    """The name of a variable means all its levels, in the order of the statistics."""
    c = dn.adapt(DS, over=("time", "lat", "lon")).to_numpy(["sst", "t"], ("channel", "lat", "lon"))
    assert c["channels"] == ["sst", *T]


def test_levels_may_be_an_axis():
    """A level named among the axes of the batch makes no channels, and a lack of it broadcasts."""
    stats = dn.adapt(DS, over=("time", "lat", "lon"))
    c = stats.to_numpy(dims=("time", "channel", "level", "lat", "lon"))
    assert (c["channels"], c["shift"].shape) == (["t", "sst"], (2, 3, 1, 1))


def test_one_variable_needs_no_axis_of_channels():
    """A DataArray's own dimensions may be all that a batch has."""
    stats = dn.adapt(DS["t"], over=("time", "lat", "lon"))
    c = stats.to_numpy(dims=DS["t"].dims)
    assert (c["channels"], c["shift"].shape) == ([], (3, 1, 1))
    np.testing.assert_allclose(
        normalized(DS["t"].values, c), stats.normalize(DS["t"]), rtol=1e-6, atol=1e-7
    )
    whole = dn.adapt(DS, over=tuple(DS.sizes)).to_numpy(["t"], ("time", "lat", "lon"))
    assert whole["shift"].shape == ()


def test_a_dimension_may_be_called_channel():
    """A kept dimension named channel is the axis of channels, its labels their names."""
    array = xr.DataArray(np.eye(3), dims=("time", "channel"), coords={"channel": ["r", "g", "b"]})
    c = dn.adapt(array, over="time").to_numpy(["b", "r"], ("time", "channel"))
    assert c["channels"] == ["b", "r"]
    both = c["shift"].astype("f8") + c["shift_rest"]
    np.testing.assert_allclose(both, [1 / 3, 1 / 3], rtol=2.0**-48)


def test_one_number_needs_no_names():
    """One mean for all is a scalar, of an array, a Series, or a DataArray."""
    for data in (np.arange(4.0), pd.Series([1.0, 2.0]), DS["sst"].rename(None)):
        assert dn.adapt(data).to_numpy()["shift"].shape == ()


@pytest.mark.parametrize("name", COLUMNS)
def test_digits_of_float32(name):
    """Scores of float32 batches, calculated in float32, are right to 4 roundings."""
    x = FRAME[[name]]
    c = dn.adapt(x).to_numpy()
    z = normalized(x.to_numpy(), c)
    assert z.dtype == np.float32
    assert error_in_roundings(z, compute_exact_scores(x.to_numpy())).max() < 4


def test_one_float32_would_lose_digits():
    """What the second part of the shift is for: without it, 1e4 ± 1 is off a thousandfold."""
    x = np.float32(10_000.3 + np.array([[-1.0], [0.0], [1.1]]))
    c = dn.adapt(x).to_numpy()
    without = (x - c["shift"]) / c["scale"]
    assert error_in_roundings(normalized(x, c), compute_exact_scores(x)).max() < 4
    assert error_in_roundings(without, compute_exact_scores(x)).max() > 1000


def test_float64():
    """Constants in float64 give what normalize gives, bit for bit but for multiplying."""
    stats = dn.adapt(FRAME)
    c = stats.to_numpy(dtype="float64")
    wide = FRAME.astype("f8")
    np.testing.assert_allclose(normalized(wide, c), stats.normalize(wide), rtol=1e-15)


MIXED = {
    "near 0": dn.Extrema(-1.0, 1.0),
    "1e4 ± 1": dn.Transformed("log"),
    "1e8 ± 100": dn.MaxAbs(),
    "small": dn.Transformed("log1p", dn.Extrema()),
    "large": dn.Transformed("asinh"),
}


def test_functions_and_statistics_of_their_own():
    """Each column by its own statistic, some after a function, agrees with normalize."""
    stats = dn.adapt(FRAME, MIXED)
    c = stats.to_numpy(list(FRAME), dtype="float64")
    assert {name: where.tolist() for name, where in c["functions"].items()} == {
        "asinh": [False] * 4 + [True],
        "log": [False, True, False, False, False],
        "log1p": [False, False, False, True, False],
    }
    x = FRAME.to_numpy("f8")
    for name, where in c["functions"].items():
        ufunc = np.arcsinh if name == "asinh" else getattr(np, name)
        x = ufunc(x, where=where, out=x.copy())
    np.testing.assert_allclose(normalized(x, c), stats.normalize(FRAME.astype("f8")), rtol=1e-9)


def test_a_function_of_an_array():
    """Of an array all numbers go through the function, whichever axes are kept."""
    x = np.array([[[1.0, 4.0], [9.0, 16.0]]])
    c = dn.adapt(x, dn.Transformed("sqrt"), keep=-2).to_numpy()
    assert c["functions"]["sqrt"].tolist() == [[True], [True]]
    assert c["shift"].ravel().tolist() == [1.5, 3.5]


def test_the_first_of_several_normalizes():
    """Of several statistics of the same data the first one's map is served."""
    x = FRAME[["small"]]
    both = dn.adapt(x, [dn.Transformed("sqrt", dn.Extrema()), dn.Moments()]).to_numpy()
    one = dn.adapt(x, dn.Transformed("sqrt", dn.Extrema())).to_numpy()
    assert (both["shift"], both["scale"]) == (one["shift"], one["scale"])
    assert list(both["functions"]) == ["sqrt"]


def test_wide_integers():
    """Of integers beyond float64's digits the shift's second part has the rest."""
    x = np.array([[2**60 + 1], [2**60 + 1]])
    c = dn.adapt(x).to_numpy(dtype="float64")
    assert int(c["shift"][0]) + int(c["shift_rest"][0]) == 2**60 + 1


def test_constant_and_missing():
    """A constant feature gives 0, one without any value NaN, and missing values stay NaN."""
    x = np.array([[7.0, np.nan, 1.0], [7.0, np.nan, np.nan], [7.0, np.nan, 3.0]], "f4")
    with pytest.warns(UserWarning, match="no valid values"):
        stats = dn.adapt(x)
    z = normalized(x, stats.to_numpy())
    np.testing.assert_array_equal(
        z, np.float32([[0, np.nan, -1], [0, np.nan, np.nan], [0, np.nan, 1]])
    )


def test_lazy_statistics_are_computed():
    """Statistics that are still lazy are computed first, and stay as they were."""
    lazy = dn.adapt(DS.chunk(time=2), over=("time", "lat", "lon"), compute=False)
    ready = dn.adapt(DS, over=("time", "lat", "lon"))
    axes = ("channel", "lat", "lon")
    a, b = lazy.to_numpy(dims=axes), ready.to_numpy(dims=axes)
    np.testing.assert_allclose(a["shift"], b["shift"], rtol=1e-7)


def test_changes_are_served_apart():
    """Of statistics with lags the values' own are served, and those of changes by tendency()."""
    rows = np.array([[1.0], [2.0], [4.0]])
    stats = dn.adapt(rows, keep=-1, lag={0: 1})
    assert stats.to_numpy()["shift"].tolist() == [np.float32(7 / 3)]
    assert stats.tendency().to_numpy()["shift"].tolist() == [1.5]


def test_own_arrays():
    """What is returned can be written to without changing the statistics."""
    stats = dn.adapt(FRAME)
    stats.to_numpy(dtype="float64")["shift"][:] = 0
    assert stats.to_numpy()["shift"][1] > 9e3


def test_they_need_no_dasknorm(tmp_path):
    """Constants are read, from a pickle or a .npz, where dasknorm is not installed."""
    c = dn.adapt(FRAME).to_numpy()
    (tmp_path / "c.pickle").write_bytes(pickle.dumps(c))
    np.savez(tmp_path / "c.npz", **{name: c[name] for name in ("shift", "shift_rest", "scale")})
    text = run_without_dasknorm(
        "import pickle, numpy as np\n"
        f"c = pickle.load(open({str(tmp_path / 'c.pickle')!r}, 'rb'))\n"
        f"d = np.load({str(tmp_path / 'c.npz')!r})\n"
        "assert all((c[name] == d[name]).all() for name in d)\n"
        "print(c['channels'][1], float(c['shift'][1]))"
    )
    assert text == f"1e4 ± 1 {c['shift'][1]}"


MAPS = ("time", "channel", "lat", "lon")
ROWS = ("n", "x"), [[0.0, 1.0], [2.0, 3.0]]
ELSEWHERE = xr.Dataset({"a": ROWS, "b": ROWS}, {"x": [0, 1]})
UNLIKE = dn.adapt(ELSEWHERE[["a"]], over="n") + dn.adapt(
    ELSEWHERE[["b"]].assign_coords(x=[5, 6]), over="n"
)


@pytest.mark.parametrize(
    ("stats", "asked", "error", "says"),
    [
        (dn.adapt(FRAME.assign(k=1), by="k"), {}, MismatchError, "group"),
        (dn.adapt(DS, over="time"), {}, MismatchError, "dims="),
        (dn.adapt(DS, over="time"), {"dims": ("lat", "lon")}, MismatchError, "'channel'"),
        (dn.adapt(DS, over="time"), {"dims": MAPS, "channels": ["u"]}, MismatchError, "'u'"),
        (dn.adapt(DS, over="time"), {"dims": MAPS, "channels": [("t", 7)]}, MismatchError, "850"),
        (dn.adapt(DS, over="time"), {"dims": MAPS, "channels": "t"}, TypeError, "list"),
        (dn.adapt(DS, over="time"), {"dims": MAPS, "channels": ["t", T[0]]}, ValueError, "twice"),
        (dn.adapt(DS, over="time"), {"dims": MAPS, "channels": []}, ValueError, "none"),
        (dn.adapt(DS, over="time"), {"dims": (*MAPS, "lat")}, ValueError, "twice"),
        (UNLIKE, {"dims": ("channel", "x")}, MismatchError, "same labels along 'x'"),
        (dn.adapt(FRAME, MIXED), {}, MismatchError, r"channels=list\(frame.columns\)"),
        (dn.adapt(FRAME, MIXED), {"channels": ["Extrema"]}, MismatchError, "Extrema"),
        (dn.adapt(np.eye(3)), {"dims": ("channel",)}, MismatchError, "DataArray"),
        (dn.adapt(np.eye(3)), {"channels": [0]}, MismatchError, "DataArray"),
        (dn.adapt(np.eye(3)), {"dtype": "float16"}, TypeError, "float32 or float64"),
        (dn.adapt(np.eye(3)), {"dtype": "bfloat16"}, TypeError, "float32 or float64"),
        (dn.Stats.from_values(mean=1e300, std=1.0), {}, ValueError, "float64"),
        (dn.Stats.from_values(mean=1.0, std=1e-40), {}, ValueError, "float64"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(stats, asked, error, says):
    """What fits no tensor is an error that says what to write instead."""
    with pytest.raises(error, match=says):
        stats.to_numpy(**asked)


def test_only_channels_that_are_taken_must_fit():
    """Variables of another grid are no hindrance where they are not asked for."""
    assert UNLIKE.to_numpy(["b"], ("channel", "x"))["shift"].tolist() == [[1.0, 2.0]]
