"""Fill values that nothing declares: found in one pass, and named in an error or warning."""

import warnings

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.optional import import_optional, needs

import dasknorm as dn
from dasknorm.layer import Normalization

FILL = 9.969209968386869e36
ROWS = np.array([[1.0, 5.0], [3.0, FILL], [2.0, FILL], [4.0, 7.0]])
FOUND = r"2 values of 9\.96921e\+36 in "
STATISTICS = {
    "Moments": (dn.Moments(), FOUND),
    "Quantiles": (dn.Quantiles(), FOUND),
    "few buckets": (dn.Quantiles(buckets=2), FOUND),
    "Extrema": (dn.Extrema(), r"values of 9\.96921e\+36 in "),
    "MaxAbs": (dn.MaxAbs(), r"values of 9\.96921e\+36 in "),
    "list": ([dn.Extrema(), dn.Moments(ddof=1)], FOUND),
    "log1p": (dn.Transformed("log1p"), r"or 9\.96921e\+36, the default fill of netCDF, in "),
    "sqrt": (
        dn.Transformed("sqrt", dn.Extrema()),
        r"9\.96921e\+36, the default fill of netCDF, in ",
    ),
}
dd, pl, pa = map(import_optional, ("dask.dataframe", "polars", "pyarrow"))


def frame(rows=ROWS):
    return pd.DataFrame(rows, columns=["a", "b"])


def dataset(rows=ROWS, **attrs):
    return xr.Dataset({"t": (("time", "lat"), rows, attrs)}, {"lat": [10, 20]})


CONTAINERS = {
    "NumPy": (lambda: ROWS, "the data at axis -1=1"),
    "float32": (lambda: ROWS.astype("f4"), "the data at axis -1=1"),
    "Dask": (lambda: da.from_array(ROWS, chunks=1), "the data at axis -1=1"),
    "pandas": (frame, "the data at b"),
    "DataArray": (lambda: dataset()["t"], "'t' at lat=20"),
    "Dataset": (dataset, "'t' at lat=20"),
    "chunks": (lambda: dataset().chunk(time=1), "'t' at lat=20"),
    "DataTree": (lambda: xr.DataTree.from_dict({"/sea": dataset()}), "'sea/t' at lat=20"),
}
if dd:
    CONTAINERS["Dask DataFrame"] = (lambda: dd.from_pandas(frame(), npartitions=2), "the data at b")
if pl:
    CONTAINERS["polars"] = (
        lambda: pl.DataFrame({"a": ROWS[:, 0], "b": ROWS[:, 1]}),
        "the data at b",
    )
if pa:
    CONTAINERS["Arrow"] = (lambda: pa.table({"a": ROWS[:, 0], "b": ROWS[:, 1]}), "the data at b")


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_the_default_fill_of_floats(container, statistic):
    """It raises an error in every container and statistic that counts it and says where it is."""
    make, where = CONTAINERS[container]
    spec, found = STATISTICS[statistic]
    keep = {"over": "time"} if "'" in where else {}
    with pytest.raises(ValueError, match=found + where):
        dn.adapt(make(), spec, **keep)


@pytest.mark.parametrize("container", CONTAINERS)
def test_other_front_ends(container):
    """update, check, batches, the layer and lazy statistics raise it too."""
    make, where = CONTAINERS[container]
    bad = make()
    keep = {"over": "time"} if "'" in where else {}
    axis = "lat" if "'" in where else "columns" if where.endswith(" b") else -1
    rows = np.where(ROWS < 9e36, ROWS, 6.0)
    good = {"at lat": dataset(rows), "at axis": rows, "at b": frame(rows)}[
        next(key for key in ("at lat", "at axis", "at b") if key in where)
    ]
    if container == "DataTree":
        good = xr.DataTree.from_dict({"/sea": good})
    elif container == "DataArray":
        good = good["t"]
    stats = dn.adapt(good, **keep)
    for act in (
        lambda: stats.update(bad),
        lambda: stats.check(bad),
        lambda: dn.adapt(iter([good, bad]), **keep),
        lambda: Normalization(axis=axis).adapt(bad),
    ):
        with pytest.raises(ValueError, match=FOUND):
            act()
    if container in ("Dask", "chunks"):
        with pytest.raises(ValueError, match=FOUND):
            dn.adapt(bad, **keep, compute=False).compute()


