"""Replacing a file or a folder as a whole: a failure in the middle leaves the old one there.

What is new is written beside the old, under a hidden name in the same folder, brought safely to
disk, and moved into place.
"""

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex

__all__ = ["Data", "replace_file", "replace_folder", "replace_parts"]

Data = bytes | memoryview


def replace_file(path: Path, pieces: Iterable[Data]) -> None:
    """Write bytes to a file that appears, or replaces the old one, only when it is whole."""
    target = Path(os.path.realpath(path))
    old = _mode(target)
    if old is not None and not stat.S_ISREG(old):
        raise FileExistsError(f"{path} is there, and is not a file that could be replaced")
    beside = _beside(target)
    try:
        _write(beside, pieces)
        _sync(beside)
        if old is not None:
            beside.chmod(stat.S_IMODE(old))
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def replace_folder(
    path: Path, files: Mapping[str, Data], may_replace: Callable[[Path], bool]
) -> None:
    """Write a folder of files as a whole; one that is there goes only if it may be replaced.

    Two renames swap the folders, as no system call swaps them everywhere. A process that is killed
    between the two leaves the old folder under a hidden name beside, whole.
    """
    target = Path(os.path.realpath(path))
    if _mode(target) is not None and not may_replace(target):
        raise FileExistsError(
            f"{path} is there and holds other things than statistics written by dasknorm; "
            "it is not replaced: remove it, or choose another name"
        )
    beside, aside = _beside(target), _beside(target)
    try:
        _write_folder(beside, files)
        _swap(beside, target, aside)
        _sync_folder(target.parent)
    finally:
        _remove(beside)
        if target.exists():
            _remove(aside)


def replace_parts(folder: Path, parts: Mapping[str, Data | Mapping[str, Data]]) -> None:
    """Put files, and folders of files, into a folder: all or none. What else is there stays.

    All are written under hidden names first, and then moved; should one not move, those before it
    move back. A process that is killed between two moves leaves some of the new, each whole.
    """
    folder = Path(os.path.realpath(folder))
    new = {name: _beside(folder / name) for name in parts}
    old = {name: _beside(folder / name) for name in parts}
    try:
        for name, part in parts.items():
            _write_part(new[name], part)
        _swap_all([(new[name], folder / name, old[name]) for name in parts])
        _sync_folder(folder)
    finally:
        for path in new.values():
            _remove_part(path)
        for name, path in old.items():
            if (folder / name).exists():
                _remove_part(path)


def _swap_all(moves: list[tuple[Path, Path, Path]]) -> None:
    done: list[tuple[Path, Path, Path]] = []
    try:
        for move in moves:
            _swap(*move)
            done.append(move)
    except BaseException:
        for new, target, aside in reversed(done):
            os.rename(target, new)
            if aside.exists():
                os.rename(aside, target)
        raise


def _write_part(path: Path, part: Data | Mapping[str, Data]) -> None:
    if isinstance(part, Mapping):
        _write_folder(path, part)
    else:
        _write(path, [part])
        _sync(path)


def _remove_part(path: Path) -> None:
    if path.is_dir():
        _remove(path)
    else:
        path.unlink(missing_ok=True)


def _swap(new: Path, target: Path, aside: Path) -> None:
    """Move a folder to where another may be, and that aside; or leave both where they were."""
    try:
        if target.exists():
            os.rename(target, aside)
        os.rename(new, target)
    except BaseException:
        if aside.exists() and not target.exists():
            os.rename(aside, target)
        raise


def _remove(folder: Path) -> None:
    """Remove a folder if it is there, also if the user interrupts that."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write_folder(folder: Path, files: Mapping[str, Data]) -> None:
    folder.mkdir()
    for name, data in files.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        _write(file, [data])
    # Side by side, so that the disk brings in many at once: a few hundred take seconds otherwise.
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(_sync, (folder / name for name in files)))
        list(pool.map(_sync_folder, (Path(each) for each, _, _ in os.walk(folder))))


def _write(path: Path, pieces: Iterable[Data]) -> None:
    with open(path, "xb") as file:
        for piece in pieces:
            file.write(piece)


def _sync(path: Path, how: int = os.O_RDWR) -> None:
    handle = os.open(path, how)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _beside(target: Path) -> Path:
    return target.with_name(f".dasknorm-{token_hex(8)}.tmp")


def _mode(path: Path) -> int | None:
    """Return the mode of what is at a path; None if nothing is."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    # Not every system can; what was moved is in place all the same.
    with contextlib.suppress(OSError):
        _sync(folder, os.O_RDONLY)
