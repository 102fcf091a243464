"""Units of data and statistics: the same units in any spelling, or an error."""

import subprocess
import sys

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from support.cli_inputs import fail, succeed
from support.optional import import_optional, needs

import dasknorm as dn
from dasknorm.errors import MismatchError
from dasknorm.layer import Normalization

sklearn = import_optional("dasknorm.sklearn")
needs_units = needs("cf_units")

KELVIN = np.array([[280, 270], [282, 278], [284, 286], [290, 286]], "f8")
Z = (KELVIN - KELVIN.mean(0)) / KELVIN.std(0)
CONVERTIBLE = r"'degC' in .*, 'K' in .*can be converted: .*Unit\('degC'\).convert\(values, 'K'\)"


def make_array(units="K", values=KELVIN, name="t"):
    labels = {"time": [0, 1, 2, 3], "x": [0.5, 1.5]}
    attrs = {} if units is None else {"units": units}
    return xr.DataArray(values, labels, ("time", "x"), name, attrs)


def celsius():
    return make_array("degC", KELVIN - 273.15)


CONTAINERS = {
    "array": lambda array: array,
    "array-dask": lambda array: array.chunk(time=3),
    "dataset": lambda array: array.to_dataset(),
    "dataset-dask": lambda array: array.to_dataset().chunk(x=1),
    "tree": lambda array: xr.DataTree.from_dict({"/a/b": array.to_dataset()}),
}
containers = pytest.mark.parametrize("wrap", CONTAINERS.values(), ids=CONTAINERS)


def make_stats(wrap=lambda array: array, units="K"):
    return dn.adapt(wrap(make_array(units)), over="time")


# -- units that differ ----------------------------------------------------------------------------


@needs_units
@containers
def test_convertible_units_are_refused_with_the_conversion(wrap):
    """Data in degC and statistics in K are a mismatch wherever they meet."""
    stats, data = make_stats(wrap), wrap(celsius())
    other = dn.adapt(data, over="time")
    uses = [
        lambda: stats.normalize(data),
        lambda: stats.update(data),
        lambda: stats.update([data, data]),
        lambda: stats.check(data),
        lambda: stats.check(other),
        lambda: other + stats,
        lambda: other.merge(other, stats),
        lambda: dn.adapt(iter([wrap(make_array()), data]), over="time"),
    ]
    for use in uses:
        with pytest.raises(MismatchError, match=rf"units of '(a/b/)?t' differ: {CONVERTIBLE}"):
            use()


@containers
def test_data_normalized_twice_are_refused(wrap):
    """Normalized data have units of 1, and are not normalized, added or checked again."""
    stats = make_stats(wrap)
    z = stats.normalize(wrap(make_array()))
    for use in (stats.normalize, stats.update, stats.check):
        with pytest.raises(MismatchError, match=r"'1' in the data, 'K' .*look normalized already"):
            use(z)


@containers
def test_physical_data_are_not_restored(wrap):
    """Inverse takes units of 1, in any spelling, or none."""
    stats = make_stats(wrap)
    with pytest.raises(MismatchError, match=r"'(a/b/)?t' has the units 'K'.*like physical values"):
        stats.inverse(wrap(make_array()))
    for units in ("1", None, "", " 1 "):
        restored = stats.inverse(wrap(make_array(units, Z)))
        xr.testing.assert_allclose(restored, wrap(make_array()))


@needs_units
def test_units_that_cannot_be_converted():
    """The message says that a pressure is no temperature, or that a spelling is not known."""
    with pytest.raises(MismatchError, match="cannot be converted into each other: is it the same"):
        make_stats().normalize(make_array("Pa"))
    with pytest.raises(MismatchError, match="UDUNITS does not know 'gpm', so they are compared as"):
        dn.adapt(make_array("m")).normalize(make_array("gpm"))


def test_every_variable_is_compared():
    """A Dataset in which one variable has other units is refused, and that variable is named."""
    data = xr.merge([make_array(), make_array("Pa", name="p"), make_array(None, name="q")])
    stats = dn.adapt(data)
    other = data.assign(p=data["p"].assign_attrs(units="hPa"), q=data["q"].assign_attrs(units="1"))
    with pytest.raises(MismatchError, match="units of 'p' differ: 'hPa' in the data, 'Pa' in the"):
        stats.normalize(other)


