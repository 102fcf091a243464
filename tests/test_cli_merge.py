"""The command merge: statistics of jobs run apart, a file for each year or variable, become one."""

from pathlib import Path

import pytest
import xarray as xr
from support.cli_inputs import run, succeed, write_zarr

import dasknorm as dn

for library in ("click", "rich", "zarr", "h5netcdf"):
    pytest.importorskip(library)


def test_files_of_parts_merge_to_the_whole(tmp_path: Path) -> None:
    """Files of the halves of one variable and of another variable give those of the whole."""
    with xr.open_zarr(write_zarr(tmp_path / "in.zarr"), consolidated=False) as opened:
        whole = opened[["t", "rain"]].load()
    half = whole.sizes["time"] // 2
    parts = {
        "first.nc": whole[["t"]].isel(time=slice(half)),
        "second.json": whole[["t"]].isel(time=slice(half, None)),
        "rain.zarr": whole[["rain"]],
    }
    for name, part in parts.items():
        dn.adapt(part, over="time").save(tmp_path / name)
    said = succeed("merge", *(tmp_path / name for name in parts), "-o", tmp_path / "all.nc")
    merged, wanted = dn.load(tmp_path / "all.nc"), dn.adapt(whole, over="time")
    xr.testing.assert_allclose(merged.std, wanted.std, rtol=1e-14)
    assert "wrote" in said
    assert len(merged.attrs["runs"]) == 3


def refuse(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_merge_refuses_in_one_line(tmp_path: Path) -> None:
    """Files that do not fit, are not there or would be overwritten are refused, and stay."""
    for name, ddof in (("a.json", 0), ("b.json", 1)):
        dn.adapt([1.0, 2.0, 4.0], dn.Moments(ddof=ddof)).save(tmp_path / name)
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    before = a.read_bytes()
    assert "statistics differ" in refuse("merge", a, b, "-o", tmp_path / "all.nc")
    assert "no such statistics file" in refuse(
        "merge", a, tmp_path / "c.nc", "-o", tmp_path / "d.nc"
    )
    assert "already exists" in refuse("merge", a, a, "-o", b)
    assert "is the input" in refuse("merge", a, b, "-o", a, "--overwrite")
    assert a.read_bytes() == before
    assert not (tmp_path / "all.nc").exists()
