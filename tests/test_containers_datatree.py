"""xarray DataTrees: variables by path, inherited coordinates, and nodes that stay unchanged."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import needs

import dasknorm as dn
import dasknorm.accessors
from dasknorm.testing import check_container

OVERS = [None, "time", ("time", "lev", "x")]


def tree() -> xr.DataTree:
    """Return a root with levels, a node that inherits time, one below it, text, and nothing."""
    rng = np.random.default_rng(0)
    root = xr.Dataset(
        {
            "t": (("time", "lev"), rng.normal(280.0, 5.0, (6, 3)).astype("f4"), {"units": "K"}),
            "name": ("time", list("abcdef")),
        },
        {"time": pd.date_range("2001", periods=6), "lev": [1000, 500, 100]},
        attrs={"title": "a run"},
    )
    ocean = xr.Dataset(
        {"sst": (("time", "x"), rng.normal(290.0, 3.0, (6, 4)))}, {"x": [1.0, 2.0, 3.0, 4.0]}
    )
    deep = xr.Dataset(
        {"t": (("lev", "time"), rng.normal(2.0, 1.0, (3, 6))), "depth": ("lev", [7, 8, 9])}
    )
    text = xr.Dataset({"note": ("n", ["a", "b"])}, attrs={"of": "the node"})
    nodes = {"/": root, "/ocean": ocean, "/ocean/deep": deep, "/text": text, "/empty": None}
    return xr.DataTree.from_dict(nodes, name="run")


@pytest.mark.parametrize("over", OVERS, ids=str)
@pytest.mark.parametrize("chunked", [False, True])
def test_trees_keep_the_laws(over: Any, chunked: bool) -> None:
    """A tree keeps the laws of containers, whatever is merged, in memory and in chunks."""
    check_container(tree().chunk(time=4) if chunked else tree(), over=over)


@pytest.mark.parametrize("chunked", [False, True])
def test_readings_are_a_tree(chunked: bool) -> None:
    """Readings have the nodes that hold numbers, with their labels, and float64 NumPy's values."""
    data = tree()
    stats = dn.adapt(data.chunk(time=4) if chunked else data, over="time")
    mean = stats.mean
    assert isinstance(mean, xr.DataTree)
    assert [node.path for node in mean.subtree] == ["/", "/ocean", "/ocean/deep"]
    assert list(stats.states) == ["t", "ocean/sst", "ocean/deep/t", "ocean/deep/depth"]
    for path in ("t", "ocean/sst", "ocean/deep/t"):
        expected = data[path].astype("f8")
        xr.testing.assert_allclose(mean[path], expected.mean("time"), rtol=1e-13)
        xr.testing.assert_allclose(stats.std[path], expected.std("time"), rtol=1e-12)
        assert set(mean[path].coords) >= set(mean[path].dims), "labels come along"
    assert float(mean["ocean/deep/depth"]) == 8.0, "without time it is taken whole"


def test_what_rides_along() -> None:
    """Structure, names, attributes, coordinates and what holds no numbers come through."""
    data = tree()
    before = data.copy(deep=True)
    stats = dn.adapt(data, over="time")
    z = stats.normalize(data)
    assert z.name == "run"
    assert z.attrs == data.attrs
    assert [n.path for n in z.subtree] == [n.path for n in data.subtree]
    xr.testing.assert_identical(z["text"].to_dataset(), data["text"].to_dataset())
    xr.testing.assert_identical(z["name"], data["name"])
    assert (z["t"].dtype, z["ocean/deep/t"].dims) == (np.dtype("f4"), ("lev", "time"))
    assert (z["t"].attrs["units"], stats.inverse(z)["t"].attrs["units"]) == ("1", "K")
    dataset = z["ocean/deep"].to_dataset(inherit=False)
    assert not dataset.coords, "what is inherited stays where it is"
    xr.testing.assert_identical(data, before)
    z["ocean/sst"][:] = 0.0
    xr.testing.assert_identical(data, before)


def test_the_accessor() -> None:
    """Trees have ``.norm`` as Datasets do."""
    data = tree()
    stats = data.norm.adapt(dim="time")
    assert stats == dn.adapt(data, over="time")
    xr.testing.assert_identical(data.norm.normalize(stats), stats.normalize(data))


def test_a_branch_is_a_tree() -> None:
    """Of a branch the paths begin there, with the coordinates it inherits from above."""
    data = tree()
    branch = data["ocean"]
    stats = dn.adapt(branch, over="time")
    assert list(stats.states) == ["sst", "deep/t", "deep/depth"]
    z = stats.normalize(branch)
    whole = dn.adapt(data, over="time").normalize(data)
    np.testing.assert_array_equal(z["deep/t"], whole["ocean/deep/t"])
    assert "time" in z["sst"].indexes


