"""The command line opens every format of arrays that xarray opens, and joins several files."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.cli_inputs import fail, read_output, run, succeed, write_netcdf, write_zarr
from support.optional import needs

import dasknorm as dn

for library in ("rich", "zarr", "h5netcdf", "h5py"):
    pytest.importorskip(library)

TIMES = pd.date_range("2000-01-01", periods=9, freq="6h")


def make_grid(**coords: Any) -> xr.Dataset:
    """Return 9 time steps of 3 points, the time steps as the dimension ``t``."""
    values = np.random.default_rng(0).normal(280, 10, (9, 3)).astype("f4")
    return xr.Dataset({"temp": (("t", "x"), values, {"units": "K"})}, coords)


def z_scores(values: np.ndarray) -> np.ndarray:
    """Return the z-scores of all values together, in float64."""
    values = values.astype("f8")
    return (values - np.nanmean(values)) / np.nanstd(values)


# -- one file -------------------------------------------------------------------------------------


def _write_classic(path: Path, data: xr.Dataset) -> None:
    pytest.importorskip("scipy")
    data.to_netcdf(path, engine="scipy", format="NETCDF3_64BIT")


def _write_version_5(path: Path, data: xr.Dataset) -> None:
    pytest.importorskip("netCDF4")
    data.to_netcdf(path, engine="netcdf4", format="NETCDF3_64BIT_DATA")


def _write_plain_hdf5(path: Path, data: xr.Dataset) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["temp"] = data["temp"].values


def _write_tiff(path: Path, data: xr.Dataset) -> None:
    pytest.importorskip("rioxarray")
    data["temp"].rename(t="y").rio.to_raster(path)


WRITERS = {
    "classic.nc": _write_classic,
    "classic without a known suffix.data": _write_classic,
    "classic version 5.nc": _write_version_5,
    "hdf5.h5": _write_plain_hdf5,
    "image.tif": _write_tiff,
}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore:Use `@` matmul")
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("out", ["out.nc", "out.zarr"])
def test_every_format_is_normalized(name: str, out: str, tmp_path: Path) -> None:
    """Files are recognized by their content, and the z-scores read back as computed."""
    data = make_grid()
    WRITERS[name](tmp_path / name, data)
    succeed("adapt", tmp_path / name, "-o", tmp_path / "s.json")
    succeed("normalize", tmp_path / name, tmp_path / "s.json", "-o", tmp_path / out)
    (variable,) = read_output(tmp_path / out).data_vars.values()
    np.testing.assert_allclose(
        variable.values.reshape(9, 3), z_scores(data["temp"].values), rtol=1e-6, atol=1e-6
    )


@needs("cfgrib", "iris_sample_data")
def test_a_grib_file(tmp_path: Path) -> None:
    """GRIB is read with cfgrib, without an index file next to it, and written as NetCDF."""
    import iris_sample_data

    src = Path(iris_sample_data.path) / "polar_stereo.grib2"
    before = {path.name for path in src.parent.iterdir()}
    succeed("adapt", src, "-o", tmp_path / "s.json")
    succeed("normalize", src, tmp_path / "s.json", "-o", tmp_path / "z.nc")
    z = read_output(tmp_path / "z.nc")["t"]
    assert (float(z.mean()), float(z.std())) == pytest.approx((0, 1), abs=1e-5)
    assert {path.name for path in src.parent.iterdir()} == before


@needs("cfgrib", "eccodes", "iris_sample_data")
def test_a_grib_file_with_levels_of_several_kinds(tmp_path: Path) -> None:
    """Variables at different heights are opened by name; without names the error says so."""
    import eccodes
    import iris_sample_data

    with (
        open(Path(iris_sample_data.path) / "polar_stereo.grib2", "rb") as source,
        open(tmp_path / "in.grib2", "wb") as target,
    ):
        message = eccodes.codes_grib_new_from_file(source)
        for level, name in ((2, "2t"), (10, "10u")):
            eccodes.codes_set(message, "typeOfLevel", "heightAboveGround")
            eccodes.codes_set(message, "level", level)
            eccodes.codes_set(message, "shortName", name)
            eccodes.codes_write(message, target)
    error = fail("adapt", tmp_path / "in.grib2", "-o", tmp_path / "s.json")
    assert "with all variables (--var names some of them)" in error
    chosen = ("--var", "t2m,u10")
    succeed("adapt", tmp_path / "in.grib2", "-o", tmp_path / "s.json", *chosen)
    src = (tmp_path / "in.grib2", tmp_path / "s.json")
    succeed("normalize", *src, "-o", tmp_path / "z.zarr", *chosen)
    for variable in read_output(tmp_path / "z.zarr").data_vars.values():
        assert (float(variable.mean()), float(variable.std())) == pytest.approx((0, 1), abs=1e-5)


@pytest.mark.parametrize(
    ("content", "library", "install"),
    [
        (b"GRIB....", "cfgrib", "pip install cfgrib"),
        (b"II*\x00....", "rioxarray", "pip install rioxarray"),
        (b"CDF\x05....", "netCDF4", "pip install netCDF4"),
        (b"CDF\x01....", "scipy", "pip install scipy"),
    ],
)
def test_a_missing_engine_is_named(
    content: bytes, library: str, install: str, tmp_path: Path, monkeypatch: Any
) -> None:
    """If no installed library opens a format, the error says what to install."""
    for name in (library, "netCDF4"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    (tmp_path / "in.data").write_bytes(content)
    message = fail("adapt", tmp_path / "in.data", "-o", tmp_path / "s.json")
    assert f"files need {library}: {install}" in message


def test_an_engine_by_name(tmp_path: Path) -> None:
    """--engine opens a file whatever its name is; an unknown engine is refused with a list."""
    src = write_netcdf(tmp_path / "in.dat", make_grid())
    succeed("adapt", src, "-o", tmp_path / "s.json", "--engine", "h5netcdf")
    assert dn.load(tmp_path / "s.json").count["temp"] == 27
    message = fail("adapt", src, "-o", tmp_path / "t.json", "--engine", "hdf4")
    assert "no engine 'hdf4' is installed; xarray has" in message
    assert "h5netcdf" in message


# -- groups ---------------------------------------------------------------------------------------


@pytest.fixture(params=["netcdf", "zarr"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Write a file whose root has the time only, and whose groups have the variables."""
    nodes = {
        "/": xr.Dataset(coords={"time": TIMES[:3]}),
        "/PRODUCT": xr.Dataset({"no2": (("time", "x"), np.arange(6.0).reshape(3, 2))}),
        "/PRODUCT/INPUT": xr.Dataset({"albedo": ("x", [0.25, 0.75])}),
    }
    if request.param == "zarr":
        xr.DataTree.from_dict(nodes).to_zarr(tmp_path / "in.zarr", consolidated=False)
        return tmp_path / "in.zarr"
    xr.DataTree.from_dict(nodes).to_netcdf(tmp_path / "in.nc", engine="h5netcdf")
    return tmp_path / "in.nc"


