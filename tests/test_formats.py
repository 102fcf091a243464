"""Exchange formats: the reader's own call opens a written file and returns the same numbers."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from support.exports import LEVELS, compute_by_level, make_weather
from support.optional import needs

import dasknorm as dn

DATA = make_weather()
CHANNELS = [f"{name}{level}" for name in "tq" for level in LEVELS] + ["msl"]


@pytest.fixture(scope="module")
def stats():
    """Statistics of weather by level, and of its changes in six hours."""
    return dn.adapt(DATA, keep="level", lag={"time": "6h"})


@pytest.fixture(scope="module")
def whole():
    """The same, with the minimum and the maximum."""
    both = [dn.Moments(), dn.Extrema()]
    return dn.adapt(DATA, both, keep="level", lag={"time": "6h"})


@needs("h5netcdf")
def test_graphcast_reads_it(stats, tmp_path):
    """GraphCast looks variables up by name and level, casts them, subtracts and divides."""
    stats.export(tmp_path / "stats", "graphcast")
    files = ["mean_by_level", "stddev_by_level", "diffs_stddev_by_level"]
    mean, std, diffs = (xr.load_dataset(tmp_path / "stats" / f"{file}.nc") for file in files)
    levels = DATA.isel(level=[2, 0]).astype("float32")
    for name in levels:
        z = (levels[name] - mean[name].astype("f4")) / std[name].astype("f4")
        assert_allclose(z, stats.normalize(levels)[name], atol=2e-4)
    assert_allclose(
        mean.t.sel(level=850), compute_by_level(DATA, "mean").t.sel(level=850), rtol=1e-13
    )
    assert_allclose(diffs.q, compute_by_level(DATA.diff("time"), "std").q, rtol=1e-12)
    assert float(mean.msl) == float(stats.mean.msl)
    assert mean.t.attrs["units"] == "K"


@needs("h5netcdf")
def test_ace_reads_it(stats, tmp_path):
    """ACE loads each file from an open file, unmasked, and takes a scalar for each name."""
    stats.export(tmp_path / "stats", "ace", levels="{name}_{index}")
    for file, expected in (
        ("centering.nc", compute_by_level(DATA, "mean")),
        ("scaling-full-field.nc", compute_by_level(DATA, "std")),
        ("scaling-residual.nc", compute_by_level(DATA.diff("time"), "std")),
    ):
        with open(tmp_path / "stats" / file, "rb") as opened:
            result = xr.load_dataset(opened, mask_and_scale=False)
        assert_allclose(float(result.variables["t_2"].values.item()), expected.t[2], rtol=1e-12)
        assert_allclose(float(result.variables["msl"].values.item()), expected.msl, rtol=1e-12)


def test_makani_reads_it(stats, tmp_path):
    """makani loads float32 of shape (1, channels, 1, 1), in the order of its channels."""
    (tmp_path / "data.json").write_text(json.dumps({"coords": {"channel": CHANNELS[::-1]}}))
    stats.export(tmp_path, "makani")
    bias, scale = np.load(tmp_path / "global_means.npy"), np.load(tmp_path / "global_stds.npy")
    diffs = np.load(tmp_path / "time_diff_stds.npy")
    assert bias.dtype == scale.dtype == np.float32
    assert bias.shape == scale.shape == diffs.shape == (1, 7, 1, 1)
    assert_allclose(bias[0, 0, 0, 0], compute_by_level(DATA, "mean").msl, rtol=1e-7)
    assert_allclose(scale[:, 6], compute_by_level(DATA, "std").t[0], rtol=1e-7)
    assert_allclose(diffs[:, 6], compute_by_level(DATA.diff("time"), "std").t[0], rtol=1e-7)
    assert not (tmp_path / "channels.json").exists()


def test_healda_reads_its_table(stats, tmp_path):
    """HealDA makes channel names of variable and level, where -1 is none."""
    stats.export(tmp_path / "stats.csv", "csv")
    table = pd.read_csv(tmp_path / "stats.csv")
    assert list(table) == ["variable", "level", "std", "mean"]
    level = table["level"].astype(int)
    channel = np.where(level.eq(-1), table["variable"], table["variable"] + level.astype(str))
    ordered = table.assign(channel=channel).set_index("channel").loc[CHANNELS]
    expected = [
        *compute_by_level(DATA, "mean").t,
        *compute_by_level(DATA, "mean").q,
        compute_by_level(DATA, "mean").msl,
    ]
    assert_allclose(ordered["mean"], expected, rtol=1e-13)


@needs("zarr")
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.filterwarnings("ignore:Consolidated metadata")
@pytest.mark.filterwarnings("ignore:The data type")
def test_mllam_reads_it(tmp_path, version):
    """neural-lam renames variables of the training store; the data in it stay as they were."""
    features = DATA[["t"]].rename(t="state", level="state_feature")
    features["state_feature"] = ["t_1000", "t_850", "t_500"]
    features.to_zarr(tmp_path / "train.zarr", zarr_format=version, consolidated=True)
    stats = dn.adapt(features, keep="state_feature", lag={"time": 1})
    stats.export(tmp_path / "train.zarr", "mllam")
    ops = {f"state__train__{op}": f"state_{op}" for op in ("mean", "std", "diff_mean", "diff_std")}
    result = xr.open_zarr(tmp_path / "train.zarr", consolidated=True)
    ds_stats = result[list(ops)].rename(ops)
    over = ["time", "lat"]
    assert_allclose(ds_stats["state_mean"], features.state.mean(over), rtol=1e-13)
    assert_allclose(ds_stats["state_diff_std"], features.state.diff("time").std(over), rtol=1e-12)
    assert result.drop_vars(ops).identical(features) or result.state.equals(features.state)


@needs("zarr")
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_anemoi_reads_it(whole, tmp_path, version):
    """anemoi-datasets reads four arrays in the order of its variables, and four of each lag."""
    import zarr

    target = tmp_path / "data.zarr"
    variables = ["msl", *(f"{name}_{level}" for name in "qt" for level in LEVELS)]
    data = xr.Dataset({"data": (("time", "variable"), np.ones((40, 7)))}, attrs={"resolution": "o"})
    data.assign_attrs(variables=variables).to_zarr(target, zarr_format=version, consolidated=True)
    whole.export(target, "anemoi")
    store = zarr.open(target, mode="r")
    assert store.attrs["variables"] == variables
    assert store.attrs["resolution"] == "o"
    assert store.attrs["statistics_end_date"] == str(DATA.time.values[-1].astype("M8[s]")).replace(
        "T", " "
    )
    for key, reading in (
        ("mean", "mean"),
        ("stdev", "std"),
        ("minimum", "min"),
        ("maximum", "max"),
    ):
        value, change = (
            compute_by_level(DATA, reading),
            compute_by_level(DATA.diff("time"), reading),
        )
        result, changed = store[key][:], store[f"statistics_tendencies_6h_{key}"][:]
        assert result.dtype == np.float64
        assert_allclose(result, [value.msl, *value.q, *value.t], rtol=1e-12)
        assert_allclose(changed, [change.msl, *change.q, *change.t], rtol=1e-9, atol=1e-12)
    assert (store["data"][:] == 1).all()
    assert "mean" in xr.open_zarr(target, consolidated=True)


@needs("zarr")
def test_minimum_and_maximum_come_back(whole, tmp_path):
    """Where both are known they are kept beside the mean, of values and of changes."""
    whole.export(tmp_path / "new.zarr", "anemoi")
    back = dn.load(tmp_path / "new.zarr", "anemoi", levels="{name}_{level}")
    for reading in ("mean", "std", "min", "max"):
        for name in DATA:
            assert_allclose(back.result(reading)[name], whole.result(reading)[name], rtol=1e-14)
            changes = back.tendency("6h").result(reading)[name]
            assert_allclose(changes, whole.tendency("6h").result(reading)[name], rtol=1e-14)
    z = back.select_statistic(dn.Extrema).normalize(DATA)
    assert (float(z.t.min()), float(z.t.max())) == (0, 1)
    assert np.isnan(back.count.msl)
    back.save(tmp_path / "own.json")
    assert dn.load(tmp_path / "own.json") == back


@needs("zarr")
def test_mllam_store_of_its_own(tmp_path):
    """Where there is no store yet there is one with the statistics and their labels."""
    stats = dn.adapt(DATA, keep="level")
    stats.export(tmp_path / "new.zarr", "mllam", split="val")
    result = xr.open_zarr(tmp_path / "new.zarr")
    assert list(result.level.values) == LEVELS
    assert result["t__val__mean"].dims == ("level",)
    assert result["msl__val__std"].dims == ()


HANDED = {
    "graphcast": {"write": {}, "read": {}},
    "ace": {"write": {"levels": "{name}_{level}"}, "read": {"levels": "{name}_{level}"}},
    "makani": {"write": {}, "read": {"levels": "{name}{level}"}},
    "csv": {"write": {}, "read": {}},
    "mllam": {"write": {}, "read": {}},
}
ROUND_TRIPS = [
    pytest.param(form, marks=needs("h5netcdf" if form in ("graphcast", "ace") else "zarr"))
    for form in HANDED
]


@pytest.mark.parametrize("form", ROUND_TRIPS)
def test_round_trip(stats, tmp_path, form):
    """What was written comes back: the same map, by the same names and levels."""
    how = HANDED[form]
    stats.export(tmp_path / "there", form, **how["write"])
    back = dn.load(tmp_path / "there", form, **how["read"])
    rtol = 1e-6 if form == "makani" else 1e-14
    for name in DATA:
        assert back.mean[name].dims == stats.mean[name].dims
        assert_allclose(back.mean[name], stats.mean[name], rtol=rtol)
        assert_allclose(back.std[name], stats.std[name], rtol=rtol)
    subset = DATA.isel(level=[1])
    for name, z in back.normalize(subset).items():
        assert_allclose(z, stats.normalize(subset)[name], rtol=10 * rtol, atol=100 * rtol)
    if form != "csv":
        assert_allclose(back.tendency().std.t, stats.tendency("6h").std.t, rtol=rtol)


@needs("h5netcdf")
def test_tendencies_come_back_centred_on_0(stats, tmp_path):
    """GraphCast divides changes and does not centre them, and so do changes read from its files."""
    stats.export(tmp_path / "there", "graphcast")
    back = dn.load(tmp_path / "there", "graphcast", lag="6h").tendency("6h")
    change = DATA.diff("time")
    assert_allclose(back.normalize(change).t, change.t / stats.tendency().std.t, rtol=1e-12)
    loaded = dn.load(tmp_path / "there", "graphcast", lag={"step": 2})
    assert dn.load(tmp_path / "there", "graphcast").tendency(1).std.equals(back.std)
    assert loaded.tendency(2).std.equals(back.std)


@needs("h5netcdf")
def test_loaded_statistics_are_statistics(stats, tmp_path):
    """They save, select, describe and invert like any given ones, and merge with none."""
    stats.export(tmp_path / "there", "graphcast")
    back = dn.load(tmp_path / "there", "graphcast")
    back.save(tmp_path / "own.json")
    assert dn.load(tmp_path / "own.json") == back
    z = back.select(["t"]).normalize(DATA[["t"]])
    assert_allclose(back.select(["t"]).inverse(z).t, DATA.t, rtol=1e-12)
    with pytest.raises(dn.MismatchError, match="without a count"):
        back + back


def test_columns_go_out_and_come_back(tmp_path):
    """Columns of a frame are variables of one number, read back as columns if asked to."""
    frame = pd.DataFrame({"speed": [3.0, 5.0, 9.0], "delay": [0.0, 1.0, 5.0]})
    stats = dn.adapt(frame)
    stats.export(tmp_path / "stats.csv", "csv", names={"speed": "v"})
    assert list(pd.read_csv(tmp_path / "stats.csv")["variable"]) == ["v", "delay"]
    how = {"names": {"speed": "v"}, "container": "pandas.DataFrame"}
    back = dn.load(tmp_path / "stats.csv", "csv", **how)
    pd.testing.assert_frame_equal(back.normalize(frame), stats.normalize(frame))


def test_channels_keep_their_own_names_in_a_list_beside(stats, tmp_path):
    """Where no metadata say the channels, they are listed where makani's metadata have them."""
    stats.export(tmp_path / "there", "makani")
    result = json.loads((tmp_path / "there" / "channels.json").read_text())
    assert result["coords"]["channel"] == CHANNELS
    assert list(dn.load(tmp_path / "there", "makani").mean) == CHANNELS


