"""The --weights option computes weights from the latitudes and bounds in a file."""

import numpy as np
import pytest
import xarray as xr
from support.cli_inputs import run, succeed

import dasknorm as dn

for library in ("rich", "zarr", "h5netcdf", "h5py"):
    pytest.importorskip(library)


def globe():
    """Return a field on latitudes with bounds that are not midway between them."""
    edges = np.array([-90, -80, 20, 50, 90.0])
    values = np.random.default_rng(0).normal(280, 10, (6, 4, 5)).astype("f4")
    ds = xr.Dataset(
        {"t": (("time", "lat", "lon"), values)},
        {"lat": ("lat", [-85, -30, 40, 80.0], {"units": "degrees_north", "bounds": "lat_bnds"})},
    )
    return ds.assign(lat_bnds=(("lat", "side"), np.stack([edges[:-1], edges[1:]], 1)))


@pytest.mark.parametrize("kind", ["area", "coslat"])
@pytest.mark.parametrize("suffix", ["zarr", "nc"])
def test_weights_by_latitude(kind, suffix, tmp_path):
    """--weights gives what adapt gives with that word, with the bounds that are in the file."""
    ds, src = globe(), tmp_path / f"t.{suffix}"
    if suffix == "zarr":
        ds.to_zarr(src, consolidated=False)
    else:
        ds.to_netcdf(src, engine="h5netcdf")
    succeed("adapt", src, "-o", tmp_path / "s.nc", "--weights", kind)
    result, expected = dn.load(tmp_path / "s.nc"), dn.adapt(ds, weights=kind)
    np.testing.assert_allclose(result.mean["t"], expected.mean["t"], rtol=1e-14)
    np.testing.assert_allclose(result.std["t"], expected.std["t"], rtol=1e-14)
    assert result.attrs["runs"][0]["weights"] == kind
    assert "tasks" in succeed("adapt", src, "--weights", kind, "--dry-run")


def test_weights_that_are_refused(tmp_path):
    """Other words, tables, and latitudes that do not do are one line and exit code 2."""
    table = tmp_path / "t.csv"
    table.write_text("a,b\n1,2\n3,4\n")
    globe().to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    for arguments, message in [
        ([table, "--weights", "area"], "--weights needs the latitudes of a Zarr store or NetCDF"),
        ([tmp_path / "t.nc", "--weights", "cos"], "is not one of 'area', 'coslat', 'gaussian'"),
        ([tmp_path / "t.nc", "--weights", "gaussian"], "not those of a Gaussian grid of 4"),
    ]:
        result = run("adapt", *arguments, "-o", tmp_path / "s.json")
        assert result.exit_code == 2
        assert message in " ".join(result.stderr.split())
        assert not (tmp_path / "s.json").exists()
