"""The command line with grids: groups by date components, and tendencies along time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.cli_inputs import run, succeed

import dasknorm as dn

for library in ("rich", "zarr", "h5netcdf", "h5py"):
    pytest.importorskip(library)


def store(folder: Path) -> tuple[xr.Dataset, Path]:
    """Write six-hourly values of half a year."""
    times = pd.date_range("2001-01-01", periods=700, freq="6h")
    values = np.random.default_rng(0).normal(280, 10, (700, 3, 4)).astype("f4")
    ds = xr.Dataset({"t": (("time", "lat", "lon"), values)}, {"time": times})
    ds.chunk(time=100).to_zarr(folder / "t.zarr", consolidated=False)
    return ds, folder / "t.zarr"


def test_a_climatology(tmp_path: Path) -> None:
    """--by computes the same as adapt(by=), normalize uses each step's group, show lists both."""
    ds, src = store(tmp_path)
    text = succeed("adapt", src, "-o", tmp_path / "s.nc", "--over", "time", "--by", "time.month")
    assert "mean" in text
    stats = dn.load(tmp_path / "s.nc")
    expected = dn.adapt(ds, over="time", by="time.month")
    xr.testing.assert_allclose(stats.mean, expected.mean, rtol=1e-14)
    xr.testing.assert_allclose(stats.std, expected.std, rtol=1e-13)
    succeed("normalize", src, tmp_path / "s.nc", "-o", tmp_path / "z.zarr")
    z = xr.open_zarr(tmp_path / "z.zarr", consolidated=False)
    np.testing.assert_array_equal(z["t"], stats.normalize(ds)["t"])
    assert "for each calendar month" in succeed("show", tmp_path / "s.nc").replace("\n", " ")


def test_tendencies(tmp_path: Path) -> None:
    """--lag computes what adapt(lag=) computes, in durations and in steps."""
    ds, src = store(tmp_path)
    for word, lag in (("time=6h,24h", ["6h", "24h"]), ("time=1", [1])):
        out = tmp_path / f"{len(word)}.json"
        succeed("adapt", src, "-o", out, "--over", "time", "--lag", word)
        stats, expected = dn.load(out), dn.adapt(ds, over="time", lag={"time": lag})
        for item in lag:
            xr.testing.assert_allclose(stats.tendency(item).std, expected.tendency(item).std)
    assert "tasks" in succeed("adapt", src, "--lag", "time=1", "--dry-run")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--lag", "time"], "write it as time=6h,24h"),
        (["--lag", "time="], "write it as time=6h,24h"),
        (["--lag", "time=6q"], "6q"),
        (["--lag", "level=1"], "'level' not found"),
        (["--by", "time.moon"], "no 'moon'"),
        (["--by", "season"], "no coordinate 'season'"),
    ],
)
def test_mistakes(options: list[str], words: str, tmp_path: Path) -> None:
    """A wrong lag or key gives one line with an alternative, and exit code 2."""
    _, src = store(tmp_path)
    result = run("adapt", src, "-o", tmp_path / "s.json", *options)
    assert result.exit_code == 2
    assert words in result.output
    assert not (tmp_path / "s.json").exists()
