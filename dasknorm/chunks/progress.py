"""Progress: chunks and bytes read so far, counted by the tasks that read them, shown in a bar."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from dasknorm.chunks import cluster
from dasknorm.chunks.dask_internals import meta

__all__ = ["Meter", "counting", "metering", "size_text"]

PATIENCE = 1.0
"""Seconds after which work counts as long and gets a progress bar."""

EVERY = 0.2
"""Seconds between what a task on a cluster reports: a message for each chunk would be too many."""

_meters: dict[str, "Meter"] = {}


class Meter:
    """What has been read so far, by this process or by a cluster's workers.

    Tasks report under the meter's topic: to the meter of their own process, or, on a worker of a
    cluster, by an event that the client subscribes to. A task that runs again after its worker
    died counts again, so that more may have been read than there is.
    """

    def __init__(self) -> None:
        self.topic = f"dasknorm-{uuid4().hex}"
        self.chunks = 0
        self.bytes = 0
        self.expected = 0
        self.started = time.perf_counter()
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """The wall time since the meter was made."""
        return time.perf_counter() - self.started

    def add(self, nbytes: int, chunks: int = 1) -> None:
        """Count chunks that have been read."""
        with self._lock:
            self.chunks += chunks
            self.bytes += nbytes

    def arrays(self, array: Any) -> Any:
        """Return a Dask array whose chunks are counted when they are read."""
        self.expected += array.npartitions
        return array.map_blocks(_passed, self.topic, dtype=array.dtype, meta=meta(array))

    def frame(self, frame: Any) -> Any:
        """Return a Dask frame whose partitions are counted when they are read."""
        self.expected += frame.optimize().npartitions  # small files may be read together
        return frame.map_partitions(_passed, self.topic, meta=meta(frame))

    def summary(self) -> str:
        """Say what was read, how long it took and how fast that was."""
        rate = self.bytes / max(self.seconds, 1e-9)
        return (
            f"read {size_text(self.bytes)} in {self.seconds:.2f} s, {size_text(rate)}/s "
            "(bytes as in memory)"
        )


@contextmanager
def counting(topic: str) -> Iterator[Callable[[float], None]]:
    """Yield a function to be told of the bytes of each chunk that a task has read."""
    chunks, read = 0, 0.0
    reported = time.perf_counter()

    def count(nbytes: float) -> None:
        nonlocal chunks, read, reported
        chunks, read = chunks + 1, read + nbytes
        if time.perf_counter() - reported > EVERY:
            _report(topic, chunks, read)
            chunks, read, reported = 0, 0.0, time.perf_counter()

    yield count
    _report(topic, chunks, read)


def _report(topic: str, chunks: int, nbytes: float) -> None:
    if not topic or not chunks:
        return
    if topic in _meters:
        _meters[topic].add(int(nbytes), chunks)
    elif "distributed" in sys.modules:
        from distributed import get_worker  # only a worker has no meter of its own

        try:
            get_worker().log_event(topic, (int(nbytes), chunks))
        except ValueError:  # a process of another scheduler's, which can tell nobody
            return


def _passed(block: Any, topic: str) -> Any:
    """Pass a block through, and report it."""
    nbytes = block.nbytes if hasattr(block, "nbytes") else block.memory_usage().sum()
    _report(topic, 1, nbytes)
    return block


@contextmanager
def metering(what: str) -> Iterator[Meter]:
    """Count what is read inside the block; in a terminal or notebook, long work gets a bar."""
    meter, client = Meter(), cluster.get_client()
    _meters[meter.topic] = meter
    if client is not None:
        client.subscribe_topic(meter.topic, lambda event: meter.add(*event[1]))
    try:
        with _bar(what, meter):
            yield meter
    finally:
        del _meters[meter.topic]
        if client is not None and client.status == "running":
            client.unsubscribe_topic(meter.topic)


@contextmanager
def _bar(what: str, meter: Meter) -> Iterator[None]:
    done = threading.Event()
    thread = threading.Thread(target=_show, args=(what, meter, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _show(what: str, meter: Meter, done: threading.Event) -> None:
    """Draw the bar from the second second on, ten times a second, until the work is done."""
    if done.wait(PATIENCE):
        return
    from rich.console import Console  # optional, and only needed by a person who waits
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[read]}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=meter.expected or None, read="")
        while not done.wait(0.1):
            bar.update(
                task, completed=meter.chunks, total=meter.expected or None, read=_so_far(meter)
            )


def _so_far(meter: Meter) -> str:
    of = f" of {meter.expected:,}" if meter.expected else ""
    return (
        f"{meter.chunks:,}{of} chunks  {size_text(meter.bytes)}  "
        f"{size_text(meter.bytes / meter.seconds)}/s"
    )


def size_text(nbytes: float) -> str:
    """Return a number of bytes as a person reads it.

    Examples
    --------
    >>> size_text(1_740_480)
    '1.7 MB'
    """
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if nbytes < 1000:
            return f"{nbytes:.0f} {unit}" if unit == "B" else f"{nbytes:.1f} {unit}"
        nbytes /= 1000
    return f"{nbytes:.1f} PB"
