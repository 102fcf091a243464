"""An interrupted command leaves no partial output under its final name."""

import os
import pty
import signal
import subprocess

import pytest
import xarray as xr
from support.cli_inputs import (
    kill,
    read_output,
    run,
    start,
    succeed,
    wait_for,
    write_input,
    write_zarr,
)
from support.optional import import_optional, needs

import dasknorm as dn
from dasknorm.io.store.atomic import replacing

zarr = import_optional("zarr")
files = needs("rich", "zarr", "h5netcdf", "h5py")


def _make(path, kind, text):
    """Make a file or a folder with some content."""
    if kind == "folder":
        path.mkdir()
        (path / "part").write_text(text)
    else:
        path.write_text(text)


def _says(path):
    return (path / "part" if path.is_dir() else path).read_text()


@pytest.mark.parametrize("new", ["file", "folder"])
@pytest.mark.parametrize("old", ["nothing", "file", "folder"])
def test_new_takes_the_place_of_old(old, new, tmp_path):
    """The output replaces a file, a folder or nothing, and no other file is left."""
    out = tmp_path / "out"
    if old != "nothing":
        _make(out, old, "old")
    with replacing(out) as partial:
        _make(partial, new, "new")
        assert partial.name.startswith(".out.partial-")
        assert not out.exists() or _says(out) == "old"
    assert _says(out) == "new"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("new", ["nothing", "file", "folder"])
@pytest.mark.parametrize("old", ["file", "folder"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old(old, new, error, tmp_path):
    """An error or an interrupt in the middle leaves the old output, and nothing else."""
    out = tmp_path / "out"
    _make(out, old, "old")

    def write():
        with replacing(out) as partial:
            if new != "nothing":
                _make(partial, new, "half")
            raise error

    with pytest.raises(error):
        write()
    assert _says(out) == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_nothing_written_leaves_the_old_folder(tmp_path):
    """If the new output cannot be moved in, the old folder is moved back."""
    out = tmp_path / "out"
    _make(out, "folder", "old")
    with pytest.raises(FileNotFoundError), replacing(out):
        pass
    assert _says(out) == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_what_a_link_leads_to_is_replaced(tmp_path):
    """A link stays a link; the file it leads to is new."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    with replacing(tmp_path / "link") as partial:
        partial.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@files
@pytest.mark.parametrize("out", ["out.zarr", "out.nc"])
def test_overwrite_replaces(out, tmp_path):
    """With --overwrite the old output gives way to the new one."""
    src = write_input("zarr", tmp_path)
    for ddof in (0, 5):
        succeed("adapt", *src, "-o", tmp_path / "s.nc", "--ddof", ddof, "--overwrite")
        succeed("normalize", *src, tmp_path / "s.nc", "-o", tmp_path / out, "--overwrite")
    assert float(read_output(tmp_path / out).rain.std(ddof=5)) == pytest.approx(1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.zarr", out, "s.nc"]


@files
@pytest.mark.parametrize("out", ["out.zarr", "out.nc"])
def test_damaged_data_leave_no_output(out, tmp_path):
    """An unreadable chunk ends the command, and the partial output is removed."""
    src = write_zarr(tmp_path / "in.zarr")
    succeed("adapt", src, "-o", tmp_path / "s.nc")
    next(path for path in (src / "t" / "c").rglob("*") if path.is_file()).write_bytes(b"damaged")
    result = run("normalize", src, tmp_path / "s.nc", "-o", tmp_path / out)
    assert result.exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.zarr", "s.nc"]


@pytest.fixture(scope="module")
def long_work(tmp_path_factory):
    """A store of 3 GB that takes no space, the statistics for it, and an older output."""
    folder = tmp_path_factory.mktemp("long")
    # Chunks that are not there are read as the fill value.
    zarr.open_group(folder / "in.zarr", mode="w").create_array(
        "t",
        shape=(750, 1000, 1000),
        chunks=(10, 1000, 1000),
        dtype="f4",
        fill_value=0,
        dimension_names=("time", "y", "x"),
    )
    mean = xr.Dataset({"t": ((), 1.0)})
    dn.Stats.from_values(mean, mean).save(folder / "s.nc")
    return folder


def _begin(folder, out, *where, **options):
    """Start to normalize, and wait until something has been written."""
    arguments = ("normalize", "in.zarr", "s.nc", "-o", out, "--overwrite", *where)
    process = start(*arguments, cwd=folder, **options)

    def writing():
        (partial,) = list(folder.glob(f".{out}.partial-*")) or [folder / "nothing yet"]
        chunks = (partial / "t" / "c").exists() if partial.is_dir() else partial.exists()
        return chunks and any(path.is_file() for path in [partial, *partial.rglob("c/**/*")])

    wait_for(writing, process)
    return process


@files
@pytest.mark.slow
@pytest.mark.parametrize("out", ["out.zarr", "out.nc"])
def test_a_killed_process_leaves_the_old_output(out, long_work):
    """After SIGKILL in mid-write the old output remains, next to a hidden partial one."""
    _make(long_work / out, "folder" if out == "out.zarr" else "file", "old")
    kill(_begin(long_work, out, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    assert _says(long_work / out) == "old"
    visible = {path.name for path in long_work.iterdir() if not path.name.startswith(".")}
    assert visible <= {"in.zarr", "s.nc", "out.zarr", "out.nc"}


@files
@pytest.mark.slow
@pytest.mark.parametrize(
    "where",
    [(), pytest.param(("--workers", "1"), marks=needs("distributed"))],
    ids=["threads", "cluster"],
)
def test_an_interrupt_leaves_nothing(where, long_work):
    """After Ctrl-C in mid-write there is one line, exit code 130, and no rest of an output."""
    process = _begin(
        long_work,
        "new.zarr",
        *where,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: worker processes hear it too
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.startswith("dasknorm: interrupted")
    assert stderr.count("\n") == 1
    assert not list(long_work.glob("*new.zarr*"))


@files
@pytest.mark.slow
def test_a_terminal_shows_a_bar(long_work):
    """On a terminal long work shows how much was read and how fast; Ctrl-C ends it there too."""
    ours, other = pty.openpty()
    process = _begin(long_work, "shown.zarr", stdin=other, stdout=other, stderr=other,
                     start_new_session=True)  # fmt: skip
    os.close(other)
    output = b""
    while b"B/s" not in output or b" MB" not in output:
        output += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            output += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    assert process.wait(60) == 130
    assert b"normalize" in output
    assert b"dasknorm: interrupted" in output
    os.close(ours)