@pytest.mark.parametrize("group", ["/PRODUCT", "PRODUCT"])
def test_a_group(group: str, tree: Path, tmp_path: Path) -> None:
    """--group opens one group, with the coordinates of the groups above it."""
    options = ("--group", group)
    succeed("adapt", tree, "-o", tmp_path / "s.json", "--keep", "time", *options)
    mean = dn.load(tmp_path / "s.json").mean["no2"]
    assert mean.values.tolist() == [0.5, 2.5, 4.5]
    assert mean.indexes["time"].equals(TIMES[:3])
    succeed("normalize", tree, tmp_path / "s.json", "-o", tmp_path / "z.nc", *options)
    assert read_output(tmp_path / "z.nc")["no2"].values.tolist() == [[-1, 1]] * 3


def test_variables_in_groups_only(tree: Path, tmp_path: Path) -> None:
    """Without --group, the error lists the groups that have variables."""
    message = fail("adapt", tree, "-o", tmp_path / "s.json")
    assert "are in the groups '/PRODUCT', '/PRODUCT/INPUT': --group /PRODUCT" in message
    assert "NONE" in fail("adapt", tree, "-o", tmp_path / "s.json", "--group", "NONE")


# -- several files --------------------------------------------------------------------------------

COORDS: dict[str, dict[str, Any]] = {
    "an index of dates": {"t": TIMES},
    "an index that falls": {"t": TIMES[::-1]},
    "dates of cftime": {"t": xr.date_range("2000-01-01", periods=9, calendar="360_day")},
    "dates that are not the index": {"XTIME": ("t", TIMES)},
    "dates next to an index of zeros": {"t": np.zeros(9), "time_centered": ("t", TIMES)},
    "an index of numbers": {"t": np.arange(9)},
}


