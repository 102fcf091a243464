"""The demo normalizes real model output, and what it prints is true."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from support.cli_inputs import ROOT, read_output

import dasknorm as dn

iris_sample_data = pytest.importorskip("iris_sample_data")
for library in ("rich", "zarr", "h5netcdf", "h5py", "matplotlib"):
    pytest.importorskip(library)
Image = pytest.importorskip("PIL.Image")


def run_demo(folder):
    """Run the demo, with warnings as errors, and return what it printed."""
    command = [sys.executable, "-W", "error", ROOT / "examples" / "demo.py", "-o", folder]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder that the demo has filled, and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "made" / "by it"
    return folder, run_demo(folder)


@pytest.fixture(scope="module")
def temperature():
    """The two scenarios as they come, in float64."""
    folder = Path(iris_sample_data.path)

    def load(scenario):
        path = folder / f"{scenario}_north_america.nc"
        with xr.open_dataset(path, engine="h5netcdf") as data:
            return data.air_temperature.load()

    return {scenario: load(scenario) for scenario in ("E1", "A1B")}


def test_statistics_are_of_the_first_scenario(demo, temperature):
    """The statistics saved are the mean and standard deviation of E1 at each place."""
    stats = dn.load(demo[0] / "stats.nc")
    e1 = temperature["E1"].astype("f8")
    np.testing.assert_allclose(stats.mean.air_temperature, e1.mean("time"), rtol=1e-14)
    np.testing.assert_allclose(stats.std.air_temperature, e1.std("time"), rtol=1e-11)


def test_the_other_scenario_comes_back(demo, temperature):
    """The inverse of the normalized scenario is the original, to 1 ulp."""
    restored = read_output(demo[0] / "a1b-restored.zarr").air_temperature
    original = temperature["A1B"]
    assert restored.dtype == np.float32
    assert (abs(restored.astype("f8") - original) <= np.spacing(original)).all()
    assert restored.attrs["units"] == "K"


def test_the_warming_is_what_it_says(demo, temperature):
    """The numbers printed are those of NumPy, and the last decades are far above 0."""
    e1, a1b = (temperature[scenario].astype("f8") for scenario in ("E1", "A1B"))
    z = (a1b - e1.mean("time")) / e1.std("time")
    printed = demo[1]
    assert f"z has mean {float(z.mean()):+.2f}: the warming" in printed
    assert f"2070 to 2099: {float(z[-30:].mean()):+.2f}" in printed
    assert float(re.search(r"2070 to 2099: (\S+)", printed)[1]) > 2
    assert "to 0 ulp" in printed or "to 1 ulp" in printed


def test_stores_are_chunked(demo):
    """The data are read and written in chunks of 60 years."""
    for name in ("e1", "a1b", "a1b-normalized", "a1b-restored"):
        data = xr.open_zarr(demo[0] / f"{name}.zarr")
        assert data.air_temperature.chunks[0] == (60, 60, 60, 60)


@pytest.mark.parametrize("where", ["made", "shown"])
def test_the_picture(where, demo):
    """The picture is as wide as a page, in colour, and small; the README shows the same."""
    path = demo[0] / "demo.png" if where == "made" else ROOT / "docs" / "demo.png"
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.size == (1000, 700)
        colours = image.convert("RGB").getcolors(1 << 24)
    assert len(colours) > 200
    assert path.stat().st_size < 150_000


def test_it_can_be_run_again(demo):
    """A second run replaces the output of the first."""
    again = run_demo(demo[0])
    assert "demo.png" in again
    assert not list(demo[0].glob(".*"))


def test_a_missing_library_is_one_line(tmp_path):
    """If a library is missing, the line says which extra installs it."""
    code = f"""
import runpy, sys
sys.modules["iris_sample_data"] = None
runpy.run_path({str(ROOT / "examples" / "demo.py")!r})
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "the demo needs iris_sample_data: pip install 'dasknorm[demo]'\n"
