"""A failed write leaves the old statistics unchanged, and no other file."""

import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from support.optional import import_optional, needs
from support.store_contents import SUFFIXES, assert_identical, copy_file, make_contents

from dasknorm.io import store
from dasknorm.io.store import atomic

zarr = import_optional("zarr")
OLD, NEW = make_contents((3,), name="old"), make_contents((20_000,), name="new")

WRITE = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from support.store_contents import assert_identical, make_contents
from dasknorm.io import store
path = Path(sys.argv[1])
"""


def child(code, *args, **options):
    """Start a process that runs code with `make_contents` and `store` at hand."""
    start = WRITE.format(tests=os.path.dirname(__file__))
    return subprocess.Popen([sys.executable, "-c", start + code, *map(str, args)], **options)


suffixes = pytest.mark.parametrize("suffix", SUFFIXES)


@suffixes
def test_a_full_disk(tmp_path, suffix):
    """Where no more bytes can be written, OSError is raised; the old file is whole, alone."""
    path = tmp_path / f"s{suffix}"
    store.write(path, *OLD)
    code = """
import resource
new = make_contents((20_000,), name="new")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.write(path, *new)
except OSError as error:
    print(error.errno)
"""
    run = child(code, path, stdout=subprocess.PIPE, text=True)
    assert run.communicate()[0].strip() == "27"
    assert os.listdir(tmp_path) == [path.name]
    assert_identical(store.read(path), OLD)


@suffixes
def test_killed_at_any_moment(tmp_path, suffix):
    """Whenever a writer is killed, what stands under the name is one of the two, whole."""
    path = tmp_path / f"s{suffix}"
    store.write(path, *OLD)
    code = """
import os, signal, time
both = make_contents((3,), name="old"), make_contents((20_000,), name="new")
for moment in range(5):
    writer = os.fork()
    while not writer:
        for each in both:
            store.write(path, *each)
    time.sleep(0.01 + 0.037 * moment)
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    found = path
    if not path.exists():
        # Between the two renames of a folder the old one stands beside.
        assert path.suffix == ".zarr"
        (found, *_) = [each for each in path.parent.iterdir() if store.zarr.is_ours(each)]
        found = found.rename(found.with_suffix(".zarr"))
    read = store.read(found)
    assert_identical(read, both["new" in read[0]])
"""
    assert child(code, path).wait() == 0


@suffixes
def test_interrupted(tmp_path, suffix):
    """Ctrl-C in the middle of a write leaves one of the two files, whole and alone."""
    path = tmp_path / f"s{suffix}"
    store.write(path, *OLD)
    code = """
import os, signal, time
both = make_contents((3,), name="old"), make_contents((20_000,), name="new")
signal.signal(signal.SIGALRM, signal.default_int_handler)
for moment in range(5):
    stop = time.monotonic() + 1
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.005 + 0.037 * moment)
        while time.monotonic() < stop:
            store.write(path, *both[1])
    except KeyboardInterrupt:
        pass
    # A hidden name may stay if it was the clean-up that was interrupted.
    assert [name for name in os.listdir(path.parent) if name[0] != "."] == [path.name]
    read = store.read(path)
    assert_identical(read, both["new" in read[0]])
"""
    assert child(code, path).wait() == 0


@suffixes
def test_missing_folder(tmp_path, suffix):
    """A folder that is not there is the operating system's own error."""
    with pytest.raises(FileNotFoundError):
        store.write(tmp_path / "nowhere" / f"s{suffix}", *OLD)
    assert not list(tmp_path.iterdir())


@suffixes
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_may_not_be_written(tmp_path, suffix):
    """A folder that may not be written to is PermissionError; the old file is whole."""
    path = tmp_path / f"s{suffix}"
    store.write(path, *OLD)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            store.write(path, *NEW)
        assert_identical(store.read(path), OLD)
    finally:
        tmp_path.chmod(0o700)


@suffixes
def test_a_file_system_that_may_not_be_written(suffix):
    """The system's own read-only files are the system's own error, even for root."""
    with pytest.raises(OSError, match=r"\[Errno"):
        store.write(f"/proc/s{suffix}", *OLD)


@suffixes
def test_replaced(tmp_path, suffix):
    """Writing again replaces what was there, whole; nothing stays beside it."""
    path = tmp_path / f"s{suffix}"
    for item in (OLD, NEW, OLD):
        store.write(path, *item)
        assert_identical(store.read(path), item)
    assert os.listdir(tmp_path) == [path.name]


def test_the_old_folder_comes_back(tmp_path):
    """Where the new folder cannot be moved into place, the old one is moved back."""
    path = tmp_path / "s.zarr"
    store.write(path, *OLD)
    with pytest.raises(FileNotFoundError):
        atomic._swap(tmp_path / "missing", path, tmp_path / "aside")
    assert os.listdir(tmp_path) == [path.name]
    assert_identical(store.read(path), OLD)


@suffixes
def test_links_stay(tmp_path, suffix):
    """Writing through a link replaces what it leads to, and keeps the link."""
    path, link = tmp_path / f"s{suffix}", tmp_path / f"link{suffix}"
    store.write(path, *OLD)
    link.symlink_to(path)
    store.write(link, *NEW)
    assert link.is_symlink()
    assert_identical(store.read(path), NEW)


@pytest.mark.parametrize("suffix", [item for item in SUFFIXES if item != ".zarr"])
def test_permissions_stay(tmp_path, suffix):
    """A new file may be read by whom the umask lets; a replaced one by those who could before."""
    path = tmp_path / f"s{suffix}"
    (tmp_path / "any").touch()
    store.write(path, *OLD)
    assert path.stat().st_mode == (tmp_path / "any").stat().st_mode
    path.chmod(0o640)
    store.write(path, *NEW)
    assert path.stat().st_mode & 0o777 == 0o640


# -- folders that are not ours --------------------------------------------------------------------


def data_store(path):
    """Make a user's own Zarr store."""
    xr.Dataset({"mean": ("x", np.arange(3.0))}).to_zarr(path, consolidated=False)


def plain_folder(path):
    """Make a folder with a file in it."""
    path.mkdir()
    (path / "thesis.tex").write_text("ten years")


def file_of_that_name(path):
    """Make a file where a folder is to be."""
    path.write_text("ten years")


def data_beside_statistics(path):
    """Make a store of statistics, to which a user has added an array."""
    store.write(path, *OLD)
    zarr.open_group(path, mode="r+").create_array("data", data=np.arange(3))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(data_store, marks=needs("zarr")),
        plain_folder,
        file_of_that_name,
        pytest.param(data_beside_statistics, marks=needs("zarr")),
    ],
)
def test_others_are_never_replaced(tmp_path, make):
    """A folder that holds anything but statistics is not replaced, nor touched."""
    path = tmp_path / "s.zarr"
    make(path)
    before = copy_file(path, tmp_path / "before")
    with pytest.raises(FileExistsError, match="does not contain only statistics"):
        store.write(path, *NEW)
    assert sorted(os.listdir(tmp_path)) == ["before", "s.zarr"]
    assert subprocess.run(["diff", "-r", before, path], check=False).returncode == 0
