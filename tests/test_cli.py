"""The command line computes from files what the library computes from objects."""

import importlib.metadata
import tomllib

import click
import dask.cli
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner
from support.cli_inputs import (
    ROOT,
    make_readings,
    make_weather,
    read_output,
    run,
    succeed,
    write_input,
    write_netcdf,
    write_zarr,
)

import dasknorm as dn

zarr = pytest.importorskip("zarr")
for library in ("rich", "h5netcdf", "h5py", "pyarrow"):
    pytest.importorskip(library)

# dask.dataframe calls pandas in ways that pandas 3.1 will give up.
pytestmark = pytest.mark.filterwarnings("ignore:.*inplace keyword")

ARRAYS = [
    ("zarr", "out.zarr"),
    ("zarr", "out.nc"),
    ("netcdf", "out.zarr"),
    ("netcdf", "out.nc"),
    ("netcdf pattern", "out.zarr"),
    ("netcdf pattern", "out.nc"),
]
FRAMES = [
    ("parquet", "out.parquet"),
    ("parquet folder", "out.parquet"),
    ("csv", "out.csv"),
    ("csv pattern", "out.parquet"),
]


@pytest.mark.parametrize(("form", "out"), ARRAYS)
def test_arrays_there_and_back(form, out, tmp_path):
    """Normalized arrays have mean 0 and std 1, their dtype and coordinates, and come back."""
    src, data = write_input(form, tmp_path), make_weather()
    succeed("adapt", *src, "-o", tmp_path / "s.nc", "--over", "time,x")
    succeed("normalize", *src, tmp_path / "s.nc", "-o", tmp_path / out)
    succeed("inverse", tmp_path / out, tmp_path / "s.nc", "-o", tmp_path / f"back{out}")
    z, back = read_output(tmp_path / out), read_output(tmp_path / f"back{out}")
    t = data.t.astype("f8")
    expected = (t - t.mean(["time", "x"])) / t.std(["time", "x"])
    assert z.t.dtype == np.float32
    np.testing.assert_allclose(z.t, expected, rtol=2e-7, atol=1e-7)
    np.testing.assert_allclose(z.rain, (data.rain - data.rain.mean()) / data.rain.std(), rtol=1e-13)
    assert z.t.attrs["units"] == "1"
    np.testing.assert_array_equal(back.station, data.station)
    for name in ("t", "rain"):
        ulp = np.spacing(np.maximum(abs(data[name]), data[name].std().astype(data[name].dtype)))
        assert (abs(back[name] - data[name]) <= ulp).where(data[name].notnull(), True).all()
    assert back.t.attrs["units"] == "K"
    for name in ("time", "level", "x", "height", "crs", "level_bnds"):
        assert name in z.coords
        np.testing.assert_array_equal(z[name], data[name])