def test_an_array_without_a_name():
    """Without a name, the message says that units of the data differ."""
    with pytest.raises(MismatchError, match="units of the data differ: 'Pa' in the data"):
        dn.adapt(make_array(name=None)).normalize(make_array("Pa", name=None))


@pytest.mark.parametrize(
    ("statistic", "by"),
    [
        (dn.Extrema(), None),
        (dn.Quantiles(), None),
        (dn.Transformed("log1p"), None),
        ([dn.Moments(), dn.Extrema()], None),
        (dn.Moments(), "time"),
    ],
    ids=str,
)
def test_units_with_every_statistic(statistic, by):
    """Units are those of the data, for transforms and groups too."""
    stats = dn.adapt(make_array(), statistic, by=by)
    with pytest.raises(MismatchError, match="units of 't' differ"):
        stats.normalize(celsius())
    with pytest.raises(MismatchError, match="units of 't' differ"):
        stats.update(celsius())
    z = stats.normalize(make_array())
    assert z.attrs["units"] == "1"
    assert stats.inverse(z).attrs["units"] == "K"


def test_units_of_tendencies():
    """Tendencies have the units of the data."""
    stats = dn.adapt(make_array(), lag={"time": 1})
    changes = make_array().diff("time")
    with pytest.raises(MismatchError, match="units of 't' differ: 'Pa'"):
        stats.tendency().normalize(changes.assign_attrs(units="Pa"))
    expected = (changes - changes.mean()) / changes.std()
    np.testing.assert_allclose(stats.tendency().normalize(changes), expected)


def test_variables_that_share_a_standard_deviation():
    """Only variables of the same units share a standard deviation."""
    data = xr.merge([make_array("m s-1", name="u"), make_array("km h-1", name="v")])
    with pytest.raises(MismatchError, match=r"units of \('u', 'v'\) differ: 'm s-1' in 'u', 'km"):
        dn.adapt(data).share_std(("u", "v"))
    data["v"].attrs["units"] = "m s-1"
    shared = dn.adapt(data).share_std(("u", "v"))
    assert float(shared.std["u"]) == pytest.approx(KELVIN.std())


def test_given_statistics_have_the_units_of_the_mean():
    """Statistics from known values are compared like computed ones."""
    given = dn.Stats.from_values(mean=make_array()[0], std=make_array()[1])
    with pytest.raises(MismatchError, match="units of 't' differ: 'degC' in the data, 'K' in the"):
        given.normalize(celsius())


@needs("h5netcdf")
def test_a_checkpoint_of_data_in_other_units(tmp_path):
    """Work is not resumed with data in other units, though the numbers are the same."""
    path, chunked = tmp_path / "c.nc", da.from_array(KELVIN, (1, 2))
    dn.adapt(make_array(values=chunked), over="time", checkpoint=path)
    resumed = dn.adapt(make_array("K", chunked), over="time", checkpoint=path)
    np.testing.assert_allclose(resumed.mean, KELVIN.mean(0))
    with pytest.raises(MismatchError, match="'degC' in the data, 'K' in the checkpoint"):
        dn.adapt(make_array("degC", chunked), over="time", checkpoint=path)


@needs("h5netcdf")
@pytest.mark.parametrize("units", ["K", None])
def test_statistics_of_other_programs(tmp_path, units):
    """Files of other programs are compared if they have units."""
    make_stats(CONTAINERS["dataset"], units).export(tmp_path, "graphcast")
    stats = dn.load(tmp_path, format="graphcast")
    np.testing.assert_allclose(stats.normalize(make_array().to_dataset())["t"], Z)
    if units:
        with pytest.raises(MismatchError, match="'degC' in the data, 'K' in the statistics"):
            stats.normalize(celsius().to_dataset())
    else:
        stats.normalize(celsius().to_dataset())


def test_the_layer_compares_units():
    """A layer refuses data, batches and updates in other units."""
    layer = Normalization("x")
    layer.adapt(make_array())
    np.testing.assert_allclose(layer(make_array()), Z)
    inverse = Normalization.from_stats(layer.stats, invert=True)
    uses = [
        lambda: layer(celsius()),
        lambda: layer(layer(make_array())),
        lambda: layer.update(celsius()),
        lambda: layer.adapt(iter([make_array(), celsius()])),
        lambda: inverse(make_array()),
    ]
    for use in uses:
        with pytest.raises(MismatchError, match="units"):
            use()


