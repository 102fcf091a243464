"""Files of other programs, and truncated or altered ones, are rejected early and clearly."""

import json
import os
import pickle
import random
import socket

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import import_optional, needs
from support.store_contents import (
    SUFFIXES,
    add_seal,
    assert_identical,
    assert_rejected,
    copy_file,
    make_contents,
)

from dasknorm.errors import StatsFileError
from dasknorm.io import store

h5py, zarr = import_optional("h5py"), import_optional("zarr")
netcdf = needs("h5netcdf", "h5py")
FILES = [pytest.param(".nc", marks=netcdf), ".json"]


@pytest.fixture(scope="module")
def given():
    """Return contents with labels of two kinds and an attribute."""
    labels = {"d0": pd.Index(["a", "é"]), "d1": pd.Index(np.array([0.1, 0.2, 0.3], "f4"))}
    return make_contents((2, 3), labels, "x/y", attrs={"units": "K"})


@pytest.fixture(scope="module")
def written(given, tmp_path_factory):
    """Return one file of each format, to be copied and spoiled."""
    folder = tmp_path_factory.mktemp("written")
    for suffix in SUFFIXES:
        store.write(folder / f"s{suffix}", *given)
    return {suffix: folder / f"s{suffix}" for suffix in SUFFIXES}


def equal_or_refused(path, given):
    """Check that a damaged file is read unchanged or rejected; return whether it was rejected."""
    try:
        read = store.read(path)
    except StatsFileError:
        return True
    assert_identical(read, given)
    return False


# -- damage ---------------------------------------------------------------------------------------


def test_any_byte_of_json_altered(tmp_path):
    """JSON with any changed byte is read unchanged or rejected."""
    given = make_contents((1,), {"d0": pd.Index(["é"])})
    path, rng, refusals = tmp_path / "s.json", random.Random(0), 0
    store.write(path, *given)
    whole = path.read_bytes()
    for position in range(len(whole)):
        altered = bytearray(whole)
        altered[position] ^= 1 << rng.randrange(8)
        path.write_bytes(altered)
        refusals += equal_or_refused(path, given)
    assert refusals > 0.98 * len(whole)


@netcdf
def test_any_byte_of_netcdf_altered(tmp_path, written):
    """Whichever byte is changed, NetCDF is refused before the HDF5 library sees it."""
    whole = written[".nc"].read_bytes()
    path, rng = tmp_path / "s.nc", random.Random(0)
    for position in [*rng.sample(range(len(whole)), 500), 0, len(whole) - 1]:
        altered = bytearray(whole)
        altered[position] ^= 1 << rng.randrange(8)
        path.write_bytes(altered)
        assert_rejected(path, "checksum|not a dasknorm|cut off")


def test_any_byte_of_zarr_altered(tmp_path, written, given):
    """Zarr with any changed byte in any file is read unchanged or rejected."""
    path, rng = copy_file(written[".zarr"], tmp_path / "s.zarr"), random.Random(0)
    for file in sorted(path.rglob("*")):
        whole = file.read_bytes() if file.is_file() else b""
        for position in rng.sample(range(len(whole)), min(len(whole), 20)):
            altered = bytearray(whole)
            altered[position] ^= 1 << rng.randrange(8)
            file.write_bytes(altered)
            wrong = equal_or_refused(path, given)
            assert wrong or file.name == "zarr.json", f"{file} at {position}"
        if whole:
            file.write_bytes(whole)


