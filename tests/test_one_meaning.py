"""A position or a name that could mean several things raises an error that says what to write."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.cli_inputs import run
from support.optional import needs

import dasknorm as dn
import dasknorm.accessors

T = np.random.default_rng(83).normal(9, 2, (4, 3))


def make_data() -> xr.Dataset:
    """Return variables with different orders of dimensions."""
    return xr.Dataset({"t": (("time", "x"), T), "u": (("x", "time"), T.T), "name": ("x", [*"abc"])})


ADAPTS = {
    "Dataset": lambda **dims: dn.adapt(make_data(), **dims),
    "Dask": lambda **dims: dn.adapt(make_data().chunk(), **dims),
    "DataTree": lambda **dims: dn.adapt(xr.DataTree.from_dict({"/": make_data()}), **dims),
    "two nodes": lambda **dims: dn.adapt(
        xr.DataTree.from_dict({"/": make_data()[["t"]], "/child": make_data()[["u"]]}), **dims
    ),
    "accessor": lambda **dims: make_data().norm.adapt(dims.pop("over", None), **dims),
    "batches": lambda **dims: dn.adapt(iter([make_data(), make_data()]), **dims),
    "plan": lambda **dims: dn.plan(make_data(), **dims),
}


@pytest.mark.parametrize("adapt", ADAPTS.values(), ids=ADAPTS)
@pytest.mark.parametrize("argument", ["over", "keep"])
@pytest.mark.parametrize("position", [0, -1, (0,), np.int64(1)])
def test_a_position_of_two_dimensions(adapt: Any, argument: str, position: Any) -> None:
    """A position that means different dimensions raises an error with a name to write."""
    message = (
        rf"^{argument}=.*(0|1)\)? is '(time|x)' in 't' and '(time|x)' in '(child/)?u'.* Write the "
        rf"name, such as {argument}='(time|x)'"
    )
    with pytest.raises(ValueError, match=message):
        adapt(**{argument: position})


def test_a_position_of_one_dimension() -> None:
    """A position that means the same dimension in all variables is accepted, and so are names."""
    data = make_data()[["t"]].assign(v=make_data()["t"] + 1, w=make_data()["u"].T)
    for over in (0, "time", -2):
        np.testing.assert_allclose(dn.adapt(data, over=over).mean["w"], T.mean(0))
    np.testing.assert_allclose(dn.adapt(make_data(), over="time").mean["u"], T.mean(0))
    np.testing.assert_allclose(dn.adapt(make_data()["u"], over=0).mean, T.mean(1))
    for positions in ((0, 1), [1, -2]):  # in both orders these are all dimensions
        np.testing.assert_allclose(dn.adapt(make_data(), over=positions).mean["u"], T.mean())
        assert (
            dn.adapt(
                make_data(),
                keep=positions,
            )
            .mean["u"]
            .dims
            == make_data()["u"].dims
        )
    flat = data.assign(flat=("x", T[0]))
    np.testing.assert_allclose(dn.adapt(flat, over=1).mean["flat"], T[0].mean())


def test_a_lag_along_a_position() -> None:
    """A lag along a position that means different dimensions raises an error, too."""
    with pytest.raises(ValueError, match=r"^lag=0 is 'time' in 't' and 'x' in 'u'"):
        dn.adapt(make_data(), lag={0: 1})
    assert dn.adapt(make_data(), lag={"time": 1}).tendency().count["u"] == 9


def test_the_layer_takes_names() -> None:
    """`Normalization` rejects positions for any Dataset, as before."""
    with pytest.raises(ValueError, match="must name dimensions of a Dataset, got 0"):
        dn.Normalization(axis=0).adapt(make_data())


@needs("zarr")
def test_the_command_line_takes_names(tmp_path: Path) -> None:
    """A number on the command line is a name, which no dimension has."""
    make_data().drop_vars("name").to_zarr(tmp_path / "a.zarr", zarr_format=2)
    refused = run("adapt", tmp_path / "a.zarr", "--over", "0", "-o", tmp_path / "s.json")
    assert refused.exit_code == 2
    assert "'0' not found in dims ('time', 'x')" in refused.output


# -- names ----------------------------------------------------------------------------------------


def test_select_one_name() -> None:
    """A string is one name, although it consists of letters."""
    stats = dn.adapt(make_data().assign(tu=("x", T[0])))
    assert list(stats.select("tu").states) == ["tu"]
    assert list(stats.select("t").states) == ["t"]
    for names in (["t", "u"], ("t", "u"), {"t": 1, "u": 2}, pd.Index(["t", "u"])):
        assert list(stats.select(names).states) == ["t", "u"]
    with pytest.raises(dn.MismatchError, match=r"no statistics for \['ut'\]"):
        stats.select("ut")


def test_select_one_column() -> None:
    """A tuple that is the name of a column is one name; a number is one name."""
    columns = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y"), ("b", "x")])
    stats = dn.adapt(pd.DataFrame(T, columns=columns))
    assert float(stats.select(("a", "y")).mean.iloc[0]) == pytest.approx(T[:, 1].mean())
    assert [*stats.select([("b", "x"), ("a", "x")]).mean.index] == [("b", "x"), ("a", "x")]
    numbered = dn.adapt(pd.DataFrame(T))
    assert list(numbered.select(2).mean.index) == [2]
    assert list(numbered.select((0, 1)).mean.index) == [0, 1]


# -- other messages -------------------------------------------------------------------------------


def test_other_dimensions_in_an_update() -> None:
    """Data without a dimension of the statistics raise an error that says how to keep it."""
    data = xr.DataArray(T, dims=("time", "x"), coords={"x": [5, 6, 7]})
    stats = dn.adapt(data, keep="x")
    for use in (stats.update, stats.check):
        with pytest.raises(
            dn.MismatchError,
            match=r"the dimension 'x', which the data lack; the data have \('time'\)\. Keep a "
            r"dimension when you select from it, such as \.sel\(x=\[5\]\)",
        ):
            use(data.sel(x=5))
