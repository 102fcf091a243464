"""Replace a file or a folder atomically: after a failure the old one is still there.

Used by cli.commands, cli.figures, io.formats and io.store. Names of hidden paths may change. The
new content is written to a hidden path in the same folder and then renamed.
"""

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex

Data = bytes | memoryview


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a hidden path to write to; it replaces `path` when the block succeeds.

    A folder is replaced by two renames, as no system call swaps folders everywhere: a process that
    is killed between the two leaves the old folder complete under a hidden name.
    """
    target = Path(os.path.realpath(path))  # a link stays, and its target is replaced
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {path}: the folder {str(path.parent)!r} does not exist"
        )
    new, old = _hidden(target), _hidden(target)
    try:
        yield new
        if target.is_dir() or (target.exists() and new.is_dir()):
            _swap(new, target, old)
        else:
            os.replace(new, target)
        _sync_folder(target.parent)
    finally:
        _remove(new)
        if target.exists():
            _remove(old)


def replace_file(path: Path, pieces: Iterable[Data]) -> None:
    """Write bytes to a file, atomically; the permissions of an old file stay."""
    mode = _mode(path)
    if mode is not None and not stat.S_ISREG(mode):
        raise FileExistsError(f"{path} exists and is not a regular file")
    with replacing(path) as new:
        _write(new, pieces)
        _sync(new)
        if mode is not None:
            new.chmod(stat.S_IMODE(mode))


def replace_folder(
    path: Path, files: Mapping[str, Data], may_replace: Callable[[Path], bool]
) -> None:
    """Write a folder of files, atomically; an old one is replaced only if `may_replace` allows."""
    if _mode(path) is not None and not may_replace(Path(os.path.realpath(path))):
        raise FileExistsError(
            f"{path} exists and does not contain only statistics written by dasknorm: remove it, "
            "or choose another name"
        )
    with replacing(path) as new:
        _write_folder(new, files)


def replace_parts(folder: Path, parts: Mapping[str, Data | Mapping[str, Data]]) -> None:
    """Write files and subfolders into a folder, all or none; everything else in it stays.

    A process that is killed between two renames leaves some new parts, each complete.
    """
    folder = Path(os.path.realpath(folder))
    moves = [(_hidden(folder / n), folder / n, _hidden(folder / n)) for n in parts]
    try:
        for (new, _, _), part in zip(moves, parts.values(), strict=True):
            _write_part(new, part)
        _swap_all(moves)
        _sync_folder(folder)
    finally:
        for new, target, old in moves:
            _remove(new)
            if target.exists():
                _remove(old)


def _swap_all(moves: list[tuple[Path, Path, Path]]) -> None:
    done: list[tuple[Path, Path, Path]] = []
    try:
        for move in moves:
            _swap(*move)
            done.append(move)
    except BaseException:
        for new, target, old in reversed(done):
            os.rename(target, new)
            if old.exists():
                os.rename(old, target)
        raise


def _swap(new: Path, target: Path, old: Path) -> None:
    """Rename an existing `target` to `old`, and `new` to `target`; on failure undo the first."""
    try:
        if target.exists():
            os.rename(target, old)
        os.rename(new, target)
    except BaseException:
        if old.exists() and not target.exists():
            os.rename(old, target)
        raise


def _remove(path: Path) -> None:
    """Remove a file or folder, also if the user interrupts the removal."""
    try:
        _try_to_remove(path)
    except KeyboardInterrupt:
        _try_to_remove(path)
        raise


def _try_to_remove(path: Path) -> None:
    for _ in range(10):  # a worker that was told to stop may still be writing its last chunk
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
        if not os.path.lexists(path):
            return
        time.sleep(0.2)


def _write_part(path: Path, part: Data | Mapping[str, Data]) -> None:
    if isinstance(part, Mapping):
        _write_folder(path, part)
    else:
        _write(path, [part])
        _sync(path)


def _write_folder(folder: Path, files: Mapping[str, Data]) -> None:
    folder.mkdir()
    for name, data in files.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        _write(file, [data])
    # In parallel: one after the other, a few hundred files take seconds to reach the disk.
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(_sync, (folder / name for name in files)))
        list(pool.map(_sync_folder, (Path(subfolder) for subfolder, _, _ in os.walk(folder))))


def _write(path: Path, pieces: Iterable[Data]) -> None:
    with open(path, "xb") as file:
        for piece in pieces:
            file.write(piece)


def _sync(path: Path, flags: int = os.O_RDWR) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    # Some systems cannot sync a folder; the renames are in effect even so.
    with contextlib.suppress(OSError):
        _sync(folder, os.O_RDONLY)


def _hidden(target: Path) -> Path:
    return target.with_name(f".{target.name[:40]}.partial-{token_hex(8)}")


def _mode(path: Path) -> int | None:
    """Return the mode of the file at a path; None if there is none."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None
