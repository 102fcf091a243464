"""Statistics files: they are read as written, bit for bit, and by other tools too."""

import hashlib
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from support.store_contents import SUFFIXES, check_round_trip, make_contents, make_records, states

import dasknorm as dn
from dasknorm.fields import State
from dasknorm.io import store
from dasknorm.statistics import Moments, Predefined

suffixes = pytest.mark.parametrize("suffix", SUFFIXES)


@suffixes
@settings(max_examples=15)
@given(
    found=states(),
    statistic=st.builds(Moments, st.floats(0, 1e9), st.booleans(), st.floats(0, 1e9)),
)
def test_any_states_come_back(tmp_path, suffix, found, statistic):
    """Any bits, names, dimensions and labels are read as they were written."""
    check_round_trip(
        tmp_path / f"s{suffix}",
        ({name: replace(state, statistic=statistic) for name, state in found.items()}, "x", {}),
    )


@suffixes
def test_stats_come_back(tmp_path, suffix):
    """What a user saves is equal when loaded, normalizes alike, and merges as before."""
    data = xr.Dataset(
        {
            "air": (("time", "level"), np.arange(12.0).reshape(4, 3)),
            "b/c": ("time", [1.0, 2, 3, 9]),
        },
        {"level": np.array([0.1, 0.5, 1.0], "f4"), "time": pd.date_range("2000", periods=4)},
    )
    data["air"].attrs["units"] = "K"
    stats = dn.adapt(data, over="time")
    stats.save(tmp_path / f"s{suffix}")
    loaded = dn.load(str(tmp_path / f"s{suffix}"))
    assert loaded == stats
    assert loaded.attrs == stats.attrs
    xr.testing.assert_identical(loaded.mean, stats.mean)
    xr.testing.assert_identical(loaded.normalize(data), stats.normalize(data))
    assert loaded + stats == stats + stats


@suffixes
@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 2), (2, 0), (2, 3, 4)], ids=str)
def test_shapes(tmp_path, suffix, shape):
    """No dimension, one, several, and those of size 0 come back; what is read can be written to."""
    check_round_trip(tmp_path / f"s{suffix}", make_contents(shape))
    (state,) = store.read(tmp_path / f"s{suffix}")[0].values()
    state.data["mean"] = 1.0


@suffixes
@pytest.mark.parametrize(
    "data",
    [
        make_records((4, 3)).T,
        make_records((6, 3))[::-2],
        np.broadcast_to(make_records((3,)), (2, 3)),
        make_records(()) [()],
    ],
    ids=["fortran", "backwards", "broadcast", "scalar"],
)  # fmt: skip
def test_memory_order(tmp_path, suffix, data):
    """Records come back whatever their order in memory, and need not be writable."""
    dims = tuple(f"d{i}" for i in range(np.ndim(data)))
    check_round_trip(
        tmp_path / f"s{suffix}", ({"x": State(data, dims, statistic=Moments())}, "x", {})
    )


@suffixes
def test_nothing_counted(tmp_path, suffix):
    """Where the mean is read as NaN, the record's own mean of 0 comes back."""
    empty = State(np.zeros(2, Moments.dtype), ("d0",))
    check_round_trip(tmp_path / f"s{suffix}", ({None: with_moments(empty)}, "x", {}))


@suffixes
def test_given_statistics(tmp_path, suffix):
    """Statistics known beforehand come back as such."""
    mean = pd.Series({"a": 0.1, "b": 2.0})
    stats = dn.Stats.from_values(mean, std=mean, epsilon=1e-7)
    stats.save(tmp_path / f"s{suffix}")
    assert dn.load(tmp_path / f"s{suffix}") == stats
    assert type(dn.load(tmp_path / f"s{suffix}").statistic) is Predefined


@dataclass(frozen=True)
class Spread(Moments):
    """A statistic of another package, with records of many kinds."""

    label: tuple[str, ...] = ("a",)

    dtype: ClassVar = np.dtype(
        [("n", ">i2"), ("flag", "?"), ("ends", ">f4", (2, 2)), ("mean", "<f8")], align=True
    )
    result_names: ClassVar = ("mean",)

    def result(self, records, name):
        """Return the mean."""
        return records[name].copy()


