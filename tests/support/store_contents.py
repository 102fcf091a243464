"""Contents of statistics files, and checks that they are read as written."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dasknorm.errors import StatsFileError
from dasknorm.fields import State
from dasknorm.io import store
from dasknorm.io.store import netcdf
from dasknorm.statistics import Moments
from support.optional import is_installed

SUFFIXES = [".zarr", ".json", *([".nc"] if is_installed("h5netcdf", "h5py") else [])]

# Those of NaN, quiet, negative and signaling, of infinity, -0.0, the least number; and any at all.
ODD_BITS = [0x7FF8 << 48, 0xFFF8 << 48, (0x7FF0 << 48) + 1, 0x7FF0 << 48, 1 << 63, 1]
BITS = st.sampled_from(ODD_BITS) | st.integers(0, 2**64 - 1)


def make_records(shape, seed=0):
    """Return records with random counts, means and other parts."""
    made = np.zeros(shape, Moments.dtype)
    rng = np.random.default_rng(seed)
    for part in Moments.dtype.names:
        made[part] = rng.lognormal(size=shape)
    return made


def make_contents(shape=(3,), labels=None, name=None, **field):
    """Return arguments of `store.write` for one field with dimensions d0, d1, ..."""
    dims = tuple(f"d{i}" for i in range(len(shape)))
    state = State(make_records(shape), dims, labels or {}, dims, statistic=Moments(), **field)
    return {name: state}, "numpy.ndarray", {"runs": [{"over": ["time"]}]}


def make_labelled_contents(index):
    """Return contents whose only dimension has these labels."""
    return make_contents((len(index),), {"d0": index})


def check_round_trip(path, given):
    """Write, read, and check that nothing has changed."""
    store.write(path, *given)
    assert_identical(store.read(path), given)


def assert_identical(read, given):
    """Check that contents were read as written, bit for bit and type for type."""
    assert read[1:] == given[1:]
    assert with_types(list(read[0])) == with_types(list(given[0]))
    for actual, other in zip(read[0].values(), given[0].values(), strict=True):
        assert type(actual.statistic) is type(other.statistic)
        assert actual.is_identical(other)
        assert with_types(actual.dims) == with_types(other.dims)
        assert with_types(actual.features) == with_types(other.features)
        assert repr(actual.attrs) == repr(other.attrs)
        for dim, index in other.labels.items():
            assert with_types(list(actual.labels[dim].names)) == with_types(list(index.names))
            assert_identical_index(actual.labels[dim], index)


def assert_identical_index(mine, theirs):
    """Check that labels are equal, of the same dtype, and each of the same type."""
    assert mine.equals(theirs)
    if not isinstance(theirs.dtype, pd.StringDtype):
        assert mine.dtype == theirs.dtype
        assert with_types(list(mine)) == with_types(list(theirs))


def with_types(names):
    """Return names with their types: 1, 1.0 and True are equal, but not the same."""
    return [(type(name), repr(name)) for name in names]


def copy_file(path, to):
    """Copy a statistics file or folder."""
    shutil.copytree(path, to) if Path(path).is_dir() else shutil.copy(path, to)
    return to


def assert_rejected(path, match):
    """Check that a file is refused, by its path and for this reason."""
    with pytest.raises(StatsFileError, match=match) as error:
        store.read(path)
    assert str(path) in str(error.value)


def add_seal(data):
    """Return the bytes of a .nc file with a seal that fits, as a forger would make it."""
    return data + netcdf.seal(data)


def count_finished_shards(path):
    """Return the number of shards in a checkpoint."""
    return store.read(path)[-1]["checkpoint"]["done"]


@st.composite
def states(draw):
    """Draw the states of a few fields: any bits, any shape, any name."""
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique_by=repr))
    return {name: draw(fields()) for name in dict.fromkeys(names)}


@st.composite
def fields(draw):
    """Draw one state, of zero to three dimensions of sizes 0 to 3."""
    shape = draw(array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    bits = draw(arrays("<u8", (*shape, len(Moments.dtype.names)), elements=BITS))
    dims = draw(st.permutations([-1, "lat", ("a", 1)]))[: len(shape)]
    labels = {
        dim: draw(indexes(n)) for dim, n in zip(dims, shape, strict=True) if draw(st.booleans())
    }
    return State(bits.view(Moments.dtype)[..., 0], tuple(dims), labels, tuple(dims))


def indexes(size):
    """Draw labels: integers, numbers, texts, times, or anything mixed."""
    kinds = [
        st.integers(-(2**63), 2**63 - 1),
        st.floats(),
        st.text(),
        st.datetimes(pd.Timestamp(1700, 1, 1), pd.Timestamp(2200, 1, 1)).map(pd.Timestamp),
        NAMES,
    ]
    return st.one_of(st.lists(kind, min_size=size, max_size=size) for kind in kinds).map(
        lambda found: pd.Index(found, tupleize_cols=False)
    )


NAMES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2).map(tuple),
    max_leaves=3,
)
