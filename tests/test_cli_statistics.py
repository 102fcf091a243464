"""The --statistic option computes what the library computes, for all variables or by name."""

import json

import numpy as np
import pytest
import xarray as xr
from support.cli_inputs import (
    fail,
    make_weather,
    read_output,
    run,
    succeed,
    write_input,
    write_netcdf,
)

import dasknorm as dn
from dasknorm.cli.options import parse_statistics

for library in ("rich", "h5netcdf", "h5py", "zarr", "pyarrow"):
    pytest.importorskip(library)

# dask.dataframe calls pandas in ways that pandas 3.1 will give up.
pytestmark = pytest.mark.filterwarnings("ignore:.*inplace keyword")

ASKED = [
    ((), [dn.Moments()]),
    (("extrema",), [dn.Extrema()]),
    (("maxabs, quantiles",), [dn.MaxAbs(), dn.Quantiles()]),
    (("log1p:moments",), [dn.Transformed("log1p")]),
    (("sqrt:extrema,moments",), [dn.Transformed("sqrt", dn.Extrema()), dn.Moments()]),
    (
        ("rain=log1p:moments", "t=moments,extrema", "extrema"),
        {
            "rain": [dn.Transformed("log1p")],
            "t": [dn.Moments(), dn.Extrema()],
            ...: [dn.Extrema()],
        },
    ),
    (("a=b=maxabs",), {"a=b": [dn.MaxAbs()], ...: [dn.Moments()]}),
]


@pytest.mark.parametrize(("values", "expected"), ASKED)
def test_how_they_are_read(values, expected):
    """A list, a function before, names; what has no name is of all others."""
    assert parse_statistics(values, 0.0) == expected


def test_ddof_is_of_moments():
    """--ddof is that of all moments, those of functions and of others among them."""
    assert parse_statistics(["x=log1p:moments", "extrema,moments"], 1.0) == {
        "x": [dn.Transformed("log1p", dn.Moments(ddof=1))],
        ...: [dn.Extrema(), dn.Moments(ddof=1)],
    }
    assert parse_statistics(["x=maxabs"], 1.0) == {"x": [dn.MaxAbs()], ...: [dn.Moments(ddof=1)]}


@pytest.mark.parametrize("form", ["zarr", "netcdf"])
def test_there_and_back(form, tmp_path):
    """By variable: normalized as the library does, shown, and inverted."""
    src, ds, stats = write_input(form, tmp_path), make_weather()[["t", "rain"]], tmp_path / "s.nc"
    methods = "--statistic", "rain=log1p:extrema", "--statistic", "t=moments,extrema"
    text = succeed("adapt", *src, "-o", stats, *methods)
    assert "max" in text
    expected = dn.adapt(
        ds, {"rain": dn.Transformed("log1p", dn.Extrema()), "t": [dn.Moments(), dn.Extrema()]}
    )
    assert dn.load(stats).statistic == expected.statistic
    xr.testing.assert_equal(dn.load(stats).max, expected.max)
    succeed("normalize", *src, stats, "-o", tmp_path / "z.zarr")
    z = read_output(tmp_path / "z.zarr")
    assert (float(z.rain.min()), float(z.rain.max())) == (0, 1)
    np.testing.assert_allclose(z.t.mean(), 0, atol=1e-6)
    succeed("inverse", tmp_path / "z.zarr", stats, "-o", tmp_path / "back.zarr")
    np.testing.assert_allclose(
        read_output(tmp_path / "back.zarr").rain, ds.rain, rtol=1e-12, atol=1e-13
    )
    assert "Extrema" in succeed("show", stats)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_columns_and_merging(form, tmp_path):
    """By column, of files of frames; statistics of parts merge, and of others are refused."""
    src = write_input(form, tmp_path)
    frame = read_output(src[0])
    name, other = frame.select_dtypes("number").columns[:2]
    view = "--columns", f"{name},{other}"
    for out, kind in [("a.json", "extrema"), ("b.json", "extrema"), ("c.json", "maxabs")]:
        succeed("adapt", *src, "-o", tmp_path / out, "--statistic", f"{name}={kind}", *view)
    succeed("merge", tmp_path / "a.json", tmp_path / "b.json", "-o", tmp_path / "ab.json")
    merged = dn.load(tmp_path / "ab.json")
    assert merged.max[name] == frame[name].max()
    np.testing.assert_allclose(merged.mean[other], frame[other].mean())
    failed = run("merge", tmp_path / "a.json", tmp_path / "c.json", "-o", tmp_path / "x.json")
    assert failed.exit_code == 2
    assert "statistics differ" in failed.stderr


def test_dry_run_knows_the_states(tmp_path):
    """--dry-run counts what the states of all statistics weigh, and writes nothing."""
    src = write_input("zarr", tmp_path)
    plain = succeed("adapt", *src, "--dry-run")
    robust = succeed("adapt", *src, "--dry-run", "--statistic", "moments,quantiles")
    assert plain != robust
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.zarr"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--statistic", "minmax"],
            "unknown statistic 'minmax' in --statistic; available: extrema, maxabs, moments,",
        ),
        (["--statistic", "exp:moments"], "unknown statistic 'exp:moments'"),
        (["--statistic", ":moments"], "unknown statistic ':moments'"),
        (["--statistic", "moments,"], "unknown statistic ''"),
        (["--statistic", "moments,moments"], "two or more different ones"),
        (["--statistic", "wind=extrema"], "no numeric variables or columns ['wind']"),
        (["--statistic", "t=extrema", "--statistic", "t=maxabs"], "this name before"),
        (["--statistic", "extrema", "--statistic", "maxabs"], "all before"),
        (
            ["--statistic", "extrema", "--ddof", "1"],
            "--ddof needs the statistic moments, which is not in --statistic",
        ),
        (["--statistic", "log:moments", "--lag", "time=1"], "apply the function first"),
        (["--statistic", "t=log:moments"], "domain of log, which is x > 0"),
    ],
)
def test_refusals(arguments, message, tmp_path):
    """What is no statistic, or does not fit, is one line, and nothing is written."""
    src = write_netcdf(tmp_path / "in.nc", make_weather().assign(t=make_weather().t - 280))
    assert message in fail("adapt", src, "-o", tmp_path / "s.json", *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["in.nc"]


def test_files_say_what_was_asked(tmp_path):
    """The statistic of each variable stands in the file, for those who read it with other tools."""
    succeed(
        "adapt",
        *write_input("zarr", tmp_path),
        "-o",
        tmp_path / "s.json",
        "--statistic",
        "rain=maxabs",
    )
    text = json.dumps(json.loads((tmp_path / "s.json").read_text()))
    assert "MaxAbs" in text
    assert "Moments" in text
