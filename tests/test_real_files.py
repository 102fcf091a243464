"""Real files of many kinds, by name: adapt, normalize, inverse, save, load, export.

The files come in Python packages (iris-sample-data, xarray, esmvaltool-sample-data). Further files
are read from the folders in the environment variable ``DASKNORM_SAMPLES``, separated by ``:``: the
samples in cfgrib's source (``tests/sample-data``), and the TIFFs in rioxarray's repository
(``test/test_data/input``). cfgrib and rioxarray need an environment each, as processes that import
both crash at their end: ``make test-formats``.
"""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from support.cli_inputs import fail, succeed
from support.optional import needs

import dasknorm as dn

pytestmark = [needs("h5netcdf", "h5py", "rich"), pytest.mark.filterwarnings("ignore")]

ENGINES = {".grib": "cfgrib", ".grib2": "cfgrib", ".tif": "rasterio", ".tiff": "rasterio"}
SEVERAL_GRIDS = (
    "different",
    "mix",
    "multi_param",
    "hpa_and_pa",
    "cfrzr",
    "t_analysis",
    "tp_on",
    "egg4",
)
"""Parts of the names of GRIB files that cfgrib opens only with a filter."""

DAMAGED = ("corrupted", "wrong_increment")
"""Parts of the names of GRIB files that were damaged on purpose."""


def _package_files(package: str, pattern: str) -> Iterator[Path]:
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or []:
        yield from sorted(Path(folder).glob(pattern))


def _files() -> list[Path]:
    """Return all files that are on this machine."""
    found = [
        *_package_files("iris_sample_data", "sample_data/**/*.nc"),
        *_package_files("xarray", "tests/data/*.nc"),
        *_package_files("xarray", "tests/data/*.grib"),
        *_package_files("iris_sample_data", "sample_data/*.grib2"),
        *_package_files("esmvaltool_sample_data", "**/Amon/**/*_C*ESM*1850*.nc"),
        *_package_files("esmvaltool_sample_data", "**/day/**/*CESM2_*.nc"),
    ]
    folders = filter(None, os.environ.get("DASKNORM_SAMPLES", "").split(":"))
    found += [path for folder in folders for path in sorted(Path(folder).iterdir())]
    suffixes = (".nc", *ENGINES)
    return [
        file
        for file in found
        if file.suffix in suffixes
        and not any(part in file.name for part in (*SEVERAL_GRIDS, *DAMAGED))
    ]


FILES = _files()


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    """Return one file; skip it where its library is not installed."""
    file: Path = request.param
    library = {"rasterio": "rioxarray"}.get(ENGINES.get(file.suffix, ""), ENGINES.get(file.suffix))
    if library and not importlib.util.find_spec(library):
        pytest.skip(f"needs {library}")
    return file


def opened(path: Path) -> xr.Dataset:
    """Open a file as a user would."""
    engine = ENGINES.get(path.suffix)
    try:
        return xr.open_dataset(path, engine=engine)
    except ValueError:  # times that are no dates
        return xr.open_dataset(path, engine=engine, decode_times=False)


def has_numbers(data: xr.Dataset) -> bool:
    """Return whether a variable has real numbers."""
    return any(variable.dtype.kind in "iuf" for variable in data.data_vars.values())


def has_undeclared_fills(data: xr.Dataset) -> bool:
    """Return whether NetCDF's default fill value occurs among the values."""
    return any(
        variable.dtype.kind == "f" and bool((variable > 9.9e36).any())
        for variable in data.data_vars.values()
    )


def without_fills(data: xr.Dataset) -> xr.Dataset:
    """Return data with NaN in place of NetCDF's default fill value."""
    return data.map(lambda v: v.where(v < 9e36) if v.dtype.kind == "f" else v, keep_attrs=True)