@pytest.mark.parametrize(("form", "out"), FRAMES)
def test_frames_there_and_back(form, out, tmp_path):
    """Normalized columns have mean 0 and std 1, text is unchanged, and inverse restores all."""
    src, frame = write_input(form, tmp_path), make_readings()
    succeed("adapt", *src, "-o", tmp_path / "s.json")
    succeed("normalize", *src, tmp_path / "s.json", "-o", tmp_path / out)
    succeed("inverse", tmp_path / out, tmp_path / "s.json", "-o", tmp_path / f"back-{out}")
    z, back = read_output(tmp_path / out), read_output(tmp_path / f"back-{out}")
    for name in ("a", "b"):
        expected = (frame[name] - frame[name].mean()) / frame[name].std(ddof=0)
        np.testing.assert_allclose(z[name], expected, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(back[name], frame[name], rtol=1e-15)
    assert list(z.columns) == list(frame.columns)
    assert list(z["name"]) == list(frame["name"])


@pytest.mark.parametrize("form", ["zarr", "netcdf pattern"])
def test_adapt_equals_the_library(form, tmp_path):
    """The statistics of files are those of the same data in memory, whatever the chunks."""
    succeed("adapt", *write_input(form, tmp_path), "-o", tmp_path / "s.zarr", "--keep", "level")
    stats = dn.load(tmp_path / "s.zarr")
    expected = dn.adapt(make_weather()[["t", "rain"]], keep="level")
    xr.testing.assert_allclose(stats.mean, expected.mean, rtol=1e-15)
    xr.testing.assert_allclose(stats.variance, expected.variance, rtol=1e-14)
    xr.testing.assert_equal(stats.count, expected.count)


def test_options_reach_the_library(tmp_path):
    """--ddof is the statistic's, --var chooses variables, --overwrite replaces."""
    src, out = write_zarr(tmp_path / "in.zarr"), tmp_path / "s.nc"
    succeed("adapt", src, "-o", out, "--over", "time")
    succeed("adapt", src, "-o", out, "--over", "time", "--var", "rain", "--ddof", 1, "--overwrite")
    stats = dn.load(out)
    assert list(stats.std) == ["rain"]
    np.testing.assert_allclose(stats.std.rain, make_weather().rain.std("time", ddof=1), rtol=1e-14)


def test_only_chosen_variables_are_read(tmp_path):
    """A variable that is not asked for may be damaged: nobody looks at it."""
    src = write_zarr(tmp_path / "in.zarr")
    for chunk in (src / "rain" / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"damaged")
    chosen = ("--var", "t")
    succeed("adapt", src, "-o", tmp_path / "s.nc", *chosen)
    succeed("normalize", src, tmp_path / "s.nc", "-o", tmp_path / "out.zarr", *chosen)
    assert list(read_output(tmp_path / "out.zarr").data_vars) == ["t"]
    damaged = run("adapt", src, "-o", tmp_path / "s2.nc")
    assert damaged.exit_code == 2
    assert "decompression" in damaged.stderr


def test_some_variables_of_the_statistics(tmp_path):
    """With --var, statistics may contain more variables than are normalized."""
    src = write_input("csv", tmp_path)
    succeed("adapt", *src, "-o", tmp_path / "s.nc")
    succeed("normalize", *src, tmp_path / "s.nc", "-o", tmp_path / "out.csv", "--var", "b")
    assert list(read_output(tmp_path / "out.csv").columns) == ["b"]


def test_every_chunk_is_read_once(tmp_path):
    """The bytes read are the bytes there are, no more."""
    big = xr.Dataset({"t": (("time", "x"), np.ones((1000, 25), "f4"))})
    src = write_zarr(tmp_path / "in.zarr", big, encoding={"t": {"chunks": (100, 25)}})
    assert "read 100.0 kB in" in succeed("adapt", src, "-o", tmp_path / "s.nc")
    out = tmp_path / "out.zarr"
    assert "read 100.0 kB in" in succeed("normalize", src, tmp_path / "s.nc", "-o", out)


def test_zarr_is_stored_as_it_was(tmp_path):
    """Chunks, compression and the Zarr format of the source are those of the output."""
    for version in (2, 3):
        src = write_zarr(tmp_path / f"in{version}.zarr", zarr_format=version)
        out = tmp_path / f"out{version}.zarr"
        succeed("adapt", src, "-o", tmp_path / f"s{version}.nc")
        succeed("normalize", src, tmp_path / f"s{version}.nc", "-o", out)
        old, new = zarr.open_group(src, mode="r")["t"], zarr.open_group(out, mode="r")["t"]
        assert new.metadata.zarr_format == version
        assert new.chunks == old.chunks == (5, 3, 4)
        assert new.compressors == old.compressors


def test_shards_are_kept(tmp_path):
    """A sharded array is written in the same shards, each by one task."""
    encoding = {"t": {"chunks": (2, 3, 4), "shards": (6, 3, 4)}}
    src = write_zarr(tmp_path / "in.zarr", encoding=encoding)
    succeed("adapt", src, "-o", tmp_path / "s.nc")
    succeed("normalize", src, tmp_path / "s.nc", "-o", tmp_path / "out.zarr")
    new = zarr.open_group(tmp_path / "out.zarr", mode="r")["t"]
    assert (new.chunks, new.shards) == ((2, 3, 4), (6, 3, 4))


def test_packing_is_dropped(tmp_path):
    """Data packed as int16 kelvin become plain floats: packed z-scores would be crushed."""
    packing = {"dtype": "i2", "scale_factor": 0.01, "add_offset": 273.15, "_FillValue": -9999}
    storage = {"zlib": True, "complevel": 2, "chunksizes": (6, 3, 4)}
    src = write_netcdf(tmp_path / "in.nc", encoding={"t": packing | storage})
    succeed("adapt", src, "-o", tmp_path / "s.nc", "--var", "t")
    succeed("normalize", src, tmp_path / "s.nc", "-o", tmp_path / "out.nc", "--var", "t")
    z = read_output(tmp_path / "out.nc").t
    assert z.dtype.kind == "f"
    assert "scale_factor" not in z.encoding
    assert z.encoding["zlib"]
    assert z.encoding["chunksizes"] == (6, 3, 4)
    assert float(z.mean()) == pytest.approx(0, abs=1e-5)
    assert float(z.std()) == pytest.approx(1, abs=1e-5)


def test_files_without_common_coordinates(tmp_path):
    """Files that coordinates cannot order are concatenated along time, with a message."""
    data = make_weather()[["t"]].drop_vars("time")
    for i in range(2):
        write_netcdf(tmp_path / f"in-{i}.nc", data.isel(time=slice(12 * i, 12 * i + 12)))
    result = run("adapt", tmp_path / "in-*.nc", "-o", tmp_path / "s.nc")
    assert result.exit_code == 0, result.stderr
    assert "concatenated along 'time'" in result.stderr
    assert float(dn.load(tmp_path / "s.nc").count.t) == 24 * 12 - 1


def test_index_of_a_parquet_file_is_kept(tmp_path):
    """Rows keep the labels they had."""
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0]}, index=pd.Index(["x", "y", "z"], name="who"))
    frame.to_parquet(tmp_path / "in.parquet")
    succeed("adapt", tmp_path / "in.parquet", "-o", tmp_path / "s.nc")
    succeed("normalize", tmp_path / "in.parquet", tmp_path / "s.nc", "-o", tmp_path / "o.parquet")
    assert list(read_output(tmp_path / "o.parquet").index) == ["x", "y", "z"]


