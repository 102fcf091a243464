"""The commands that write and read statistics of other programs."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from support.exports import make_weather
from support.optional import needs

import dasknorm as dn

pytestmark = needs("click", "rich")

DATA = make_weather()


@pytest.fixture
def run():
    """Return what runs a command: its exit code and what it says."""
    from click.testing import CliRunner

    from dasknorm.cli import main

    def invoke(*arguments):
        result = CliRunner().invoke(main, [str(item) for item in arguments])
        return result.exit_code, result.output

    return invoke


@needs("h5netcdf", "zarr")
@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_out_and_back(run, tmp_path):
    """Statistics are exported, shown, and normalize a store, as dasknorm's own do."""
    stats = dn.adapt(DATA, keep="level", lag={"time": "6h"})
    stats.save(tmp_path / "own.json")
    DATA.to_zarr(tmp_path / "data.zarr")
    code, text = run("export", tmp_path / "own.json", tmp_path / "there", "--format", "graphcast")
    assert code == 0
    assert "left out: the count, the mean of changes by 6h, how they were made" in text
    code, text = run("show", tmp_path / "there", "--format", "graphcast", "--set", "lag=6h")
    assert code == 0
    assert "in the format of graphcast" in " ".join(text.split())
    out = tmp_path / "out.zarr"
    code, _ = run("normalize", tmp_path / "data.zarr", tmp_path / "there", "-o", out,
                  "--format", "graphcast")  # fmt: skip
    assert code == 0
    assert_allclose(xr.open_zarr(out).t, stats.normalize(DATA).t, rtol=1e-12, atol=1e-12)
    code, _ = run("inverse", out, tmp_path / "there", "-o", tmp_path / "back.zarr",
                  "--format", "graphcast")  # fmt: skip
    assert code == 0
    assert_allclose(xr.open_zarr(tmp_path / "back.zarr").msl, DATA.msl, rtol=1e-12)


def test_columns(run, tmp_path):
    """Of a frame's file statistics are of columns; names and settings are given as pairs."""
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0, 5.0]})
    frame.to_csv(tmp_path / "frame.csv", index=False)
    dn.adapt(frame).save(tmp_path / "own.json")
    target = tmp_path / "there"
    code, _ = run("export", tmp_path / "own.json", target, "--format", "makani", "--name", "a=z",
                  "--set", "channels=b,z")  # fmt: skip
    assert code == 0
    assert_allclose(np.load(target / "global_means.npy").ravel(), [2, 7 / 3])
    code, _ = run("normalize", tmp_path / "frame.csv", target, "-o", tmp_path / "z.csv",
                  "--format", "makani", "--name", "a=z", "--set", "channels=b,z")  # fmt: skip
    assert code == 0
    z = dn.adapt(frame).normalize(frame)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "z.csv"), z, rtol=1e-6)


def test_refusals(run, tmp_path):
    """What is wrong is one line and exit code 2, in the words of the command line."""
    dn.adapt(pd.DataFrame({"a": [1.0, 2.0]})).save(tmp_path / "own.json")
    source, target = tmp_path / "own.json", tmp_path / "there.csv"
    assert run("export", source, target, "--format", "csv")[0] == 0
    for arguments, says in (
        (("export", source, target, "--format", "csv"), "--overwrite replaces it"),
        (("export", source, source, "--format", "csv"), "is the input"),
        (("export", tmp_path / "none.nc", target, "--format", "csv"), "no such statistics file"),
        (("export", source, target), "Missing option '--format'"),
        (("export", source, target, "--format", "csv", "--set", "x"), "write it as NAME=VALUE"),
        (("export", source, target, "--format", "csv", "--set", "x=1"), "no setting x"),
        (("show", target, "--set", "lag=1"), "add --format"),
        (("show", source, "--format", "csv"), "cannot read the statistics"),
    ):
        code, text = run(*arguments)
        assert (code, says in text) == (2, True), text
    assert run("export", source, target, "--format", "csv", "--overwrite")[0] == 0
