"""Long jobs on the command line: estimates, retries, checkpoints and progress."""

import os
from pathlib import Path

import dask.array as da
import pandas as pd
import pytest
import xarray as xr
from support.cli_inputs import (
    kill,
    run,
    start,
    succeed,
    wait_for,
    write_input,
    write_netcdf,
    write_zarr,
)
from support.marked_chunks import make_values
from support.store_contents import count_finished_shards

import dasknorm as dn
from dasknorm.containers import file_backed

for library in ("rich", "zarr", "h5netcdf", "h5py"):
    pytest.importorskip(library)


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a store of which each chunk is read on its own."""
    monkeypatch.setattr("dasknorm.cli.datasets.CHUNK_BYTES", 1)
    monkeypatch.setattr(file_backed, "CHUNK_BYTES", 1)
    data = xr.Dataset({"t": (("time", "x"), make_values(240, 5))})
    return write_zarr(tmp_path / "in.zarr", data, encoding={"t": {"chunks": (10, 5)}})


def lose(store_: Path, *chunks: int) -> dict[Path, bytes]:
    """Damage chunks of a store, and return their original bytes."""
    files = [store_ / "t" / "c" / str(chunk) / "0" for chunk in chunks]
    result = {file: file.read_bytes() for file in files}
    for file in files:
        file.write_bytes(b"no chunk at all")
    return result


# -- said before ----------------------------------------------------------------------------------


def test_a_dry_run_reads_and_writes_nothing(many: Path, tmp_path: Path) -> None:
    """--dry-run estimates the reads without an output, and without the chunks themselves."""
    output = succeed("adapt", many, "--over", "time", "--dry-run")
    assert "reads   9.6 kB in 24 chunks, each once" in output
    assert "state   240 B" in output
    lose(many, *range(24))
    before = sorted(os.listdir(tmp_path))
    assert succeed("adapt", many, "-o", tmp_path / "s.nc", "--over", "time", "--dry-run") == output
    assert sorted(os.listdir(tmp_path)) == before


def test_a_dry_run_leaves_what_is_there(many: Path, tmp_path: Path) -> None:
    """--dry-run minds neither an output that is there already, nor a checkpoint."""
    for name in ("s.nc", "c.nc"):
        (tmp_path / name).write_bytes(b"what was there")
    succeed("adapt", many, "-o", tmp_path / "s.nc", "--checkpoint", tmp_path / "c.nc", "--dry-run")
    for name in ("s.nc", "c.nc"):
        assert (tmp_path / name).read_bytes() == b"what was there"


@pytest.mark.parametrize("form", ["zarr", "netcdf", "parquet", "csv"])
@pytest.mark.filterwarnings("ignore:.*inplace keyword")  # of dask.dataframe, that pandas 3.1 says
def test_every_form_can_be_planned(form: str, tmp_path: Path) -> None:
    """A dry run of any input estimates the bytes and the tasks."""
    if form in ("parquet", "csv"):
        pytest.importorskip("pyarrow")
    output = succeed("adapt", *write_input(form, tmp_path), "--dry-run")
    for word in ("reads ", "tasks ", "state ", "memory "):
        assert word in output


def test_an_output_or_a_dry_run(many: Path) -> None:
    """Without either of the two there is nothing to do."""
    result = run("adapt", many)
    assert result.exit_code == 2
    assert "missing option -o STATS (or use --dry-run)" in result.stderr


# -- gone on with ---------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".nc", ".zarr", ".json"])
def test_a_job_goes_on_from_its_checkpoint(many: Path, tmp_path: Path, suffix: str) -> None:
    """A job that failed goes on, without a look at the chunks that are done."""
    common = ("adapt", many, "--over", "time", "--checkpoint", tmp_path / f"c{suffix}")
    good = lose(many, 20)
    result = run(*common, "-o", tmp_path / "s.nc", "--retries", "0")
    assert result.exit_code != 0
    assert "cannot read 't' at time 200:210, x 0:5" in result.stderr
    assert not (tmp_path / "s.nc").exists()
    assert "checkpoint" in succeed("show", tmp_path / f"c{suffix}")
    for file, content in good.items():
        file.write_bytes(content)
    done = lose(many, 0, 3, 10)  # these are in the checkpoint, and are not read again
    output = succeed(*common, "-o", tmp_path / "s.nc")
    assert "wrote" in output
    for file, content in done.items():
        file.write_bytes(content)
    succeed("adapt", many, "--over", "time", "--checkpoint", tmp_path / "f.nc",
            "-o", tmp_path / "undisturbed.nc")  # fmt: skip
    assert dn.load(tmp_path / "s.nc") == dn.load(tmp_path / "undisturbed.nc")


def test_other_work_is_refused(many: Path, tmp_path: Path) -> None:
    """A checkpoint of other arguments is refused in one line."""
    common = ("adapt", many, "--over", "time", "--checkpoint", tmp_path / "c.nc")
    succeed(*common, "-o", tmp_path / "s.nc")
    result = run(*common, "-o", tmp_path / "t.nc", "--ddof", "1")
    assert result.exit_code == 2
    assert "belongs to a different call: the statistic in it: Moments()" in result.stderr
    assert not (tmp_path / "t.nc").exists()


def test_a_checkpoint_needs_a_suffix(many: Path, tmp_path: Path) -> None:
    """A checkpoint is a statistics file, and is called like one."""
    result = run("adapt", many, "-o", tmp_path / "s.nc", "--checkpoint", tmp_path / "c.txt")
    assert result.exit_code == 2
    assert "c.txt" in result.stderr


@pytest.mark.slow
def test_a_killed_job_goes_on_in_a_new_process(tmp_path: Path) -> None:
    """A command that was killed is given again, and ends with the bits of an undisturbed one."""
    times, t = pd.date_range("2000-01-01", periods=36), make_values(36, 40)
    data = xr.Dataset({"t": (("time", "x"), t)}, coords={"time": times})
    for i in range(36):
        write_netcdf(tmp_path / f"in-{i:02}.nc", data.isel(time=[i]))
    command = ("adapt", tmp_path / "in-*.nc", "--over", "time,x", "--checkpoint")
    process = start(*command, tmp_path / "c.nc", "-o", tmp_path / "s.nc")
    checkpoint = tmp_path / "c.nc"
    wait_for(lambda: checkpoint.exists() and count_finished_shards(checkpoint) >= 3, process)
    kill(process)
    assert not (tmp_path / "s.nc").exists()
    result = count_finished_shards(tmp_path / "c.nc")
    for file in sorted(tmp_path.glob("in-*.nc"))[: result * 36 // 32]:
        stat, content = file.stat(), file.read_bytes()
        row = t[int(file.stem[3:])].tobytes()
        assert row in content
        file.write_bytes(content.replace(row, bytes(len(row))))  # would be noticed, if read
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    again = start(*command, tmp_path / "c.nc", "-o", tmp_path / "s.nc")
    assert again.wait(timeout=60) == 0
    lazy = da.from_array(t, (1, 40))
    expected = dn.adapt(
        xr.Dataset({"t": (("time", "x"), lazy)}), over=("time", "x"), checkpoint=tmp_path / "u.nc"
    )
    assert (
        dn.load(tmp_path / "s.nc").states["t"].data.tobytes() == expected.states["t"].data.tobytes()
    )


# -- counted --------------------------------------------------------------------------------------


def test_lost_chunks_are_refused_and_shown(tmp_path: Path) -> None:
    """A chunk file that is gone reads as NaN: `show` has the count, --expect-count refuses it."""
    data = xr.Dataset({"t": (("time", "x"), make_values(240, 5))})
    path = write_zarr(tmp_path / "in.zarr", data, encoding={"t": {"chunks": (10, 5)}})
    command = ("adapt", path, "--over", "time", "--overwrite", "-o", tmp_path / "s.nc")
    succeed(*command, "--expect-count", "all")
    assert "240" in succeed("show", tmp_path / "s.nc")
    (path / "t" / "c" / "7" / "0").unlink()
    for expected in ("all", "240"):
        result = run(*command, "--expect-count", expected)
        assert result.exit_code == 2
        assert "expected 240 values, and counted 230 in 't'" in result.stderr
    succeed(*command, "--expect-count", "230")
    assert "230" in succeed("show", tmp_path / "s.nc")
    result = run(*command, "--expect-count", "many")
    assert result.exit_code == 2
    assert "'many' is neither a number nor 'all'" in result.stderr