def test_show_tells_where_statistics_come_from(tmp_path):
    """`show` prints a line for each feature, and the provenance."""
    src = write_zarr(tmp_path / "in.zarr")
    made = succeed("adapt", src, "-o", tmp_path / "s.nc", "--over", "time,x")
    output = succeed("show", tmp_path / "s.nc")
    for line in ("t level=1000", "t level=300", "rain", "count", "mean", "std"):
        assert line in made
        assert line in output
    assert "in.zarr" in output
    assert "\nMean and population standard deviation of rain over time and x; of t over" in output
    assert "time (2000-01-01 00:00:00 to 2000-01-24 00:00:00)" in output
    assert "t float32" in output


def test_many_features_are_summed_up(tmp_path):
    """The command shows the minimum and the maximum of a map of statistics."""
    data = xr.Dataset({"t": (("time", "x"), np.arange(200.0).reshape(2, 100))})
    output = succeed("adapt", write_zarr(tmp_path / "in.zarr", data), "-o", tmp_path / "s.nc",
                    "--over", "time")  # fmt: skip
    assert "least of 100" in output
    assert "149" in output.split("greatest")[1]


def test_dask_norm(tmp_path):
    """The same commands are `dask norm`, with the same exit codes."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        entry_point = tomllib.load(file)["project"]["entry-points"]["dask_cli"]["norm"]
    entry = importlib.metadata.EntryPoint("norm", entry_point, "dask_cli")
    group = click.Group("dask", commands=dict(dask.cli.cli.commands))
    dask.cli._register_command_ep(group, entry)
    src = write_zarr(tmp_path / "in.zarr")
    adapted = CliRunner().invoke(group, ["norm", "adapt", str(src), "-o", str(tmp_path / "s.nc")])
    assert adapted.exit_code == 0, adapted.output
    refused = CliRunner().invoke(group, ["norm", "show", "nothing.nc"])
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