@needs("sklearn")
def test_the_scaler_compares_units():
    """A scaler refuses DataArrays in other units."""
    scaler = sklearn.StandardScaler().fit(make_array())
    np.testing.assert_allclose(scaler.transform(make_array()), Z)
    for use in (scaler.transform, scaler.partial_fit):
        with pytest.raises(MismatchError, match="units of 't' differ"):
            use(celsius())
    with pytest.raises(MismatchError, match="physical values"):
        scaler.inverse_transform(make_array())


# -- units that are the same ----------------------------------------------------------------------


@needs_units
@pytest.mark.parametrize(
    ("units", "spelling"),
    [
        ("K", "kelvin"),
        ("degC", "degrees_celsius"),
        ("degC", "°C"),
        ("m s-1", "m/s"),
        ("m s-1", "m s**-1"),
        ("kg kg-1", "1"),
        ("hPa", "millibars"),
        ("W m-2", "W/m^2"),
    ],
)
def test_spellings_of_one_unit_are_the_same(units, spelling):
    """Data in another spelling are normalized, added and checked; the first spelling stays."""
    stats, data = make_stats(units=units), make_array(spelling)
    np.testing.assert_allclose(stats.normalize(data), Z)
    total = stats.update(data) + make_stats(units=spelling)
    np.testing.assert_allclose(total.mean, KELVIN.mean(0))
    assert total.mean.attrs["units"] == units
    assert stats.check(data).passed
    assert stats.inverse(stats.normalize(data)).attrs["units"] == units


@needs_units
def test_percent_is_not_1():
    """A percentage is a hundredth, though both have no dimension."""
    with pytest.raises(MismatchError, match=r"'%' in the data, '1' in .* can be converted"):
        make_stats(units="1").normalize(make_array("%"))
    # The data may be fractions, or they are normalized.
    with pytest.raises(MismatchError, match=r"can be converted: .*\. Or the data look normalized"):
        make_stats(units="%").normalize(make_array("1"))


def test_names_of_the_unit_1():
    """Libraries such as pint write the unit 1 as a word."""
    z = make_stats().normalize(make_array("K"))
    for name in ("dimensionless", "unitless", "Dimensionless"):
        restored = make_stats().inverse(z.assign_attrs(units=name))
        np.testing.assert_allclose(restored, KELVIN)
        np.testing.assert_allclose(make_stats(units="1").normalize(make_array(name)), Z)
        with pytest.raises(MismatchError, match="The data look normalized already"):
            make_stats().normalize(z.assign_attrs(units=name))


@pytest.mark.parametrize(
    ("units", "other_units"),
    [
        (None, "K"),
        ("K", None),
        ("K", ""),
        ("K", " K "),
        ("kg  m-2", "kg m-2"),
        ("K", np.str_("K")),
        (1, "1"),
        ("gpm", "gpm"),
        ("no unit at all", "no unit at all"),
    ],
)
def test_units_on_one_side_or_as_written_are_no_mismatch(units, other_units):
    """Units are compared if both sides have them, and as written if they are equal so."""
    stats, data = make_stats(units=units), make_array(other_units)
    np.testing.assert_allclose(stats.normalize(data), Z)
    np.testing.assert_allclose((stats + dn.adapt(data, over="time")).mean, KELVIN.mean(0))
    assert stats.check(data).passed


def test_units_of_one_part_are_those_of_the_whole():
    """Merged statistics have the units that one of them has, and are compared with them."""
    for total in (make_stats() + make_stats(units=None), make_stats(units=None) + make_stats()):
        assert total.mean.attrs["units"] == "K"
        with pytest.raises(MismatchError, match="units of 't' differ"):
            total.normalize(celsius())


def test_data_without_units_are_recognized_once_normalized():
    """If only the statistics have units, normalized data have units of 1 too."""
    stats, data = make_stats(), make_array(None)
    z = stats.normalize(data)
    assert z.attrs["units"] == "1"
    with pytest.raises(MismatchError, match="look normalized already"):
        stats.normalize(z)


