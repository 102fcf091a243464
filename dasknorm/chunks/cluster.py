"""Find the Dask cluster of this process, and tasks that crash its workers.

Used by api and chunks. Everything that calls `distributed` is here and in `chunks.progress`.
"""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import dask
from dask.system import CPU_COUNT
from dask.typing import Key

RESTART_SECONDS = 60.0  # within which a worker that died should be back


def get_client() -> Any:
    """Return the client that Dask would compute with; None if there is none."""
    if "distributed" not in sys.modules:
        return None
    from distributed import default_client  # optional, and loaded already

    try:
        return default_client()
    except ValueError:
        return None


def thread_count() -> int:
    """Return the number of parallel tasks: on a cluster with workers, or on this machine."""
    client = get_client()
    threads = sum(client.nthreads().values()) if client else 0
    return threads or int(dask.config.get("num_workers", None) or CPU_COUNT)


def is_killed_worker(error: Exception) -> bool:
    """Return True for the error of a scheduler whose workers died with a task."""
    if "distributed" not in sys.modules:
        return False
    from distributed import KilledWorker  # optional, and loaded already

    return isinstance(error, KilledWorker)


def get_suspects(killed: Any) -> list[Key]:
    """Return the tasks on a worker when it died, one of which crashed it; likely tasks first."""
    # A scheduler counts the deaths of workers for each task, and names any task with the highest
    # count in its KilledWorker; the task that crashed them has that count.
    events = [event for _, event in get_client().get_events("all") if isinstance(event, dict)]
    deaths = [event for event in events if event.get("action") == "remove-worker"]
    counts = Counter(task for death in deaths for task in death.get("processing-tasks", ()))
    last = [death for death in deaths if death["worker"] == killed.last_worker.address][-1:]
    tasks = {killed.task, *(task for death in last for task in death.get("processing-tasks", ()))}
    return sorted(tasks, key=lambda task: (-counts[task], task != killed.task))


def crashes_worker(graph: Mapping[Key, object], key: Key) -> bool:
    """Run a task on a worker that has nothing else to do, and return whether the worker dies."""
    client, deadline = get_client(), time.monotonic() + RESTART_SECONDS
    workers = client.nthreads()
    while not workers and time.monotonic() < deadline:
        time.sleep(0.1)
        workers = client.nthreads()
    if not workers:
        return False
    worker = next(iter(workers))
    # Only on this worker: when it is gone, the task is not sent to crash the next one.
    future = client.get(graph, key, workers=[worker], sync=False)
    while not future.done() and worker in client.nthreads():
        time.sleep(0.05)
    return not future.done()
