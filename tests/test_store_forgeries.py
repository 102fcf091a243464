"""Files of newer formats are recognized; forged files are rejected at little cost."""

import hashlib
import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from support.optional import import_optional
from support.store_contents import add_seal, assert_rejected, make_contents

from dasknorm.io import store
from dasknorm.io.store import values

h5py = import_optional("h5py")


@pytest.fixture
def written(tmp_path):
    """Return a JSON file of a field with labels along two dimensions."""
    labels = {"d0": pd.Index(["a", "é"]), "d1": pd.Index([0.1, 0.2, 0.3])}
    store.write(tmp_path / "written.json", *make_contents((2, 3), labels, "x/y"))
    return tmp_path / "written.json"


def forged(tmp_path, written, **changes):
    """Return a JSON file with a changed header and a matching checksum."""
    text = json.loads(written.read_text())
    for key, change in changes.items():
        text[key] = change(text[key]) if callable(change) else change
    header = {key: value for key, value in text.items() if key not in ("values", "checksum")}
    digest = hashlib.sha256(values.dumps(header).encode())
    for value in text["values"].values():
        digest.update(np.array(value, "<f8").tobytes())
    text["checksum"] = digest.hexdigest()
    path = tmp_path / "s.json"
    path.write_text(json.dumps(text))
    return path


def test_newer_format(tmp_path, written):
    """A newer format is reported as newer, with a remedy, for any other contents."""
    path = forged(tmp_path, written, version=3, fields=None)
    assert_rejected(path, "written by format 3, this version reads up to 1: upgrade dasknorm")
    for version in (0, -1, 1.0, "1", True, None):
        assert_rejected(forged(tmp_path, written, version=version), "format number|checksum")


def of_statistic(**changes):
    """Return what says other things of each field's statistic."""
    return lambda fields: [{**f, "statistic": {**f["statistic"], **changes}} for f in fields]


def test_unknown_statistic(tmp_path, written):
    """A statistic that is not defined here is named; so are records that are not as expected."""
    path = forged(tmp_path, written, fields=of_statistic(name="Hindsight"))
    assert_rejected(path, "unknown statistic 'Hindsight'; available: .*Moments")
    path = forged(tmp_path, written, fields=of_statistic(record=[]))
    assert_rejected(path, "records of Moments in the file")
    path = forged(tmp_path, written, fields=of_statistic(settings={"ddof": -1}))
    assert_rejected(path, "ddof must be")


def with_size(size):
    """Return a change of the header's dimensions: the first of another size."""
    return lambda dims: [{**dims[0], "size": size}, *dims[1:]]


def with_variable(name, declared):
    """Return a change of the header's variables: one that is declared otherwise."""
    return lambda variables: {**variables, name: declared}


FORGERIES = {
    "absurd size": {"dims": with_size(10**15)},
    "negative size": {"dims": with_size(-1)},
    "size as text": {"dims": with_size("2")},
    "too few labels": {"dims": with_size(1)},
    "absurd shape": {"variables": with_variable("x_y_mean", ["<f8", [10**9, 10**9]])},
    "negative shape": {"variables": with_variable("x_y_mean", ["<f8", [-1, -6]])},
    "objects": {"variables": with_variable("x_y_mean", ["|O", [2, 3]])},
    "void": {"variables": with_variable("x_y_mean", ["|V8", [2, 3]])},
    "other dtype": {"variables": with_variable("x_y_mean", ["<i8", [2, 3]])},
    "path": {"variables": with_variable("../../etc/passwd", ["|u1", [1]])},
    "absolute path": {"variables": with_variable("/etc/passwd", ["|u1", [1]])},
    "no fields": {"fields": None},
    "no such dimension": {"fields": lambda fields: [{**fields[0], "dims": [7, 8]}]},
    "one variable twice": {"fields": lambda fields: [*fields, *fields]},
    "no record": {"fields": lambda fields: [{**fields[0], "record": {}}]},
    "no attributes": {"attrs": {"$pickle": "gASVAAAA"}},
}


