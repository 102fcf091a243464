"""Find the inputs of a command and their format, and check its output.

Used by cli.check, cli.commands and cli.figures. The formats are defined in `engines`.
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
from dasknorm.cli.engines import FORMAT_BY_SUFFIX, format_of
from dasknorm.cli.errors import InputError, input_errors
from dasknorm.cli.frames import FrameFiles
from dasknorm.cli.opening import OpenOptions

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


def output_format(out: Path, form: str) -> str:
    """Return the format of an output by its suffix; `form` is the format of the inputs."""
    if out.suffix.lower() in FORMAT_BY_SUFFIX:
        return FORMAT_BY_SUFFIX[out.suffix.lower()]
    suffix = next((s for s, name in FORMAT_BY_SUFFIX.items() if name == form), ".zarr")
    raise InputError(f"unknown format of {str(out)!r}: call it {str(out.with_suffix(suffix))!r}")


def sources_format(paths: Sequence[Path], opening: OpenOptions) -> str:
    """Return the format of all sources; InputError if formats differ."""
    if opening.engine is not None:
        return "other"
    formats = {format_of(path).partition("-")[0]: path for path in paths}
    if len(formats) > 1:
        named = " and ".join(f"{str(path)!r} ({name})" for name, path in formats.items())
        raise InputError(f"all sources must have the same format, got {named}")
    return next(iter(formats))


def data_files(
    paths: Sequence[Path], form: str, opening: OpenOptions, form_out: str | None = None
) -> DataFiles:
    """Return sources of one format, to be written in another."""
    if form == "parquet" and form_out in (None, "parquet"):
        if importlib.util.find_spec("pyarrow") is None:
            raise InputError("parquet files need pyarrow: pip install 'dasknorm[arrow]'")
        from dasknorm.cli.parquet import ParquetFiles  # pyarrow is optional, and slow to import

        return ParquetFiles(paths, form, opening)
    return (FrameFiles if form in FrameFiles.formats else ArrayFiles)(paths, form, opening)


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
        raise InputError(f"output {str(out)!r} already exists; use --overwrite to replace it")
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