def test_extrema_alone_are_enough_for_none(tmp_path):
    """Of several statistics each format takes its own readings, whichever is the first."""
    frame = pd.DataFrame({"a": [1.0, 2.0, 6.0]})
    dn.adapt(frame, [dn.Extrema(), dn.Moments()]).export(tmp_path / "stats.csv", "csv")
    table = pd.read_csv(tmp_path / "stats.csv")
    assert list(table) == ["variable", "level", "std", "mean", "min", "max"]
    assert table.loc[0, ["mean", "min", "max"]].tolist() == [3, 1, 6]
    assert_allclose(table["std"], frame["a"].std(ddof=0))
    back = dn.load(tmp_path / "stats.csv", "csv", container="pandas.DataFrame")
    assert back.select_statistic(dn.Extrema).normalize(frame)["a"].tolist() == [0, 0.2, 1]


def test_described_by_where_they_are_from(tmp_path):
    """Statistics that were read say from which file, in which format."""
    dn.adapt(pd.DataFrame({"a": [1.0, 2.0]})).export(tmp_path / "stats.csv", "csv")
    text = dn.load(tmp_path / "stats.csv", "csv").describe()
    assert text.endswith("as read from stats.csv, in the format of csv.")


def test_left_out_is_said(stats, tmp_path):
    """What a format has no place for is returned, in words."""
    assert stats.export(tmp_path / "stats.csv", "csv") == (
        "the count",
        "changes by 6h",
        "how they were made",
    )


