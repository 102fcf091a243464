"""Variables that describe other variables pass through unchanged, unless a user names them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support.cli_inputs import run
from support.optional import needs

import dasknorm as dn

RNG = np.random.default_rng(82)
T = RNG.normal(280, 5, (6, 3))
PS = RNG.normal(1e5, 500, 6)
netcdf = needs("h5netcdf", "h5py")


def make_data() -> xr.Dataset:
    """Return a model's output with one variable of each kind that describes others."""
    return xr.Dataset(
        {
            "t": (
                ("time", "lev"),
                T,
                {
                    "cell_measures": "area: areacella",
                    "ancillary_variables": "t_error t_qc",
                    "coordinates": "height",
                    "grid_mapping": "crs",
                },
            ),
            "a": ("time", PS / 2),  # a term of the formula, and not the variable of this term
            "area": ("time", PS / 3),  # likewise
            "ps": ("time", PS),
            "ak": ("lev", [1.0, 2.0, 3.0]),
            "bk": ("lev", [0.1, 0.2, 0.3]),
            "areacella": ("lev", [3.0, 2.0, 1.0]),
            "t_error": (("time", "lev"), T * 0 + 0.5),
            "t_qc": (("time", "lev"), (T > 280).astype("i1"), {"standard_name": "status_flag"}),
            "height": ((), 2.0),
            "crs": ((), 0),
            "mask": ("lev", np.array([0, 1, 1], "i1"), {"flag_values": [0, 1]}),
            "cover": ("lev", np.array([4, 1, 1], "i1"), {"flag_meanings": "a b c"}),
            "bits": ("lev", np.array([4, 1, 1], "i1"), {"flag_masks": [1, 2, 4]}),
            "lev_bnds": (("lev", "bnds"), np.ones((3, 2))),
        },
        {"lev": ("lev", [1, 2, 3], {"bounds": "lev_bnds", "formula_terms": "a: ak b:bk ps: ps"})},
    )


NORMALIZED = ["t", "a", "area"]
REASONS = {
    "ps": "named in 'formula_terms' of 'lev'",
    "ak": "named in 'formula_terms' of 'lev'",
    "bk": "named in 'formula_terms' of 'lev'",
    "areacella": "named in 'cell_measures' of 't'",
    "t_error": "named in 'ancillary_variables' of 't'",
    "height": "named in 'coordinates' of 't'",
    "crs": "named in 'grid_mapping' of 't'",
    "mask": "has 'flag_values'",
    "cover": "has 'flag_meanings'",
    "bits": "has 'flag_masks'",
    "lev_bnds": "named in 'bounds' of 'lev'",
}


def encode(data: xr.Dataset) -> xr.Dataset:
    """Return data whose references are in the encoding, as xarray's `decode_coords` leaves them."""
    data = data.copy()
    for name in ("t", "lev"):
        variable = data.variables[name]
        variable.encoding, variable.attrs = dict(variable.attrs), {}
    return data


def as_tree(data: xr.Dataset) -> xr.DataTree:
    return xr.DataTree.from_dict({"/": data[[]], "/run": data})


@pytest.mark.parametrize("convert", [lambda d: d, encode, lambda d: d.chunk(time=2), as_tree])
def test_metadata_pass_through(convert: Any) -> None:
    """Only variables with data have statistics; all others are as they were."""
    data = convert(make_data())
    stats = dn.adapt(data)
    z = stats.normalize(data)
    if isinstance(z, xr.DataTree):
        stats, z = stats.select([f"run/{name}" for name in NORMALIZED]), z["run"].to_dataset()
        assert list(stats.states) == [f"run/{name}" for name in NORMALIZED]
    else:
        assert list(stats.states) == NORMALIZED
    original = make_data()
    np.testing.assert_allclose(z["t"], (T - T.mean()) / T.std(), atol=1e-12)
    np.testing.assert_allclose(z["a"], (PS - PS.mean()) / PS.std(), atol=1e-12)
    for name in original.variables.keys() - set(NORMALIZED):
        np.testing.assert_array_equal(z[name], original[name])


@pytest.mark.parametrize("name", REASONS)
def test_one_is_chosen_as_a_dataarray(name: str) -> None:
    """A DataArray is an explicit choice, and its statistics normalize the Dataset's variable."""
    data = make_data()
    stats = dn.adapt(data[name].astype("f8"))
    assert float(stats.mean) == pytest.approx(float(data[name].mean()))


