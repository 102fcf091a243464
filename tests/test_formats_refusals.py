"""Exchange formats: unsupported statistics raise an error, and files are replaced atomically."""

import json
import os

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.exports import make_weather
from support.optional import needs

import dasknorm as dn
from dasknorm.io.store import atomic

DATA = make_weather()
FORMATS = ["graphcast", "ace", "anemoi", "mllam", "makani", "csv"]


def _by_group():
    return dn.adapt(DATA, keep="level", by="time.month")


REFUSED = {
    "groups": (_by_group, "one for each group"),
    "no names": (lambda: dn.adapt(np.ones((3, 2)) + np.eye(3, 2)), "none along"),
    "a function": (
        lambda: dn.adapt(DATA[["q"]], dn.Transformed("log"), keep="level"),
        "would not apply log",
    ),
    "no mean": (lambda: dn.adapt(DATA[["msl"]], dn.Extrema()), "needs the mean"),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("case", REFUSED)
def test_what_none_can_hold(tmp_path, form, case):
    """Groups, axes without names, functions and other statistics are refused, and nothing made."""
    make, says = REFUSED[case]
    with pytest.raises(dn.MismatchError, match=says):
        make().export(tmp_path / "out", form)
    assert not any(tmp_path.iterdir())


def _stats(**how):
    return dn.adapt(DATA, **{"keep": "level", **how})


ONE_FORMAT = {
    "a map": ("graphcast", lambda: _stats(keep=["level", "lat"]), {}, "kept along level, lat"),
    "a map in a table": ("csv", lambda: _stats(keep=["level", "lat"]), {}, "kept along level, lat"),
    "levels without labels": (
        "graphcast",
        lambda: dn.adapt(DATA.drop_vars("level"), keep="level"),
        {},
        "finds levels by their labels",
    ),
    "layers": ("ace", _stats, {}, "levels='{name}_{index}'"),
    "two channels of one name": ("makani", _stats, {"levels": "{name}"}, "two channels"),
    "two variables of one name": ("csv", _stats, {"names": {"t": "q"}}, "gives two variables"),
    "no extrema": ("anemoi", _stats, {}, "needs the min .*Extrema"),
    "several lags": ("graphcast", lambda: _stats(lag={"time": [1, 4]}), {}, "say which, lag=1"),
    "steps without hours": (
        "anemoi",
        lambda: dn.adapt(DATA, [dn.Moments(), dn.Extrema()], keep="level", lag={"time": 1}),
        {},
        "needs a lag with hours",
    ),
    "four steps": ("mllam", lambda: _stats(lag={"time": 4}), {}, "needs a lag of one step"),
    "hours of several": (
        "makani",
        lambda: _stats(lag={"time": ["6h", "24h"]}),
        {},
        "needs lags in steps",
    ),
    "other channels": ("makani", _stats, {"channels": ["t1000", "z500"]}, "channels \\['z500'\\]"),
    "fewer channels": ("makani", _stats, {"channels": ["msl"]}, "which the data of makani has no"),
    "sigma levels": (
        "csv",
        lambda: dn.adapt(DATA.assign_coords(level=[0.5, 0.9, 1.0]), keep="level"),
        {},
        "needs integer levels",
    ),
    "unknown lag": ("csv", lambda: _stats(lag={"time": 1}), {"lag": 3}, "no tendencies with lag 3"),
    "no such setting": ("csv", _stats, {"levels": "x"}, "has no setting levels; it has none"),
}


@needs("h5netcdf")
@pytest.mark.parametrize("case", ONE_FORMAT)
def test_what_one_cannot_hold(tmp_path, case):
    """Each error gives the cause and an alternative; nothing is written."""
    form, make, how, says = ONE_FORMAT[case]
    with pytest.raises((dn.MismatchError, ValueError, TypeError), match=says):
        make().export(tmp_path / "out", form, **how)
    assert not any(tmp_path.iterdir())


def test_too_small_for_float32(tmp_path):
    """A deviation that float32 would make 0, and a reader divide by, is refused."""
    frame = pd.DataFrame({"ozone": [0.0, 1e-60]})
    with pytest.raises(dn.MismatchError, match=r"float32.*'ozone'"):
        dn.adapt(frame).export(tmp_path / "out", "makani")


def test_unknown_format(tmp_path):
    """An unknown format raises an error that lists the available ones."""
    with pytest.raises(ValueError, match="there are ace, anemoi, csv, graphcast, makani, mllam"):
        _stats().export(tmp_path / "out", "numbers")
    with pytest.raises(FileNotFoundError, match="no such file"):
        dn.load(tmp_path / "none", "csv")
    with pytest.raises(TypeError, match="give format= as well"):
        dn.load(tmp_path / "none.nc", lag="6h")


@needs("h5netcdf")
def test_other_labels_of_each_variable():
    """GraphCast has one list of levels: variables of different ones are not padded with NaN."""
    low, high = DATA[["t"]].isel(level=[0, 1]), DATA[["q"]].isel(level=[1, 2])
    stats = dn.adapt(low, keep="level").merge(dn.adapt(high, keep="level"))
    with pytest.raises(dn.MismatchError, match="one list of labels"):
        stats.export("never", "graphcast")


# -- what is there --------------------------------------------------------------------------------


@needs("h5netcdf")
def test_what_is_there_stays(tmp_path):
    """Other files of a folder stay; existing statistics are replaced only with overwrite."""
    (tmp_path / "notes.txt").write_text("mine")
    stats = _stats()
    stats.export(tmp_path, "graphcast")
    before = (tmp_path / "mean_by_level.nc").read_bytes()
    with pytest.raises(FileExistsError, match=r"mean_by_level.nc, stddev_by_level.nc.*overwrite"):
        stats.export(tmp_path, "graphcast")
    assert (tmp_path / "mean_by_level.nc").read_bytes() == before
    dn.adapt(DATA + 1, keep="level").export(tmp_path, "graphcast", overwrite=True)
    assert float(xr.load_dataset(tmp_path / "mean_by_level.nc").msl) > 1
    assert sorted(os.listdir(tmp_path)) == ["mean_by_level.nc", "notes.txt", "stddev_by_level.nc"]


@needs("h5netcdf")
def test_no_mixture_is_left(tmp_path):
    """Leftover tendencies of other statistics raise an error, and no file is changed."""
    _stats(lag={"time": 1}).export(tmp_path, "graphcast")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match=r"diffs_stddev_by_level.nc, which these"):
        _stats().export(tmp_path, "graphcast", overwrite=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_failure_leaves_all_as_it_was(tmp_path, monkeypatch):
    """If one of the files cannot be moved in, those before it are moved back."""
    _stats().export(tmp_path, "makani")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    rename, calls = os.rename, []

    def failing(old, new):
        calls.append(new)
        if len(calls) == 4:
            raise OSError("the disk is gone")
        rename(old, new)

    monkeypatch.setattr(atomic.os, "rename", failing)
    with pytest.raises(OSError, match="the disk is gone"):
        dn.adapt(DATA * 2, keep="level").export(tmp_path, "makani", overwrite=True)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@needs("zarr")
def test_other_labels_in_the_store(tmp_path):
    """Statistics of other features than the store has, or in another order, are refused."""
    target = tmp_path / "train.zarr"
    DATA[["t"]].isel(level=[2, 1, 0]).to_zarr(target, zarr_format=2)
    with pytest.raises(dn.MismatchError, match="same order"):
        _stats().export(target, "mllam")
    assert not list(target.glob("*__train__*"))


@needs("zarr")
def test_other_variables_of_the_store_keep_theirs(tmp_path):
    """Statistics of one variable are put beside those of another, and replace its own if told."""
    target = tmp_path / "train.zarr"
    _stats().select(["t"]).export(target, "mllam")
    _stats().select(["msl"]).export(target, "mllam")
    with pytest.raises(FileExistsError, match="msl__train__mean, msl__train__std"):
        _stats().select(["msl"]).export(target, "mllam")
    dn.adapt(DATA[["msl"]] + 7).export(target, "mllam", overwrite=True)
    result = dn.load(target, "mllam").mean
    assert float(result.msl) == pytest.approx(float(DATA.msl.mean()) + 7)
    assert result.t.equals(_stats().mean.t)


@needs("zarr")
def test_a_folder_that_is_no_store(tmp_path):
    """A folder that is no Zarr group does not become one."""
    (tmp_path / "mine").mkdir()
    with pytest.raises(dn.StatsFileError, match="not a Zarr group"):
        _stats().select(["msl"]).export(tmp_path / "mine", "mllam")
    assert not any((tmp_path / "mine").iterdir())


# -- what is read ---------------------------------------------------------------------------------

FOREIGN = {
    "not numbers": ("variable,level,std,mean\na,-1,x,1\n", "not a valid csv file"),
    "no deviation": ("variable,level,mean\na,-1,1\n", "no columns \\['std'\\]"),
    "twice": ("variable,level,std,mean\na,-1,1,1\na,-1,1,2\n", "is repeated"),
    "both ways": ("variable,level,std,mean\na,-1,1,1\na,500,1,2\n", "with and without a level"),
    "negative": ("variable,level,std,mean\na,-1,-1,1\n", "must not be negative"),
    "empty": ("", "not a valid csv file"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_foreign_tables(tmp_path, case):
    """An invalid table raises an error that names the problem."""
    text, says = FOREIGN[case]
    (tmp_path / "stats.csv").write_text(text)
    with pytest.raises((dn.StatsFileError, ValueError), match=says):
        dn.load(tmp_path / "stats.csv", "csv")


def test_channels_that_do_not_fit(tmp_path):
    """Arrays without a list of channels, or of another length, are refused."""
    dn.adapt(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, 3.0]})).export(tmp_path, "makani")
    (tmp_path / "channels.json").unlink()
    with pytest.raises(dn.MismatchError, match="channels="):
        dn.load(tmp_path, "makani")
    with pytest.raises(dn.StatsFileError, match=r"shape.*there are 1 channels"):
        dn.load(tmp_path, "makani", channels=["a"])
    (tmp_path / "data.json").write_text(json.dumps({"coords": {}}))
    with pytest.raises(dn.StatsFileError, match=r"no channels at coords.channel"):
        dn.load(tmp_path, "makani")