def test_zero_is_written_as_one(tmp_path):
    """A reader that divides by it gets what normalize gives, and a warning says where."""
    frame = pd.DataFrame({"same": [2.0, 2.0], "other": [1.0, 3.0]})
    with pytest.warns(UserWarning, match="written as 1.* same") as caught:
        dn.adapt(frame).export(tmp_path / "stats.csv", "csv")
    assert caught[0].filename == __file__
    table = pd.read_csv(tmp_path / "stats.csv").set_index("variable")
    assert table.loc["same", "std"] == 1
    z = (frame - table["mean"]) / table["std"]
    pd.testing.assert_frame_equal(z[frame.columns], dn.adapt(frame).normalize(frame))


def test_names_of_both_sides(stats, tmp_path):
    """The same mapping says what variables are called there, out and in."""
    names = {"t": "temperature", "q": "specific_humidity"}
    stats.export(tmp_path / "stats.csv", "csv", names=names)
    assert set(dn.load(tmp_path / "stats.csv", "csv").mean) == {*names.values(), "msl"}
    assert set(dn.load(tmp_path / "stats.csv", "csv", names=names).mean) == {"t", "q", "msl"}


def test_one_of_several_lags(tmp_path):
    """Of changes by several lags one is chosen, or all are written by their steps."""
    stats = dn.adapt(DATA, keep="level", lag={"time": [1, 4]})
    stats.export(tmp_path / "all", "makani")
    assert dn.load(tmp_path / "all", "makani").tendency(4).std["t850"] > 0
    assert not (tmp_path / "all" / "time_diff_stds.npy").exists()
    stats.export(tmp_path / "one", "makani", lag=4)
    same = [np.load(tmp_path / "one" / f"time_diff_stds{end}.npy") for end in ("", "_dt4")]
    assert_allclose(same[0], same[1])