def test_a_variable_does_not_describe_itself() -> None:
    """A variable that names itself, as WRF's and NEMO's do, has statistics."""
    data = xr.Dataset({"t": ("x", [1.0, 3.0], {"coordinates": "lat t"}), "lat": ("x", [5.0, 6.0])})
    assert {name: float(mean) for name, mean in dn.adapt(data).mean.items()} == {"t": 2.0}


@pytest.mark.parametrize("name", REASONS)
def test_nothing_is_left(name: str) -> None:
    """If only such variables are numeric, the error names them, the reason and the remedy."""
    data = make_data()
    rest = data[[name]].assign(text=("lev", list("abc")))
    source = data["t"] if "of 't'" in REASONS[name] else data["lev"]
    rest.coords["lev"] = rest["lev"].assign_attrs(data["lev"].attrs)
    rest["source"] = ("x", ["text"], source.attrs)
    message = (
        rf"no numeric variables to normalize; found '{name}'.* left out: '{name}' \(.*\)\. For the "
        rf"statistics of one of them, pass it as a DataArray: adapt\(ds\['{name}'\]\)"
    )
    for container in (rest, as_tree(rest)):
        with pytest.raises(TypeError, match="left out: '(run/)?" + name):
            dn.adapt(container)
    with pytest.raises(TypeError, match=message):
        dn.adapt(rest)


@pytest.mark.parametrize("name", REASONS)
def test_a_statistic_for_one_of_them(name: str) -> None:
    """A statistic by name raises an error that says why the variable is left out."""
    data = make_data()
    with pytest.raises(
        dn.MismatchError,
        match=rf"no numeric variables or columns \['{name}'\]; found .* left out: '{name}' "
        rf"\({REASONS[name]}\)",
    ):
        dn.adapt(data, {name: dn.Extrema()})
    with pytest.raises(dn.MismatchError, match=rf"left out: 'run/{name}' \({REASONS[name]}\)"):
        dn.adapt(as_tree(data), {f"run/{name}": dn.Extrema()})


@pytest.mark.parametrize("convert", [lambda d: d, encode, lambda d: d.set_coords("ps")])
def test_statistics_that_contain_them(convert: Any) -> None:
    """Statistics decide: those of a variable normalize it, whatever its attributes say."""
    plain = make_data()[["t", "ps"]]
    plain["lev"].attrs.clear()
    stats = dn.adapt(plain)
    assert list(stats.states) == ["t", "ps"]
    data = convert(make_data()).drop_vars(["a", "area"])
    z = stats.normalize(data)
    np.testing.assert_allclose(z["ps"], (PS - PS.mean()) / PS.std(), atol=1e-12)
    np.testing.assert_allclose(stats.inverse(z)["ps"], PS)
    np.testing.assert_array_equal(z["t_error"], data["t_error"])
    assert stats.update(data).count["ps"] == 12
    assert stats.check(data).passed
    tree_stats = dn.adapt(as_tree(plain))
    tree = tree_stats.normalize(as_tree(data))
    np.testing.assert_array_equal(tree["run/ps"], z["ps"])


@netcdf
@pytest.mark.parametrize("name", ["ps", "areacella", "t_error", "mask"])
def test_the_command_line(tmp_path: Path, name: str) -> None:
    """``--var`` is an explicit choice, for every command."""
    src, stats, out = (tmp_path / f"{stem}.nc" for stem in ("src", "stats", "out"))
    data = make_data()
    data.to_netcdf(src, engine="h5netcdf")
    assert run("adapt", src, "-o", stats).exit_code == 0
    assert list(dn.load(stats).states) == NORMALIZED
    assert run("adapt", src, "--var", f"t,{name}", "-o", stats, "--overwrite").exit_code == 0
    loaded = dn.load(stats)
    assert list(loaded.states) == ["t", name]
    mean, std = float(data[name].mean()), float(data[name].std())
    assert float(loaded.mean[name]) == pytest.approx(mean)
    assert run("check", stats, src, "--var", name).exit_code == 0
    assert run("normalize", src, stats, "-o", out, "--var", name).exit_code == 0
    with xr.open_dataset(out) as z:
        np.testing.assert_allclose(z[name], (data[name] - mean) / (std or 1), atol=1e-6)
