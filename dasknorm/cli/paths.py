"""Paths: which files a command reads, in which format, and whether it may write its output."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from dasknorm.cli.refusals import Refusal

__all__ = ["FORMATS", "check_output", "format_of", "format_of_all", "sources"]

FORMATS = {
    ".zarr": "zarr",
    ".nc": "netcdf",
    ".nc4": "netcdf",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
}
STATS_SUFFIXES = (".nc", ".zarr", ".json")


def sources(given: Sequence[str]) -> list[Path]:
    """Return the files that paths and patterns mean; a path that is there is never a pattern."""
    found: list[Path] = []
    for each in given:
        matches = [each] if os.path.exists(each) else sorted(glob.glob(each, recursive=True))
        if not matches:
            what = (
                "no file matches the pattern" if glob.has_magic(each) else "no such file or folder:"
            )
            raise Refusal(f"{what} {each!r}")
        found += [Path(match) for match in matches]
    return list(dict.fromkeys(found))


def format_of(path: Path) -> str:
    """Return the format that a path's suffix names, or that a folder without one holds."""
    if path.suffix.lower() in FORMATS:
        return FORMATS[path.suffix.lower()]
    if any((path / name).exists() for name in ("zarr.json", ".zgroup", ".zmetadata")):
        return "zarr"
    if path.is_dir() and any(path.glob("**/*.parquet")):
        return "parquet"
    raise Refusal(
        f"cannot tell the format of {str(path)!r}: give a .zarr store, a .nc, .parquet or .csv "
        "file, or a folder of Parquet files"
    )


def format_of_all(paths: Sequence[Path]) -> str:
    """Return the one format of several sources."""
    formats = {format_of(path): path for path in paths}
    if len(formats) > 1:
        named = " and ".join(f"{str(path)!r} ({name})" for name, path in formats.items())
        raise Refusal(f"sources of several formats cannot be read as one: {named}")
    return next(iter(formats))


def check_output(out: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    """Refuse an output that would damage an input or what is already there."""
    target = out.resolve()
    for path in inputs:
        source = path.resolve()
        if target == source:
            raise Refusal(f"the output {str(out)!r} is the input; write it under another name")
        if source in target.parents or target in source.parents:
            raise Refusal(
                f"the output {str(out)!r} and the input {str(path)!r} lie inside one another; "
                "write it elsewhere"
            )
    if out.exists() and not overwrite:
        raise Refusal(f"{str(out)!r} is already there; --overwrite replaces it")
    if not target.parent.is_dir():
        raise Refusal(f"there is no folder {str(out.parent)!r} to write {out.name!r} in")


def check_stats_suffix(out: Path) -> None:
    """Refuse a name for statistics that says no format they are kept in."""
    if out.suffix not in STATS_SUFFIXES:
        raise Refusal(f"statistics are written as {', '.join(STATS_SUFFIXES)}; got {str(out)!r}")
