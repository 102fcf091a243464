"""A command on a cluster returns the same as with threads."""

import subprocess
import sys

import pytest
import xarray as xr
from support.cli_inputs import read_output, start, succeed, write_input

import dasknorm as dn

for library in ("distributed", "rich", "zarr", "h5netcdf", "h5py"):
    pytest.importorskip(library)

SCHEDULER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(
        n_workers=1, processes=False, protocol="tcp://", dashboard_address=":0"
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


def _run(folder, *arguments):
    process = start(*arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.slow
def test_workers(tmp_path):
    """--workers starts processes; the statistics and the bytes read are the same."""
    (src,) = write_input("zarr", tmp_path)
    expected = succeed("adapt", src, "-o", tmp_path / "s.nc")
    output = _run(tmp_path, "adapt", "in.zarr", "-o", "w.nc", "--workers", "2")
    for item in (output, expected):
        assert "read 1.9 kB in" in item  # 24 x 3 x 4 float32 and 24 x 4 float64
    assert dn.load(tmp_path / "w.nc") == dn.load(tmp_path / "s.nc")


@pytest.mark.slow
def test_a_running_scheduler(tmp_path):
    """--scheduler uses the cluster at an address, and leaves it running."""
    (src,) = write_input("zarr", tmp_path)
    succeed("adapt", src, "-o", tmp_path / "s.nc")
    succeed("normalize", src, tmp_path / "s.nc", "-o", tmp_path / "z.zarr")
    cluster = subprocess.Popen(
        [sys.executable, "-c", SCHEDULER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        address = cluster.stdout.readline().strip()
        where = ("--scheduler", address)
        _run(tmp_path, "normalize", "in.zarr", "s.nc", "-o", "cluster.nc", *where)
        xr.testing.assert_equal(
            read_output(tmp_path / "cluster.nc"), read_output(tmp_path / "z.zarr")
        )
        assert cluster.poll() is None
    finally:
        cluster.communicate("", timeout=30)