@pytest.mark.parametrize("chunks", [None, 1, 3])
@pytest.mark.parametrize("count", [1, 3, 1000, 99_999, 100_000])
def test_counts_are_exact(count, chunks):
    """Among other values of any size up to 1e20, the number of fill values is exact."""
    rng = np.random.default_rng(3)
    values = rng.normal(280, 20, 100_000) * 10.0 ** rng.integers(-20, 18, 100_000)
    values[rng.permutation(values.size)[:count]] = FILL
    data = values.astype("f4") if chunks is None else da.from_array(values, chunks=chunks * 20_000)
    noun = "value" if count == 1 else "values"
    with pytest.raises(
        ValueError, match=rf"^{count:,} {noun} of 9\.96921e\+36 in the data: netCDF"
    ):
        dn.adapt(data)


def test_groups_lags_weights_and_masks():
    """Groups and weights are counted, tendencies are not; masked fill values are no error."""
    data = dataset().assign_coords(g=("time", [0, 0, 1, 1]))
    with pytest.raises(ValueError, match=f"{FOUND}'t' at g=0, lat=20 and g=1, lat=20"):
        dn.adapt(data, over="time", by="g")
    with pytest.raises(ValueError, match=f"{FOUND}'t' at lat=20: netCDF"):
        dn.adapt(data, over="time", lag={"time": 1})
    weights = xr.DataArray([1.0, 0.5, 0.25, 2.0], dims="time")
    with pytest.raises(ValueError, match=r"^values of 9\.96921e\+36 in 't' at lat=20"):
        dn.adapt(data, over="time", weights=weights)
    assert dn.adapt(data, over="time", where=data["t"] < 9e36).mean["t"].values.tolist() == [2.5, 6]


def test_the_advice_works():
    """A declared fill value is masked, and so is one replaced by NaN."""
    data = dataset()
    with pytest.raises(ValueError, match=r"write ds\['t'\]\.attrs\['_FillValue'\] = 9\.9692099683"):
        dn.adapt(data)
    data["t"].attrs["_FillValue"] = 9.969209968386869e36
    assert dn.adapt(data, over="time").mean["t"].values.tolist() == [2.5, 6]
    data = dataset()
    assert dn.adapt(data.where(data < 9e36), over="time").mean["t"].values.tolist() == [2.5, 6]
    assert dn.adapt(np.where(ROWS < 9e36, ROWS, np.nan)).mean.tolist() == [2.5, 6]


@needs("h5netcdf")
@pytest.mark.parametrize("chunks", [None, {"time": 1}])
@pytest.mark.parametrize(
    ("dtype", "fill"),
    [("f4", FILL), ("f8", FILL), ("i4", -2147483647), ("i8", -(2**63) + 2), ("u8", 2**64 - 2)],
)
def test_files_without_fill_value(tmp_path, chunks, dtype, fill):
    """Files like those that netCDF4 writes from masked arrays, without _FillValue."""
    data = xr.Dataset({"t": ("time", np.array([1, fill, 3, fill], dtype))})
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf", encoding={"t": {"_FillValue": None}})
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf", chunks=chunks) as opened:
        with pytest.raises(ValueError, match=r"^2 values of .* in 't': netCDF stores"):
            dn.adapt(opened)
        opened["t"].attrs["_FillValue"] = fill
        assert float(dn.adapt(opened).mean["t"]) == 2


