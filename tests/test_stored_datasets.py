"""Datasets as they are stored: packed, mixed, with missing coordinates, and written again."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support.optional import needs

import dasknorm as dn

PACKING = {"dtype": "int16", "scale_factor": 0.01, "add_offset": 273.0, "_FillValue": -32768}
FORMATS = [
    pytest.param("zarr", marks=needs("zarr")),
    pytest.param("h5netcdf", marks=needs("h5netcdf", "h5py")),
]


def write(data: xr.Dataset, path: Path, engine: str, **how: Any) -> None:
    if engine == "zarr":
        data.to_zarr(path, consolidated=False, **how)
    else:
        data.to_netcdf(path, engine=engine, **how)


def reopened(path: Path, engine: str) -> xr.Dataset:
    how = {"consolidated": False} if engine == "zarr" else {}
    with xr.open_dataset(path, engine=engine, **how) as data:
        return data.load()


@pytest.mark.parametrize("engine", FORMATS)
@pytest.mark.parametrize("loaded", [True, False])
def test_packing_is_not_written_again(engine: str, loaded: bool, tmp_path: Path) -> None:
    """Data read from int16 are written as floats: scores and restored data lose no digit."""
    values = np.random.default_rng(0).normal(280.0, 20.0, (40, 3)).round(2)
    values[3, 1] = np.nan
    data = xr.Dataset({"t": (("time", "lev"), values, {"units": "K"})}, {"lev": [1, 2, 3]})
    write(data, tmp_path / "packed", engine, encoding={"t": PACKING})
    how = {"consolidated": False} if engine == "zarr" else {}
    with xr.open_dataset(tmp_path / "packed", engine=engine, **how) as packed:
        assert packed["t"].encoding["dtype"] == np.int16
        source = packed.load() if loaded else packed
        stats = dn.adapt(source, keep="lev")
        z = stats.normalize(source)
        write(z, tmp_path / "z", engine)
        z_again = reopened(tmp_path / "z", engine)
        xr.testing.assert_identical(z_again, z.compute())
        assert z_again["t"].attrs["units"] == "1"
        write(stats.inverse(z_again), tmp_path / "back", engine)
        back = reopened(tmp_path / "back", engine)
        np.testing.assert_allclose(back["t"], values, rtol=1e-12)
        assert back["t"].attrs["units"] == "K"
        assert packed["t"].encoding["scale_factor"] == 0.01, "the source's is its own"


@needs("zarr")
def test_longitude_0_that_became_nan(tmp_path: Path) -> None:
    """Zarr's fill value 0 turns a coordinate's 0.0 into NaN: it is named, with the reason."""
    import zarr

    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    values = {"lon": np.arange(4) * 90.0, "t": np.arange(1.0, 13.0).reshape(3, 4)}
    for name, dims in {"lon": ["lon"], "t": ["time", "lon"]}.items():
        stored = group.create_array(
            name,
            shape=values[name].shape,
            dtype="f8",
            fill_value=0.0,
            attributes={"_ARRAY_DIMENSIONS": dims},
        )
        stored[...] = values[name]
    data = xr.open_dataset(tmp_path / "a.zarr", engine="zarr", consolidated=False)
    assert np.isnan(data["lon"][0]), "or there was nothing to test"
    message = r"NaN among the labels along 'lon'.* at \[0\] of 4.*fill value is 0.*assign_coords"
    with pytest.raises(dn.MismatchError, match=message):
        dn.adapt(data, keep="lon")
    assert float(dn.adapt(data).mean["t"]) == 6.5, "merged away, labels do not matter"
    mended = data.assign_coords(lon=data["lon"].fillna(0.0))
    stats = dn.adapt(mended, keep="lon")
    with pytest.raises(dn.MismatchError, match=r"along 'lon'.*fill value is 0"):
        stats.normalize(data)
    np.testing.assert_array_equal(stats.mean["t"], values["t"].mean(axis=0))


MIXED = {
    "f4": np.array([1.5, 2.5, np.nan, 4.5], "f4"),
    "f8": np.array([1e9, 1e9 + 1, 1e9 + 2, np.nan]),
    "i2": np.array([-3, 0, 2, 30000], "i2"),
    "u1": np.array([0, 255, 3, 4], "u1"),
    "i8": np.array([2**53, 2**53 + 1, 2**53 + 2, 2**53 + 3]),
    "flag": np.array([True, False, True, True]),
    "constant": np.full(4, 0.1, "f4"),
    "constant_with_holes": np.array([7.0, np.nan, 7.0, 7.0]),
    "name": np.array(list("abcd")),
    "when": np.arange(4).astype("M8[D]").astype("M8[ns]"),
}
OUT = {"f4": "f4", "f8": "f8", "i2": "f4", "u1": "f4", "i8": "f8", "flag": "f4", "constant": "f4"}


@pytest.mark.parametrize("chunks", [None, 1, 3])
def test_variables_of_every_dtype(chunks: int | None) -> None:
    """Each variable keeps its dtype; constants become exactly 0, other variables are unchanged."""
    data = xr.Dataset({name: ("time", values) for name, values in MIXED.items()})
    data = data if chunks is None else data.chunk(time=chunks)
    stats = dn.adapt(data, over="time")
    z = stats.normalize(data)
    for name, out in OUT.items():
        values = MIXED[name][MIXED[name] == MIXED[name]]
        shifted = values.astype("f8") if name != "i8" else values - 2**53
        spread = shifted.astype("f8").std()
        expected = (shifted - shifted.astype("f8").mean()) / (spread if spread > 1e-9 else 1.0)
        assert z[name].dtype == out
        result = z[name].values[~np.isnan(z[name].values)]
        np.testing.assert_allclose(result, expected, rtol=1e-6 if out == "f4" else 1e-9, atol=1e-15)
        assert float(stats.count[name]) == len(values)
    assert not z["constant"].values.any()
    assert z["constant_with_holes"].values[[0, 2, 3]].tolist() == [0.0] * 3
    assert np.isnan(z["constant_with_holes"].values[1])
    xr.testing.assert_identical(z[["name", "when"]].compute(), data[["name", "when"]].compute())


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_float64_statistics_leave_the_dtype(dtype: str) -> None:
    """Weights and statistics in float64 do not turn smaller floats into float64."""
    data = xr.DataArray(np.arange(12.0, dtype=dtype).reshape(4, 3), dims=("time", "lat"), name="t")
    weights = xr.DataArray([0.5, 1.0, 0.25], dims="lat")
    stats = dn.adapt(data, weights=weights, over=("time", "lat"))
    assert stats.mean.dtype == np.dtype("f8")
    assert stats.normalize(data).dtype == stats.inverse(stats.normalize(data)).dtype == dtype
    given = dn.Stats.from_values(mean=np.float64(5.0), std=np.float64(2.0))
    assert given.normalize(data).dtype == dtype
