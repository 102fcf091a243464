"""Choices about values on the command line: masks, missing values, dtypes and figures."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from support.cli_inputs import fail, make_readings, read_output, run, succeed, write_netcdf
from support.optional import needs

import dasknorm as dn

zarr = pytest.importorskip("zarr")
for library in ("rich", "h5netcdf", "h5py", "pyarrow", "dask.dataframe"):
    pytest.importorskip(library)

# dask.dataframe calls pandas in ways that pandas 3.1 will give up.
pytestmark = pytest.mark.filterwarnings("ignore:.*inplace keyword")

# -- values to include ----------------------------------------------------------------------------

CONDITIONS = {
    "lsm < 0.5": [True, False, False, False],
    "lsm<=.5": [True, True, False, False],
    "lsm > 5e-1": [False, False, True, False],
    "lsm >= 0.5": [False, True, True, False],
    "lsm == 1": [False, False, True, False],
    "lsm != 1": [True, True, False, False],
    "is_sea": [True, False, True, True],
}


@pytest.mark.parametrize(("condition", "mask"), CONDITIONS.items(), ids=CONDITIONS)
def test_where_is_true_in_a_grid(condition: str, mask: list[bool], tmp_path: Path) -> None:
    """--where includes the values at which it is true; a missing value makes it false."""
    data = xr.Dataset(
        {
            "t": (("time", "x"), np.arange(12.0).reshape(3, 4) ** 2),
            "lsm": ("x", [0, 0.5, 1, np.nan]),
            "is_sea": ("x", [True, False, True, True]),
        }
    )
    src, stats = write_netcdf(tmp_path / "in.nc", data), tmp_path / "s.json"
    succeed("adapt", src, "-o", stats, "--var", "t", "--where", condition)
    included = data["t"].values[:, mask]
    result = dn.load(stats)
    assert list(result.mean) == ["t"]
    assert float(result.count["t"]) == included.size
    assert float(result.mean["t"]) == pytest.approx(included.mean(), rel=1e-14)
    assert float(result.std["t"]) == pytest.approx(included.std(), rel=1e-14)
    assert f"only where the mask '{condition}' is true" in succeed("show", stats).replace("\n", " ")
    assert "t: " not in succeed("check", stats, src, "--var", "t", "--where", condition)


def test_where_is_a_coordinate(tmp_path: Path) -> None:
    """The condition may be on a coordinate, and --dry-run counts its chunks too."""
    data = xr.Dataset({"t": (("time", "x"), np.arange(8.0).reshape(2, 4))}, {"x": [0, 1, 2, 3]})
    data = data.assign_coords(depth=("x", [10.0, 20, 30, 40]))
    src = write_netcdf(tmp_path / "in.nc", data)
    for name, condition in (("a", "depth > 20"), ("b", "x >= 2")):
        out = tmp_path / f"{name}.json"
        succeed("adapt", src, "-o", out, "--var", "t", "--where", condition)
        assert float(dn.load(out).mean["t"]) == 4.5
    assert "chunks" in succeed("adapt", src, "--where", "x >= 2", "--dry-run")


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_where_is_true_in_a_table(suffix: str, tmp_path: Path) -> None:
    """Rows where the condition is false are not counted, also per group."""
    frame = make_readings().assign(big=[2**53 + 1, None] + [7] * 48)
    src, stats = tmp_path / f"in.{suffix}", tmp_path / "s.json"
    (frame.to_csv if suffix == "csv" else frame.to_parquet)(src, index=False)
    succeed("adapt", src, "-o", stats, "--columns", "a", "--where", "b >= 10")
    included = frame[frame["b"] >= 10]
    assert float(dn.load(stats).mean["a"]) == pytest.approx(included["a"].mean(), rel=1e-14)
    grouped = ("--columns", "a", "--by", "name", "--overwrite")
    succeed("adapt", src, "-o", stats, "--where", "b >= 10", *grouped)
    expected = included.groupby("name")["a"].mean()
    np.testing.assert_allclose(dn.load(stats).mean["a"][expected.index], expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("t >", "as in 'lsm < 0.5'"),
        ("t > one", "as in 'lsm < 0.5'"),
        ("t = 1", "as in 'lsm < 0.5'"),
        ("", "as in 'lsm < 0.5'"),
        (
            "t",
            "--where t: its dtype is float64, and not bool; write a comparison, such as 't > 0.5'",
        ),
        ("u > 1", "no variable 'u'; there are 't'"),
        ("word > 1", "variable 'word' is not numeric"),
        ("t > 1e9", "no samples to adapt on in 't'"),
    ],
)
def test_conditions_that_say_nothing(condition: str, message: str, tmp_path: Path) -> None:
    """A condition that cannot be evaluated, or is true nowhere, is refused."""
    data = xr.Dataset({"t": ("x", [1.0, 2.0]), "word": ("x", ["a", "b"])})
    src = write_netcdf(tmp_path / "in.nc", data)
    result = run("adapt", src, "-o", tmp_path / "s.json", "--where", condition, "--var", "t")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


# -- missing values -------------------------------------------------------------------------------

RAIN = np.array([[0, 0, 1], [2, 0, 3]], "f4")


@pytest.fixture
def rain(tmp_path: Path) -> Path:
    """Write a Zarr array of version 2, whose fill value is 0, next to one with another."""
    group = zarr.open_group(tmp_path / "in.zarr", mode="w", zarr_format=2)
    for name, values, fill in (("rain", RAIN, 0), ("wind", [[-9, 1, 2], [3, 4, 5]], -9)):
        values = np.asarray(values, "f4")
        array = group.create_array(
            name, shape=(2, 3), chunks=(1, 3), dtype="f4", fill_value=fill,
            attributes={"_ARRAY_DIMENSIONS": ["time", "x"]},
        )  # fmt: skip
        array[:] = values
    return tmp_path / "in.zarr"


@pytest.mark.parametrize(("zeros", "included"), [("data", RAIN), ("missing", RAIN[RAIN > 0])])
def test_zeros_are_what_the_user_says(
    zeros: str, included: np.ndarray, rain: Path, tmp_path: Path
) -> None:
    """With --zeros, zeros are data or missing; other fill values are still missing."""
    choice = ("--zeros", zeros)
    succeed("adapt", rain, "-o", tmp_path / "s.json", *choice)
    stats = dn.load(tmp_path / "s.json")
    assert float(stats.mean["rain"]) == pytest.approx(included.mean(), rel=1e-7)
    assert float(stats.count["wind"]) == 5
    succeed("normalize", rain, tmp_path / "s.json", "-o", tmp_path / "z.zarr", *choice)
    z = read_output(tmp_path / "z.zarr")["rain"]
    expected = (RAIN - included.mean()) / included.std()
    expected = np.where(np.isin(RAIN, included), expected, np.nan)
    np.testing.assert_allclose(z, expected, rtol=1e-6, atol=1e-6)


def test_zeros_are_refused_without_a_choice(rain: Path, tmp_path: Path) -> None:
    """Without --zeros, the error names both choices."""
    message = fail("adapt", rain, "-o", tmp_path / "s.json")
    assert (
        "If zeros are data, write --zeros data; if they are missing values, --zeros missing"
        in message
    )
    assert "encoding" not in message


def test_missing_values_by_number(tmp_path: Path) -> None:
    """--missing masks numbers in adapt and normalize alike, and the output reads back as such."""
    data = xr.Dataset({"t": ("x", np.array([1, 2, -999, 3, 9.96921e36], "f4"))})
    src = write_netcdf(tmp_path / "in.nc", data)
    assert "write --missing 9.969" in fail("adapt", src, "-o", tmp_path / "s.json")
    choice = ("--missing", "-999", "--missing", "9.969209968386869e36")
    succeed("adapt", src, "-o", tmp_path / "s.json", *choice)
    stats = dn.load(tmp_path / "s.json")
    assert (float(stats.count["t"]), float(stats.mean["t"])) == (3, 2)
    for out in ("z.nc", "z.zarr"):
        succeed("normalize", src, tmp_path / "s.json", "-o", tmp_path / out, *choice)
        z = read_output(tmp_path / out)["t"]
        expected = np.array([-1, 0, np.nan, 1, np.nan]) / np.std([1, 2, 3])
        np.testing.assert_allclose(z, expected, rtol=1e-6)


# -- dtypes ---------------------------------------------------------------------------------------

PACKED = {"dtype": "i2", "scale_factor": 0.01, "add_offset": 273.15, "_FillValue": -9999}
STORED: dict[str, tuple[dict[str, Any], str]] = {
    "packed": (PACKED, "float32"),
    "16-bit integers": ({"dtype": "i2"}, "float32"),
    "bytes": ({"dtype": "u1"}, "float32"),
    "32-bit integers": ({"dtype": "i4"}, "float64"),
    "float32": ({"dtype": "f4"}, "float32"),
    "float64": ({"dtype": "f8"}, "float64"),
}


@pytest.mark.parametrize(("encoding", "dtype"), STORED.values(), ids=STORED)
@pytest.mark.parametrize("chosen", [None, "float16", "float32", "float64"])
def test_dtypes_of_arrays(
    encoding: dict[str, Any], dtype: str, chosen: str | None, tmp_path: Path
) -> None:
    """Values are written as --dtype says; by default small integers become float32."""
    values = np.array([[3, 9, 12, 40], [50, 60, 70, 81]])
    data = xr.Dataset({"t": (("time", "x"), values.astype("f8"))})
    data = data if "scale_factor" in encoding else data.astype(encoding["dtype"])
    src = write_netcdf(tmp_path / "in.nc", data, encoding={"t": encoding})
    succeed("adapt", src, "-o", tmp_path / "s.json")
    choice = () if chosen is None else ("--dtype", chosen)
    succeed("normalize", src, tmp_path / "s.json", "-o", tmp_path / "z.zarr", *choice)
    z = read_output(tmp_path / "z.zarr")["t"]
    assert z.dtype == (chosen or dtype)
    error = np.finfo(z.dtype).eps
    np.testing.assert_allclose(
        z.astype("f8"), (values - values.mean()) / values.std(), rtol=4 * error, atol=4 * error
    )
    succeed("inverse", tmp_path / "z.zarr", tmp_path / "s.json", "-o", tmp_path / "x.nc",
            "--dtype", "float64")  # fmt: skip
    back = read_output(tmp_path / "x.nc")["t"]
    assert back.dtype == np.float64
    np.testing.assert_allclose(back, values, atol=100 * error)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtypes_of_tables(suffix: str, dtype: str, tmp_path: Path) -> None:
    """The transformed columns of a table have the dtype, nulls stay nulls, others stay."""
    frame = make_readings()
    src = tmp_path / f"in.{suffix}"
    (frame.to_csv if suffix == "csv" else frame.to_parquet)(src, index=False)
    succeed("adapt", src, "-o", tmp_path / "s.json")
    out = tmp_path / f"out.{suffix}"
    text = succeed("normalize", src, tmp_path / "s.json", "-o", out, "--dtype", dtype)
    result = read_output(out)
    if suffix == "parquet":
        assert [str(kind) for kind in result[["a", "b"]].dtypes] == [dtype, dtype]
    else:
        assert dtype in text
    assert result["name"].tolist() == frame["name"].tolist()
    assert result["a"].isna().sum() == 1
    expected = (frame["a"] - frame["a"].mean()) / frame["a"].std(ddof=0)
    error = np.finfo(dtype).eps
    np.testing.assert_allclose(result["a"].astype("f8"), expected, rtol=4 * error, atol=error)


@pytest.mark.parametrize("suffix", ["nc", "parquet"])
def test_large_integers_and_float32_as_float64(suffix: str, tmp_path: Path) -> None:
    """With --dtype float64, float32 is computed in float64, and integers lose no digits before."""
    frame = pd.DataFrame(
        {"id": [2**60 + i for i in range(4)], "x": np.float32([0.1, 0.2, 0.3, 0.5])}
    )
    src, out = tmp_path / f"in.{suffix}", tmp_path / f"z.{suffix}"
    if suffix == "nc":
        write_netcdf(src, xr.Dataset({name: ("row", frame[name]) for name in frame}))
    else:
        frame.to_parquet(src, index=False)
    succeed("adapt", src, "-o", tmp_path / "s.json")
    succeed("normalize", src, tmp_path / "s.json", "-o", out, "--dtype", "float64")
    z = read_output(out)
    np.testing.assert_allclose(z["id"], (np.arange(4) - 1.5) / np.std(range(4)), rtol=1e-15)
    x = frame["x"].to_numpy("f8")
    np.testing.assert_allclose(z["x"], (x - x.mean()) / x.std(), rtol=1e-14)


@pytest.mark.parametrize("suffix", ["nc", "parquet", "csv"])
def test_numbers_too_large_for_a_dtype(suffix: str, tmp_path: Path) -> None:
    """A finite number never becomes infinite: the dtype is refused, and no file is left."""
    values = [101_000.0, 101_500.0, 99_000.0]
    src, out = tmp_path / f"in.{suffix}", tmp_path / ("x.zarr" if suffix == "nc" else f"x.{suffix}")
    frame = pd.DataFrame({"p": values})
    if suffix == "nc":
        write_netcdf(src, xr.Dataset({"p": ("x", values)}))
    else:
        (frame.to_csv if suffix == "csv" else frame.to_parquet)(src, index=False)
    z = tmp_path / f"z.{suffix}"
    succeed("adapt", src, "-o", tmp_path / "s.json")
    succeed("normalize", src, tmp_path / "s.json", "-o", z)
    message = fail("inverse", z, tmp_path / "s.json", "-o", out, "--dtype", "float16")
    assert "is too large for float16, whose largest number is 65504" in message
    assert not out.exists()


def test_netcdf_has_no_float16(tmp_path: Path) -> None:
    """The other format and the other dtype are both named."""
    src = write_netcdf(tmp_path / "in.nc", xr.Dataset({"t": ("x", [1.0, 2.0])}))
    succeed("adapt", src, "-o", tmp_path / "s.json")
    message = fail("normalize", src, tmp_path / "s.json", "-o", tmp_path / "z.nc",
                   "--dtype", "float16")  # fmt: skip
    assert "NetCDF has no float16: write a .zarr store, or use --dtype float32" in message


# -- figures --------------------------------------------------------------------------------------


@pytest.fixture
def stats(tmp_path: Path) -> Path:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0]})
    dn.adapt(frame).save(tmp_path / "s.json")
    return tmp_path / "s.json"


@needs("matplotlib")
@pytest.mark.parametrize(
    ("name", "start"), [("f.png", b"\x89PNG"), ("f.pdf", b"%PDF"), ("f.svg", b"<?xml")]
)
def test_statistics_are_plotted(name: str, start: bytes, stats: Path, tmp_path: Path) -> None:
    """The figure has the format of its name, and is not replaced silently."""
    assert f"wrote {tmp_path / name}" in succeed("plot", stats, "-o", tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)
    assert "already exists; use --overwrite" in fail("plot", stats, "-o", tmp_path / name)
    succeed("plot", stats, "-o", tmp_path / name, "--columns", "b", "--overwrite")


@needs("matplotlib")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("s.json", "-o", "f.gif"), "a figure ends in .png, .pdf, .svg, got 'f.gif'"),
        (("s.json",), "Missing option '-o' / '--out'. See"),
        (("none.json", "-o", "f.png"), "no such statistics file: 'none.json'"),
        (("s.json", "-o", "f.png", "--var", "c"), "'c'"),
        (("s.json", "-o", "none/f.png"), "the folder 'none'"),
    ],
)
def test_figures_that_cannot_be_written(
    arguments: Any, message: str, stats: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    """Each mistake is one line, and no file is left."""
    monkeypatch.chdir(tmp_path)
    assert message in fail("plot", *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["s.json"]


def test_a_figure_without_matplotlib(stats: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """The error says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    message = fail("plot", stats, "-o", tmp_path / "f.png")
    assert "a plot needs matplotlib: pip install 'dasknorm[plot]'" in message
