"""Coordinates without an index are stored with statistics, and decide which data match."""

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import cftime
import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.cli_inputs import run
from support.optional import is_installed

import dasknorm as dn
from dasknorm.io.store import values

RNG = np.random.default_rng(81)
LAT = 10.0 + np.arange(12.0).reshape(3, 4) ** 1.5
LON = np.where(np.eye(3, 4, dtype=bool), np.nan, 50.0 + np.arange(12.0).reshape(3, 4))
VALUES = RNG.normal(280, 5, (6, 3, 4))
STATIONS = RNG.normal(280, 5, (6, 5)) + np.array([0, 10, 20, 30, 40])
SUFFIXES = [".zarr", ".json", *([".nc"] if is_installed("h5netcdf", "h5py") else [])]

IDENTIFIERS: dict[str, Any] = {
    "integers": np.array([813, 0, -11, 7, 90]),
    "strings": np.array(["DE-1", "FR-2", "a", "b", "longer"]),
    "bytes": np.array([b"DE-1", b"FR-2", b"a", b"\xe9", b""]),
    "objects": np.array(["DE-1", "FR-2", "a", "b", "longer"], object),
    "floats": np.array([0.1, 0.2, 7.5, -3.0, 1e5]),
    "small floats": np.array([0.5, 0.2, 7.5, -3.0, 1.0], "f2"),
    "dates": pd.to_datetime(["2001", "2000", "1999", "2009", "2010"]).to_numpy(),
    "dates of 360 days": np.array([cftime.Datetime360Day(y, 2, 30) for y in (9, 2, 5, 1, 3)]),
}


def make_stations(ids: Any = IDENTIFIERS["integers"]) -> xr.DataArray:
    """Return data of five stations that only a coordinate identifies."""
    coords = {"station_id": ("station", ids), "height": ("station", [9.0, 9.0, 2.5, 0.0, 1.0])}
    return xr.DataArray(STATIONS, dims=("time", "station"), coords=coords, name="t")