def test_no_pickles(tmp_path):
    """An array of objects, which would run code, is not loaded."""
    for file in ("global_means", "global_stds"):
        np.save(tmp_path / f"{file}.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(dn.StatsFileError, match="pickle"):
        dn.load(tmp_path, "makani", channels=["a"])


def test_levels_that_cannot_be_taken_apart(tmp_path):
    """A template in which name and level are ambiguous raises an error."""
    dn.adapt(pd.DataFrame({"a": [1.0, 2.0]})).export(tmp_path, "makani")
    with pytest.raises(ValueError, match="write both"):
        dn.load(tmp_path, "makani", levels="{level}")


@needs("h5netcdf")
def test_missing_file(tmp_path):
    """A folder without one of the files that are needed is refused by the file's name."""
    _stats().export(tmp_path, "graphcast")
    (tmp_path / "stddev_by_level.nc").unlink()
    with pytest.raises(FileNotFoundError, match=r"stddev_by_level.nc is missing"):
        dn.load(tmp_path, "graphcast")


@needs("h5netcdf")
def test_lag_that_the_file_says(tmp_path):
    """A lag is given if and only if the file lacks it."""
    _stats(lag={"time": [1, 2]}).export(tmp_path, "makani")
    with pytest.raises(dn.MismatchError, match="1 step, 2 steps: leave lag= out"):
        dn.load(tmp_path, "makani", lag="6h")