def test_without_cf_units_units_are_compared_as_written():
    """Without the library equal texts are the same, and the message names the extra."""
    code = """
import sys
sys.modules["cf_units"] = None
import dasknorm as dn, xarray as xr
def make(units):
    return xr.DataArray([1.0, 3.0], dims="x", name="t", attrs={"units": units})
stats = dn.adapt(make("K"))
assert stats.normalize(make("K")).values.tolist() == [-1, 1]
for units in ("kelvin", "degC"):
    try:
        stats.normalize(make(units))
    except dn.MismatchError as error:
        assert f"{units!r} in the data, 'K' in the statistics" in str(error), error
        assert "pip install 'dasknorm[units]'" in str(error), error
        assert "If both mean the same, set attrs['units'] = 'K'" in str(error), error
    else:
        raise AssertionError(units)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_library_is_imported_only_for_units_that_differ():
    """Equal units need no library, whose import would take time."""
    code = """
import sys
import dasknorm as dn, xarray as xr
data = xr.DataArray([1.0, 3.0], dims="x", name="t", attrs={"units": "K"})
stats = dn.adapt(data)
stats.inverse(stats.update(data).normalize(data))
assert "cf_units" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@needs_units
def test_any_locale_of_the_program_is_kept():
    """Units are compared in a program that has set a locale, also C.UTF-8."""
    code = """
import locale
locale.setlocale(locale.LC_ALL, "C.UTF-8")
from dasknorm.fields import units
assert units.are_same("K", "kelvin")
assert locale.setlocale(locale.LC_NUMERIC) == "C.UTF-8"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# -- the command line -----------------------------------------------------------------------------

files = pytest.mark.parametrize(
    "suffix",
    [pytest.param(".nc", marks=needs("h5netcdf")), pytest.param(".zarr", marks=needs("zarr"))],
)


def write(data, path):
    if path.suffix == ".nc":
        data.to_dataset().to_netcdf(path, engine="h5netcdf")
    else:
        data.to_dataset().to_zarr(path, zarr_format=2, consolidated=False)


@files
@needs_units
def test_units_on_the_command_line(tmp_path, suffix):
    """Files in other units end with exit code 2 and one line, in every command."""
    names = ("k", "c", "stats", "stats_c", "z", "out")
    k, c, stats, stats_c, z, out = (tmp_path / f"{name}{suffix}" for name in names)
    write(make_array(), k)
    write(celsius(), c)
    succeed("adapt", k, "--over", "time", "-o", stats)
    succeed("adapt", c, "--over", "time", "-o", stats_c)
    succeed("normalize", k, stats, "-o", z)
    difference = "units of 't' differ: 'degC' in the data, 'K' in the statistics. They can be conv"
    assert difference in fail("normalize", c, stats, "-o", out)
    assert difference in fail("check", stats, c)
    assert "look normalized already" in fail("normalize", z, stats, "-o", out)
    assert "physical values" in fail("inverse", k, stats, "-o", out)
    merged = fail("merge", stats, stats_c, "-o", tmp_path / "merged.nc")
    assert "'K' in these statistics, 'degC' in the other statistics" in merged
    assert not out.exists()


@files
@needs_units
def test_files_in_different_units_are_not_combined(tmp_path, suffix):
    """Several files of one variable need one unit; other spellings take that of the first."""
    paths = [tmp_path / f"{i}{suffix}" for i in range(2)]
    write(make_array(), paths[0])
    write(celsius().assign_coords(time=[4, 5, 6, 7]), paths[1])
    message = fail("adapt", *paths, "--over", "time", "-o", tmp_path / "s.nc")
    assert f"units of 't' differ: 'degC' in '{paths[1]}', 'K' in '{paths[0]}'. They" in message
    write(
        make_array("kelvin", KELVIN + 2).assign_coords(time=[4, 5, 6, 7]), tmp_path / f"2{suffix}"
    )
    sources = (paths[0], tmp_path / f"2{suffix}")
    succeed("adapt", *sources, "--over", "time", "-o", tmp_path / "s.json")
    stats = dn.load(tmp_path / "s.json")
    np.testing.assert_allclose(stats.mean["t"], KELVIN.mean(0) + 1)
    assert stats.mean["t"].attrs["units"] == "K"