@pytest.mark.parametrize("suffix", FILES)
def test_cut_off(tmp_path, written, suffix):
    """A truncated file is reported as such, wherever it ends."""
    whole = written[suffix].read_bytes()
    path = tmp_path / f"s{suffix}"
    for size in (len(whole) - 3, len(whole) // 2, 2000):
        path.write_bytes(whole[:size])
        assert_rejected(path, "cut off")
    for size in (5, 1, 0):
        path.write_bytes(whole[:size])
        assert_rejected(path, "not a dasknorm statistics file")


def test_cut_off_zarr(tmp_path, written):
    """A store that lacks any of its files, or whose files are too short, is refused."""
    names = [p.relative_to(written[".zarr"]) for p in written[".zarr"].rglob("*") if p.is_file()]
    for i, name in enumerate(names):
        path = copy_file(written[".zarr"], tmp_path / f"{i}.zarr")
        data = (path / name).read_bytes()
        (path / name).write_bytes(data[:-1])
        assert_rejected(path, "has .* bytes|cut off|declares")
        (path / name).unlink()
        assert_rejected(path, "cut off")


NUMBERS = pytest.mark.parametrize("name", ["x_y_mean", "x_y_m2", "x_y_std", "d0", "d1"])


@needs("zarr")
@NUMBERS
def test_a_number_altered_by_zarr(tmp_path, written, name):
    """A number changed by the Zarr library is detected, in a result and in a label."""
    store_path = copy_file(written[".zarr"], tmp_path / "s.zarr")
    array = zarr.open_group(store_path, mode="r+")[name]
    array[:1] = array[1:2]
    assert_rejected(store_path, "checksum|declares")


@netcdf
@NUMBERS
def test_a_number_altered_by_hdf5(tmp_path, written, name):
    """A number changed by the HDF5 library is noticed, with the file's seal and without."""
    path = copy_file(written[".nc"], tmp_path / "s.nc")
    with h5py.File(path, "r+") as file:
        file[name][:1] = file[name][1:2]
    assert_rejected(path, "written again by another tool")
    path.write_bytes(add_seal(path.read_bytes()))
    assert_rejected(path, "checksum")


def test_a_shape_altered_for_other_tools_only(tmp_path, written):
    """A store whose arrays other tools would read in another shape, or compressed, is refused."""
    for key, value in [("shape", [6]), ("codecs", []), ("data_type", "int64"), ("node_type", "x")]:
        path = copy_file(written[".zarr"], tmp_path / f"{key}.zarr")
        file = path / "x_y_mean" / "zarr.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))
        assert_rejected(path, "not as the header declares it")


# -- foreign --------------------------------------------------------------------------------------


class Trap:
    """Would run a command if it were unpickled."""

    def __reduce__(self):
        """Return the call that pickle runs."""
        return os._exit, (1,)


FOREIGN = {
    "empty": b"",
    "random": random.Random(1).randbytes(5000),
    "pickle": pickle.dumps(Trap()),
    "numpy": np.lib.format.magic(1, 0) + b"v\0{'descr': '|O', 'fortran_order': False, 'shape': ()}",
    "json": b'{"mean": [1.0, 2.0]}',
    "list": b"[1, 2]",
    "text": b"null",
    "netcdf 3": b"CDF\x01" + bytes(100),
    "deep": b"[" * 100_000,
    "not json": b'{"format":"dasknorm-stats","version":1,"a":NaN}',
    "long number": b'{"format":"dasknorm-stats","version":' + b"9" * 5000 + b"}",
    "not utf-8": b'{"format":"\xff"}',
    "bare": b'{"format":"dasknorm-stats","version":1}',
    "hdf5 magic": b"\x89HDF\r\n\x1a\n" + bytes(1000),
    "sealed rubbish": add_seal(b"\x89HDF\r\n\x1a\n" + bytes(1000)),
}


@pytest.mark.parametrize("suffix", FILES)
@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_bytes(tmp_path, suffix, kind):
    """Bytes of any other origin are refused, and never run."""
    path = tmp_path / f"s{suffix}"
    path.write_bytes(FOREIGN[kind])
    assert_rejected(path, "not a dasknorm statistics file|cut off|never written by dasknorm")


@needs("h5netcdf", "h5py", "zarr")
def test_foreign_datasets(tmp_path):
    """Ordinary NetCDF files and Zarr stores are refused."""
    data = xr.Dataset({"mean": ("x", [1.0, 2.0])})
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    data.to_zarr(tmp_path / "a.zarr", consolidated=False)
    data.to_zarr(tmp_path / "b.zarr", zarr_format=2)
    for name in ("a.nc", "a.zarr", "b.zarr"):
        assert_rejected(
            tmp_path / name, "not a dasknorm statistics|never written by dasknorm|foreign"
        )


@netcdf
def test_formats_under_other_names(tmp_path, written):
    """A file of one format under the suffix of another is refused."""
    copy_file(written[".json"], tmp_path / "s.nc")
    copy_file(written[".nc"], tmp_path / "s.json")
    for name in ("s.nc", "s.json"):
        assert_rejected(
            tmp_path / name, "not a dasknorm statistics|never written by dasknorm|foreign"
        )


def test_an_empty_store(tmp_path):
    """A folder with nothing in it is no statistics."""
    (tmp_path / "s.zarr").mkdir()
    assert_rejected(tmp_path / "s.zarr", "not a dasknorm statistics|foreign")


@netcdf
def test_a_copy_by_another_tool(tmp_path, written):
    """A file that xarray has rewritten is rejected with a hint, not as damaged."""
    with xr.open_dataset(written[".nc"]) as opened:
        opened.to_netcdf(tmp_path / "s.nc", engine="h5netcdf")
    assert_rejected(tmp_path / "s.nc", "written again by another tool")


@pytest.mark.parametrize("suffix", FILES)
def test_not_files(tmp_path, suffix, monkeypatch):
    """Folders, pipes, sockets and devices are refused without being opened."""
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / f"null{suffix}").symlink_to("/dev/null")
    # A socket's path may not be long.
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"socket{suffix}")
        for name in ("pipe", "folder", "null", "socket"):
            assert_rejected(tmp_path / f"{name}{suffix}", "is not a file")
            with pytest.raises(FileExistsError):
                store.write(tmp_path / f"{name}{suffix}", *make_contents())


def test_a_file_is_not_a_store(tmp_path, written):
    """A file under the name of a Zarr store is refused."""
    copy_file(written[".json"], tmp_path / "file.zarr")
    assert_rejected(tmp_path / "file.zarr", "is not a folder")


def test_a_pipe_within_a_store(tmp_path, written):
    """A pipe in the place of a store's file is refused, not waited for."""
    for name in ("zarr.json", "x_y_mean/zarr.json", "x_y_mean/c.0.0", "dasknorm_header/c.0"):
        path = copy_file(written[".zarr"], tmp_path / f"{name.replace('/', '_')}.zarr")
        (path / name).unlink()
        os.mkfifo(path / name)
        assert_rejected(path, "is not a plain file|'dasknorm_header' is not")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing(tmp_path, suffix):
    """A file that is not there is FileNotFoundError; a link to a file is as good as the file."""
    with pytest.raises(FileNotFoundError):
        store.read(tmp_path / f"s{suffix}")
    with pytest.raises(FileNotFoundError):
        store.read(tmp_path / "nowhere" / f"s{suffix}")
    store.write(tmp_path / f"s{suffix}", *make_contents())
    (tmp_path / f"link{suffix}").symlink_to(tmp_path / f"s{suffix}")
    assert_identical(store.read(tmp_path / f"link{suffix}"), make_contents())
