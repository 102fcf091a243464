"""Progress: the count of chunks that are read, and the bar that shows it."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import dask.array as da
import pytest
from support.marked_chunks import count_all_loads, make_marked_frame, make_values, mark_loads
from support.optional import needs

import dasknorm as dn
from dasknorm.chunks import progress
from dasknorm.chunks.progress import track_progress

BLOCK = make_values(240, 3)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "cluster"], indirect=True)
def test_chunks_and_bytes_are_counted(scheduler: None, tmp_path: Path) -> None:
    """Each chunk is counted as it is read, in this process or on a worker."""
    with track_progress("adapt") as meter:
        dn.adapt(mark_loads(BLOCK, (10, 3), tmp_path), progress=meter)
        assert (meter.chunks, meter.bytes, meter.expected) == (24, BLOCK.nbytes, 24)
        dn.adapt(mark_loads(BLOCK, (10, 3), tmp_path).rechunk((7, 2)), progress=meter)
        assert meter.chunks == meter.expected == 24 + 35 * 2
        assert meter.bytes == 2 * BLOCK.nbytes


@needs("pyarrow")
@pytest.mark.parametrize("scheduler", ["threads", "cluster"], indirect=True)
def test_partitions_are_counted(scheduler: None, tmp_path: Path) -> None:
    """Partitions of a frame are counted, with the bytes that are found in them."""
    with track_progress("adapt") as meter:
        dn.adapt(make_marked_frame(BLOCK, tmp_path), progress=meter)
    assert (meter.chunks, meter.bytes, meter.expected) == (60, BLOCK.nbytes, 60)


def test_only_what_is_left_is_expected(tmp_path: Path) -> None:
    """A run that goes on from a checkpoint expects the chunks that it has yet to read."""
    marks = tmp_path / "marks"
    marks.mkdir()
    x = mark_loads(BLOCK, (10, 3), marks, where=[12], times=1)
    for _ in range(2):
        with track_progress("adapt") as meter:
            try:
                dn.adapt(x, checkpoint=tmp_path / "c.json", progress=meter, retries=0)
            except dn.errors.ChunkError:
                first = meter.expected
    assert first == 24
    assert meter.chunks == meter.expected
    assert 12 <= meter.expected < 16


def test_a_meter_ends_with_its_block() -> None:
    """After the block nothing is counted any more, and no thread is left."""
    with track_progress("adapt") as meter:
        topic = meter.topic
        assert topic in progress._meters
    assert topic not in progress._meters
    dn.adapt(da.from_array(BLOCK, (10, 3)), progress=meter)
    assert meter.chunks == 0


@needs("rich")
def test_no_bar_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """progress=True draws nothing where nobody looks, and changes nothing."""
    monkeypatch.setattr(progress, "BAR_DELAY_SECONDS", 0.0)
    x = mark_loads(BLOCK, (10, 3), tmp_path, wait=0.01)
    assert dn.adapt(x, progress=True) == dn.adapt(da.from_array(BLOCK, (10, 3)))
    assert count_all_loads(tmp_path) == 24
    assert capfd.readouterr() == ("", "")


JOB = """
import sys
import dasknorm as dn
from dasknorm.chunks import progress
from support.marked_chunks import mark_loads, make_values
progress.BAR_DELAY_SECONDS = 0.1
x = mark_loads(make_values(240, 3), (10, 3), sys.argv[1], wait=0.05)
print(dn.adapt(x, progress=True).count[0])
"""


def in_terminal(*command: Any) -> tuple[str, str]:
    """Run Python with a terminal as stderr; return its output and the progress bar."""
    terminal, child = pty.openpty()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TERM": "xterm",
        "COLUMNS": "120",
    }
    process = subprocess.Popen(
        [sys.executable, *command],
        env=environment, stdin=child, stdout=subprocess.PIPE, stderr=child, text=True,
    )  # fmt: skip
    os.close(child)
    screen = b""
    try:
        while part := os.read(terminal, 1 << 16):
            screen += part
    except OSError:  # a terminal's way to say that all is written
        pass
    finally:
        os.close(terminal)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, screen.decode()
    return out, screen.decode()


def test_a_bar_in_a_terminal(tmp_path: Path) -> None:
    """In a terminal work that takes its time has a bar, with chunks and bytes."""
    pytest.importorskip("rich")
    out, screen = in_terminal("-c", JOB, tmp_path)
    assert out == "240.0\n"
    assert "adapt" in screen
    assert "of 24 chunks" in screen
    assert "B/s" in screen


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (18.6e12, "18.6 TB"), (1e16, "10.0 PB")],
)
def test_sizes_as_a_person_reads_them(nbytes: float, text: str) -> None:
    """Sizes are written with one digit after the point, in units of a thousand."""
    assert progress.format_bytes(nbytes) == text
