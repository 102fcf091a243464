"""Meters: blocks and bytes read so far, counted by the tasks that read them, and shown in a bar."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

__all__ = ["Meter", "metering", "size_text"]

PATIENCE = 1.0
"""Seconds after which work counts as long and gets a progress bar."""

_meters: dict[str, "Meter"] = {}


class Meter:
    """What has been read so far, by this process or by a cluster's workers.

    Each block that a task has read passes `count`, which tells the meter of its own process, or,
    on a worker of a cluster, logs an event that the client subscribes to.
    """

    def __init__(self) -> None:
        self.topic = f"dasknorm-{uuid4().hex}"
        self.blocks = 0
        self.bytes = 0
        self.expected = 0
        self.started = time.perf_counter()
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        """The wall time since the meter was made."""
        return time.perf_counter() - self.started

    def add(self, nbytes: int) -> None:
        """Count one block."""
        with self._lock:
            self.blocks += 1
            self.bytes += nbytes

    def arrays(self, array: Any) -> Any:
        """Return a Dask array whose blocks are counted when they are read."""
        self.expected += array.npartitions
        return array.map_blocks(count, self.topic, dtype=array.dtype, meta=array._meta)

    def frame(self, frame: Any) -> Any:
        """Return a Dask frame whose partitions are counted when they are read."""
        self.expected += frame.optimize().npartitions  # small files may be read together
        return frame.map_partitions(count, self.topic, meta=frame._meta)

    def summary(self) -> str:
        """Say what was read, how long it took and how fast that was."""
        rate = self.bytes / max(self.seconds, 1e-9)
        return (
            f"read {size_text(self.bytes)} in {self.seconds:.2f} s, {size_text(rate)}/s "
            "(bytes as in memory)"
        )


def count(block: Any, topic: str) -> Any:
    """Pass a block through, telling the meter of that topic, here or at the client."""
    nbytes = int(block.nbytes if hasattr(block, "nbytes") else block.memory_usage().sum())
    if topic in _meters:
        _meters[topic].add(nbytes)
    elif "distributed" in sys.modules:
        from distributed import get_worker  # only a worker has no meter of its own

        get_worker().log_event(topic, nbytes)
    return block


@contextmanager
def metering(what: str, client: Any = None) -> Iterator[Meter]:
    """Count what is read inside the block; on a terminal, long work gets a progress bar."""
    meter = Meter()
    _meters[meter.topic] = meter
    if client is not None:
        client.subscribe_topic(meter.topic, lambda event: meter.add(event[1]))
    try:
        with _bar(what, meter):
            yield meter
    finally:
        del _meters[meter.topic]
        if client is not None and client.status == "running":
            client.unsubscribe_topic(meter.topic)


@contextmanager
def _bar(what: str, meter: Meter) -> Iterator[None]:
    if not sys.stderr.isatty():
        yield
        return
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

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[read]}"),
        TimeRemainingColumn(compact=True),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=meter.expected or None, read="")
        while not done.wait(0.1):
            read = f"{size_text(meter.bytes)}  {size_text(meter.bytes / meter.seconds)}/s"
            progress.update(task, completed=meter.blocks, total=meter.expected or None, read=read)


def size_text(nbytes: float) -> str:
    """Return a number of bytes as a person reads it.

    Examples
    --------
    >>> size_text(1_740_480)
    '1.7 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if nbytes < 1000:
            return f"{nbytes:.0f} {unit}" if unit == "B" else f"{nbytes:.1f} {unit}"
        nbytes /= 1000
    return f"{nbytes:.1f} TB"