@suffixes
def test_records_of_another_package(tmp_path, suffix):
    """Records of other dtypes, big-endian, padded, with arrays in them, come back."""
    made = np.zeros((2, 3), Spread.dtype)
    made["n"], made["flag"], made["mean"] = -7, [True, False, True], 0.1
    made["ends"] = np.arange(4, dtype="f4").reshape(2, 2)
    state = State(made, ("d0", "d1"), statistic=Spread(label=("x", "y")))
    check_round_trip(tmp_path / f"s{suffix}", ({"a": state}, "x", {}))


@suffixes
def test_equal_names_of_unequal_dimensions(tmp_path, suffix):
    """Two fields may use one dimension's name for other sizes or other labels."""
    result = {
        "a": State(make_records((2,)), ("x",), {"x": pd.Index([1, 2])}),
        "b": State(make_records((2,)), ("x",), {"x": pd.Index([1, 3])}),
        "c": State(make_records((3,)), ("x",)),
        "A": State(make_records((2,), 1), ("X",), {"X": pd.Index([1, 2])}),
        "mean": State(make_records((2,), 2), ("a_mean",), {"a_mean": pd.Index([1, 2])}),
    }
    check_round_trip(
        tmp_path / f"s{suffix}", ({n: with_moments(s) for n, s in result.items()}, "x", {})
    )


def with_moments(state):
    """Return a state of which the records are said to be moments."""
    return replace(state, statistic=Moments())


ATTRS = {
    "units": "K",
    "valid_range": np.array([1, 2], "i2"),
    "_FillValue": np.float32(-999),
    "levels": [1, 2.5, None, True, "x"],
    "$odd": {"$a": 1, 2: (3,)},
    "texts": np.array(["a", "bcd"]),
    "when": np.datetime64("2000-01-01", "h"),
    "raw": b"\0\xff",
    "z": 1j,
    "long": "x" * 100_000,
    "nul": "a\0b",
    "scale_factor": 0.01,
    "huge": 10**30,
}


@suffixes
def test_attributes(tmp_path, suffix):
    """What is said of a field comes back, each value in its own type."""
    check_round_trip(tmp_path / f"s{suffix}", make_contents(attrs=ATTRS))


@suffixes
def test_equal_contents_give_equal_bytes(tmp_path, suffix):
    """Writing the same twice makes the same file."""
    digests = set()
    for name in ("a", "b"):
        path = tmp_path / name / f"s{suffix}"
        path.parent.mkdir()
        store.write(path, *make_contents((2, 3)))
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        whole = b"".join(file.read_bytes() for file in files if file.is_file())
        digests.add(hashlib.sha256(whole).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize("suffix", [".zarr", ".json"])
def test_only_netcdf_needs_a_library(tmp_path, suffix):
    """Zarr and JSON files are written and read with none of the optional libraries."""
    code = f"""
import sys
for name in ("h5netcdf", "h5py", "zarr", "cftime", "netCDF4"):
    sys.modules[name] = None
import numpy as np, dasknorm as dn
stats = dn.adapt(np.arange(6.0).reshape(3, 2))
stats.save({str(tmp_path / f"s{suffix}")!r})
assert dn.load({str(tmp_path / f"s{suffix}")!r}) == stats
try:
    stats.save({str(tmp_path / "s.nc")!r})
except ImportError as error:
    assert "pip install 'dasknorm[io]'" in str(error)
else:
    raise AssertionError("written without a library")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("path", ["stats", "stats.h5", "stats.nc.gz", "stats.pkl"])
def test_other_suffixes_are_refused(tmp_path, path):
    """A suffix of another format is refused with the three that there are, before any work."""
    with pytest.raises(ValueError, match=r"\.nc, \.zarr or \.json"):
        store.write(tmp_path / path, *make_contents())
    with pytest.raises(ValueError, match=r"\.nc, \.zarr or \.json"):
        store.read(tmp_path / path)


@suffixes
def test_suffixes_in_capitals(tmp_path, suffix):
    """Letter case does not matter in a suffix."""
    check_round_trip(tmp_path / f"S{suffix.upper()}", make_contents())


def test_large_statistics_are_not_written_as_json(tmp_path):
    """More than a million records are too many for JSON; the message says what to write instead."""
    with pytest.raises(ValueError, match=r"\.nc or \.zarr"):
        store.write(tmp_path / "s.json", *make_contents((1_000_001,)))
    assert not list(tmp_path.iterdir())
