"""Run the chunks of a command on threads, on local processes, or on a running cluster.

Used by cli.check and cli.commands. The settings of clusters may change.
"""

import logging
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import dask
from dask.system import CPU_COUNT

from dasknorm.cli.errors import InputError, input_errors


@contextmanager
def compute_on(workers: int | None, scheduler: str | None) -> Iterator[None]:
    """Compute on a new local cluster, a running one, or threads; no local task runs after it."""
    if workers is not None and scheduler is not None:
        raise InputError("give --workers or --scheduler, not both")
    is_local = workers is None and scheduler is None
    with _threads() if is_local else _client(workers, scheduler):
        yield


@contextmanager
def _threads() -> Iterator[None]:
    pool = ThreadPoolExecutor(CPU_COUNT)
    try:
        with dask.config.set(scheduler="threads", pool=pool):
            yield
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _client(workers: int | None, scheduler: str | None) -> Iterator[Any]:
    try:
        import distributed  # half a second, and optional
    except ImportError:
        raise InputError(
            "a cluster needs Dask's distributed: pip install 'dasknorm[distributed]'"
        ) from None
    if workers is None:
        with input_errors(f"no scheduler answers at {scheduler}"):
            client = distributed.Client(scheduler, timeout=5)
        with client:
            yield client
        return
    with _local_cluster(workers) as cluster, distributed.Client(cluster) as client:
        yield client


def _local_cluster(workers: int) -> Any:
    """Start worker processes that leave Ctrl-C to this one, which then ends them."""
    import distributed

    # An interrupted client leaves tasks behind, of which asyncio would complain at length.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # processes started now inherit it
    try:
        return distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        )
    finally:
        signal.signal(signal.SIGINT, before)
