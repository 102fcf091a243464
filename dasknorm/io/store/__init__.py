"""Read and write statistics files, which contain data only: no code in them is ever run.

Used by api.load, api.shards, api.stats and cli.commands. To add a file format, add a row to the
table of formats. The suffix chooses the format: ``.nc`` and ``.zarr`` are datasets that other tools
can open, ``.json`` is for people and a few features. All formats store the same `document`: a JSON
header and variables.
"""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dasknorm.errors import StatsFileError
from dasknorm.fields import States
from dasknorm.io.store import json, netcdf, zarr
from dasknorm.io.store.atomic import replace_file, replace_folder
from dasknorm.io.store.document import Contents, Document, compose

__all__ = ["read", "write"]


class _Format(NamedTuple):
    """The functions of one file format; statistics are a file or a folder."""

    pack: Callable[[Document], Any]
    read: Callable[[Path], Contents]
    is_folder: bool = False
    has_coordinates: bool = True


_FORMATS = {
    ".nc": _Format(netcdf.pack, netcdf.unpack),
    ".zarr": _Format(zarr.pack, zarr.unpack, is_folder=True),
    ".json": _Format(json.pack, json.unpack, has_coordinates=False),
}


def write(
    path: str | os.PathLike[str],
    states: States,
    container: str,
    attrs: Mapping[str, object],
    history: str = "",
) -> None:
    """Write statistics to a file or folder, atomically.

    Raises
    ------
    ValueError
        If the suffix is unknown, or the statistics are too large for JSON.
    TypeError
        If a label, a name or an attribute has a type that cannot be restored.
    FileExistsError
        If the path is a folder with other content than statistics.
    OSError
        If the file cannot be written; an old file is then unchanged.
    """
    form = _format(path)
    document = compose(states, container, attrs, history, form.has_coordinates)
    if form.is_folder:
        replace_folder(Path(path), form.pack(document), zarr.is_ours)
    else:
        replace_file(Path(path), form.pack(document))


def read(path: str | os.PathLike[str]) -> Contents:
    """Return the arguments of `write`, bit for bit.

    Raises
    ------
    StatsFileError
        If the file is not a statistics file, is damaged, or has a newer format.
    FileNotFoundError
        If the file does not exist.
    """
    form = _format(path)
    # Checked before it is opened, because opening a pipe would wait for a writer.
    mode = os.stat(path).st_mode
    if not (stat.S_ISDIR(mode) if form.is_folder else stat.S_ISREG(mode)):
        raise StatsFileError(f"{path} is not a {'folder' if form.is_folder else 'file'}")
    try:
        return form.read(Path(path))
    except (PermissionError, ImportError, MemoryError):
        raise
    except StatsFileError as error:
        raise StatsFileError(f"{path}: {error}") from error
    except Exception as error:
        # Libraries raise many types of errors for invalid bytes.
        reason = f"{type(error).__name__}: {error}"
        raise StatsFileError(f"{path}: cut off, altered or foreign ({reason})") from error


def _format(path: str | os.PathLike[str]) -> _Format:
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ValueError(
            f"a statistics file must end in .nc, .zarr or .json, got {os.fspath(path)!r}"
        )
    return _FORMATS[suffix]
