"""Find the inputs of a command and their format, and check its output.

Used by cli.check and cli.commands. To add a suffix, add a row to the table.
"""

import glob
import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from dasknorm.api.load import load
from dasknorm.api.stats import Stats
from dasknorm.cli.arrays import ArrayFiles
from dasknorm.cli.data_files import DataFiles
from dasknorm.cli.errors import InputError, input_errors
from dasknorm.cli.frames import FrameFiles

FORMAT_BY_SUFFIX = {
    ".zarr": "zarr",
    ".nc": "netcdf",
    ".nc4": "netcdf",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
}
STATS_SUFFIXES = (".nc", ".zarr", ".json")


def find_sources(patterns: Sequence[str]) -> list[Path]:
    """Return the files that match paths and patterns; an existing path is not a pattern."""
    sources: list[Path] = []
    for pattern in patterns:
        is_path = os.path.exists(pattern)
        matches = [pattern] if is_path else sorted(glob.glob(pattern, recursive=True))
        if not matches and glob.has_magic(pattern):
            raise InputError(f"no file matches the pattern {pattern!r}")
        if not matches:
            raise InputError(f"no such file or folder: {pattern!r}")
        sources += [Path(match) for match in matches]
    return list(dict.fromkeys(sources))


def format_of(path: Path) -> str:
    """Return the format of a path by its suffix, or by the content of a folder without suffix."""
    if path.suffix.lower() in FORMAT_BY_SUFFIX:
        return FORMAT_BY_SUFFIX[path.suffix.lower()]
    if any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zmetadata")):
        return "zarr"
    if path.is_dir() and any(path.glob("**/*.parquet")):
        return "parquet"
    raise InputError(
        f"unknown format of {str(path)!r}: pass a .zarr store, a .nc, .parquet or .csv "
        "file, or a folder of Parquet files"
    )


def data_files(paths: Sequence[Path], form_out: str | None = None) -> DataFiles:
    """Return sources of one format, to be written in another; InputError if formats differ."""
    formats = {format_of(path): path for path in paths}
    if len(formats) > 1:
        named = " and ".join(f"{str(path)!r} ({name})" for name, path in formats.items())
        raise InputError(f"sources of several formats cannot be combined: {named}")
    (form,) = formats
    if form in ArrayFiles.formats:
        return ArrayFiles(paths, form)
    if form == "parquet" and form_out in (None, "parquet"):
        if importlib.util.find_spec("pyarrow") is None:
            raise InputError("parquet files need pyarrow: pip install 'dasknorm[arrow]'")
        from dasknorm.cli.parquet import ParquetFiles  # pyarrow is optional, and slow to import

        return ParquetFiles(paths, form)
    return FrameFiles(paths, form)


def check_output(out: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    """Raise InputError if an output would damage an input or an existing file."""
    target = out.resolve()
    for path in inputs:
        source = path.resolve()
        if target == source:
            raise InputError(f"the output {str(out)!r} is the input; choose another name")
        if source in target.parents or target in source.parents:
            raise InputError(
                f"the output {str(out)!r} and the input {str(path)!r} are inside one another; "
                "choose another folder"
            )
    if out.exists() and not overwrite:
        raise InputError(f"{str(out)!r} already exists; --overwrite replaces it")
    if not target.parent.is_dir():
        raise InputError(f"the folder {str(out.parent)!r} of {out.name!r} does not exist")


def check_stats_suffix(out: Path) -> None:
    """Raise InputError unless the suffix is that of a statistics file."""
    if out.suffix not in STATS_SUFFIXES:
        raise InputError(f"a statistics file ends in {', '.join(STATS_SUFFIXES)}, got {str(out)!r}")


def load_stats(path: Path, read: Callable[[Path], Stats] = load) -> Stats:
    """Return the statistics in a file; InputError if there are none."""
    if not path.exists():
        raise InputError(f"no such statistics file: {str(path)!r}")
    with input_errors(f"cannot read the statistics in {str(path)!r}"):
        return read(path)
