"""Other tools read statistics files: xarray and Zarr find plain numbers under plain names."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.store_contents import check_round_trip, make_contents, make_labelled_contents

import dasknorm as dn
from dasknorm.io import store

zarr = pytest.importorskip("zarr")
for library in ("h5netcdf", "h5py", "cftime"):
    pytest.importorskip(library)


@pytest.fixture
def dataset():
    """Return data with labels of each type that other tools support."""
    rng = np.random.default_rng(0)
    dims = ("time", "level", "name", "day")
    return xr.Dataset(
        {"t": (dims, rng.normal(size=(5, 3, 2, 2)), {"units": "K", "long_name": "temperature"})},
        {
            "level": np.array([0.1, 0.5, 1.0], "f4"),
            "name": ["x", "é"],
            "day": pd.date_range("2000", periods=2, unit="s"),
        },
    )


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_xarray_reads_it(tmp_path, suffix, dataset):
    """Plain xarray reads the results, their units, and the labels."""
    stats = dn.adapt(dataset, over="time")
    stats.save(tmp_path / f"s{suffix}")
    with xr.open_dataset(tmp_path / f"s{suffix}") as opened:
        for reading in ("count", "mean", "std", "variance"):
            expected = stats.result(reading)["t"]
            np.testing.assert_array_equal(opened[f"t_{reading}"], expected, strict=False)
            assert opened[f"t_{reading}"].dims == ("level", "name", "day")
        for dim in ("level", "name", "day"):
            assert (opened.indexes[dim] == dataset.indexes[dim]).all()
        assert opened.t_std.attrs == {"units": "K", "long_name": "std of temperature"}
        assert opened.t_variance.attrs["units"] == "K2"
        assert opened.attrs["title"]


def test_zarr_reads_it(tmp_path, dataset):
    """The Zarr library finds an ordinary group, zeros among its numbers."""
    stats = dn.adapt(dataset * 0, over="time")
    stats.save(tmp_path / "s.zarr")
    group = zarr.open_group(tmp_path / "s.zarr", mode="r")
    np.testing.assert_array_equal(group["t_mean"][...], np.zeros((3, 2, 2)))
    np.testing.assert_array_equal(group["t_count"][...], np.full((3, 2, 2), 5.0))
    assert group["name"][...].tolist() == ["x", "é"]


def test_a_zero_is_not_missing(tmp_path, dataset):
    """xarray reads 0 as 0, not as a fill value."""
    stats = dn.adapt(dataset * 0, over="time")
    stats.save(tmp_path / "s.zarr")
    with xr.open_dataset(tmp_path / "s.zarr") as opened:
        assert (opened.t_mean == 0).all()


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_attributes_do_not_mislead_other_tools(tmp_path, suffix):
    """Attributes by which xarray would scale, mask or date the numbers stay off the variables."""
    attrs = {"scale_factor": 0.01, "_FillValue": 1.0, "units": "days since 2000-01-01"}
    given = make_contents(attrs=attrs, name="x")
    store.write(tmp_path / f"s{suffix}", *given)
    with xr.open_dataset(tmp_path / f"s{suffix}") as opened:
        np.testing.assert_array_equal(opened.x_mean, given[0]["x"].data["mean"])


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
@pytest.mark.parametrize(
    "index",
    [
        pd.Index(["a\0b", "c"]),
        pd.Index(["", ""]),
        pd.Index(["a", 1, None]),
        pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]),
        pd.Index([True, False]),
        pd.DatetimeIndex(["2000-01-01", None]),
        pd.date_range("2000", periods=2, tz="Europe/Berlin"),
        pd.Index(["x" * 50_000, *map(str, range(50))]),
        xr.date_range("2000-02-29", periods=2, calendar="360_day", use_cftime=True),
    ],
    ids=["nul", "empty", "mixed", "multi", "bool", "nat", "zone", "long", "cftime"],
)
def test_labels_that_other_tools_do_not_know(tmp_path, suffix, index):
    """Whatever the labels, the file opens in plain xarray, and the numbers are there."""
    given = make_labelled_contents(index)
    check_round_trip(tmp_path / f"s{suffix}", given)
    with xr.open_dataset(tmp_path / f"s{suffix}") as opened:
        np.testing.assert_array_equal(opened["mean"], given[0][None].data["mean"])
