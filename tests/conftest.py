"""What all tests share: how hypothesis is run, a scheduler that refuses to compute, a cluster."""

import hashlib
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import dask
import pytest
from hypothesis import HealthCheck, settings

# Numba looks for changes in the file of a loop, not in those it takes formulas from. So machine
# code is kept for tests under a digest of all of them, and none can be out of date.
_kernels = Path(__file__).parent.parent / "dasknorm" / "kernels"
_digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(_kernels.rglob("*.py"))))
_cache = f"dasknorm-numba-{os.getuid()}-{_digest.hexdigest()[:16]}"
os.environ["NUMBA_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / _cache)

# Bytecode is kept too, also where Python is told not to: without it, each of the hundred processes
# that tests start compiles the whole package, and pytest rewrites the assertions of every test.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# An idle cluster of two workers takes a tenth of a core to watch itself, for as long as tests run.
os.environ["DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"] = "False"
os.environ["DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL"] = "1s"
dask.config.refresh()

# A shell makes its background jobs ignore Ctrl-C, and all they start: commands under test must not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "dasknorm",
    deadline=None,
    derandomize=True,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "hunt", settings.get_profile("dasknorm"), derandomize=False, max_examples=1000
)
settings.load_profile("dasknorm")  # pytest --hypothesis-profile=hunt looks where nobody has looked


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let several workers begin with files of slow tests, lest one be left with them at the end."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


def refuse(*args: Any, **kwargs: Any) -> NoReturn:
    """Stand in for a scheduler where nothing may be computed."""
    raise AssertionError("something was computed while a graph was built")


@pytest.fixture
def nothing_computes() -> Iterator[None]:
    """Make every computation fail for the length of a test."""
    with dask.config.set(scheduler=refuse):
        yield


@pytest.fixture(params=["plain", "compiled"])
def kernel(request: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Compute moments and maps in NumPy, then with compiled kernels, for blocks of any size."""
    smallest = 0 if request.param == "compiled" else 1 << 62
    monkeypatch.setattr("dasknorm.kernels.inputs.MIN_COMPILED", smallest)
    return request.param


@pytest.fixture(params=["plain", "compiled"])
def merge_kernel(request: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Merge records in NumPy, then with compiled kernels, for any number of records."""
    smallest = 0 if request.param == "compiled" else 1 << 62
    monkeypatch.setattr("dasknorm.kernels.merging.MIN_COMPILED_RECORDS", smallest)
    return request.param


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """Run two worker processes of one thread each, from the first test that asks for them."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL
    ) as workers:
        yield workers


@pytest.fixture
def client(cluster: Any) -> Iterator[Any]:
    """Compute on the cluster for the length of a test."""
    distributed = pytest.importorskip("distributed")
    with distributed.Client(cluster) as connected:
        yield connected


@pytest.fixture
def scheduler(request: Any) -> Iterator[None]:
    """Compute on the scheduler of Dask that a test is parametrized with."""
    if request.param == "cluster":
        request.getfixturevalue("client")
        yield
        return
    with dask.config.set(scheduler=request.param, num_workers=2):
        yield
