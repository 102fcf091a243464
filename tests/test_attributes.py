"""Attributes that describe raw values: dropped from z-scores and results, and restored."""

import dask
import numpy as np
import pytest
import xarray as xr
from support.cli_inputs import succeed
from support.optional import import_optional, needs

import dasknorm as dn
from dasknorm.layer import Normalization

sklearn = import_optional("dasknorm.sklearn")

RAW = {
    "valid_min": np.float32(150),
    "valid_max": 350,
    "valid_range": np.array([150, 350], "i2"),
    "actual_range": [270.0, 290.0],
    "unpacked_valid_range": [150.0, 350.0],
    "_FillValue": np.int16(-9999),
    "missing_value": -9999.0,
    "least_significant_digit": 2,
    "units_metadata": "temperature: on_scale",
    "GRIB_units": "K",
    "GRIB_missingValue": 3.4e38,
    "STATISTICS_MEAN": "280",
    "nodatavals": (np.nan,),
}
"""Attributes of physical values: a file with them reads as it was written."""

NAMES = {
    "units": "K",
    "standard_name": "air_temperature",
    "long_name": "temperature",
    "cell_methods": "time: point",
}
OTHER = {"history": "made by hand", "grid_mapping": "crs"}
T = np.array([[280, 270], [282, 278], [284, 286], [290, 286]], "f4")
Z = (T - T.mean(0)) / T.std(0)


def make_array(**attrs):
    labels = {"time": [0, 1, 2, 3], "x": [0.5, 1.5]}
    return xr.DataArray(T, labels, ("time", "x"), "t", attrs or {**RAW, **NAMES, **OTHER})


def make_tree(array):
    return xr.DataTree.from_dict({"/": xr.Dataset(), "/a/b": array.to_dataset()})


CONTAINERS = {
    "array": (lambda array: array, lambda result: result),
    "array-dask": (lambda array: array.chunk(time=3), lambda result: result),
    "dataset": (lambda array: array.to_dataset(), lambda result: result["t"]),
    "dataset-dask": (lambda array: array.chunk(time=3).to_dataset(), lambda result: result["t"]),
    "tree": (make_tree, lambda result: result["a/b/t"]),
}
containers = pytest.mark.parametrize("kind", CONTAINERS)


def same(attrs, expected):
    """Return whether attributes have the same names, types and values."""
    return {name: repr(attrs[name]) for name in attrs} == {
        name: repr(expected[name]) for name in expected
    }


@containers
def test_normalized_data_have_no_attributes_of_raw_values(kind):
    """Attributes of raw values and the standard name leave; units and the long name change."""
    wrap, get = CONTAINERS[kind]
    data = wrap(make_array())
    z = get(dn.adapt(data, over="time").normalize(data))
    np.testing.assert_allclose(z, Z, atol=1e-6)
    changed = {"units": "1", "long_name": "normalized temperature", "cell_methods": "time: point"}
    assert z.attrs == {**changed, **OTHER}
    assert same(get(data).attrs, {**RAW, **NAMES, **OTHER})


@containers
@pytest.mark.parametrize("suffix", ["", ".nc", ".zarr", ".json"])
def test_inverse_restores_all_attributes(tmp_path, kind, suffix):
    """Attributes come back from the statistics with their types, also from a file."""
    if suffix == ".nc":
        pytest.importorskip("h5netcdf")
    wrap, get = CONTAINERS[kind]
    data = wrap(make_array())
    stats = dn.adapt(data, over="time")
    if suffix:
        stats.save(tmp_path / f"s{suffix}")
        stats = dn.load(tmp_path / f"s{suffix}")
    restored = get(stats.inverse(stats.normalize(data)))
    np.testing.assert_allclose(restored, T, rtol=1e-6)
    assert same(restored.attrs, {**RAW, **NAMES, **OTHER})


