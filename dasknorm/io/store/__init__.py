"""Statistics files: numbers, names and shapes; nothing in them is ever run.

`write` and `read` choose the format by the suffix: ``.nc`` and ``.zarr`` are datasets that other
tools can open, ``.json`` is for people and a few features. Below the formats all is the same
`document`: a header in JSON, and variables.
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
    """How one kind of file is written and read."""

    write: Callable[[Path, Document], None]
    read: Callable[[Path], Contents]
    is_kind: Callable[[int], bool]
    kind: str
    coordinates: bool


_FORMATS = {
    ".nc": _Format(
        lambda path, document: replace_file(path, netcdf.pack(document)),
        netcdf.unpack,
        stat.S_ISREG,
        "file",
        coordinates=True,
    ),
    ".zarr": _Format(
        lambda path, document: replace_folder(path, zarr.pack(document), zarr.is_ours),
        zarr.unpack,
        stat.S_ISDIR,
        "folder",
        coordinates=True,
    ),
    ".json": _Format(
        lambda path, document: replace_file(path, [json.pack(document)]),
        json.unpack,
        stat.S_ISREG,
        "file",
        coordinates=False,
    ),
}


def write(
    path: str | os.PathLike[str],
    states: States,
    container: str,
    attrs: Mapping[str, Any],
    history: str = "",
) -> None:
    """Write statistics to a file that is replaced as a whole, or not at all.

    Parameters
    ----------
    path : path
        Ends with ``.nc``, ``.zarr`` or ``.json``.
    states : dict of name to Field
        Records in memory, each with its statistic, a frozen dataclass.
    container : str
        The kind of container adapted.
    attrs : dict
        Provenance.
    history : str, optional
        How the statistics were made, in a sentence for people.

    Raises
    ------
    ValueError
        If the suffix is another, or the statistics are too large for JSON.
    TypeError
        If a label, a name or an attribute is of a type that could not be restored.
    FileExistsError
        If there is a folder that holds anything but statistics.
    OSError
        If the disk refuses; what was there before is then still there.
    """
    form = _format(path)
    document = compose(states, container, attrs, history, form.coordinates)
    form.write(Path(path), document)


def read(path: str | os.PathLike[str]) -> Contents:
    """Return what `write` was given, bit for bit.

    Raises
    ------
    StatsFileError
        If the file is foreign, cut off, altered, or of a newer format.
    FileNotFoundError
        If there is none.
    """
    form = _format(path)
    # Looked at before it is opened: to open a pipe would wait for a writer.
    if not form.is_kind(os.stat(path).st_mode):
        raise StatsFileError(f"{path} is not a {form.kind}")
    try:
        return form.read(Path(path))
    except (PermissionError, ImportError, MemoryError):
        raise
    except StatsFileError as error:
        raise StatsFileError(f"{path}: {error}") from error
    except Exception as error:
        # Whatever a library says of bytes that it cannot read.
        what = f"{type(error).__name__}: {error}"
        raise StatsFileError(f"{path}: cut off, altered or foreign ({what})") from error


def _format(path: str | os.PathLike[str]) -> _Format:
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ValueError(
            f"statistics are kept in .nc, .zarr or .json files, got {os.fspath(path)!r}; "
            "let the name end with one of these"
        )
    return _FORMATS[suffix]