@pytest.mark.parametrize("coords", COORDS.values(), ids=COORDS)
@pytest.mark.parametrize("form", ["netcdf", "zarr"])
def test_files_in_any_order(form: str, coords: dict[str, Any], tmp_path: Path) -> None:
    """Files are joined in the order of their coordinates, not in the order they are given."""
    whole = make_grid(**coords)
    write, suffix = (write_netcdf, "nc") if form == "netcdf" else (write_zarr, "zarr")
    options = {"unlimited_dims": ["t"]} if form == "netcdf" else {}
    sources = [
        write(tmp_path / f"{i}.{suffix}", whole.isel(t=slice(3 * i, 3 * i + 3)), **options)
        for i in (2, 0, 1)
    ]
    assert run("adapt", *sources, "-o", tmp_path / "s.json").stderr == ""
    succeed("normalize", *sources, tmp_path / "s.json", "-o", tmp_path / "z.nc")
    z = read_output(tmp_path / "z.nc")["temp"]
    np.testing.assert_allclose(z, z_scores(whole["temp"].values), rtol=1e-6, atol=1e-6)
    for name in coords:
        np.testing.assert_array_equal(z[name], whole[name])


@needs("iris_sample_data")
def test_files_of_nemo(tmp_path: Path) -> None:
    """Months of NEMO, whose time_counter is 0 in each file, are joined by their dates."""
    import iris_sample_data

    months = sorted((Path(iris_sample_data.path) / "NEMO").glob("*.nc"))
    values = [xr.open_dataset(month, engine="h5netcdf")["tos"].values for month in months]
    shuffled = (months[2], months[0], months[1])
    chosen = ("--var", "tos")
    succeed("adapt", *shuffled, "-o", tmp_path / "s.json", *chosen)
    succeed("normalize", *shuffled, tmp_path / "s.json", "-o", tmp_path / "z.nc", *chosen)
    z = read_output(tmp_path / "z.nc")["tos"]
    np.testing.assert_allclose(z, z_scores(np.concatenate(values)), rtol=1e-6, atol=1e-6)
    assert [date.month for date in z["time_centered"].values] == [1, 2, 3]


def test_files_with_one_date_each(tmp_path: Path) -> None:
    """Files without a time dimension are joined along their date, as GRIB files need it."""
    whole = make_grid(t=TIMES)
    sources = []
    for i in (1, 2, 0):
        one = whole.isel(t=i).rename(t="time")
        one = one.assign_coords(valid_time=one["time"] + np.timedelta64(1, "h"))
        sources.append(write_netcdf(tmp_path / f"{i}.nc", one))
    succeed("adapt", *sources, "-o", tmp_path / "s.json", "--keep", "time")
    mean = dn.load(tmp_path / "s.json").mean["temp"]
    np.testing.assert_allclose(mean, whole["temp"][:3].astype("f8").mean("x"), rtol=1e-12)
    assert mean.indexes["time"].equals(TIMES[:3].rename("time"))


def test_a_new_dimension(tmp_path: Path) -> None:
    """--concat-dim stacks files of the same times along a new dimension, in the order given."""
    members = [make_grid(t=TIMES) + i for i in range(2)]
    sources = [write_netcdf(tmp_path / f"{i}.nc", member) for i, member in enumerate(members)]
    result = run("adapt", *sources, "-o", tmp_path / "s.json", "--concat-dim", "member",
                 "--keep", "member")  # fmt: skip
    assert "concatenated along 'member' in the order given" in result.stderr
    expected = [float(member["temp"].astype("f8").mean()) for member in members]
    np.testing.assert_allclose(dn.load(tmp_path / "s.json").mean["temp"], expected, rtol=1e-12)


def _overlapping(folder: Path) -> list[Path]:
    data = make_grid(t=TIMES)
    return [
        write_netcdf(folder / "a.nc", data.isel(t=slice(0, 5))),
        write_netcdf(folder / "b.nc", data.isel(t=slice(4, 9))),
    ]