def test_flags_of_an_array():
    """The values of flags are not those of normalized flags; Datasets leave flags out."""
    flags = {"flag_values": np.array([270, 280], "i2"), "flag_meanings": "cold warm"}
    data = make_array(**flags, units="1")
    stats = dn.adapt(data)
    z = stats.normalize(data)
    assert z.attrs == stats.mean.attrs == {"units": "1"}
    assert same(stats.inverse(z).attrs, data.attrs)


def test_the_layer_drops_and_restores_attributes():
    """A layer treats attributes like normalize and inverse."""
    layer = Normalization("x")
    layer.adapt(make_array())
    z = layer(make_array())
    assert not set(RAW) & set(z.attrs)
    back = Normalization.from_stats(layer.stats, invert=True)(z)
    assert same(back.attrs, {**RAW, **NAMES, **OTHER})


@needs("sklearn")
def test_the_scaler_drops_and_restores_attributes():
    """A scaler treats attributes like normalize and inverse."""
    scaler = sklearn.StandardScaler()
    z = scaler.fit_transform(make_array())
    assert not set(RAW) & set(z.attrs)
    assert same(scaler.inverse_transform(z).attrs, {**RAW, **NAMES, **OTHER})


def test_data_without_attributes_stay_without():
    """No attribute is invented for data that have none."""
    data = xr.DataArray(T, dims=("time", "x"), name="t")
    stats = dn.adapt(data)
    z = stats.normalize(data)
    attrs = [z.attrs, stats.inverse(z).attrs, stats.mean.attrs, stats.std.attrs, stats.count.attrs]
    assert attrs == [{}] * 5


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [
        ({"standard_name": "air_temperature"}, {"long_name": "normalized air_temperature"}),
        ({"long_name": ("red", "green")}, {"long_name": ("red", "green")}),
        ({"cell_methods": "time: mean (interval: 1 h) area: mean where land"}, "kept"),
        ({"cell_methods": "time: mean within years time: maximum over years"}, "kept"),
        ({"cell_methods": "time: lat: mean time: variance"}, {}),
        ({"cell_methods": "time: standard_deviation (interval: 1 h)"}, {}),
        ({"cell_methods": "time: sum"}, {}),
    ],
)
def test_names_and_cell_methods(attrs, expected):
    """Cell methods stay if an affine map of values is the method of mapped values."""
    data = make_array(**attrs)
    stats = dn.adapt(data)
    z = stats.normalize(data)
    assert z.attrs == (attrs if expected == "kept" else expected)
    assert stats.inverse(z).attrs == attrs


def test_cell_methods_of_transformed_data():
    """The logarithm of a mean is no mean of logarithms."""
    data = make_array(**NAMES)
    z = dn.adapt(data, dn.Transformed("log1p")).normalize(data)
    assert z.attrs == {"units": "1", "long_name": "normalized temperature"}


def test_statistics_without_names_leave_the_names_of_restored_data():
    """Given numbers restore no names; 'normalized' and units of 1 go, as they hold no more."""
    stats = dn.Stats.from_values(mean=280.0, std=2.0)
    z = stats.normalize(make_array(**NAMES, **OTHER))
    restored = stats.inverse(z)
    assert restored.attrs == {"cell_methods": "time: point", **OTHER}
    named = z.assign_attrs(long_name="a model's output", units="m")
    assert stats.inverse(named).attrs["long_name"] == "a model's output"
    assert stats.inverse(named).attrs["units"] == "m"


# -- results --------------------------------------------------------------------------------------


def result_attrs(name, method):
    return {
        "units": "K",
        "standard_name": "air_temperature",
        "long_name": name,
        "cell_methods": f"time: point time: {method}",
        **OTHER,
    }


@containers
def test_attributes_of_results(kind):
    """Results keep the standard name, with cell methods of CF; a count has none."""
    wrap, get = CONTAINERS[kind]
    statistics = [dn.Moments(), dn.Extrema()]
    stats = dn.adapt(wrap(make_array()), statistics, over="time")
    assert get(stats.mean).attrs == result_attrs("temperature", "mean")
    assert get(stats.max).attrs == result_attrs("temperature", "maximum")
    assert get(stats.std).attrs == result_attrs("std of temperature", "standard_deviation")
    variance = result_attrs("variance of temperature", "variance")
    assert get(stats.variance).attrs == {**variance, "units": "K2"}
    assert get(stats.count).attrs == {"units": "1", "long_name": "count of temperature", **OTHER}


