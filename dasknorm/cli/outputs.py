"""Outputs: written under a hidden name beside the final one, and renamed once complete."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

__all__ = ["replacing"]


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Yield a hidden path to write to; it takes the place of `out` once the block has succeeded.

    Whatever happens, what stands under the name `out` is whole: what was there before, or the
    new output. After a failure the hidden path is removed; only a killed process leaves it.
    """
    out = out.resolve()  # what a link leads to is replaced, not the link
    partial = _hidden(out, "partial")
    try:
        yield partial
        _move_in(partial, out)
    finally:
        _remove(partial)


def _move_in(partial: Path, out: Path) -> None:
    """Rename `partial` to `out`; a folder there moves aside first, and back on failure."""
    if not (out.is_dir() or (out.exists() and partial.is_dir())):
        os.replace(partial, out)
        return
    aside = _hidden(out, "replaced")
    os.rename(out, aside)
    try:
        os.rename(partial, out)
    except BaseException:
        os.rename(aside, out)
        raise
    _remove(aside)


def _hidden(out: Path, what: str) -> Path:
    return out.parent / f".{out.name}.{what}-{uuid4().hex[:8]}"


def _remove(path: Path) -> None:
    """Remove a file or folder; a worker told to stop may still be finishing a last chunk."""
    for _ in range(10):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
        if not os.path.lexists(path):
            return
        time.sleep(0.2)
