"""Missing values that attributes of xarray objects declare, in data that were not decoded."""

import json

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from support.optional import needs

import dasknorm as dn
from dasknorm.layer import Normalization

MASKED = np.array([[100, np.nan], [np.nan, 98], [102, 96], [104, 94.0]])
DTYPES = ["i2", "i4", "i8", "f4", "f8", ">i2", ">f4"]
KINDS = ["array", "dataset", "tree"]
ATTRIBUTES = [
    {"_FillValue": -9999},
    {"missing_value": -9999.0},
    {"missing_value": "-9999"},
    {"_FillValue": np.int16(-9999), "missing_value": np.array([-9999, -8888.0])},
    {"_FillValue": np.nan, "missing_value": [-9999, 1e300]},
]


def make_array(dtype="i2", fill=-9999, chunks=None, **attrs):
    """Return an elevation with two missing values, as a reader that decodes nothing returns it."""
    values = np.where(np.isnan(MASKED), fill, MASKED).astype(dtype)
    array = xr.DataArray(values, dims=("time", "x"), name="elevation")
    array.attrs = attrs or {"_FillValue": values.dtype.type(fill)}
    return array if chunks is None else array.chunk(time=chunks)


def wrap(array, kind):
    """Return an array in a container."""
    if kind == "array":
        return array
    data = array.to_dataset()
    return xr.DataTree.from_dict({"/land": data}) if kind == "tree" else data


def values_of(result):
    """Return the only array in a container."""
    if isinstance(result, xr.DataTree):
        return result["land/elevation"].values
    return (result["elevation"] if isinstance(result, xr.Dataset) else result).values


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("chunks", [None, 1, 3])
def test_declared_numbers_are_missing(kind, dtype, chunks):
    """adapt, update, check, normalize and inverse treat the numbers in attributes as missing."""
    data = wrap(make_array(dtype, chunks=chunks), kind)
    stats = dn.adapt(data, over="time")
    np.testing.assert_array_equal(values_of(stats.mean), [102, 96])
    np.testing.assert_array_equal(values_of(stats.count), [3, 3])
    np.testing.assert_array_equal(values_of(stats.update(data).count), [6, 6])
    row = stats.check(data).table.iloc[0]
    assert (row["z_mean"], row["count"], row["missing"]) == (0, 6, 0.25)
    expected = (MASKED - [102, 96]) / np.sqrt(8 / 3)
    z = stats.normalize(data)
    np.testing.assert_allclose(values_of(z), expected, rtol=1e-6)
    small = np.dtype(dtype).itemsize == 2 or dtype.endswith("f4")
    assert values_of(z).dtype == ("f4" if small else "f8")
    np.testing.assert_allclose(values_of(stats.inverse(z)), MASKED, rtol=1e-6)


@pytest.mark.parametrize("attrs", ATTRIBUTES, ids=str)
@pytest.mark.parametrize("chunks", [None, 2])
def test_attributes_of_all_forms(attrs, chunks):
    """A declared number may be a scalar, an array or text; others of another dtype are ignored."""
    stats = dn.adapt(make_array(chunks=chunks, **attrs), over="time")
    np.testing.assert_array_equal(stats.mean, [102, 96])


@pytest.mark.parametrize(
    "attrs", [{"_FillValue": "none"}, {"missing_value": 0.5}, {}, {"a": -9999}]
)
def test_attributes_that_declare_nothing(attrs):
    """Text, numbers that the dtype cannot hold, and other attributes leave all values as data."""
    data = make_array(**{"units": "m", **attrs})
    assert float(dn.adapt(data).mean) == data.values.mean()


def test_attributes_of_any_shape_are_read():
    """The JSON of Zarr may have lists in lists; large integers are compared with all digits."""
    assert float(dn.adapt(make_array(missing_value=[[1], [2, 3]])).count) == 8
    large = xr.DataArray(np.array([2**62, 2**62 - 1, 2**62 - 2]), dims="x")
    assert float(dn.adapt(large.assign_attrs(missing_value=[np.int64(2**62)])).count) == 2


def test_numbers_are_compared_in_the_dtype_of_the_data():
    """The number -9999.9 in float64 declares the nearest float32 as missing."""
    data = make_array("f4", np.float32(-9999.9), _FillValue=np.float64(-9999.9))
    np.testing.assert_array_equal(dn.adapt(data, over="time").mean, [102, 96])


def test_blocks_without_missing_values_are_unchanged():
    """64-bit integers keep all their digits, and lazy data the dtype of results."""
    values = np.array([[2**60 + 1], [2**60 + 3]])
    data = xr.DataArray(values, dims=("t", "x"), name="n", attrs={"_FillValue": -1})
    for array in (data, data.chunk(t=1)):
        stats = dn.adapt(array, dn.Extrema(), over="t")
        assert stats.normalize(array).values.tolist() == [[0], [1]]
    lazy = make_array(chunks=1)
    assert dn.adapt(lazy).normalize(lazy).dtype == dn.adapt(lazy).normalize(lazy).compute().dtype


@pytest.mark.parametrize("chunks", [None, 1, 3])
@pytest.mark.parametrize("dtype", ["i2", "i8", "f4"])
def test_groups_lags_weights_and_masks(chunks, dtype):
    """Groups, tendencies, weights and masks see missing values too."""
    raw, true = make_array(dtype, chunks=chunks), make_array("f8").copy(data=MASKED)
    group = ("time", [1, 1, 2, 2])
    weights = xr.DataArray([1.0, 2, 3, 4], dims="time")
    for how in (
        {"by": "g"},
        {"lag": {"time": 1}},
        {"weights": weights},
        {"where": weights > 1},
    ):
        stats, expected = (
            dn.adapt(data.assign_coords(g=group), over="time", **how) for data in (raw, true)
        )
        for name in ("mean", "std", "count"):
            np.testing.assert_allclose(stats.result(name), expected.result(name), rtol=1e-12)
        if "lag" in how:
            np.testing.assert_array_equal(stats.tendency().mean, expected.tendency().mean)
        grouped = raw.assign_coords(g=group)
        z = expected.normalize(true.assign_coords(g=group))
        np.testing.assert_allclose(stats.normalize(grouped).values, z.values, rtol=1e-6)