def test_results_of_lazy_and_merged_statistics():
    """Cell methods name the dimensions that all runs reduced, in lazy statistics too."""
    data = make_array(**NAMES).chunk(time=2)
    for stats in (dn.adapt(data, compute=False), dn.adapt(data) + dn.adapt(data)):
        assert stats.std.attrs["cell_methods"] == "time: point time: x: standard_deviation"
    mixed = dn.adapt(data.isel(x=0), keep=()) + dn.adapt(data, keep=())
    expected = {"units": "K", "long_name": "std of temperature"}
    assert mixed.std.attrs == expected
    assert dn.adapt(data, by="time").std.attrs == expected


def test_results_of_transformed_data():
    """The mean of logarithms is no air temperature; other statistics of the values are."""
    data = make_array(**NAMES)
    stats = dn.adapt(data, [dn.Transformed("log1p"), dn.Extrema()])
    assert stats.mean.attrs == {"units": "log1p(K)", "long_name": "log1p(temperature)"}
    assert stats.std.attrs["long_name"] == "std of log1p(temperature)"
    assert stats.max.attrs["standard_name"] == "air_temperature"


def test_attributes_of_tendencies():
    """Differences are not in the valid range of values, and have another standard name."""
    stats = dn.adapt(make_array(), lag={"time": 1}).tendency()
    assert stats.mean.attrs == {"units": "K", "long_name": "change of temperature", **OTHER}
    changes = make_array().diff("time")
    restored = stats.inverse(stats.normalize(changes))
    np.testing.assert_allclose(restored, np.diff(T, axis=0), rtol=1e-5, atol=1e-5)
    assert not set(RAW) & set(restored.attrs)


def test_given_means_have_no_cell_methods():
    """The cell methods of a mean do not become those of restored data."""
    stats = dn.adapt(make_array(**NAMES), over="time")
    given = dn.Stats.from_values(mean=stats.mean, std=stats.std)
    data = make_array(**NAMES)
    assert given.inverse(given.normalize(data)).attrs == NAMES


def test_merged_statistics_drop_raw_attributes_that_differ():
    """The actual range of one part is not that of both; the first part's other attributes stay."""
    first = dn.adapt(make_array(actual_range=[1, 2], valid_range=[0, 9], history="a"))
    second = dn.adapt(make_array(actual_range=[1, 3], valid_range=[0, 9], units="K", history="b"))
    merged = {"valid_range": [0, 9], "units": "K"}
    z = make_array(units="1")
    assert (first + second).inverse(z).attrs == merged
    assert (second + first).inverse(z).attrs == merged


# -- files ----------------------------------------------------------------------------------------

PACKED = {"scale_factor": 0.01, "add_offset": 273.15, "_FillValue": np.int16(-32767)}


def write(data, path):
    if path.suffix == ".nc":
        data.to_netcdf(path, engine="h5netcdf")
    else:
        data.to_zarr(path, zarr_format=2, consolidated=False)


def read(path, **options):
    engine = "h5netcdf" if path.suffix == ".nc" else "zarr"
    more = {} if path.suffix == ".nc" else {"consolidated": False}
    with xr.open_dataset(path, engine=engine, **more, **options) as data:
        return data.load()


files = pytest.mark.parametrize(
    "suffix",
    [pytest.param(".nc", marks=needs("h5netcdf")), pytest.param(".zarr", marks=needs("zarr"))],
)


@files
@pytest.mark.parametrize("chunks", [{}, {"time": 2}])
def test_written_results_read_back(tmp_path, suffix, chunks):
    """Files of normalized data, restored data and statistics read back as they were written."""
    data = make_array().where(lambda t: t != 278).to_dataset().chunk(chunks)
    data = data.load() if not chunks else data
    stats = dn.adapt(data, over="time")
    z = stats.normalize(data)
    results = {"z": z, "restored": stats.inverse(z), "mean": stats.mean, "std": stats.std}
    for name, result in results.items():
        write(result, tmp_path / f"{name}{suffix}")
        np.testing.assert_array_equal(read(tmp_path / f"{name}{suffix}")["t"], result["t"])
    assert np.isfinite(z["t"]).sum() == 7