def _overlapping_dates(folder: Path) -> list[Path]:
    data = make_grid(XTIME=("t", TIMES))
    return [
        write_netcdf(folder / "a.nc", data.isel(t=slice(0, 5))),
        write_netcdf(folder / "b.nc", data.isel(t=slice(3, 9))),
    ]


def _same_index(folder: Path) -> list[Path]:
    data = make_grid(t=np.arange(9))
    other = data + 1
    return [write_netcdf(folder / "a.nc", data), write_netcdf(folder / "b.nc", other)]


def _other_units(folder: Path) -> list[Path]:
    data = make_grid(t=TIMES)
    celsius = data.isel(t=slice(4, 9)) - 273.15
    celsius["temp"].attrs["units"] = "degC"
    return [
        write_netcdf(folder / "a.nc", data.isel(t=slice(0, 4))),
        write_netcdf(folder / "b.nc", celsius),
    ]


def _two_dates(folder: Path) -> list[Path]:
    data = make_grid(date=("t", TIMES), observed=("x", TIMES[:3]))
    return [
        write_netcdf(folder / "a.nc", data.isel(t=slice(0, 4))),
        write_netcdf(folder / "b.nc", data.isel(t=slice(4, 9))),
    ]


DOUBTFUL = {
    "a step in two files": (_overlapping, "overlap along 't': 2000-01-02 00:00:00 is in both"),
    "dates in two files": (_overlapping_dates, "overlap along 'XTIME'"),
    "the same labels": (_same_index, "2 files cannot be combined by their coordinates"),
    "different units": (_other_units, "units of 'temp' differ: 'degC' in"),
    "two dimensions of dates": (_two_dates, "--concat-dim names one of 't', 'x'"),
}


