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
from typing import NamedTuple

from dasknorm.errors import StatsFileError
from dasknorm.fields import States
from dasknorm.io.store import json, netcdf, zarr
from dasknorm.io.store.atomic import replace_file, replace_folder
from dasknorm.io.store.document import Contents, Document, compose

__all__ = ["read", "write"]


class _Format(NamedTuple):
    """The functions and properties of one file format."""

    write: Callable[[Path, Document], None]
    read: Callable[[Path], Contents]
    is_file_type: Callable[[int], bool]
    file_type: str
    has_coordinates: bool


_FORMATS = {
    ".nc": _Format(
        lambda path, document: replace_file(path, netcdf.pack(document)),
        netcdf.unpack,
        stat.S_ISREG,
        "file",
        has_coordinates=True,
    ),
    ".zarr": _Format(
        lambda path, document: replace_folder(path, zarr.pack(document), zarr.is_ours),
        zarr.unpack,
        stat.S_ISDIR,
        "folder",
        has_coordinates=True,
    ),
    ".json": _Format(
        lambda path, document: replace_file(path, [json.pack(document)]),
        json.unpack,
        stat.S_ISREG,
        "file",
        has_coordinates=False,
    ),
}


def write(
    path: str | os.PathLike[str],
    states: States,
    container: str,
    attrs: Mapping[str, object],
    history: str = "",
) -> None:
    """Write statistics to a file, atomically.

    Parameters
    ----------
    path : path
        A path that ends in ``.nc``, ``.zarr`` or ``.json``.
    states : dict of name to Field
        Records in memory; the statistics must be frozen dataclasses.
    container : str
        The name of the container type.
    attrs : dict
        Provenance.
    history : str, optional
        A description of how the statistics were made.

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
    form.write(Path(path), document)


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
    if not form.is_file_type(os.stat(path).st_mode):
        raise StatsFileError(f"{path} is not a {form.file_type}")
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
