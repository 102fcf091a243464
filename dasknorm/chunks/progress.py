"""Count the chunks and bytes that tasks have read, and show a progress bar.

Used by api, chunks and cli. The bar's texts and times may change freely.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import dask.array as da

from dasknorm.chunks import cluster
from dasknorm.chunks.dask_internals import meta

BAR_DELAY_SECONDS = 1.0  # after which work gets a progress bar
REPORT_SECONDS = 0.2  # between a task's reports: a message per chunk is too much for a cluster

_meters: dict[str, "Meter"] = {}


class Meter:
    """The number of chunks and bytes read, by this process or by a cluster's workers.

    Tasks report to the topic of a meter: to the meter in their process, or, on a worker of a
    cluster, with an event to which the client subscribes. A task that runs again after its worker
    died counts again, so that the meter may count more chunks than the data have.
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

    def count_array(self, array: da.Array) -> da.Array:
        """Return a Dask array whose chunks are counted when they are read."""
        self.expected += array.npartitions
        return da.map_blocks(_report_block, array, self.topic, dtype=array.dtype, meta=meta(array))

    def count_frame(self, frame: Any) -> Any:
        """Return a Dask DataFrame whose partitions are counted when they are read."""
        self.expected += frame.optimize().npartitions  # small files may be read together
        return frame.map_partitions(_report_block, self.topic, meta=meta(frame))

    def summary(self) -> str:
        """Return the bytes read, the time and the speed as a text."""
        rate = self.bytes / max(self.seconds, 1e-9)
        return (
            f"read {format_bytes(self.bytes)} in {self.seconds:.2f} s, {format_bytes(rate)}/s "
            "(bytes as in memory)"
        )


@contextmanager
def count_chunks(topic: str) -> Iterator[Callable[[float], None]]:
    """Yield a function that a task calls with the bytes of each chunk that it has read."""
    chunks, size = 0, 0.0
    reported = time.perf_counter()

    def count(nbytes: float) -> None:
        nonlocal chunks, size, reported
        chunks, size = chunks + 1, size + nbytes
        if time.perf_counter() - reported > REPORT_SECONDS:
            _report(topic, chunks, size)
            chunks, size, reported = 0, 0.0, time.perf_counter()

    yield count
    _report(topic, chunks, size)


def _report(topic: str, chunks: int, nbytes: float) -> None:
    if not topic or not chunks:
        return
    if topic in _meters:
        _meters[topic].add(int(nbytes), chunks)
    elif "distributed" in sys.modules:
        from distributed import get_worker  # only processes of workers have no meter

        try:
            get_worker().log_event(topic, (int(nbytes), chunks))
        except ValueError:  # a process of another scheduler, which has no way to report
            return


def _report_block(block: Any, topic: str) -> Any:
    """Return a block unchanged, and report it."""
    nbytes = block.nbytes if hasattr(block, "nbytes") else block.memory_usage().sum()
    _report(topic, 1, nbytes)
    return block


@contextmanager
def track_progress(description: str) -> Iterator[Meter]:
    """Count chunks that are read inside the block; in a terminal or notebook, show a bar."""
    meter, client = Meter(), cluster.get_client()
    _meters[meter.topic] = meter
    if client is not None:
        client.subscribe_topic(meter.topic, lambda event: meter.add(*event[1]))
    try:
        with _bar(description, meter):
            yield meter
    finally:
        del _meters[meter.topic]
        if client is not None and client.status == "running":
            client.unsubscribe_topic(meter.topic)


@contextmanager
def _bar(description: str, meter: Meter) -> Iterator[None]:
    is_done = threading.Event()
    thread = threading.Thread(target=_show, args=(description, meter, is_done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()


def _show(description: str, meter: Meter, is_done: threading.Event) -> None:
    """Draw the bar after `BAR_DELAY_SECONDS`, ten times a second, until the work is done."""
    if is_done.wait(BAR_DELAY_SECONDS):
        return
    from rich.console import Console  # optional, and not needed for short work
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
        task = bar.add_task(description, total=meter.expected or None, read="")
        while not is_done.wait(0.1):
            total = meter.expected or None
            bar.update(task, completed=meter.chunks, total=total, read=_progress_text(meter))


def _progress_text(meter: Meter) -> str:
    of = f" of {meter.expected:,}" if meter.expected else ""
    return (
        f"{meter.chunks:,}{of} chunks  {format_bytes(meter.bytes)}  "
        f"{format_bytes(meter.bytes / meter.seconds)}/s"
    )


def format_bytes(nbytes: float) -> str:
    """Return a number of bytes with a unit.

    Examples
    --------
    >>> format_bytes(1_740_480)
    '1.7 MB'
    """
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if nbytes < 1000:
            return f"{nbytes:.0f} {unit}" if unit == "B" else f"{nbytes:.1f} {unit}"
        nbytes /= 1000
    return f"{nbytes:.1f} PB"