@pytest.mark.parametrize("chunks", [None, 1])
@pytest.mark.parametrize(
    ("dtype", "fill"),
    [("i4", -2147483647), (">i4", -2147483647), ("i8", -(2**63) + 2), ("u8", 2**64 - 2)],
)
def test_integers(dtype, fill, chunks):
    """The default fill of wide integers raises an error, unless the encoding says it is data."""
    data = xr.DataArray(np.array([3, 5, fill], dtype), dims="x", name="n")
    data = data if chunks is None else data.chunk(x=chunks)
    with pytest.raises(ValueError, match=rf"^1 value of {fill} in 'n': .* for missing u?int\d\d"):
        dn.adapt(data)
    with pytest.raises(ValueError, match=r"data, write data\.encoding\['_FillValue'\] = None$"):
        dn.adapt(data.rename(None))
    data.encoding["_FillValue"] = None
    assert float(dn.adapt(data, dn.Extrema()).min) == float(min(fill, 3))
    del data.encoding["_FillValue"]
    data.attrs["_FillValue"] = fill
    assert float(dn.adapt(data).mean) == 4


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("i1", -127), ("u1", 255), ("i2", -32767), ("u2", 65535), ("u4", 2**32 - 1)],
)
def test_narrow_integers_are_data(dtype, value):
    """Audio and saturated sensors contain these numbers, so they stay values."""
    data = xr.DataArray(np.array([1, value], dtype), dims="x", name="n")
    for array in (data, data.chunk(x=1)):
        assert float(dn.adapt(array).mean) == (1 + value) / 2


@needs("h5netcdf")
@pytest.mark.parametrize("chunks", [None, {"x": 2}])
@pytest.mark.parametrize("dtype", ["i2", "u2", "i4"])
@pytest.mark.parametrize(
    "packing",
    [
        {"scale_factor": 0.01},
        {"scale_factor": np.float32(0.1), "add_offset": 273.15},
        {"scale_factor": 1.0, "add_offset": 0.0},
    ],
)
def test_packed_files(tmp_path, dtype, packing, chunks):
    """The default fill of packed integers is found after xarray has decoded it."""
    fill = {"i2": -32767, "u2": 65535, "i4": -2147483647}[dtype]
    packed = xr.Dataset({"t": ("x", np.array([100, 200, fill, fill, 300], dtype), packing)})
    packed.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    data = xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf", chunks=chunks)
    assert data["t"].dtype.kind == "f"
    with pytest.raises(
        ValueError, match=r"^2 values of \S+ in 't': .* for missing u?int\d\d"
    ) as told:
        dn.adapt(data)
    code = str(told.value).partition("write ")[2].partition(";")[0]
    exec(code, {"ds": data})
    decoded = data["t"].values[[0, 1, 4]].astype("f8")
    np.testing.assert_allclose(dn.adapt(data).mean["t"], decoded.mean(), rtol=1e-12)


@needs("zarr")
@pytest.mark.parametrize("chunks", [None, {}])
def test_zarr_arrays_with_fill_value_0(tmp_path, chunks):
    """Zeros that xarray masks raise an error for floats and give a warning for integers."""
    import zarr

    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    for name, dtype in (("rain", "f4"), ("counts", "u2")):
        array = group.create_array(name, shape=(6,), chunks=(3,), dtype=dtype, fill_value=0)
        array[:] = [0, 0, 1, 2, 0, 3]
        array.attrs["_ARRAY_DIMENSIONS"] = ["time"]
    how = {"consolidated": False, "chunks": chunks}
    data = xr.open_zarr(tmp_path / "a.zarr", **how)
    raw = xr.open_zarr(tmp_path / "a.zarr", mask_and_scale=False, **how)
    parts = (data[["rain"]], data["rain"], data[["rain"]].isel(time=slice(0, 5)), raw["rain"])
    for part in parts:
        with pytest.raises(
            ValueError, match=r"^3 missing values in 'rain': zeros are read as missing"
        ):
            dn.adapt(part)
    assert float(dn.adapt(data["rain"].isel(time=[2, 3])).mean) == 1.5
    for counts in (data["counts"], raw["counts"]):
        with pytest.warns(
            UserWarning, match=r"^3 missing values in 'counts': zeros are read as missing"
        ):
            assert float(dn.adapt(counts).mean) == 2
    assert float(dn.adapt(data["rain"].fillna(0)).mean) == 1
    for ds in (data, raw):
        ds["rain"].encoding["missing_value"] = 0
        assert float(dn.adapt(ds["rain"]).mean) == 2
    raw = xr.open_zarr(tmp_path / "a.zarr", decode_cf=False, **how)
    del raw["rain"].attrs["_FillValue"]
    ds = xr.decode_cf(raw)
    assert float(dn.adapt(ds["rain"]).mean) == 1