REASONS = (
    "invalid variable|not have the shape|used twice|unknown kind|not of the kinds|labels|Error"
)


@pytest.mark.parametrize("kind", FORGERIES)
def test_forged_headers(tmp_path, written, kind):
    """A header that does not agree with itself or the file is refused, before anything is made."""
    assert_rejected(forged(tmp_path, written, **FORGERIES[kind]), REASONS)


# -- bombs ----------------------------------------------------------------------------------------


def plain_header(**changes):
    """Return the header of statistics of 10**9 positions, and the variables it declares."""
    document = store.compose(*make_contents((1,), name="x"))
    text = json.loads(document.header)
    text["dims"][0]["size"] = 10**9
    text["variables"] = {name: ["<f8", [10**9]] for name in text["variables"]}
    return json.dumps({**text, **changes}).encode(), list(text["variables"])


def bomb(make):
    """Return the bytes of a sealed .nc file with a variable made by `make` for each declared."""
    header, names = plain_header()
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["dasknorm_checksum"] = "0" * 64
        file["dasknorm_header"] = np.frombuffer(header, "u1")
        for name in names:
            make(file, name)
    return add_seal(buffer.getvalue())


def compressed(file, name):
    """Make a variable of 8 GB of zeros that takes a few bytes, as chunks that are not there."""
    file.create_dataset(name, (10**9,), "<f8", chunks=(10**6,), compression="gzip")


def unallocated(file, name):
    """Make a variable of 8 GB to which nothing was ever written."""
    file.create_dataset(name, (10**9,), "<f8")


def external(file, name):
    """Make a variable whose numbers are those of another file."""
    file.create_dataset(name, (10**9,), "<f8", external=[("/dev/zero", 0, 8 * 10**9)])


def linked(file, name):
    """Make a variable that is another file's."""
    file[name] = h5py.ExternalLink("/tmp/other.nc", name)


def virtual(file, name):
    """Make a variable put together from another file's."""
    layout = h5py.VirtualLayout((10**9,), "<f8")
    layout[:] = h5py.VirtualSource("/tmp/other.nc", name, (10**9,))
    file.create_virtual_dataset(name, layout)


def absurd_store(path):
    """Write a store whose header and metadata agree that it has 8 GB, which it has not."""
    store.write(path, *make_contents((1,), name="x"))
    header, _ = plain_header()
    (path / "dasknorm_header" / "c.0").write_bytes(header)
    text = json.loads((path / "zarr.json").read_text())
    for name, array in text["consolidated_metadata"]["metadata"].items():
        size = len(header) if name == "dasknorm_header" else 10**9
        array["shape"] = array["chunk_grid"]["configuration"]["chunk_shape"] = [size]
        (path / name / "zarr.json").write_text(json.dumps(array))
    (path / "zarr.json").write_text(json.dumps(text))


BOMBS = [compressed, unallocated, external, linked, virtual] if h5py else []

READ = """
import resource, sys
from dasknorm.io import store
from dasknorm.errors import StatsFileError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    try:
        store.read(path)
    except StatsFileError as error:
        print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_bombs(tmp_path):
    """Files that declare far more bytes than they have are refused in little time and memory."""
    for make in BOMBS:
        (tmp_path / f"{make.__name__}.nc").write_bytes(bomb(make))
    absurd_store(tmp_path / "s.zarr")
    with open(tmp_path / "sparse.json", "wb") as file:
        file.truncate(10 * 2**30)
    paths = sorted(map(str, tmp_path.iterdir()))
    run = subprocess.run(
        [sys.executable, "-c", READ, *paths],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    *refusals, megabytes = run.stdout.splitlines()
    assert len(refusals) == len(paths) == len(BOMBS) + 2
    reasons = ["compressed or stored in another file", "a link", "has 8 bytes", "read as JSON"]
    assert all(any(reason in line for reason in reasons) for line in refusals), refusals
    assert int(megabytes) < 100