@pytest.mark.parametrize(("write", "message"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_doubtful_files_are_refused(write: Any, message: str, tmp_path: Path) -> None:
    """Files that overlap, or whose order or units are not clear, are never joined silently."""
    sources = write(tmp_path)
    line = fail("adapt", *sources, "-o", tmp_path / "s.json")
    assert message in line
    assert not (tmp_path / "s.json").exists()


def test_other_variables_cannot_conflict(tmp_path: Path) -> None:
    """--var is applied to each file first, for adapt and normalize alike."""
    whole = make_grid(t=TIMES)
    sources = [
        write_netcdf(
            tmp_path / f"{i}.nc",
            whole.isel(t=slice(3 * i, 3 * i + 3)).assign(mask=("x", [0.0, 1.0, i])),
        )
        for i in range(3)
    ]
    message = fail("adapt", *sources, "-o", tmp_path / "s.json")
    assert "conflicting values for variable 'mask'" in message
    assert "--var names the variables to use" in message
    chosen = ("--var", "temp")
    succeed("adapt", *sources, "-o", tmp_path / "s.json", *chosen)
    succeed("normalize", *sources, tmp_path / "s.json", "-o", tmp_path / "z.zarr", *chosen)
    z = read_output(tmp_path / "z.zarr")["temp"]
    np.testing.assert_allclose(z, z_scores(whole["temp"].values), rtol=1e-6, atol=1e-6)


def test_options_of_arrays_are_not_for_tables(tmp_path: Path) -> None:
    """An option that a type of file does not have is refused, not ignored."""
    pd.DataFrame({"a": [1.0, 2.0]}).to_csv(tmp_path / "in.csv", index=False)
    write_netcdf(tmp_path / "in.nc", make_grid())
    out = ("-o", tmp_path / "s.json")
    message = fail("adapt", tmp_path / "in.csv", *out, "--concat-dim", "time")
    assert "--concat-dim cannot be used with tables" in message
    message = fail("adapt", tmp_path / "in.nc", *out, "--separator", ";")
    assert "--separator cannot be used with arrays with named dimensions" in message


# -- outputs and names --------------------------------------------------------------------------


@pytest.mark.parametrize("versions", [(2, 2), (2, 3), (3, 2), (3, 3)])
def test_joined_zarr_stores(versions: tuple[int, int], tmp_path: Path) -> None:
    """Stores of any Zarr versions are normalized to one store of the version of the first."""
    data = make_grid(t=TIMES)
    sources = [tmp_path / f"{i}.zarr" for i in range(2)]
    parts = (data.isel(t=slice(0, 6)), data.isel(t=slice(6, None)))
    for source, part, version in zip(sources, parts, versions, strict=True):
        part.to_zarr(source, zarr_format=version, consolidated=False)
    succeed("adapt", *sources, "-o", tmp_path / "s.nc")
    succeed("normalize", *sources, tmp_path / "s.nc", "-o", tmp_path / "z.zarr")
    with read_output(tmp_path / "z.zarr") as result:
        np.testing.assert_allclose(result["temp"], z_scores(data["temp"].values), atol=1e-5)
    assert (tmp_path / "z.zarr" / ".zgroup").exists() == (versions[0] == 2)


@pytest.mark.parametrize("command", ["normalize", "inverse"])
def test_zeros_do_not_become_missing_in_outputs(command: str, tmp_path: Path) -> None:
    """Zeros that the fill value of Zarr masks are an error in normalize, too, unless declared."""
    data = make_grid(t=TIMES).drop_attrs()
    data["temp"][0] = 0
    data.to_zarr(tmp_path / "in.zarr", zarr_format=2, encoding={"temp": {"_FillValue": 0.0}})
    files = (tmp_path / "in.zarr", tmp_path / "s.nc", "-o", tmp_path / "z.zarr")
    succeed("adapt", files[0], "-o", files[1], "--zeros", "data")
    message = fail(command, *files)
    assert "missing values in 'temp', 3 of them in one chunk: zeros are read as missing" in message
    assert message.endswith("write --zeros data; if they are missing values, --zeros missing\n")
    for zeros, number in (("data", 0), ("missing", 3)):
        succeed(command, *files, "--zeros", zeros, "--overwrite")
        with read_output(tmp_path / "z.zarr") as result:
            assert np.isnan(result["temp"].values).sum() == number


def test_float16_is_not_written_as_netcdf(tmp_path: Path) -> None:
    """Data in float16 need --dtype to be written as NetCDF."""
    make_grid().astype("f2").to_zarr(tmp_path / "in.zarr", consolidated=False)
    files = (tmp_path / "in.zarr", tmp_path / "s.nc", "-o", tmp_path / "z.nc")
    succeed("adapt", files[0], "-o", files[1])
    assert "'temp' is float16, which NetCDF does not have" in fail("normalize", *files)
    succeed("normalize", *files, "--dtype", "float32")


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_statistics_are_no_data(suffix: str, tmp_path: Path) -> None:
    """A pattern that matches a file of statistics, too, does not add them to the data."""
    make_grid(t=TIMES).to_netcdf(tmp_path / "in.nc", engine="h5netcdf")
    if suffix == "zarr":
        make_grid(t=TIMES).to_zarr(tmp_path / "in.zarr", consolidated=False)
    succeed("adapt", tmp_path / "in.nc", "-o", tmp_path / f"in-stats.{suffix}")
    message = fail("adapt", str(tmp_path / f"in*.{suffix}"), "-o", tmp_path / "other.json")
    assert f"in-stats.{suffix}' has statistics of dasknorm, and no data" in message


def test_a_dimension_named_like_a_variable(tmp_path: Path) -> None:
    """--concat-dim names a dimension, and a failed join prints no other line."""
    data = make_grid(t=TIMES)
    data.isel(t=slice(0, 5)).to_netcdf(tmp_path / "1.nc", engine="h5netcdf")
    data.isel(t=slice(5, 9)).to_netcdf(tmp_path / "2.nc", engine="h5netcdf")
    files = (tmp_path / "1.nc", tmp_path / "2.nc", "-o", tmp_path / "s.nc", "--concat-dim")
    assert "--concat-dim temp: this is a variable" in fail("adapt", *files, "temp")
    assert "2 files cannot be joined along 'member'" in fail("adapt", *files, "member")


def test_engines_are_loaded_one_by_one(tmp_path: Path) -> None:
    """An engine of another package is opened without the other ones, and with its options."""
    pytest.importorskip("cfgrib")
    write_netcdf(tmp_path / "in.nc", make_grid())
    code = (
        "import sys; from dasknorm.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print('rioxarray' in sys.modules)"
    )
    arguments = ("adapt", tmp_path / "in.nc", "-o", tmp_path / "s.nc", "--engine", "cfgrib")
    command = [sys.executable, "-c", code, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "False\n")
    assert result.stderr.count("\n") == 1
    assert "No valid message found" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.nc"]
