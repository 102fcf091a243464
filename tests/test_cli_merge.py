"""The merge command combines statistics of separate jobs, one for each year or variable."""

from pathlib import Path

import pytest
import xarray as xr
from support.cli_inputs import fail, succeed, write_zarr

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
    text = succeed("merge", *(tmp_path / name for name in parts), "-o", tmp_path / "all.nc")
    merged, expected = dn.load(tmp_path / "all.nc"), dn.adapt(whole, over="time")
    xr.testing.assert_allclose(merged.std, expected.std, rtol=1e-14)
    assert "wrote" in text
    assert len(merged.attrs["runs"]) == 3


def test_merge_refuses_in_one_line(tmp_path: Path) -> None:
    """Files that do not fit, are not there or would be overwritten are refused, and stay."""
    for name, ddof in (("a.json", 0), ("b.json", 1)):
        dn.adapt([1.0, 2.0, 4.0], dn.Moments(ddof=ddof)).save(tmp_path / name)
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    before = a.read_bytes()
    assert "statistics differ" in fail("merge", a, b, "-o", tmp_path / "all.nc")
    assert "no such statistics file" in fail("merge", a, tmp_path / "c.nc", "-o", tmp_path / "d.nc")
    assert "already exists" in fail("merge", a, a, "-o", b)
    assert "is the input" in fail("merge", a, b, "-o", a, "--overwrite")
    assert a.read_bytes() == before
    assert not (tmp_path / "all.nc").exists()
