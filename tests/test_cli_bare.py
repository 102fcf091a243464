"""The command line without optional libraries: commands that work, and messages of the others."""

import importlib.metadata
import subprocess
import sys

import click
import pytest
from support.cli_inputs import fail, make_readings, run, succeed
from support.optional import needs

import dasknorm as dn
from dasknorm.cli import main


def test_there_is_help_and_a_version():
    """Without a command there is help; --version names the version."""
    assert "Commands:" in succeed()
    assert dn.__version__ in succeed("--version")


def test_dask_finds_norm():
    """The installed package has told Dask of its commands."""
    if not any(
        e.value == "dasknorm.cli:main" for e in importlib.metadata.entry_points(name="norm")
    ):
        pytest.skip("dasknorm is not installed, only on the path")
    output = subprocess.run(
        [sys.executable, "-m", "dask", "norm", "--help"], capture_output=True, text=True, check=True
    )
    assert "normalize" in output.stdout


def test_main_is_a_click_group():
    """Dask takes nothing else."""
    assert isinstance(main, click.Group)
    assert main.name == "norm"


# -- missing libraries ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with a file or a folder of each format in it."""
    monkeypatch.chdir(tmp_path)
    make_readings().to_csv("in.csv", index=False)
    (tmp_path / "in.zarr").mkdir()
    for name in ("in.nc", "in.parquet"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_missing_table_library_is_one_line(folder, monkeypatch):
    """Without rich, every command says what to install, before it does anything."""
    monkeypatch.setitem(sys.modules, "rich", None)
    for line in ("adapt in.csv -o s.json", "normalize in.csv s.json -o out.csv", "show s.json"):
        result = run(*line.split())
        assert result.exit_code == 2
        needed = "the command line needs rich: pip install 'dasknorm[cli]'"
        assert result.stderr == f"dasknorm: {needed}\n"
    assert not list(folder.glob("*s.json"))


@needs("rich")
@pytest.mark.parametrize(
    ("module", "line", "extra"),
    [
        ("distributed", "adapt in.csv -o s.json --workers 2", "distributed"),
        ("dask.dataframe", "adapt in.csv -o s.json", "dataframe"),
        ("pyarrow", "adapt in.parquet -o s.json", "arrow"),
        ("zarr", "adapt in.zarr -o s.json", "io"),
        ("h5netcdf", "adapt in.nc -o s.json", "io"),
    ],
)
def test_a_missing_extra_is_one_line(module, line, extra, folder, monkeypatch):
    """Whatever optional library is missing, the line says which extra brings it."""
    monkeypatch.setitem(sys.modules, module, None)
    assert f"pip install 'dasknorm[{extra}]'" in fail(*line.split())
    assert not (folder / "s.json").exists()