@files
def test_packed_numbers_are_unpacked_as_the_original(tmp_path, suffix):
    """Restored packed numbers have their packing again; z-scores, mean and std have none."""
    packed = np.array([[685, -315], [885, 485], [1085, 1285], [1685, -32767]], "i2")
    attrs = {**PACKED, "valid_range": np.array([-20000, 20000], "i2"), "units": "K"}
    data = xr.Dataset({"t": (("time", "x"), packed, attrs)})
    write(data, tmp_path / f"original{suffix}")
    original = read(tmp_path / f"original{suffix}")["t"]
    np.testing.assert_allclose(original[:3], T[:3], rtol=1e-5)
    opened = read(tmp_path / f"original{suffix}", mask_and_scale=False)
    with pytest.warns(UserWarning, match="packed integers"):
        stats = dn.adapt(opened, over="time")
    z = stats.normalize(opened)
    for name, result in {"z": z, "mean": stats.mean, "restored": stats.inverse(z)}.items():
        write(result, tmp_path / f"{name}{suffix}")
    expected = (original - original.mean("time")) / original.std("time")
    np.testing.assert_allclose(read(tmp_path / f"z{suffix}")["t"], expected, atol=1e-5)
    np.testing.assert_array_equal(read(tmp_path / f"mean{suffix}")["t"], stats.mean["t"])
    np.testing.assert_allclose(read(tmp_path / f"restored{suffix}")["t"], original, rtol=1e-6)


@files
def test_limits_of_packed_numbers_are_not_those_of_unpacked_values(tmp_path, suffix):
    """A valid range in a packed file is of packed numbers, which unpacked values may exceed."""
    attrs = {"valid_range": np.array([-2000, 100], "i2"), "actual_range": [270.0, 290.0]}
    data = make_array(**attrs, units="K").to_dataset()
    data["t"].encoding = {**PACKED, "dtype": "i2"}
    write(data, tmp_path / f"packed{suffix}")
    opened = read(tmp_path / f"packed{suffix}")
    assert "valid_range" in opened["t"].attrs
    stats = dn.adapt(opened)
    restored = stats.inverse(stats.normalize(opened))["t"]
    assert sorted(restored.attrs) == ["actual_range", "units"]


@files
def test_files_of_the_command_line(tmp_path, suffix):
    """The command line drops attributes from z-scores, and restores them."""
    source, stats, z, back = (tmp_path / f"{name}{suffix}" for name in ("t", "s", "z", "b"))
    attrs = {"valid_range": np.array([150, 350], "f4"), "GRIB_units": "K", **NAMES}
    write(make_array(**attrs).to_dataset(), source)
    succeed("adapt", source, "--over", "time", "-o", stats)
    succeed("normalize", source, stats, "-o", z)
    succeed("inverse", z, stats, "-o", back)
    changed = {"units": "1", "long_name": "normalized temperature", "cell_methods": "time: point"}
    assert read(z)["t"].attrs == changed
    np.testing.assert_allclose(read(z)["t"], Z, atol=1e-6)
    restored = read(back)["t"]
    np.testing.assert_allclose(restored, T, rtol=1e-6)
    np.testing.assert_array_equal(restored.attrs.pop("valid_range"), [150, 350])
    assert restored.attrs == {"GRIB_units": "K", **NAMES}


def test_nothing_is_computed_for_attributes():
    """Attributes need no values: normalizing lazy data reads nothing."""
    data = make_array().chunk(time=2)
    stats = dn.adapt(data)

    def fail(*args, **kwargs):
        raise AssertionError("computed")

    with dask.config.set(scheduler=fail):
        assert stats.inverse(stats.normalize(data)).attrs["units"] == "K"
