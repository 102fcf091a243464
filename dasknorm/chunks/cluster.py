"""The cluster there is: the Dask client of this process, if it has one."""

import sys
import time
from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any

__all__ = ["client", "is_deadly", "suspects"]

RESTART = 60.0
"""Seconds in which one of the workers that died should be back."""


def client() -> Any:
    """Return the client that Dask would compute with; None if there is none."""
    if "distributed" not in sys.modules:
        return None
    from distributed import default_client  # optional, and here already

    try:
        return default_client()
    except ValueError:
        return None


def suspects(killed: Any) -> list[Hashable]:
    """Return the tasks of which one has killed a worker: all it had when it died.

    A scheduler counts the deaths that a task was near, and names any of those near the most in its
    ``KilledWorker``; the culprit was near all of them. Those near the most come first.
    """
    events = [event for _, event in client().get_events("all") if isinstance(event, dict)]
    deaths = [event for event in events if event.get("action") == "remove-worker"]
    near = Counter(task for death in deaths for task in death.get("processing-tasks", ()))
    last = [death for death in deaths if death["worker"] == killed.last_worker.address][-1:]
    found = {killed.task, *(task for death in last for task in death.get("processing-tasks", ()))}
    return sorted(found, key=lambda task: (-near[task], task != killed.task))


def is_deadly(graph: Mapping[Hashable, Any], key: Hashable) -> bool:
    """Run a task on a worker that has nothing else to do, and tell whether that dies."""
    workers, deadline = client().nthreads(), time.monotonic() + RESTART
    while not workers and time.monotonic() < deadline:
        time.sleep(0.1)
        workers = client().nthreads()
    if not workers:
        return False
    worker = next(iter(workers))
    # On this worker alone: when it is gone, the task does not go on to kill the next one.
    future = client().get(graph, key, workers=[worker], sync=False)
    while not future.done() and worker in client().nthreads():
        time.sleep(0.05)
    return not future.done()