def test_labels_are_matched_by_inherited_coordinates() -> None:
    """Levels in another order are found by the labels that a node inherits from the root."""
    data = tree()
    stats = dn.adapt(data, over="time")
    z = stats.normalize(data)
    turned = stats.normalize(data.isel(lev=[2, 0]))
    xr.testing.assert_identical(turned["ocean/deep/t"], z["ocean/deep/t"].isel(lev=[2, 0]))
    moved = xr.DataTree.from_dict(
        {path: ds.assign_coords(lev=[1000, 500, 50]) for path, ds in data.to_dict().items()}
    )
    with pytest.raises(dn.MismatchError, match=r"labels \[50\] along 'lev'"):
        stats.normalize(moved)


@pytest.mark.parametrize("missing", ["ocean", "ocean/deep"])
def test_a_missing_branch_is_a_mismatch(missing: str) -> None:
    """Data without a branch that was learned are refused, and so are those with one more."""
    data, less = tree(), tree()
    parent, _, name = missing.rpartition("/")
    branch = less[parent] if parent else less
    del branch[name]
    stats = dn.adapt(data, over="time")
    with pytest.raises(dn.MismatchError, match=r"the data lack \[.*'ocean/deep/t'"):
        stats.normalize(less)
    with pytest.raises(dn.MismatchError, match=r"no statistics for \[.*'ocean/deep/t'"):
        dn.adapt(less, over="time").normalize(data)
    subset = stats.select([name for name in stats.states if not name.startswith(missing)])
    xr.testing.assert_identical(subset.normalize(less)["t"], stats.normalize(data)["t"])


def test_merging_and_updating() -> None:
    """Parts of a tree merge to what the whole gives, and other trees' variables to a union."""
    data = tree()
    whole = dn.adapt(data, over=("time", "lev", "x"))
    first, second = (data.isel(time=part) for part in (slice(2), slice(2, None)))
    merged = dn.adapt(first, over=("time", "lev", "x")).update(second)
    xr.testing.assert_allclose(merged.mean["t"], whole.mean["t"], rtol=1e-13)
    xr.testing.assert_allclose(merged.variance["ocean/sst"], whole.variance["ocean/sst"])
    both = whole.select(["t"]) + whole.select(["ocean/sst", "ocean/deep/t", "ocean/deep/depth"])
    xr.testing.assert_identical(both.mean, whole.mean)


@pytest.mark.parametrize(
    "suffix", [".json", ".zarr", pytest.param(".nc", marks=needs("h5netcdf", "h5py"))]
)
def test_saving(suffix: str, tmp_path: Any) -> None:
    """Statistics of a tree come back from a file as they were, and still read as a tree."""
    data = tree()
    stats = dn.adapt(data, over="time")
    stats.save(tmp_path / f"stats{suffix}")
    loaded = dn.load(tmp_path / f"stats{suffix}")
    assert loaded == stats
    xr.testing.assert_identical(loaded.mean, stats.mean)
    xr.testing.assert_identical(loaded.normalize(data), stats.normalize(data))


def test_weights_go_to_the_nodes_that_have_their_dimension() -> None:
    """Weights along a dimension weigh the variables that have it, in every node."""
    data = tree()
    weights = xr.DataArray([0.0, 1.0, 3.0], dims="lev", coords={"lev": [100, 500, 1000]})
    stats = dn.adapt(data, weights=weights)
    for path in ("t", "ocean/deep/t"):
        expected = data[path].astype("f8").weighted(weights).mean()
        np.testing.assert_allclose(stats.mean[path], expected, rtol=1e-13)
    np.testing.assert_allclose(stats.mean["ocean/sst"], data["ocean/sst"].mean(), rtol=1e-13)


def test_a_tree_without_numbers() -> None:
    """Where no node holds numbers, the error names the nodes there are."""
    text = xr.DataTree.from_dict({"/a": xr.Dataset({"note": ("n", ["x"])})})
    with pytest.raises(TypeError, match=r"no numeric variables.*nodes \['', 'a'\]"):
        dn.adapt(text)


@pytest.mark.parametrize("chunked", [False, True])
def test_groups_by_parts_of_dates(chunked: bool) -> None:
    """Groups are of every node that has the time, what has none is taken whole."""
    data = tree().chunk(time=4) if chunked else tree()
    stats = dn.adapt(data, over="time", by="time.day")
    expected = tree()["ocean/sst"].groupby("time.day").mean()
    np.testing.assert_allclose(stats.mean["ocean/sst"], expected, rtol=1e-13)
    assert stats.mean["ocean/deep/depth"].dims == ()
    z = stats.normalize(data)
    assert (z["ocean/sst"].chunks is not None) == chunked
    assert not z["ocean/sst"].values.any(), "each day is a group of its own"
    assert "for each time.day and lev" in stats.describe()
