"""The check command compares files with statistics."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.cli_inputs import fail, run, succeed
from support.optional import import_optional, needs

for library in ("rich", "h5netcdf", "h5py"):
    pytest.importorskip(library)
samples = import_optional("iris_sample_data")


def _table(folder, name, shift=0.0):
    """Write a table of two columns and a name, and return its path."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"speed": rng.normal(shift, 1, 50), "height": rng.normal(0, 1, 50)})
    frame.assign(who="me").to_csv(folder / name, index=False)
    return folder / name


@pytest.fixture
def tables(tmp_path):
    """Return statistics of a table, that table, and one in which a column has shifted."""
    same, other = _table(tmp_path, "same.csv"), _table(tmp_path, "other.csv", 3.0)
    succeed("adapt", same, "-o", tmp_path / "s.json")
    return tmp_path / "s.json", same, other


@needs("iris_sample_data")
def test_a_warmer_world_fails(tmp_path):
    """A1B's last forty years fail against E1's first hundred, and the variable is named."""
    folder = Path(samples.path)
    e1, a1b = (
        xr.open_dataset(folder / f"{name}_north_america.nc", engine="h5netcdf")
        for name in ("E1", "A1B")
    )
    early, late = tmp_path / "early.nc", tmp_path / "late.nc"
    e1.isel(time=slice(0, 100)).to_netcdf(early, engine="h5netcdf")
    a1b.isel(time=slice(-40, None)).to_netcdf(late, engine="h5netcdf")
    succeed("adapt", early, "-o", tmp_path / "s.nc", "--over", "time", "--var", "air_temperature")
    stats = tmp_path / "s.nc"
    assert "passed: all 1" in succeed("check", stats, early, "--var", "air_temperature")
    result = run("check", stats, late, "--var", "air_temperature", "--max-shift", "0.5")
    assert result.exit_code == 1
    assert "air_temperature: shifted by " in result.stdout
    assert "(worst at latitude=" in result.stdout
    assert "failed: 1 of 1" in result.stdout


def test_what_fails_is_named(tables):
    """Only the column that has shifted fails, and a higher limit lets it pass."""
    stats, same, other = tables
    assert "passed: all 2" in succeed("check", stats, same)
    result = run("check", stats, other)
    assert result.exit_code == 1
    assert "speed: shifted by" in result.stdout
    assert "height:" not in result.stdout
    succeed("check", stats, other, "--max-shift", 9)
    succeed("check", stats, other, "--columns", "height")


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_groups_are_compared_with_their_own(form, tmp_path):
    """Tables by group, of which whole numbers are keys, are compared as adapt read them."""
    if form == "parquet":
        pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"key": [1, 1, 2, 2], "v": [0.0, 1, 50, 51]})
    for name, item in (("same", frame), ("other", frame.assign(v=[0.0, 1, 60, 61]))):
        write = item.to_csv if form == "csv" else item.to_parquet
        write(tmp_path / f"{name}.{form}", index=False)
    stats = tmp_path / "s.json"
    succeed("adapt", tmp_path / f"same.{form}", "-o", stats, "--by", "key")
    succeed("check", stats, tmp_path / f"same.{form}")
    result = run("check", stats, tmp_path / f"other.{form}")
    assert result.exit_code == 1
    assert "key=2" in result.stdout


@needs("matplotlib")
def test_a_picture_is_drawn_even_if_it_fails(tables, tmp_path):
    """The picture is there with exit code 1 too, and is not replaced without a word."""
    stats, same, other = tables
    picture = tmp_path / "shift.png"
    assert run("check", stats, other, "--plot", picture).exit_code == 1
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert run("check", stats, same, "--plot", picture).exit_code == 2
    succeed("check", stats, same, "--plot", picture, "--overwrite")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.json", "same.csv"), "no such statistics file"),
        (("s.json", "none.csv"), "none.csv"),
        (("s.json", "same.csv", "--max-std-ratio", "0.5"), "max_std_ratio must be at least 1"),
        (("s.json", "same.csv", "--weights", "area"), "--weights needs the latitudes"),
        (
            ("s.json", "same.csv", "--plot", "shift.gif"),
            "ends in .png, .pdf, .svg, got 'shift.gif'",
        ),
        (("s.json", "narrow.csv"), "height"),
        (("s.json",), "Missing argument"),
    ],
    ids=str,
)
def test_bad_input_is_exit_code_2(arguments, message, tables, tmp_path, monkeypatch):
    """Data that cannot be checked give one line and exit code 2, not 1."""
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"speed": [1.0, 2.0]}).to_csv("narrow.csv", index=False)
    assert message in fail("check", *arguments)