@pytest.mark.parametrize("chunks", [None, 1])
def test_layer_and_lazy_statistics(chunks):
    """The layer, and statistics that are computed later, skip them as well."""
    data = make_array(chunks=chunks)
    layer = Normalization(axis=-1)
    layer.adapt(data)
    np.testing.assert_array_equal(np.isnan(layer(data).values), np.isnan(MASKED))
    stats = dn.adapt(data, over="time", compute=False).compute()
    np.testing.assert_array_equal(stats.mean, [102, 96])


@needs("sklearn")
def test_scaler():
    """The scaler for scikit-learn skips them as well."""
    from dasknorm.sklearn import StandardScaler

    np.testing.assert_array_equal(StandardScaler().fit(make_array()).mean_, [102, 96])


def test_description(tmp_path):
    """The description names the numbers, the variables and the attributes, also after a merge."""
    data = make_array().to_dataset().assign(slope=make_array(fill=255, missing_value=[255, 254]))
    stats = dn.adapt(data)
    text = (
        "Values of -9999 in elevation (attribute _FillValue) and 255 and 254 in slope (attribute "
        "missing_value) were treated as missing."
    )
    assert stats.describe().endswith(text)
    (stats + stats).save(tmp_path / "s.json")
    assert dn.load(tmp_path / "s.json").describe().endswith(text)
    assert (
        stats.select(["slope"])
        .describe()
        .endswith(
            "Values of 255 and 254 in slope (attribute missing_value) were treated as missing."
        )
    )
    assert "treated as missing" not in dn.adapt(make_array("f8", units="m")).describe()


@needs("click", "rich", "h5netcdf")
def test_command_line_names_them(tmp_path):
    """``show`` prints the numbers; the files are decoded by xarray, or not."""
    from support.cli_inputs import succeed

    dn.adapt(make_array().to_dataset()).save(tmp_path / "s.json")
    assert "  missing elevation -9999 (_FillValue)" in succeed("show", tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text())


@pytest.mark.parametrize("chunks", [None, 2])
def test_packed_integers(chunks):
    """Packed integers are warned of once, and their declared numbers are masked."""
    data = make_array(chunks=chunks, _FillValue=-9999, scale_factor=0.1, add_offset=0.0)
    with pytest.warns(
        UserWarning, match="'elevation' has packed integers .*mask_and_scale"
    ) as told:
        stats = dn.adapt(data, over="time")
    assert len(told) == 1
    np.testing.assert_array_equal(stats.mean, [102, 96])
    neutral = make_array(_FillValue=-9999, scale_factor=1.0, add_offset=0, _Unsigned="false")
    dn.adapt(neutral)
    signed = xr.DataArray(np.array([1, 3, -56, -1], "i1"), dims="x", name="elevation")
    with pytest.warns(UserWarning, match="'elevation' has packed .* or _Unsigned"):
        dn.adapt(signed.assign_attrs(_FillValue=-1, _Unsigned="true"))


@pytest.mark.parametrize("chunks", [None, 2])
def test_packed_integers_with_statistics_of_decoded_data(chunks):
    """Packed data give a warning, unless the statistics are of packed data as well."""
    packed = make_array(chunks=chunks, _FillValue=-9999, scale_factor=0.1)
    decoded = xr.decode_cf(packed.to_dataset())["elevation"]
    stats = dn.adapt(decoded, over="time")
    expected = (MASKED - [102, 96]) / np.sqrt(8 / 3)
    np.testing.assert_allclose(values_of(stats.normalize(decoded)), expected, atol=1e-6)
    message = "'elevation' has packed integers .* statistics are of data without"
    with pytest.warns(UserWarning, match=message):
        stats.normalize(packed)
    with pytest.warns(UserWarning, match="statistics are of packed numbers"):
        raw_stats = dn.adapt(packed, over="time")
    np.testing.assert_allclose(values_of(raw_stats.normalize(packed)), expected, atol=1e-6)
    raw_stats.inverse(raw_stats.normalize(packed))


@needs("h5netcdf")
@pytest.mark.parametrize("chunks", [None, {"time": 1}])
def test_decoded_and_raw_files_agree(tmp_path, chunks):
    """A file opened with mask_and_scale=False has the statistics of the decoded one."""
    make_array("f4", _FillValue=np.float32(-9999)).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    raw, decoded = (
        xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf", chunks=chunks, mask_and_scale=scale)
        for scale in (False, True)
    )
    assert dn.adapt(raw, over="time") == dn.adapt(decoded, over="time")
    assert raw["elevation"].attrs["_FillValue"] == -9999


def test_nothing_is_computed_or_changed(nothing_computes):
    """Masking is lazy, and the data and their attributes stay as they are."""
    data = xr.DataArray(da.zeros((4, 2), chunks=1, dtype="i2"), dims=("t", "x"))
    data.attrs["_FillValue"] = 0
    stats = dn.Stats.from_values(mean=1.0, std=2.0)
    assert stats.normalize(data).dtype == "f4"
    assert data.attrs == {"_FillValue": 0}
