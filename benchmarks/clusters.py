"""Clusters on this machine for a benchmark, and what their workers took."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.fresh import peak_megabytes

__all__ = ["cluster", "workers_peak"]


@contextmanager
def cluster(workers: int, memory: str = "auto") -> Iterator[Any]:
    """Yield a client of worker processes with a thread each; the scheduler is in this process."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=memory,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        ) as here,
        Client(here) as client,
    ):
        client.wait_for_workers(workers)
        yield client


def workers_peak(client: Any) -> float:
    """Return the most memory that any worker has ever had resident, in MB."""
    return max(client.run(peak_megabytes).values())