@needs("zarr")
@pytest.mark.parametrize("mask_and_scale", [True, False])
def test_another_missing_value_declares_no_zeros(tmp_path, mask_and_scale):
    """An attribute missing_value = -1, copied to a Zarr array, says nothing about its zeros."""
    import zarr

    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    array = group.create_array("rain", shape=(6,), chunks=(3,), dtype="f4", fill_value=0)
    array[:] = [0, 0, 1, 2, -1, 3]
    array.attrs.update({"_ARRAY_DIMENSIONS": ["time"], "missing_value": -1.0})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*multiple fill values")
        how = {"consolidated": False, "mask_and_scale": mask_and_scale}
        ds = xr.open_zarr(tmp_path / "a.zarr", **how).load()
    with pytest.raises(ValueError, match=r"^3 missing values in 'rain': zeros are read as"):
        dn.adapt(ds)
    ds["rain"].encoding["missing_value"] = 0
    assert float(dn.adapt(ds).mean["rain"]) == 2


@needs("zarr", "h5netcdf")
def test_attributes_that_declare_zero_are_followed(tmp_path):
    """In netCDF and Zarr 3, somebody has written _FillValue = 0, so zeros are missing."""
    data = xr.Dataset({"t": ("time", np.array([0.0, 1, 3]))})
    data["t"].encoding["_FillValue"] = 0.0
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    data.to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False)
    for opened in (
        xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf"),
        xr.open_zarr(tmp_path / "a.zarr", consolidated=False),
    ):
        assert float(dn.adapt(opened).mean["t"]) == 2


@pytest.mark.parametrize("fill", [1e20, 9.999e20, 1e30, 1e36, 3.4028235e38, -3.4028235e38, -9e33])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("statistic", [dn.Moments(), dn.Quantiles(), [dn.Extrema(), dn.Moments()]])
def test_other_large_numbers(fill, dtype, statistic):
    """Numbers that often stand for missing values give one warning; constant data give none."""
    rows = np.array([[1.0, 5.0], [3.0, fill], [2.0, fill], [4.0, 7.0]], dtype)
    with pytest.warns(
        UserWarning, match=r"^2 values of \S+ in the data at axis -1=1: this"
    ) as told:
        dn.adapt(rows, statistic)
    assert len(told) == 1
    constant = np.array([[1.0, fill], [3.0, fill]], dtype)
    assert dn.adapt(constant, dn.Moments()).mean[1] == np.dtype(dtype).type(fill)


def test_large_numbers_in_more_data():
    """Data to update with or to check give the warning of `adapt`, once."""
    clean, doubtful = np.array([1.0, 2, 3]), np.array([1.0, 2, 1e20])
    stats = dn.adapt(clean)
    for use in (
        lambda: stats.update(doubtful),
        lambda: stats.check(doubtful),
        lambda: stats.update(iter([clean, doubtful])),
        lambda: dn.adapt(iter([doubtful, clean])),
        lambda: dn.adapt(iter([doubtful])),
    ):
        with pytest.warns(UserWarning, match=r"^1 value of 1e\+20 in the data: this num") as told:
            use()
        assert len(told) == 1


def test_large_numbers_that_are_data():
    """Data of that size, or with an outlier of another size, give no warning."""
    rng = np.random.default_rng(5)
    for scale in (1e20, 1e30, 1e36, FILL):
        dn.adapt(rng.random((1000, 3)) * scale)
        dn.adapt(np.append(rng.random(1000), 1.1 * scale))


@needs("click", "rich", "h5netcdf")
def test_command_line(tmp_path):
    """The command line prints the error in one line, and fails."""
    from support.cli_inputs import fail

    dataset().to_netcdf(tmp_path / "a.nc", engine="h5netcdf", encoding={"t": {"_FillValue": None}})
    line = fail("adapt", tmp_path / "a.nc", "-o", tmp_path / "s.nc")
    assert "2 values of 9.96921e+36 in 't': netCDF stores this number for missing floats" in line
    frame().to_csv(tmp_path / "a.csv", index=False)
    assert "2 values of 9.96921e+36" in fail("adapt", tmp_path / "a.csv", "-o", tmp_path / "s.nc")
