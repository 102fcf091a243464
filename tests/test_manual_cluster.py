"""A cluster started by hand, as docs/scale.md describes, and commands on it."""

import json
import subprocess
import sys
from contextlib import ExitStack

import numpy as np
import pytest
from support.cli_inputs import kill, make_weather, read_output, succeed, wait_for, write_input
from support.optional import import_optional, is_installed

import dasknorm as dn

distributed = import_optional("distributed")

if not is_installed("distributed", "rich", "zarr"):
    pytest.skip("needs distributed, rich and zarr", allow_module_level=True)


@pytest.fixture
def scheduler(tmp_path):
    """Start a scheduler and two workers; return the address that the scheduler's file names."""
    file = tmp_path / "scheduler.json"
    with ExitStack() as started:
        process = _start(
            started, "scheduler", "--host", "127.0.0.1", "--port", "0",
            "--dashboard-address", ":0", "--scheduler-file", file,
        )  # fmt: skip
        wait_for(lambda: file.exists() and file.read_text().endswith("}"), process)
        for _ in range(2):
            _start(
                started, "worker", "--scheduler-file", file, "--nthreads", "1",
                "--memory-limit", "1GiB", "--no-dashboard", "--death-timeout", "30",
                "--local-directory", tmp_path,
            )  # fmt: skip
        address = json.loads(file.read_text())["address"]
        with distributed.Client(address) as client:
            client.wait_for_workers(2, timeout=30)
        yield address


def _start(started, *arguments):
    """Start a command of Dask's, and end it with the others; its log would only be in the way."""
    command = [sys.executable, "-m", "dask", *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    started.callback(_stop, process)
    return process


def _stop(process):
    """Let a process end its children, and itself."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        kill(process)


@pytest.mark.slow
def test_a_cluster_started_by_hand(tmp_path, scheduler):
    """Adapting and normalizing a store on it equal NumPy, and the cluster stays unchanged."""
    (source,) = write_input("zarr", tmp_path)
    stats, out, where = tmp_path / "s.json", tmp_path / "z.zarr", ("--scheduler", scheduler)
    succeed("adapt", source, "-o", stats, "--over", "time,x", *where)
    succeed("normalize", source, stats, "-o", out, *where)
    t = make_weather()["t"].to_numpy().astype("f8")
    mean, std = np.nanmean(t, (0, 2)), np.nanstd(t, (0, 2))
    loaded = dn.load(stats)
    np.testing.assert_allclose(loaded.mean["t"], mean, rtol=1e-14)
    np.testing.assert_allclose(loaded.std["t"], std, rtol=1e-14)
    expected = (t - mean[:, None]) / std[:, None]
    np.testing.assert_allclose(read_output(out)["t"], expected, rtol=1e-6, atol=1e-7)
    assert "for 2 threads" in succeed("adapt", source, "--dry-run", *where)