def make_curved(dims: tuple[str, str] = ("y", "x")) -> xr.Dataset:
    """Return variables of a grid with two-dimensional coordinates, as of WRF and NEMO."""
    return xr.Dataset(
        {"t": (("time", *dims), VALUES), "p": (("time", *dims), VALUES**2)},
        {
            "lat": (dims, LAT, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": (dims, LON),
            "XTIME": ("time", pd.date_range("2001", periods=6)),
            "run": 7,
        },
    )


def as_tree(data: xr.Dataset) -> xr.DataTree:
    """Return a tree with one variable in the root, and one in a child."""
    return xr.DataTree.from_dict({"/": data[["t"]], "/child": data[["p"]]})


def arrays(data: Any) -> list[xr.DataArray]:
    """Return the variables of an xarray object."""
    if isinstance(data, xr.DataArray):
        return [data]
    return [data["t"], data["child/p" if isinstance(data, xr.DataTree) else "p"]]


CONTAINERS = {
    "DataArray": lambda ds: ds["t"],
    "Dataset": lambda ds: ds,
    "DataTree": as_tree,
    "Dask": lambda ds: ds.chunk(time=2),
    "Dask coordinates": lambda ds: ds.assign_coords({n: c.chunk() for n, c in ds.coords.items()}),
}

CHANGES = {
    "reversed": lambda ds: ds.isel(x=slice(None, None, -1)),
    "reordered": lambda ds: ds.isel(y=[1, 0, 2]),
    "another grid": lambda ds: ds.assign_coords(lat=ds["lat"] + 0.01),
    "NaN in one only": lambda ds: ds.assign_coords(lon=ds["lon"].fillna(0.0)),
}


# -- matching ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ids", IDENTIFIERS.values(), ids=IDENTIFIERS)
@pytest.mark.parametrize("chunks", [None, 2])
def test_one_dimensional_coordinates_match_as_an_index(ids: Any, chunks: int | None) -> None:
    """Stations are found by their coordinate, in any order and any subset."""
    data = make_stations(ids)
    data = data if chunks is None else data.chunk(station=chunks)
    stats = dn.adapt(data, keep="station")
    expected = (STATIONS - STATIONS.mean(0)) / STATIONS.std(0)
    for order in ([4, 3, 2, 1, 0], [2], [3, 0], [1, 1, 4], list(range(5))):
        z = stats.normalize(data.isel(station=order))
        np.testing.assert_allclose(z, expected[:, order], atol=1e-12)
        np.testing.assert_allclose(stats.inverse(z), STATIONS[:, order])


@pytest.mark.parametrize("ids", IDENTIFIERS.values(), ids=IDENTIFIERS)
def test_merged_statistics_are_matched(ids: Any) -> None:
    """Statistics and new data merge station by station, whatever their order."""
    data, order = make_stations(ids), [3, 1, 4, 0, 2]
    first, second = data[:2], data[2:].isel(station=order)
    whole = dn.adapt(data, keep="station")
    for merged in (
        dn.adapt(first, keep="station").update(second),
        dn.adapt(first, keep="station") + dn.adapt(second, keep="station"),
    ):
        xr.testing.assert_allclose(merged.mean, whole.mean)
        np.testing.assert_array_equal(merged.mean["station_id"], ids)


def test_unknown_stations() -> None:
    """A station without statistics raises an error that names the coordinate."""
    stats = dn.adapt(make_stations(), keep="station")
    other = make_stations().assign_coords(station_id=("station", [813, 0, -11, 7, 91]))
    message = r"labels \[9[01]\] along 'station_id' are not in the statistics; available: \[813, 0"
    for use in (stats.normalize, stats.inverse, stats.update, stats.check):
        with pytest.raises(dn.MismatchError, match=message):
            use(other)


def test_stations_with_other_properties() -> None:
    """Stations of the same identifiers must agree in their other coordinates."""
    stats = dn.adapt(make_stations(), keep="station")
    moved = make_stations().assign_coords(height=("station", [9.0, 9.0, 2.5, 0.0, 1.5]))
    with pytest.raises(
        dn.MismatchError,
        match=r"the coordinate 'height' of the data differs from that of the statistics at 1 of 5 "
        r"positions, first at station=0: 1\.5 and 1\.0\. .* write data\.drop_vars\('height'\)",
    ):
        stats.normalize(moved[:, ::-1])
    expected = stats.normalize(make_stations()).values[:, ::-1]
    z = stats.normalize(moved[:, ::-1].drop_vars("height"))
    np.testing.assert_array_equal(z, expected)


def test_without_identifiers_positions_must_agree() -> None:
    """Coordinates that repeat identify no position, but show another order."""
    data = make_stations().drop_vars("station_id")
    stats = dn.adapt(data, keep="station")
    np.testing.assert_array_equal(stats.normalize(data.drop_vars("height")), stats.normalize(data))
    with pytest.raises(dn.MismatchError, match=r"'height' of the data differs .* at 4 of 5"):
        stats.normalize(data[:, ::-1])
    with pytest.raises(dn.MismatchError, match="sizes differ along 'station'"):
        stats.normalize(data[:, :3])


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_two_dimensional_coordinates_must_be_equal(container: Any, change: Any) -> None:
    """Data on another grid raise an error in every method that takes data or statistics."""
    data, other = container(make_curved()), container(change(make_curved()))
    stats = dn.adapt(data, over="time")
    message = "the coordinate '(lat|lon)' of the data differs from that of the statistics at"
    for use in (stats.normalize, stats.inverse, stats.update, stats.check):
        with pytest.raises(dn.MismatchError, match=message):
            use(other)
    for combine in (stats.merge, stats.check):
        with pytest.raises(dn.MismatchError, match=message):
            combine(dn.adapt(other, over="time"))


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_equal_coordinates_are_accepted(container: Any) -> None:
    """Rounded, transposed and missing coordinates match; other coordinates may differ."""
    data = make_curved()
    stats = dn.adapt(container(data), over="time")
    expected = stats.normalize(container(data))
    later = data.assign_coords(XTIME=("time", pd.date_range("2031", periods=6)), run=8)
    rounded = data.assign_coords(lat=data["lat"].astype("f4"), lon=data["lon"].astype("f4"))
    transposed = data.assign_coords(lat=data["lat"].T)
    for other in (later, rounded, transposed, data.drop_vars(["lat", "lon"])):
        z = stats.normalize(container(other))
        for array, expected_array in zip(arrays(z), arrays(expected), strict=True):
            np.testing.assert_array_equal(array, expected_array)


def test_a_dimension_coordinate_without_an_index() -> None:
    """A coordinate named as its dimension matches with an index on the other side."""
    data = xr.DataArray(STATIONS, dims=("time", "z"), coords={"z": [813, 0, -11, 5, 4]})
    bare = data.drop_indexes("z")
    expected = dn.adapt(data, keep="z").normalize(data).values
    for adapted in (data, bare):
        for new in (data, bare):
            z = dn.adapt(adapted, keep="z").normalize(new[:, [2, 0]])
            np.testing.assert_array_equal(z, expected[:, [2, 0]])


def test_weights_of_another_grid() -> None:
    """Weights and masks are compared with the data, too."""
    data = make_curved()
    area = xr.DataArray(LAT, dims=("y", "x"), coords={"lat": data["lat"]})
    mean = float(dn.adapt(data["t"], weights=area).mean)
    assert mean == pytest.approx(np.average(VALUES, weights=np.broadcast_to(LAT, VALUES.shape)))
    with pytest.raises(dn.MismatchError, match="'lat' of the data differs from that of the weigh"):
        dn.adapt(data["t"], weights=area[::-1])
    with pytest.raises(dn.MismatchError, match="'lat' of the data differs from that of the values"):
        dn.adapt(data["t"], where=(area > 12)[:, ::-1])


def test_weights_made_of_a_coordinate() -> None:
    """Weights and masks with the name of a coordinate are compared by this coordinate."""
    data = make_curved()
    turned = data["t"][:, ::-1, ::-1]
    np.testing.assert_allclose(
        [
            dn.adapt(data["t"], weights=data["lat"]).mean,
            dn.adapt(data, where=data["lat"] > 12).mean["t"],
        ],
        [np.average(VALUES.mean(0), weights=LAT), VALUES[:, LAT > 12].mean()],
    )
    for weighting in ({"weights": data["lat"]}, {"where": data["lat"] > 12}):
        for given in (turned.drop_vars("lon"), turned.drop_vars("lon").chunk()):
            with pytest.raises(dn.MismatchError, match="the coordinate 'lat' of the data differs"):
                dn.adapt(given, **weighting)


def test_repeated_labels_do_not_merge() -> None:
    """Statistics of a label that occurs twice do not merge with those of other labels."""
    bare = xr.DataArray(STATIONS[:, :3], dims=("time", "z"))
    for name in ("z", "name"):
        repeated, unique = (
            dn.adapt(bare.assign_coords({name: ("z", ids)}), keep="z")
            for ids in (["a", "a", "b"], ["a", "b", "c"])
        )
        for stats, other in ((repeated, unique), (unique, repeated)):
            with pytest.raises(dn.MismatchError, match=r"not unique|not in the|differs from"):
                stats.merge(other)
        assert repeated.merge(repeated).count.values.tolist() == [12, 12, 12]


# -- one label ------------------------------------------------------------------------------------


@pytest.mark.parametrize("select", [lambda a: a, lambda a: a.to_dataset(), lambda a: a.chunk()])
def test_a_selected_level_is_normalized_as_this_level(select: Any) -> None:
    """A scalar coordinate is the label along a dimension that the selection has removed."""
    data = xr.DataArray(
        STATIONS, dims=("time", "level"), coords={"level": [1000, 850, 500, 200, 100]}, name="t"
    )
    stats = dn.adapt(select(data), keep="level")
    expected = (STATIONS[:, 2] - STATIONS[:, 2].mean()) / STATIONS[:, 2].std()
    one = select(data.sel(level=500))
    z = stats.normalize(one)
    values = z["t"] if isinstance(z, xr.Dataset) else z
    np.testing.assert_allclose(values, expected, atol=1e-12)
    xr.testing.assert_allclose(stats.inverse(z), one)
    with pytest.raises(dn.MismatchError, match=r"labels \[501\] along 'level' are not in the stat"):
        stats.normalize(one.assign_coords(level=501))
    with pytest.raises(
        dn.MismatchError,
        match=r"\('level'\), which the data lack.*selecting|when you select from it, such as "
        r"\.sel\(level=\[1000\]\)",
    ):
        stats.normalize(one.drop_vars("level"))


def test_a_selected_station_or_row() -> None:
    """A station that was selected by position is found by its identifier; so is a lost month."""
    data = make_stations()
    stats = dn.adapt(data, keep="station")
    xr.testing.assert_equal(
        stats.normalize(data.isel(station=3)), stats.normalize(data).isel(station=3)
    )
    grid = make_curved()
    with pytest.raises(dn.MismatchError, match=r"the dimensions \('y'\), which the data lack"):
        dn.adapt(grid, over="time").normalize(grid.isel(y=0))
    time = pd.date_range("2001", periods=6, freq="16D")
    levels = data.rename(station="level").assign_coords(time=time, level=[5, 4, 3, 2, 1])
    monthly = dn.adapt(levels, over="time", by="time.month")
    xr.testing.assert_equal(
        monthly.normalize(levels.sel(level=2)), monthly.normalize(levels).sel(level=2)
    )


# -- results and files ----------------------------------------------------------------------------


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_results_have_their_coordinates(container: Any) -> None:
    """Maps of statistics have the coordinates of the grid, and only those of kept dimensions."""
    data = make_curved()
    mean = dn.adapt(container(data), over="time").mean
    for array in arrays(mean):
        assert set(array.coords) == {"lat", "lon"}
        np.testing.assert_array_equal(array["lat"], LAT)
        assert array["lat"].attrs == data["lat"].attrs
    for array in arrays(dn.adapt(container(data), keep="x").mean):
        assert not array.coords


def test_maps_of_groups_have_their_coordinates() -> None:
    """A climatology has its coordinates along the dimensions other than the groups."""
    data = make_curved().assign_coords(time=pd.date_range("2001", periods=6, freq="16D"))
    mean = dn.adapt(data, over="time", by=["time.month", "time.hour"]).mean
    assert mean["t"].dims == ("month", "hour", "y", "x")
    assert mean["lat"].dims == ("y", "x")
    twice = xr.concat([data, data + 1], "time", coords="minimal", compat="override", join="outer")
    smoothed = dn.adapt(twice, over="time", by="time.dayofyear").smooth(days=3)
    assert set(smoothed.mean.coords) == {"dayofyear", "lat", "lon"}


def test_derived_statistics_keep_coordinates() -> None:
    """Selecting, sharing a scale, tendencies and pickling keep the coordinates."""
    stats = dn.adapt(make_curved(), [dn.Moments(), dn.Extrema()], over="time", lag={"time": 1})
    moments = stats.select_statistic(dn.Moments)
    for derived in (
        stats.select("t"),
        moments.tendency(),
        moments.share_std(("t", "p")),
        pickle.loads(pickle.dumps(stats)),
        dn.adapt(make_curved().chunk(time=1), over="time", compute=False).compute(),
    ):
        assert set(derived.mean.coords) == {"lat", "lon"}
    assert pickle.loads(pickle.dumps(stats)) == stats


def test_two_grids_in_one() -> None:
    """Combined statistics of two grids with the same dimensions still match their own grid."""
    first, second = make_curved()[["t"]], CHANGES["another grid"](make_curved())[["p"]]
    both = dn.adapt(first, over="time") + dn.adapt(second, over="time")
    assert set(both.mean.coords) == {"lon"}
    assert set(both.select("p").mean.coords) == {"lat", "lon"}
    with pytest.raises(dn.MismatchError, match="'lat' of the data differs"):
        both.normalize(make_curved())


def test_given_values_have_coordinates() -> None:
    """Known statistics match by their coordinates, and must agree among themselves."""
    data = make_stations()
    mean, std = data.mean("time"), data.std("time")
    stats = dn.Stats.from_values(mean, std=std[::-1])
    xr.testing.assert_allclose(
        stats.normalize(data[:, ::-1]), dn.adapt(data, keep="station").normalize(data[:, ::-1])
    )


def test_equality_includes_coordinates() -> None:
    """Statistics of the same numbers on another grid are not equal."""
    data = make_curved()
    stats = dn.adapt(data, over="time")
    assert stats == dn.adapt(make_curved(), over="time")
    for other in (CHANGES["another grid"](data), data.drop_vars("lat")):
        assert stats != dn.adapt(other, over="time")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("ids", IDENTIFIERS.values(), ids=IDENTIFIERS)
def test_files_restore_coordinates(tmp_path: Path, suffix: str, ids: Any) -> None:
    """Coordinates in files keep their values, dtypes and attributes, and still match."""
    data = make_stations(ids)
    data["station_id"].attrs = {"long_name": "number", "levels": (1, 2)}
    stats = dn.adapt(data, keep="station")
    stats.save(tmp_path / f"s{suffix}")
    loaded = dn.load(tmp_path / f"s{suffix}")
    assert loaded == stats
    coord = loaded.mean["station_id"]
    assert coord.dtype == ids.dtype
    assert coord.attrs == {"long_name": "number", "levels": (1, 2)}
    xr.testing.assert_identical(loaded.normalize(data[:, ::-1]), stats.normalize(data[:, ::-1]))


FORGERIES = {
    "dimensions of the coordinate": (lambda c, f: c[0].update(dims=[0])),
    "another size": (lambda c, f: c[2].update(dims=[0, 1])),
    "no such coordinate": (lambda c, f: f[0].update(coordinates=[7])),
    "a variable twice": (lambda c, f: c[1].update(variable=c[0]["variable"])),
    "a result as coordinate": (lambda c, f: c[0].update(variable="t_mean")),
    "a narrower dtype": (lambda c, f: c[0].update(dtype="<i2")),
    "another dtype": (lambda c, f: c[0].update(dtype="|O")),
    "too few values": (lambda c, f: c[2]["values"]["$array"].__setitem__(1, [2])),
    "other dimensions": (lambda c, f: f[0].update(dims=[1, 1])),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_forged_coordinates(tmp_path: Path, forge: Any) -> None:
    """A header whose coordinates contradict its arrays is rejected, with a matching checksum."""
    path = tmp_path / "s.json"
    names = ("y", ["north", "middle", "south"])
    dn.adapt(make_curved().assign_coords(name=names), over="time").save(path)
    content = json.loads(path.read_text())
    forge(content["coordinates"], content["fields"])
    header = {k: v for k, v in content.items() if k not in ("values", "checksum")}
    digest = hashlib.sha256(values.dumps(header).encode())
    for numbers in content["values"].values():
        digest.update(np.array(numbers, "<f8").tobytes())
    content["checksum"] = digest.hexdigest()
    path.write_text(json.dumps(content))
    with pytest.raises(dn.StatsFileError):
        dn.load(path)


@pytest.mark.parametrize("ids", [IDENTIFIERS["strings"], IDENTIFIERS["bytes"]])
def test_files_of_short_text(tmp_path: Path, ids: Any) -> None:
    """Text has the same meaning in arrays of another width."""
    stats = dn.adapt(make_stations(ids.astype(f"{ids.dtype.kind}20")), keep="station")
    assert stats == dn.adapt(make_stations(ids), keep="station")
    stats.save(tmp_path / "s.json")
    assert dn.load(tmp_path / "s.json") == stats


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_store_a_grid_once(tmp_path: Path, suffix: str) -> None:
    """Variables share the coordinates in a file, in memory, and for other tools."""
    path = tmp_path / f"s{suffix}"
    stats = dn.adapt(make_curved(), over="time")
    stats.save(path)
    loaded = dn.load(path)
    assert loaded == stats
    for one in (stats, loaded):
        assert one.states["t"].coords["lat"] is one.states["p"].coords["lat"]
    with pytest.raises(dn.MismatchError, match="'lat' of the data differs"):
        loaded.normalize(CHANGES["reversed"](make_curved()))
    if suffix != ".json":
        with xr.open_dataset(path, engine="zarr" if suffix == ".zarr" else None) as plain:
            assert set(plain.coords) == {"lat", "lon"}
            np.testing.assert_array_equal(plain["t_mean"]["lat"], LAT)
            assert plain["lat"].attrs["standard_name"] == "latitude"


def test_a_coordinate_that_cannot_be_stored(tmp_path: Path) -> None:
    """Saving statistics succeeds without it, with a warning that names the coordinate."""
    data = make_stations().assign_coords(shape=("station", np.array([{1}] * 5, object)))
    stats = dn.adapt(data, keep="station")
    with pytest.warns(UserWarning, match="the coordinate 'shape' is not saved"):
        stats.save(tmp_path / "s.json")
    assert set(dn.load(tmp_path / "s.json").mean.coords) == {"station_id", "height"}


def test_checkpoints_keep_coordinates(tmp_path: Path) -> None:
    """A checkpoint resumes with the coordinates of the data."""
    data = make_curved().chunk(time=1)
    stats = dn.adapt(data, over="time", checkpoint=tmp_path / "c.json")
    assert dn.adapt(data, over="time", checkpoint=tmp_path / "c.json") == stats
    assert set(dn.load(tmp_path / "c.json").mean.coords) == {"lat", "lon"}


# -- reading --------------------------------------------------------------------------------------


def test_only_coordinates_of_kept_dimensions_are_read() -> None:
    """Lazy coordinates of reduced dimensions are never computed; others once for all variables."""
    read = []

    def load(name: str, values: np.ndarray) -> da.Array:
        block = da.from_array(values, chunks=-1)
        return block.map_blocks(lambda b: read.append(name) or b, dtype=values.dtype, meta=values)

    data = make_curved().assign_coords(
        lat=(("y", "x"), load("lat", LAT)),
        zone=("x", load("zone", np.arange(4))),
        when=(("time", "x"), load("when", VALUES[:, 0])),
    )
    dn.adapt(data)
    assert read == []
    stats = dn.adapt(data, keep="x")
    assert read == ["zone"]
    stats.normalize(data)
    dn.adapt(data, over="time")
    assert sorted(read) == ["lat", "zone", "zone", "zone"]


@pytest.mark.skipif(".nc" not in SUFFIXES, reason="needs h5netcdf")
def test_files_with_two_dimensional_coordinates(tmp_path: Path) -> None:
    """The command line matches grids in files by their coordinates."""
    src, turned = tmp_path / "src.nc", tmp_path / "turned.nc"
    make_curved().to_netcdf(src, engine="h5netcdf")
    make_curved().isel(y=slice(None, None, -1)).to_netcdf(turned, engine="h5netcdf")
    assert run("adapt", src, "--over", "time", "-o", tmp_path / "s.nc").exit_code == 0
    assert run("normalize", src, tmp_path / "s.nc", "-o", tmp_path / "z.nc").exit_code == 0
    with xr.open_dataset(tmp_path / "z.nc") as z:
        expected = (VALUES - VALUES.mean(0)) / VALUES.std(0)
        np.testing.assert_allclose(z["t"], expected, atol=1e-12)
    refused = run("normalize", turned, tmp_path / "s.nc", "-o", tmp_path / "y.nc")
    assert refused.exit_code == 2
    assert "the coordinate 'lat' of the data differs" in " ".join(refused.output.split())


@pytest.mark.parametrize(
    "ids",
    [
        pd.array(["a", "b", "c", "d", "e"], dtype="string"),
        pd.array([5, 4, 3, 2, 1], dtype="Int64"),
        np.array(["a", "b", pd.NA, None, np.nan], object),
        pd.array([True, None, False, True, None], dtype="boolean"),
        pd.array(["a", "b", None, "d", "e"], dtype="string"),
    ],
)
def test_coordinates_of_pandas_types(ids: Any) -> None:
    """Coordinates may have the types of pandas, and missing values."""
    data = make_stations(ids)
    stats = dn.adapt(data, keep="station")
    z = stats.normalize(make_stations(ids))
    np.testing.assert_allclose(z, (STATIONS - STATIONS.mean(0)) / STATIONS.std(0))
    assert (stats + dn.adapt(data, keep="station")).count.values.tolist() == [12] * 5
    assert float(dn.adapt(data).mean) == pytest.approx(STATIONS.mean())


def test_the_layer_matches_coordinates() -> None:
    """`Normalization` matches stations by their coordinate, also with a given mean."""
    data = make_stations()
    layer = dn.Normalization(axis="station")
    layer.adapt(data)
    np.testing.assert_allclose(layer(data[:, ::-1]), layer(data)[:, ::-1])