def test_in_python(path: Path, tmp_path: Path) -> None:
    """Statistics are those of float64 NumPy; what is normalized comes back, also from files."""
    data = opened(path)
    if has_undeclared_fills(data):
        with pytest.raises(ValueError, match=r"9\.96921e\+36"):
            dn.adapt(data)
        data = without_fills(data)
    if not has_numbers(data):
        with pytest.raises(TypeError, match="no numeric variables"):
            dn.adapt(data)
        return
    stats = dn.adapt(data)
    z = stats.normalize(data)
    back = stats.inverse(z)
    assert set(z.data_vars) == set(data.data_vars)
    names = list(stats.states)
    assert names
    for name in names:
        check_variable(data[name], z[name], back[name], stats.select([name]))
    for suffix in (".nc", ".json", ".zarr"):
        file = tmp_path / f"stats{suffix}"
        stats.save(file)
        assert dn.load(file) == stats
    stats.export(tmp_path / "stats.csv", "csv")
    check_written(z[names], tmp_path / "z.nc")
    check_written(back[names], tmp_path / "back.nc")


def check_variable(x: xr.DataArray, z: xr.DataArray, back: xr.DataArray, stats: dn.Stats) -> None:
    """Compare the statistics of one variable with NumPy's, and its inverse with the original."""
    declared = [x.attrs.get(key) for key in ("_FillValue", "missing_value") if key in x.attrs]
    values = x.values.astype("f8")
    for value in declared:
        values = np.where(x.values == np.asarray(value), np.nan, values)
    mean, std = (float(result[x.name]) for result in (stats.mean, stats.std))
    np.testing.assert_allclose(mean, np.nanmean(values), rtol=1e-12, atol=1e-14 * np.nanstd(values))
    np.testing.assert_allclose(std, np.nanstd(values), rtol=1e-9, atol=1e-12 * abs(mean))
    np.testing.assert_array_equal(np.isnan(z.values), np.isnan(values))
    eps = np.finfo(z.dtype).eps
    error = np.abs(back.values.astype("f8") - values) / np.maximum(np.abs(values), std or 1)
    assert np.nanmax(error, initial=0) <= 4 * eps
    assert back.attrs.get("units") == x.attrs.get("units")
    assert back.attrs.get("standard_name") == x.attrs.get("standard_name")


def check_written(data: xr.Dataset, file: Path) -> None:
    """Check that a file that xarray writes reads back to the same values."""
    plain = data.drop_vars([n for n in data.coords if n not in data.dims])
    plain.to_netcdf(file, engine="h5netcdf")
    with xr.open_dataset(file, engine="h5netcdf") as read:
        for name in data.data_vars:
            np.testing.assert_array_equal(read[name].values, data[name].values)


def test_in_the_shell(path: Path, tmp_path: Path) -> None:
    """The command line computes the numbers of Python from the same file, and inverts them."""
    data = opened(path)
    statistics, z, back = (tmp_path / name for name in ("stats.nc", "z.nc", "back.nc"))
    options = ["--missing", "9.96921e36"] if has_undeclared_fills(data) else []
    if options:
        assert "9.96921e+36" in fail("adapt", path, "-o", statistics)
    if not has_numbers(data):
        assert "no numeric variables" in fail("adapt", path, "-o", statistics)
        return
    succeed("adapt", path, "-o", statistics, *options)
    expected = without_fills(data) if options else data
    loaded = dn.load(statistics)
    for name, value in dn.adapt(expected).mean.items():
        np.testing.assert_allclose(float(loaded.mean[name]), float(value), rtol=1e-12)
    succeed("normalize", path, statistics, "-o", z, *options)
    succeed("inverse", z, statistics, "-o", back)
    succeed("show", statistics)
    succeed("export", statistics, tmp_path / "stats.csv", "--format", "csv")
    with opened(back) as read:
        for name in loaded.states:
            values = np.asarray(expected[name].values, "f8")
            std = float(loaded.std[name]) or 1.0
            written = read[name].transpose(*expected[name].dims).values
            error = np.abs(written - values) / np.maximum(np.abs(values), std)
            assert np.nanmax(error, initial=0) <= 4 * np.finfo("f4").eps
